"""SQL about what hooks have handed over to a model: a hook ends at once, and the next one of the same agent finds what it left in hand."""

from __future__ import annotations

from postroom.core.message import State, Urgency
from postroom.store import messages
from postroom.store.database import Database
from postroom.store.deliveries import Handed, handed_over

INTERFACE = "hook"
HOLDER = f"""
SELECT d.holder FROM delivery d JOIN provenance p ON p.id = d.holder
WHERE d.unread = ? AND d.state = '{State.HANDED}' AND p.interface = '{INTERFACE}' ORDER BY d.holder LIMIT 1
"""
IN_HAND = f"""
{messages.MESSAGE}, d.id, m.sender, coalesce(m.thread, m.seq), m.followed, d.handovers, d.urgency
FROM delivery d JOIN message m ON m.seq = d.message {messages.SENDER}
WHERE d.unread = ? AND d.state = '{State.HANDED}' AND d.holder = ? AND d.handed_ms <= ? ORDER BY d.id
"""
SERVERS = """
SELECT t.pid, a.name FROM attached t JOIN provenance p ON p.id = t.id JOIN agent a ON a.id = t.agent
WHERE p.interface = 'mcp' AND a.harness = ? ORDER BY t.attached_ms
"""
UNHAND = f"UPDATE delivery SET handovers = handovers - 1 WHERE id = ? AND holder = ? AND state = '{State.HANDED}'"
URGENCIES = f"""
SELECT DISTINCT coalesce(d.urgency, m.urgency) FROM delivery d JOIN message m ON m.seq = d.message
WHERE d.unread = ?1 AND (d.state = '{State.DELIVERED}' OR d.state = '{State.HANDED}' AND d.lease_ms <= ?2)
    AND (m.expires_ms IS NULL OR m.expires_ms > ?2)
"""


def servers(database: Database, harness: str) -> list[tuple[int, str]]:
    """The processes that serve agents in a harness, each with the name of its agent."""
    return [(int(pid), str(name)) for pid, name in database.execute(SERVERS, (harness,))]


def holder(database: Database, recipient: int) -> int | None:
    """As whom hooks of an agent have messages in hand; None if they have none."""
    return next((int(id) for (id,) in database.execute(HOLDER, (recipient,))), None)


def in_hand(database: Database, recipient: int, holder: int, *, until_ms: int) -> list[Handed]:
    """What hooks of an agent have had in hand since a time."""
    return [handed_over(database, row) for row in database.execute(IN_HAND, (recipient, holder, until_ms)).fetchall()]


def unhand(database: Database, delivery: int, *, holder: int) -> None:
    """Count a message that a reader has in hand as not handed over by that."""
    database.execute(UNHAND, (delivery, holder))


def urgencies(database: Database, recipient: int, *, now_ms: int) -> set[Urgency]:
    """How urgent the messages are that wait and are in nobody's hands."""
    return {Urgency(text) for (text,) in database.execute(URGENCIES, (recipient, now_ms))}
