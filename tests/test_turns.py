"""Waiting for one's turn at the store: nobody waits for somebody who waits for him."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator

import apsw
import pytest

from postroom.store.database import Database, open_database


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


def test_a_checkpoint_does_not_hold_the_write_lock_while_it_waits_for_its_turn(databases):
    reader, warden, observer = databases
    reader.execute("BEGIN; SELECT count(*) FROM store").fetchall()
    write(warden)
    queued = os.open(os.path.join(warden.home, "queue.lock"), os.O_RDWR)
    fcntl.flock(queued, fcntl.LOCK_EX)  # a writer, whose turn is next
    was_free: list[bool] = []

    def wait(attempts: int) -> bool:
        was_free.append(may_write(observer))
        return bool(warden._wait_turn(attempts))

    warden.connection.set_busy_handler(wait)
    assert not warden.checkpoint(all_of_it=True)
    os.close(queued)
    reader.execute("COMMIT")
    assert all(was_free), "the writer would wait for the checkpoint, and the checkpoint for the writer"
