"""SQL about events: what agents are told besides messages. One row for each happening, however many may know of it."""

from __future__ import annotations

from postroom.core.types import NamedTuple
from postroom.store.database import Database


class NewEvent(NamedTuple):
    """An event to be written: what happened to or by `agent`, for the members of `room` but that agent, or for `target` only."""

    at_ms: int
    what: str
    room: int | None
    target: int | None
    agent: int
    message: int | None = None
    text: str = ""


def insert(database: Database, events: list[NewEvent]) -> None:
    """Append events."""
    database.executemany("INSERT INTO event (at_ms, what, room, target, agent, message, text) VALUES (?, ?, ?, ?, ?, ?, ?)", events)
