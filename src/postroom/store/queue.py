"""The queue for the store's write lock: of all processes that found it taken, one at a time tries for it. The queue only keeps order.

It is a locked file, which the kernel frees when its holder dies. Such a wait has no time limit, and the holder may be a stopped process;
so a thread waits for the file, begun when a connection first finds it taken, and the connection waits for the thread as long as it likes.
"""

from __future__ import annotations

import fcntl
import os
from _thread import allocate_lock, start_new_thread  # threading costs 3 ms of a 20 ms `postroom send`


class Queue:
    """The place of one connection in the queue."""

    __slots__ = ("_arrived", "_asked", "_closed", "_file", "_guard", "_started", "_waiting", "_wanted")

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._guard = allocate_lock()
        self._asked = allocate_lock()  # released: the thread is to wait for the file
        self._arrived = allocate_lock()  # released: the file is ours
        self._asked.acquire()
        self._arrived.acquire()
        self._started = self._waiting = self._wanted = self._closed = False

    def join(self, timeout_s: float) -> bool:
        """Wait until it is our turn. False after `timeout_s`; then one tries out of turn."""
        with self._guard:
            if not self._waiting and self._try():
                return True
            self._wanted = True
            if not self._started:
                start_new_thread(self._serve, ())
                self._started = True
            if not self._waiting:
                self._waiting = True
                self._asked.release()
        if self._arrived.acquire(timeout=timeout_s):
            return True
        with self._guard:
            self._wanted = False
            return self._arrived.acquire(blocking=False)  # it may have come in this moment

    def leave(self) -> None:
        """Let the next one try."""
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Leave the queue for good. The thread, if there is one, ends when it can."""
        with self._guard:
            self._closed = True
            if not self._started:
                os.close(self._file)
            elif not self._waiting:
                self._waiting = True
                self._asked.release()

    def _try(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _serve(self) -> None:
        """The thread: wait for the file whenever asked, and let it go at once when nobody waits for it any more."""
        while True:
            self._asked.acquire()
            if not self._closed:
                fcntl.flock(self._file, fcntl.LOCK_EX)
            with self._guard:
                self._waiting = False
                if self._closed:
                    os.close(self._file)
                    return
                if self._wanted:
                    self._wanted = False
                    self._arrived.release()
                else:
                    self.leave()
