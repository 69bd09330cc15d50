"""SQL about the numbers that are checked at each send: paces, full mailboxes, turns of a thread."""

from __future__ import annotations

from postroom.core.types import NamedTuple
from postroom.store.database import Database

SET_METER = "INSERT INTO meter VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = iif(sender = 0, value, 0) + excluded.value"


PACE_OF_ROOM = -1
"""Stands for the sender where a pace is that of a room, and for the recipient where it is that of a sender's broadcasts."""
PACES_IN_ROOMS = -(1 << 32)
"""Stands, less the number of a room, for the recipient where a pace is that of a sender in the room."""


class ThreadBudget(NamedTuple):
    """The turns of a thread; see core/pace.py."""

    turns: int
    sender: int
    held: str | None = None


def set_meters(database: Database, meters: list[tuple[int, int, int]]) -> None:
    """Write paces as (sender, recipient or 0, µs), of rooms and broadcasts see PACE_OF_ROOM; count arrivals as (0, recipient, number)."""
    database.executemany(SET_METER, meters)


def meter(database: Database, key: tuple[int, int]) -> int:
    """One number, by (sender, recipient); 0 where nothing was ever counted."""
    rows = database.execute("SELECT value FROM meter WHERE sender = ? AND recipient = ?", key)
    return next((int(value) for (value,) in rows), 0)


def thread(database: Database, root: int) -> ThreadBudget | None:
    """The turns of a thread in which somebody answered."""
    for row in database.execute("SELECT turns, sender, held FROM thread_budget WHERE thread = ?", (root,)):
        return ThreadBudget(*row)
    return None


def set_thread(database: Database, root: int, budget: ThreadBudget) -> None:
    """Write the turns of a thread."""
    database.execute("INSERT OR REPLACE INTO thread_budget VALUES (?, ?, ?, ?)", (root, *budget))


def let_go(database: Database, root: int) -> None:
    """Start the count of a thread anew."""
    database.execute("UPDATE thread_budget SET turns = 0, held = NULL WHERE thread = ?", (root,))
