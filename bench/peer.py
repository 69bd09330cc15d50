"""What a peer is. How it is measured stands in measure.py, which peers there are in peers/__init__.py."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

BODY_BYTES = 200


class Peer(Protocol):
    """One way to carry messages from process to process.

    `start` and `stop` run in the bench; `send` and `receive` open their connections in processes of their own.
    """

    name: str
    promise: str
    """What an acknowledged message survives, in a few words."""

    def start(self, home: Path) -> None:
        """Start the server, if there is one; its files go to `home`, which is empty."""

    def stop(self) -> None:
        """End the server."""

    def server_pid(self) -> int | None:
        """The server whose CPU time counts, if there is one."""

    def send(self, link: int, bodies: Iterable[bytes]) -> None:
        """Send each body; ask for the next one only when this one is acknowledged."""

    def receive(self, link: int, ready: Callable[[], None], arrived: Callable[[bytes], bool]) -> None:
        """Subscribe, call `ready`, then `arrived` with each body, and confirm it; the last is the one it answers true to."""


class Missing(Exception):
    """A program this needs is not installed."""

    def __init__(self, program: str, package: str) -> None:
        super().__init__(f"{program} is not installed; it comes with {package}")
