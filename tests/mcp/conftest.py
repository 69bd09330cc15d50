"""What the tests of the MCP server get: servers in the test's own home, which end with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.mcp.serving import Served

Serve = Callable[..., Served]


@pytest.fixture
def start(home: Path) -> Iterator[Serve]:
    """Starts servers that were not said anything yet: `start("--name", "bob", cwd=..., VARIABLE=...)`."""
    with ExitStack() as stack:

        def serve(*arguments: str, **options: object) -> Served:
            return stack.enter_context(Served(home, *arguments, **options))  # type: ignore[arg-type]  # the options of Served

        yield serve


@pytest.fixture
def serve(start: Serve) -> Serve:
    """Starts servers and shakes hands with them."""

    def shake(*arguments: str, version: str = "2025-06-18", **options: object) -> Served:
        return start(*arguments, **options).initialize(version)

    return shake


@pytest.fixture
def pair(serve: Serve) -> tuple[Served, Served]:
    """Servers of alice and bob, who have come in."""
    alice, bob = serve("--name", "alice"), serve("--name", "bob")
    for one in (alice, bob):
        one.call("inbox")
    return alice, bob
