"""A flush is shared, and never claimed by one whose commit it did not cover."""

from __future__ import annotations

import os

import pytest

from postroom.core.errors import NotFlushed
from postroom.store import database as store
from postroom.store.database import Database, open_database
from postroom.store.flushing import HEADER_BYTES


@pytest.fixture
def flushes(monkeypatch):
    """The flushes that really happen."""
    done: list[int] = []
    real = os.fdatasync

    def flush(descriptor: int) -> None:
        done.append(descriptor)
        real(descriptor)

    monkeypatch.setattr(store, "fdatasync", flush)
    return done


@pytest.fixture
def pair(post):
    post.agents("alice")
    databases = [open_database(post.home, now_ms=1) for _ in range(2)]
    yield databases
    for database in databases:
        database.close()


def commit(database: Database) -> None:
    database.begin()
    database.execute("INSERT INTO timer VALUES (random(), 'expire', 0)")
    database.commit()


def test_a_flush_covers_what_others_committed_before_it(pair, flushes):
    first, second = pair
    commit(first)
    commit(second)
    second.flush()
    assert len(flushes) == 1
    first.flush()
    assert len(flushes) == 1


def test_what_is_committed_after_a_flush_is_flushed_again(pair, flushes):
    first, second = pair
    commit(first)
    first.flush()
    commit(second)
    commit(first)
    second.flush()
    first.flush()
    assert len(flushes) == 2
    commit(first)
    first.flush()
    assert len(flushes) == 3


def test_a_flush_that_failed_covers_nothing(pair, monkeypatch):
    first, second = pair
    commit(first)
    commit(second)
    calls: list[str] = []

    def fail(_descriptor: int) -> None:
        calls.append("failed")
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(store, "fdatasync", fail)
    for database in (second, first):
        with pytest.raises(NotFlushed):
            database.flush()
    assert len(calls) == 2


def test_a_wal_that_was_begun_anew_was_flushed_for_that(pair, flushes):
    first, second = pair
    commit(first)
    first.flush()
    before = first._flushes._position()
    assert second.checkpoint(all_of_it=True)
    commit(second)
    assert first._flushes._position().salt != before.salt
    second.flush()
    assert len(flushes) == 2


def test_a_header_that_cannot_be_read_costs_a_flush_and_no_safety(pair, flushes):
    first, second = pair
    commit(first)
    second.flush()
    descriptor = os.open(f"{first.path}-shm", os.O_WRONLY)
    try:
        os.pwrite(descriptor, b"\xff" * 16, HEADER_BYTES)
    finally:
        os.close(descriptor)
    first.flush()
    first.flush()
    assert len(flushes) == 3


def test_what_was_noted_before_the_machine_was_started_anew_counts_no_more(pair, flushes):
    first, _ = pair
    commit(first)
    first.flush()
    store.doubt(first, "another run of the kernel")
    first.flush()
    assert len(flushes) == 2
    assert not os.path.exists(os.path.join(first.home, "flushed"))
