"""What the tests of HTTP get: a running node for the test's post room, and tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from postroom.testing import PostRoom
from tests.http.asking import Bus
from tests.node.nodes import RunningNode


@pytest.fixture
def bus(post: PostRoom, home: Path) -> Iterator[Bus]:
    """A post room with a running node, and clients of it: `bus.client("joe")` by token, `bus.near("joe")` by the Unix socket."""
    with RunningNode(post.home, home) as node:
        yield Bus(post, node)
