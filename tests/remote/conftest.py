"""What the tests of agents elsewhere get: a post room whose node serves at a port of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cli.shell import Shell
from tests.remote.elsewhere import Elsewhere


@pytest.fixture
def room(home: Path) -> Iterator[Elsewhere]:
    """A post room with a node."""
    found = Elsewhere(home)
    yield found
    found.close()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What is closed at the end of the test."""
    with ExitStack() as found:
        yield found


@pytest.fixture
def shell(home: Path) -> Shell:
    """Runs `postroom` commands in the test's home."""
    return Shell(home)
