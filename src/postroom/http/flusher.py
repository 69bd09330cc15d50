"""The flusher brings what was committed onto the disk, and then tells those who wait. One flush is for all who wait for it.

A slow disk has a thread of its own: while it is busy the counter goes on writing, so the next flush covers all of that.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Final

from postroom.core.errors import NotFlushed
from postroom.store.database import Database

Tell = Callable[[Exception | None], None]
PATIENCE_S: Final = 0.004
"""So long the flusher waits at most for those who came along the last time: a flush of a common SSD takes about that."""
SHARE: Final = 0.5
"""Of the time that a flush takes."""
QUICK_S: Final = 0.001
"""A disk that takes no longer is waited for: that costs less than to go on meanwhile in another thread."""


class Flusher:
    """Flushes one connection's commits. Nobody else may flush it meanwhile."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: SimpleQueue[tuple[int, Tell] | None] = SimpleQueue()
        self._took_s = self._took_before_s = 0.0
        self._companions = 0
        self._thread = Thread(target=self._serve, name="flusher")
        self._thread.start()

    def add(self, number: int, tell: Tell) -> None:
        """Tell so many, when what they have committed is safe, or why it is not."""
        self._waiting.put((number, tell))

    @property
    def is_quick(self) -> bool:
        """Whether a flush is worth waiting for: one of the last two was."""
        return self._took_s < QUICK_S or self._took_before_s < QUICK_S

    def flush(self) -> Exception | None:
        """Flush at once, in whichever thread; nobody else may be at it. Says why it is not safe."""
        began = monotonic()
        try:
            self._sync()
        except Exception as error:  # noqa: BLE001  # all who wait are told
            return error
        finally:
            self._took_before_s, self._took_s = self._took_s, monotonic() - began
        return None

    def close(self) -> None:
        """Flush what waits, and end."""
        self._waiting.put(None)
        self._thread.join()

    def _serve(self) -> None:
        going = True
        while going:
            tells, going = self._gather()
            failure = self.flush() if tells else None
            for tell in tells:
                tell(failure)

    def _sync(self) -> None:
        """Flush; but what was committed while a flush failed may be lost with it, though the next one succeeds."""
        if self._database.suspect:
            raise NotFlushed(why="the flush before failed")
        self._database.sync()

    def _gather(self) -> tuple[list[Tell], bool]:
        """Those who wait now, and a moment later, if more came along the last time; and whether it goes on."""
        first = self._waiting.get()
        if first is None:
            return [], False
        number, tell = first
        tells, until = [tell], monotonic() + min(PATIENCE_S, self._took_s * SHARE)
        going = True
        while True:
            left = until - monotonic() if number < self._companions else 0.0
            try:
                more = self._waiting.get(timeout=left) if left > 0 else self._waiting.get_nowait()
            except Empty:
                break
            if more is None:
                going = False
                break
            number += more[0]
            tells.append(more[1])
        self._companions = max(number, (self._companions * 3) // 4)
        return tells, going
