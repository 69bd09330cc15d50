"""Whose turn it is at a desk: it is used by one thread at a time, and by none of a forked child."""

from __future__ import annotations

import os
from threading import RLock
from types import TracebackType

from postroom.core.errors import Forked
from postroom.core.types import Generic, TypeVar

At = TypeVar("At")


class Turn(Generic[At]):
    """One thread at a time uses the desk; a forked child never, and it must not wait for a thread that it does not have."""

    __slots__ = ("_desk", "_lock", "pid")

    def __init__(self, desk: At) -> None:
        self._desk = desk
        self._lock = RLock()
        self.pid = os.getpid()

    def __enter__(self) -> At:
        if os.getpid() != self.pid:
            raise Forked(pid=self.pid)
        self._lock.acquire()
        return self._desk

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._lock.release()
