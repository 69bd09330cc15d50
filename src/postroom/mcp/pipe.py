"""Standard input and output as lines. Standard output is ours alone: whatever else is printed in this process goes to standard error."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from select import POLLIN, POLLOUT, poll
from threading import Lock
from time import monotonic_ns

from postroom.core.types import NamedTuple

STDIN, STDOUT, STDERR = 0, 1, 2
CHUNK_BYTES = 65_536
LINE_BYTES_MAX = 16 * 1_048_576
"""The longest body (1 MiB) in which JSON writes each character in six, with room for the rest."""
LOOK_MS = 1_000
"""How often it is looked whether the process that started this one still lives, while nothing comes in."""


class Line(NamedTuple):
    """A line that came in, and when (ns); None in place of one that is too long."""

    content: bytes | None
    came_ns: int


class Pipe:
    """Lines in, lines out. One thread reads, several may write."""

    def __init__(self, reading: int = STDIN, writing: int = STDOUT) -> None:
        self._in = reading
        self._out = os.dup(writing)
        os.set_inheritable(self._out, False)  # noqa: FBT003  # positional in the standard library
        if writing == STDOUT:
            os.dup2(STDERR, STDOUT)
        self._lock = Lock()
        self._parent = os.getppid()

    def lines(self, idle: Callable[[], None] = lambda: None) -> Iterator[Line]:
        """What comes in, until the input ends or the process dies that started this one. `idle` is called when nothing has for a while."""
        kept, skipping = bytearray(), False
        while chunk := self._chunk(idle):
            came_ns = monotonic_ns()
            *ended, rest = chunk.split(b"\n")
            for part in ended:
                if skipping or len(kept) + len(part) > LINE_BYTES_MAX:
                    skipping = False
                    yield Line(None, came_ns)
                else:
                    yield Line(bytes(kept + part), came_ns)
                kept.clear()
            kept += b"" if skipping else rest
            if len(kept) > LINE_BYTES_MAX:
                kept.clear()
                skipping = True
        if kept:
            yield Line(bytes(kept), monotonic_ns())

    def _chunk(self, idle: Callable[[], None]) -> bytes:
        """The next bytes; none at the end."""
        poller = poll()
        poller.register(self._in, POLLIN)
        while os.getppid() == self._parent:
            if poller.poll(LOOK_MS):
                try:
                    return os.read(self._in, CHUNK_BYTES)
                except BlockingIOError:
                    continue
                except OSError:
                    return b""
            idle()
        return b""

    def write(self, line: bytes, before: Callable[[int], None]) -> None:
        """Write a line; before that tell when (ns): nothing comes in answer to it earlier. Raises OSError when nobody listens."""
        with self._lock:
            before(monotonic_ns())
            rest = memoryview(line)
            while rest:
                try:
                    rest = rest[os.write(self._out, rest) :]
                except BlockingIOError:
                    self._wait_for_room()

    def _wait_for_room(self) -> None:
        """Some programs start us with an output that does not block."""
        poller = poll()
        poller.register(self._out, POLLOUT)
        poller.poll()
