"""Only one node runs for a post room: who it is, and since when, stands in the file that it holds locked."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from time import localtime, strftime, time

from postroom.core.refusals import NodeRuns

FILE = "node.lock"
TEXT_BYTES_MAX = 10_000


@contextmanager
def locked(home: str) -> Iterator[int]:
    """Be the node of the post room in `home`. Raises NodeRuns, which says who is. The kernel gives the lock up when the process dies."""
    lock = os.open(os.path.join(home, FILE), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise runs(os.pread(lock, TEXT_BYTES_MAX, 0)) from None
        os.ftruncate(lock, 0)
        yield lock
    finally:
        os.close(lock)


def sign(lock: int, addresses: list[str]) -> None:
    """Write down who this is."""
    os.ftruncate(lock, 0)
    os.pwrite(lock, json.dumps({"pid": os.getpid(), "since": time(), "addresses": addresses}).encode(), 0)


def runs(text: bytes) -> NodeRuns:
    """The error that says who runs."""
    try:
        found = json.loads(text)
        since = strftime("%Y-%m-%d %H:%M:%S", localtime(found["since"]))
        return NodeRuns(pid=found["pid"], since=since, addresses=" and ".join(found["addresses"]))
    except (ValueError, KeyError, TypeError):  # it is just starting, or stopping
        return NodeRuns(pid="unknown", since="a moment ago", addresses="addresses that it has not told yet")
