"""The kernel as doorbell: how one process wakes another, and how it notices that the other is gone.

A bell is a datagram socket in a private directory. Ringing never waits: a full queue means that the bell already rang. A lost bell costs
time, never a message, because whoever waits looks into its mailbox now and then anyway.
"""

from __future__ import annotations

import _socket  # the module socket costs 5 ms of a 20 ms `postroom send`
import atexit
import os
from errno import EADDRINUSE
from time import monotonic, sleep  # noqa: TID251  # for platforms without bells

AVAILABLE = hasattr(_socket, "AF_UNIX") and hasattr(os, "getuid")
"""Whether this platform has Unix datagram sockets. Without them those who wait poll."""

POLL_S = 0.05
"""How often those who wait look where there are no bells."""
LISTEN_S_MAX = 1.0
"""A bell that is closed or hung up again while a thread listens to it is noticed after so many seconds at the latest."""

_callers: list[_socket.socket] = []


def ring(path: str) -> bool | None:
    """Wake the process behind a bell. True: it is there; False: it is gone; None: the bell cannot be found, which proves nothing."""
    if not _callers:
        caller = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM)
        caller.settimeout(0)
        _callers.append(caller)
        atexit.register(put_callers_away)
    try:
        _callers[0].sendto(b"\1", path)
    except BlockingIOError:
        return True
    except ConnectionRefusedError:
        return False
    except OSError:
        return None
    return True


def put_callers_away() -> None:
    """Close what was used for ringing. Who rings even later, at the end of the process, makes it anew."""
    while _callers:
        _callers.pop().close()


def alive(pid: int, started: str) -> bool:
    """Whether the process that had this pid and start time still runs. For bells that cannot be found."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return not started or start_time(pid) == started


def start_time(pid: int) -> str:
    """When the kernel started a process, in its own units; "" where it does not say, or when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[19]
    except (FileNotFoundError, ProcessLookupError):
        return ""


class Doorbell:
    """The bell of one attached process. Several threads may wait for it; each ring wakes all of them."""

    def __init__(self, path: str) -> None:
        from threading import Condition

        self.path = path
        self._pid = os.getpid()
        self._rings = 0
        self._listening = self._closed = False
        self._changed = Condition()
        self._socket = bind(path)

    def descriptor(self) -> int:
        """A descriptor for an event loop, to be closed by it; -1 when there is none. It is readable when the bell rings; then `answer`."""
        with self._changed:
            return -1 if self._closed else os.dup(self._socket.fileno())

    @property
    def rings(self) -> int:
        """How often it rang. Read this, look into the mailbox, then wait for a number beyond it: so no ring is missed, none heard twice."""
        with self._changed:
            if not self._listening:
                self._answer()
            return self._rings

    def wait(self, rings: int, timeout_s: float) -> bool:
        """Wait until the bell has rung more than `rings` times. One thread listens to the socket, the others wait for that thread."""
        until = monotonic() + timeout_s
        with self._changed:
            while self._rings <= rings:
                left = until - monotonic()
                if left <= 0:
                    return False
                if self._listening:
                    self._changed.wait(left)
                else:
                    self._listen(left)
        return True

    def _listen(self, timeout_s: float) -> None:
        bell, self._listening = self._socket, True
        self._changed.release()
        try:
            wait_for_ring(bell, timeout_s)
        finally:
            self._changed.acquire()
            self._listening = False
            self._answer()

    def _answer(self) -> None:
        self._rings += not self._closed and drain(self._socket)
        self._changed.notify_all()

    def answer(self) -> None:
        """Take the ring that made the descriptor readable."""
        with self._changed:
            self._answer()

    def restore(self) -> bool:
        """Hang the bell up again if its file vanished. True when it was gone."""
        with self._changed:
            if self._closed or os.path.lexists(self.path):
                return False
            gone, self._socket = self._socket, bind(self.path)
            gone.close()
            self._rings += 1  # whatever rang before is not to be known
            self._changed.notify_all()
        return True

    def close(self) -> None:
        """Take the bell down; those who wait for it look up. A forked child leaves it to its parent."""
        if os.getpid() == self._pid:
            with self._changed:
                self._closed = True
                self._rings += 1
                self._changed.notify_all()
                if self._listening:
                    ring(self.path)
                    self._changed.wait_for(lambda: not self._listening, LISTEN_S_MAX)
            take_down(self.path)
        self._socket.close()


class Polling:
    """Stands in for a bell where the platform has none: whoever waits looks again after `POLL_S`."""

    path = None
    rings = 0

    def descriptor(self) -> int:
        """There is nothing that an event loop could watch."""
        return -1

    def wait(self, rings: int, timeout_s: float) -> bool:  # noqa: ARG002  # the interface of Doorbell
        """Let a little time pass. Nothing rang, but it is worth looking."""
        sleep(min(timeout_s, POLL_S))
        return False

    def answer(self) -> None:
        """Nothing rang."""

    def restore(self) -> bool:
        """Nothing can vanish."""
        return False

    def close(self) -> None:
        """Nothing hangs anywhere."""


def wait_for_ring(bell: _socket.socket, timeout_s: float) -> None:
    """Wait until a bell rings or the time is over."""
    from select import POLLIN, poll

    poller = poll()
    poller.register(bell, POLLIN)
    poller.poll(max(1, round(min(timeout_s, LISTEN_S_MAX) * 1000)))


def take_down(path: str) -> None:
    """Remove a bell that nobody answers any more. Several processes may notice that at once."""
    from contextlib import suppress

    with suppress(FileNotFoundError):
        os.unlink(path)


def drain(bell: _socket.socket) -> bool:
    """Take all rings that are queued; they all say the same."""
    rang = False
    while True:
        try:
            bell.recv(64)
        except BlockingIOError:
            return rang
        rang = True


def bind(path: str) -> _socket.socket:
    """Make a bell that only this user can ring: the mode is set before the name appears, a plain bind would be born 0755."""
    bell = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM)
    try:
        bell.settimeout(0)
        os.fchmod(bell.fileno(), 0o600)
        try:
            bell.bind(path)
        except OSError as error:
            if error.errno != EADDRINUSE:
                raise
            take_down(path)  # left by a process of an earlier store in this place: numbers of attachments are used once in each store
            bell.bind(path)
    except BaseException:
        bell.close()
        raise
    return bell
