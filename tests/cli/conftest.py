"""What the tests of the command line get: a shell in the test's own home."""

from __future__ import annotations

import os
import pty
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.shell import Shell


@pytest.fixture
def shell(home: Path) -> Shell:
    """Runs `postroom` commands in an empty home."""
    return Shell(home)


@pytest.fixture
def person(home: Path) -> Iterator[Shell]:
    """The same with a terminal as standard input, while the output goes into pipes: a person who types `postroom history | less`."""
    master, slave = pty.openpty()
    yield Shell(home, keyboard=slave)
    os.close(slave)
    os.close(master)


@pytest.fixture
def pair(shell: Shell) -> Shell:
    """A shell in a home where alice and bob have mailboxes."""
    shell.ok("profile", "--as", "alice")
    shell.ok("profile", "--as", "bob")
    return shell
