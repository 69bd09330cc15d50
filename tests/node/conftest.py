"""What the tests of the node get besides: a shell in the test's own home."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.shell import Shell


@pytest.fixture
def shell(home: Path) -> Shell:
    """Runs `postroom` commands in an empty home."""
    return Shell(home)
