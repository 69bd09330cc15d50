"""SQL about what waits for one agent and may be dealt with in any order: its unread messages, and questions that it read and left open."""

from __future__ import annotations

from postroom.core.types import NamedTuple
from postroom.store import deliveries
from postroom.store.database import Database
from postroom.store.deliveries import Handed
from postroom.store.messages import Parent


class Waiting(NamedTuple):
    """A message that waits, by its place in the store, and whether its sender still waits for an answer."""

    seq: int
    state: str
    awaited: bool


AWAITED = "EXISTS (SELECT 1 FROM request q WHERE q.recipient = ?1 AND q.message = m.seq)"
TO = "d.id BETWEEN m.delivery AND m.delivery + m.fan_out - 1"
WAITING = f"""
SELECT m.seq, d.state, {AWAITED} FROM delivery d JOIN message m ON m.seq = d.message WHERE d.unread = ?1
UNION SELECT m.seq, d.state, 1 FROM request r JOIN message m ON m.seq = r.message JOIN delivery d ON {TO} AND d.recipient = r.recipient
WHERE r.recipient = ?1 ORDER BY 1 DESC LIMIT ?2
"""
ONE = f"{deliveries.TAKE} AND d.id BETWEEN ?3 AND ?4"
IN_ROOM = f"{deliveries.TAKE} AND m.room = ?3"


def waiting(database: Database, agent: int, *, limit: int) -> list[Waiting]:
    """What waits for an agent, newest first."""
    return [Waiting(seq, state, bool(awaited)) for seq, state, awaited in database.execute(WAITING, (agent, limit))]


def of_message(database: Database, agent: int, about: Parent, *, now_ms: int) -> list[Handed]:
    """A message, if it is in the mailbox of an agent and in nobody's hands."""
    values = (agent, now_ms, about.delivery, about.delivery + about.fan_out - 1)
    return [deliveries.handed_over(database, row) for row in database.execute(ONE, values).fetchall()]


def of_room(database: Database, agent: int, room: int, *, now_ms: int) -> list[Handed]:
    """What was said in a room and is in the mailbox of an agent, in nobody's hands."""
    return [deliveries.handed_over(database, row) for row in database.execute(IN_ROOM, (agent, now_ms, room)).fetchall()]
