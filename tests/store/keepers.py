"""What the tests of keeping share: a human's desk, a store that is looked into from outside, processes that send, broken bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from postroom.exchange import keeping
from postroom.exchange.desk import Desk, open_desk_of_human
from postroom.store.checks import Level
from postroom.store.database import Row
from tests.programs import Program

SENDING = """
for number in range(1_000_000):
    print(me.send("sink", f"{me.name} {number}").number)
"""
FAST = "[limits]\nsender_per_minute = 10000000\npair_per_minute = 10000000\nwaiting = 1000000\n"


@contextmanager
def desk_of_human(home: str) -> Iterator[Desk]:
    desk = open_desk_of_human(home, interface="cli")
    try:
        yield desk
    finally:
        desk.close()


def query(home: str | Path, sql: str) -> list[Row]:
    """What a statement finds in a store, seen through a connection of its own."""
    connection = apsw.Connection(os.path.join(home, "store.db"))
    try:
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        connection.set_busy_timeout(10_000)
        return [tuple(row) for row in connection.execute(sql)]
    finally:
        connection.close()


def faults(home: str, *, full: bool = True) -> list[str]:
    """What the doctor finds worse than a note, with the next step."""
    return [". ".join(finding[1:]) for finding in keeping.examine(home, full=full) if finding.level not in {Level.OK, Level.NOTE}]


def errors(home: str) -> list[str]:
    """What the doctor says keeps everybody out."""
    return [". ".join(finding[1:]) for finding in keeping.examine(home) if finding.level is Level.ERROR]


def lines(program: Program, number: int) -> list[int]:
    return [int(program.line()) for _ in range(number)]


def settle(home: str) -> None:
    """Copy the WAL of a store that nobody uses into its file, so that there are bytes to break."""
    connection = apsw.Connection(os.path.join(home, "store.db"))
    connection.execute("SELECT * FROM store").fetchall()
    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    connection.close()
