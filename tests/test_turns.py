"""Waiting for one's turn at the store: nobody waits for somebody who waits for him."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing

import apsw
import pytest

from postroom.store.database import SCHEMA_VERSION, Database, open_database
from postroom.store.place import check_place
from postroom.store.queue import Queue


@pytest.fixture
def databases(home) -> Iterator[list[Database]]:
    opened = [open_database(str(home / "postroom"), busy_ms=200, now_ms=1) for _ in range(3)]
    yield opened
    for database in opened:
        database.close()


def write(database: Database) -> None:
    database.begin()
    database.execute("UPDATE store SET created_ms = created_ms + 1")
    database.commit()


def may_write(database: Database) -> bool:
    """Whether nobody holds the write lock."""
    database.connection.set_busy_timeout(0)
    try:
        database.execute("BEGIN IMMEDIATE; ROLLBACK").fetchall()
    except apsw.BusyError:
        return False
    return True


class Watched(Queue):
    """A place in the queue that notes whether the write lock was free whenever it was waited for."""

    def __init__(self, path: str, observer: Database) -> None:
        super().__init__(path)
        self.was_free: list[bool] = []
        self._observer = observer

    def join(self, timeout_s: float) -> bool:
        self.was_free.append(may_write(self._observer))
        return super().join(timeout_s)


def test_a_checkpoint_does_not_hold_the_write_lock_while_it_waits_for_its_turn(databases):
    reader, warden, observer = databases
    reader.execute("BEGIN; SELECT count(*) FROM store").fetchall()
    write(warden)
    head, place = (Watched(os.path.join(warden.home, "queue.lock"), observer) for _ in range(2))
    assert head.join(0), "a writer, whose turn is next"
    warden._queue.close()
    warden._queue = place
    assert not warden.checkpoint(all_of_it=True), "the reader is in its way"
    head.leave()
    head.close()
    reader.execute("COMMIT")
    assert place.was_free, "it did not wait for its turn"
    assert all(place.was_free), "the writer would wait for the checkpoint, and the checkpoint for the writer"


def test_a_store_that_another_process_is_just_making_is_waited_for(home):
    place = home / "new"
    check_place(str(place))
    maker = apsw.Connection(str(place / "store.db"))
    maker.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as aside:
        opening = aside.submit(open_in_its_thread, str(place))
        wait([opening], timeout=0.3)  # it has come to the lock; a hurried one has failed by now
        maker.execute("ROLLBACK")
        assert opening.result() == [(SCHEMA_VERSION,)]
    maker.close()


def open_in_its_thread(place: str) -> list[tuple[apsw.SQLiteValue, ...]]:
    with closing(open_database(place, busy_ms=30_000, now_ms=1)) as database:
        return database.execute("PRAGMA user_version").fetchall()
