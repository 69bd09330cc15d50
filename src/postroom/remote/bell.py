"""The bell of a seat at a node: it rings here when it rang there, or when the node is back. Who waits for it sees no difference."""

from __future__ import annotations

import os
import socket
from threading import Condition
from time import monotonic


class RemoteBell:
    """A bell for several threads and for an event loop. `ring` is called by the thread that listens to the node."""

    path = None

    def __init__(self) -> None:
        self._changed = Condition()
        self._rings = 0
        self._closed = False
        self._inside, self._outside = socket.socketpair()
        self._inside.settimeout(0)
        self._outside.settimeout(0)

    @property
    def rings(self) -> int:
        """How often it rang."""
        with self._changed:
            self._drain()
            return self._rings

    def descriptor(self) -> int:
        """A descriptor that is readable when it rings, to be closed by who asked for it; -1 when there is none."""
        with self._changed:
            return -1 if self._closed else os.dup(self._inside.fileno())

    def ring(self) -> None:
        """Wake everybody who waits."""
        with self._changed:
            self._rings += 1
            self._changed.notify_all()
            if not self._closed:
                try:
                    self._outside.send(b"!")
                except BlockingIOError:
                    return  # it is readable already

    def wait(self, rings: int, timeout_s: float) -> bool:
        """Wait until it has rung more than `rings` times."""
        until = monotonic() + timeout_s
        with self._changed:
            return self._changed.wait_for(lambda: self._rings > rings, max(0.0, until - monotonic()))

    def answer(self) -> None:
        """Take the ring that made the descriptor readable."""
        with self._changed:
            self._drain()

    def _drain(self) -> None:
        try:
            while not self._closed and self._inside.recv(4096):
                pass
        except BlockingIOError:
            return

    def close(self) -> None:
        """Take it down; those who wait look up."""
        with self._changed:
            self._closed = True
            self._rings += 1
            self._changed.notify_all()
            self._inside.close()
            self._outside.close()
