"""SQL about how a post room is doing. Each figure costs little however much was ever said: an index, a bisection, or a sample."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from postroom.core.types import NamedTuple
from postroom.store import mailboxes, messages
from postroom.store.database import Database
from postroom.store.profiles import Listed

MINUTE_MS = 60_000
SAMPLE = 200
"""So many messages of a minute are looked at to say how long its messages took."""
QUEUES = 50


class Figures(NamedTuple):
    """Figures of the whole post room. `messages` is how many were ever sent; open `requests` are those for the human."""

    messages: int
    waiting: int
    held: int
    held_threads: int
    paused: int
    requests: int
    sessions: int
    rooms: int


class Queue(NamedTuple):
    """A mailbox in which something waits: how much, and since when the oldest does."""

    name: str
    waiting: int
    oldest_ms: int | None


class Minute(NamedTuple):
    """A minute: what was sent in it, and how long a sample of that took, in ms, to be handed to a reader and to be confirmed as read."""

    start_ms: int
    sent: int
    handed_p50: int | None
    handed_p95: int | None
    read_p50: int | None
    read_p95: int | None


LIVE_SESSIONS = """
SELECT count(*) FROM message m WHERE m.kind = 'syn'
AND NOT EXISTS (SELECT 1 FROM message e WHERE e.thread = m.seq AND e.kind IN ('syn-nack', 'fin-ack', 'lapse'))
AND (SELECT count(*) FROM message e WHERE e.thread = m.seq AND e.kind = 'fin')
    <= (SELECT count(*) FROM message e WHERE e.thread = m.seq AND e.kind = 'syn-ack')
AND (SELECT count(*) FROM message e WHERE e.thread = m.seq AND e.kind = 'fin') < 2
"""
"""What core/session.py folds to one of its LIVE states."""
FIGURES = f"""
SELECT coalesce((SELECT max(seq) FROM message), 0), (SELECT count(DISTINCT message) FROM delivery WHERE state = 'held'),
    (SELECT count(*) FROM thread_budget WHERE held IS NOT NULL), (SELECT count(*) FROM agent WHERE paused IS NOT NULL),
    (SELECT count(*) FROM request WHERE recipient = 2), ({LIVE_SESSIONS}), (SELECT count(*) FROM room)
"""
OLDEST = """
SELECT d.delivered_ms FROM delivery d WHERE d.unread = (SELECT id FROM agent WHERE name = ?) ORDER BY d.id LIMIT 1
"""
WAITING = "SELECT w.value FROM meter w JOIN agent a ON a.id = w.recipient WHERE w.sender = 0 AND a.kind = 'agent'"
AFTER = "SELECT seq, sent_ms FROM message WHERE seq >= ? ORDER BY seq LIMIT 1"
TOOK = """
SELECT d.handed_ms - m.sent_ms, d.read_ms - m.sent_ms
FROM message m JOIN delivery d ON d.id BETWEEN m.delivery AND m.delivery + m.fan_out - 1
WHERE m.seq >= ?1 AND m.seq < ?2 AND (m.seq - ?1) % ?3 = 0 AND d.delivered_ms IS NOT NULL LIMIT ?4
"""


def figures(database: Database) -> Figures:
    """Figures of the whole post room."""
    ((total, held, threads, paused, requests, sessions, rooms),) = database.execute(FIGURES)
    waiting = sum(sum(mailboxes.counted(value)) for (value,) in database.execute(WAITING))
    return Figures(total, waiting, held, threads, paused, requests, sessions, rooms)


def queues(database: Database, longest: Sequence[Listed]) -> list[Queue]:
    """The fullest mailboxes, given the agents in that order."""
    found = []
    for agent in longest[:QUEUES]:
        if agent.waiting:
            rows = database.execute(OLDEST, (agent.name,)).fetchall()
            found.append(Queue(agent.name, agent.waiting, rows[0][0] if rows else None))
    return found


def minutes(database: Database, *, now_ms: int, number: int) -> list[Minute]:
    """The last minutes, oldest first; the last one is not over. Messages are found by bisection: their order is that of their times."""
    first = now_ms // MINUTE_MS - number + 1
    edges = [first_since(database, (first + place) * MINUTE_MS) for place in range(number + 1)]
    return [minute(database, (first + place) * MINUTE_MS, begin, end) for place, (begin, end) in enumerate(pairwise(edges))]


def first_since(database: Database, since_ms: int) -> int:
    """The seq from which on messages were sent since a time."""
    low, high = 1, messages.last_seq(database) + 1
    while low < high:
        middle = (low + high) // 2
        rows = database.execute(AFTER, (middle,)).fetchall()
        if rows and rows[0][1] < since_ms:
            low = rows[0][0] + 1
        else:
            high = middle
    return low


def minute(database: Database, start_ms: int, begin: int, end: int) -> Minute:
    """One minute, whose messages are those from a seq to another."""
    if begin >= end:
        return Minute(start_ms, 0, None, None, None, None)
    took = database.execute(TOOK, (begin, end, max((end - begin) // SAMPLE, 1), SAMPLE)).fetchall()
    handed = sorted(ms for ms, _ in took if ms is not None)
    read = sorted(ms for _, ms in took if ms is not None)
    return Minute(start_ms, end - begin, at(handed, 0.5), at(handed, 0.95), at(read, 0.5), at(read, 0.95))


def at(values: Sequence[int], part: float) -> int | None:
    """The value below which a part of all lies."""
    return values[min(int(len(values) * part), len(values) - 1)] if values else None
