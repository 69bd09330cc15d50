"""Sharing a flush: of all processes that wait for the disk, one flushes the WAL for everything that was committed until then.

How far the WAL reaches stands in the header of SQLite's wal-index (https://sqlite.org/walformat.html#walidxfmt), how far it was flushed
in a file of ours. A WAL that was begun anew has been copied into the database, and was flushed for that.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from sys import byteorder

from postroom.core.types import NamedTuple
from postroom.store.queue import Queue

HEADER_BYTES = 48  # the header stands there twice: a copy that differs is being written
FRAMES = slice(16, 20)
SALT = slice(32, 40)
TRIES = 100
WAIT_S = 0.1
"""A process that waited so long for another one's flush does its own: the other one may have been stopped."""


def forget(path: str) -> None:
    """Distrust what was noted about a store: the machine was started anew, and a disk may have promised too much."""
    from contextlib import suppress

    with suppress(FileNotFoundError):
        os.unlink(os.path.join(os.path.dirname(path), "flushed"))


class Position(NamedTuple):
    """A place in the WAL: which WAL, and how many frames of it."""

    salt: bytes
    frames: int


class SharedFlush:
    """The flushes of one connection, shared with those of others."""

    __slots__ = ("_index", "_noted", "_queue")

    def __init__(self, path: str) -> None:
        home = os.path.dirname(path)
        self._index = os.open(f"{path}-shm", os.O_RDONLY | os.O_CLOEXEC)
        self._noted = os.open(os.path.join(home, "flushed"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._queue = Queue(os.path.join(home, "flush.lock"))

    def flush(self, sync: Callable[[], None]) -> None:
        """Return when everything is on the disk that this connection has committed: by a flush of another process, or by `sync`."""
        committed = self._position()
        our_turn = self._queue.join(WAIT_S)
        try:
            reached = self._position()
            if committed is None or reached is None:
                sync()
            elif reached.salt == committed.salt and not self._is_flushed(committed):
                sync()
                self._note(reached)
        finally:
            if our_turn:
                self._queue.leave()

    def close(self) -> None:
        """Let everything go."""
        self._queue.close()
        os.close(self._index)
        os.close(self._noted)

    def _position(self) -> Position | None:
        """How far the WAL reaches; None when that cannot be read, because a process died while it wrote it."""
        for _ in range(TRIES):
            both = os.pread(self._index, 2 * HEADER_BYTES, 0)
            if both[:HEADER_BYTES] == both[HEADER_BYTES:]:
                return Position(both[SALT], int.from_bytes(both[FRAMES], byteorder))
        return None

    def _is_flushed(self, position: Position) -> bool:
        noted = os.pread(self._noted, 12, 0)
        return noted[:8] == position.salt and int.from_bytes(noted[8:], byteorder) >= position.frames

    def _note(self, position: Position) -> None:
        os.pwrite(self._noted, position.salt + position.frames.to_bytes(4, byteorder), 0)
