"""One flush for all who wait; and after one that failed nobody is told that its message is safe."""

from __future__ import annotations

import threading
from queue import SimpleQueue

import pytest

from postroom.core.errors import NotFlushed
from postroom.exchange.desk import open_desk
from postroom.http.flusher import Flusher
from postroom.store import database as driven


@pytest.fixture
def database(post):
    """A connection that was flushed once."""
    desk = open_desk("joe", post.home, interface="http")
    desk.database.sync()
    yield desk.database
    desk.close()


def test_what_comes_while_a_flush_fails_is_not_safe_although_the_next_flush_succeeds(database, monkeypatch):
    begun, failing = threading.Event(), threading.Event()
    told: SimpleQueue[object] = SimpleQueue()
    flushes = []

    def fdatasync(_descriptor: int) -> None:
        flushes.append(1)
        if len(flushes) == 1:
            begun.set()
            assert failing.wait(60)
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(driven, "fdatasync", fdatasync)
    flusher = Flusher(database)
    flusher.add(1, told.put)
    assert begun.wait(60)
    flusher.add(1, told.put)
    failing.set()
    flusher.close()
    assert [type(told.get()) for _ in range(2)] == [NotFlushed, NotFlushed]


def test_who_comes_while_the_disk_is_busy_shares_the_next_flush(database, monkeypatch):
    begun, going = threading.Event(), threading.Event()
    told: SimpleQueue[object] = SimpleQueue()
    flushes = []

    def fdatasync(_descriptor: int) -> None:
        flushes.append(1)
        begun.set()
        assert going.wait(60)

    monkeypatch.setattr(driven, "fdatasync", fdatasync)
    flusher = Flusher(database)
    flusher.add(1, told.put)
    assert begun.wait(60)
    for _ in range(3):
        flusher.add(1, told.put)
    going.set()
    flusher.close()
    assert [told.get() for _ in range(4)] == [None] * 4
    assert len(flushes) == 2


def test_whatever_goes_wrong_is_told_and_the_next_flush_is_made_all_the_same(database, monkeypatch):
    told: SimpleQueue[object] = SimpleQueue()
    failing = [MemoryError()]

    def fdatasync(_descriptor: int) -> None:
        if failing:
            raise failing.pop()

    monkeypatch.setattr(driven, "fdatasync", fdatasync)
    flusher = Flusher(database)
    flusher.add(1, told.put)
    assert isinstance(told.get(timeout=60), MemoryError)
    flusher.add(1, told.put)
    assert told.get(timeout=60) is None
    flusher.close()
