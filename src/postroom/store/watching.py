"""SQL about what happens in a store while one looks on. Nothing is changed here."""

from __future__ import annotations

from postroom.core.message import Message
from postroom.core.types import NamedTuple
from postroom.core.visibility import GHOST
from postroom.store import messages
from postroom.store.database import Database
from postroom.store.deliveries import BY_NAME
from postroom.store.rooms import MAY_READ


class Seen(NamedTuple):
    """A message that is new to one who watches, and whether he may also see what becomes of it."""

    seq: int
    message: Message
    followed: bool


class Step(NamedTuple):
    """How far one message is on its way to one recipient."""

    delivery: int
    seq: int
    recipient: str
    state: str
    reason: str | None
    at_ms: int | None


STEPS = f"""
SELECT d.id, m.seq, iif(a.id = ?3 OR ?3 IN (1, 2), a.name, coalesce(a.known_as, a.name)), d.state, d.reason,
    CASE d.state WHEN 'delivered' THEN d.delivered_ms WHEN 'handed' THEN d.handed_ms WHEN 'read' THEN d.read_ms
    WHEN 'answered' THEN d.answered_ms WHEN 'held' THEN m.sent_ms ELSE d.ended_ms END
FROM message m JOIN delivery d ON d.id BETWEEN m.delivery AND m.delivery + m.fan_out - 1 JOIN agent a ON a.id = d.recipient
WHERE m.seq BETWEEN ?1 AND ?2 AND (a.visibility != '{GHOST}' OR a.id = ?3 OR ?3 IN (1, 2) OR {BY_NAME})
ORDER BY d.id
"""
CONCERNS = "SELECT m.seq, m.room IS NULL OR m.sender = ?2 OR ?2 IN (1, 2) FROM message m"
AFTER = "WHERE m.seq > ?1"
IN_ORDER = "ORDER BY m.seq LIMIT ?3"
IS_RECIPIENT = "EXISTS (SELECT 1 FROM delivery d WHERE d.id BETWEEN m.delivery AND m.delivery + m.fan_out - 1 AND d.recipient = ?2)"
VISIBLE = f"""
(m.sender = ?2 OR NOT m.withheld AND ({IS_RECIPIENT}
OR m.room IS NOT NULL AND {MAY_READ.format(room="m.room", seq="m.seq", viewer=2)}))
"""  # what messages.may_see says of one message, for many


def version(database: Database) -> int:
    """A number that changes with each commit of another connection. Costs next to nothing."""
    ((number,),) = database.execute("PRAGMA data_version")
    return int(number)


def after(database: Database, seq: int, *, viewer: int, limit: int) -> list[Seen]:
    """The messages after a seq that the viewer may see, oldest first."""
    where = AFTER if viewer in messages.ALL_SEEING else f"{AFTER} AND {VISIBLE}"
    found = database.execute(f"{CONCERNS} {where} {IN_ORDER}", (seq, viewer, limit)).fetchall()
    shown = messages.messages(database, f"WHERE m.seq IN ({','.join(str(at) for at, _ in found)}) ORDER BY m.seq", ())
    return [Seen(at, message, bool(followed)) for (at, followed), message in zip(found, shown, strict=True)]


def steps(database: Database, first: int, last: int, *, viewer: int) -> list[Step]:
    """How far the messages of a range are, for each recipient that the viewer may know of."""
    return [Step(*row) for row in database.execute(STEPS, (first, last, viewer))]
