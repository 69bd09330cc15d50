"""What the tests of the node get besides: a shell in the test's own home, the human's desk, and a receiver of what the node calls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from postroom.exchange.desk import Desk, open_desk_of_human
from postroom.testing import PostRoom
from tests.cli.shell import Shell
from tests.node.receiver import Receiver


@pytest.fixture
def shell(home: Path) -> Shell:
    """Runs `postroom` commands in an empty home."""
    return Shell(home)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Where calls of webhooks come, and alerts: apprise's json:// posts them."""
    with Receiver() as one:
        yield one


@pytest.fixture
def human(post: PostRoom) -> Iterator[Desk]:
    """The desk of the human."""
    desk = open_desk_of_human(post.home, interface="sdk")
    yield desk
    desk.close()
