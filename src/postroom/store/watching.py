"""SQL about what happens in a store while one looks on. Nothing is changed here."""

from __future__ import annotations

from postroom.core.types import NamedTuple
from postroom.store.database import Database


class Step(NamedTuple):
    """How far one message is on its way to one recipient."""

    delivery: int
    seq: int
    recipient: str
    state: str
    reason: str | None
    at_ms: int | None


STEPS = """
SELECT d.id, m.seq, a.name, d.state, d.reason,
    CASE d.state WHEN 'delivered' THEN d.delivered_ms WHEN 'handed' THEN d.handed_ms WHEN 'read' THEN d.read_ms
    WHEN 'answered' THEN d.answered_ms WHEN 'held' THEN m.sent_ms ELSE d.ended_ms END
FROM message m JOIN delivery d ON d.id BETWEEN m.delivery AND m.delivery + m.fan_out - 1 JOIN agent a ON a.id = d.recipient
WHERE m.seq BETWEEN ? AND ? ORDER BY d.id
"""


def version(database: Database) -> int:
    """A number that changes with each commit of another connection. Costs next to nothing."""
    ((number,),) = database.execute("PRAGMA data_version")
    return int(number)


def last_seq(database: Database) -> int:
    """The number of the newest message."""
    ((seq,),) = database.execute("SELECT coalesce(max(seq), 0) FROM message")
    return int(seq)


def steps(database: Database, first: int, last: int) -> list[Step]:
    """How far the messages of a range are, for each recipient."""
    return [Step(*row) for row in database.execute(STEPS, (first, last))]
