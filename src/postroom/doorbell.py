"""The kernel as doorbell: how one process wakes another, and how it notices that the other is gone.

A bell is a datagram socket in a private directory. Ringing never waits: a full queue means that the bell already rang. A lost bell costs
time, never a message, because whoever waits looks into its mailbox now and then anyway.
"""

from __future__ import annotations

import _socket  # the module socket costs 5 ms of a 20 ms `postroom send`
import os
from time import monotonic, sleep  # noqa: TID251  # for platforms without bells

AVAILABLE = hasattr(_socket, "AF_UNIX") and hasattr(os, "getuid")
"""Whether this platform has Unix datagram sockets. Without them those who wait poll."""

_callers: list[_socket.socket] = []


def ring(path: str) -> bool | None:
    """Wake the process behind a bell. True: it is there; False: it is gone; None: the bell cannot be found, which proves nothing."""
    if not _callers:
        caller = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM)
        caller.settimeout(0)
        _callers.append(caller)
    try:
        _callers[0].sendto(b"\1", path)
    except BlockingIOError:
        return True
    except ConnectionRefusedError:
        return False
    except OSError:
        return None
    return True


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
        self._rings = 0
        self._listening = False
        self._changed = Condition()
        self._socket = bind(path)

    def fileno(self) -> int:
        """The descriptor, for an event loop. It becomes readable when the bell rings; then call `answer`."""
        return self._socket.fileno()

    @property
    def rings(self) -> int:
        """How often it rang. Read this, look into the mailbox, then wait for a number beyond it: so no ring is missed."""
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
                    continue
                self._listening = True
                self._changed.release()
                try:
                    rang = self._listen(left)
                finally:
                    self._changed.acquire()
                    self._listening = False
                    self._rings += rang
                    self._changed.notify_all()
        return True

    def _listen(self, timeout_s: float) -> bool:
        from select import POLLIN, poll

        poller = poll()
        poller.register(self._socket, POLLIN)
        return bool(poller.poll(max(1, round(timeout_s * 1000)))) and drain(self._socket)

    def answer(self) -> None:
        """Take the ring that made the descriptor readable."""
        drain(self._socket)
        with self._changed:
            self._rings += 1
            self._changed.notify_all()

    def restore(self) -> bool:
        """Hang the bell up again if its file vanished. True when it was gone."""
        if os.path.lexists(self.path):
            return False
        os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
        self._socket.close()
        self._socket = bind(self.path)
        return True

    def close(self) -> None:
        """Take the bell down."""
        self._socket.close()
        if os.path.lexists(self.path):
            os.unlink(self.path)


class Polling:
    """Stands in for a bell where the platform has none: whoever waits looks again every 50 ms."""

    path = None
    rings = 0

    def fileno(self) -> int:
        """There is nothing that an event loop could watch."""
        return -1

    def wait(self, rings: int, timeout_s: float) -> bool:  # noqa: ARG002  # the interface of Doorbell
        """Let a little time pass; then it is worth looking."""
        sleep(min(timeout_s, 0.05))
        return True

    def answer(self) -> None:
        """Nothing rang."""

    def restore(self) -> bool:
        """Nothing can vanish."""
        return False

    def close(self) -> None:
        """Nothing hangs anywhere."""


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
    bell.settimeout(0)
    os.fchmod(bell.fileno(), 0o600)
    bell.bind(path)
    return bell
