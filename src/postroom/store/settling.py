"""SQL about single messages of a mailbox, for a reader far away that says later what it has read."""

from __future__ import annotations

from postroom.store import deliveries, messages
from postroom.store.database import Database
from postroom.store.deliveries import Handed

ONE = f"""
{messages.MESSAGE}, d.id, m.sender, coalesce(m.thread, m.seq), m.followed, d.handovers, d.urgency
FROM delivery d JOIN message m ON m.seq = d.message {messages.SENDER}
WHERE d.id = ?1 AND d.unread IS NOT NULL AND (d.state = 'delivered' OR d.state = 'handed' AND (d.lease_ms <= ?2 OR d.holder = ?3))
"""


def delivery_to(database: Database, about: messages.MessageRow, recipient: int) -> int | None:
    """The delivery of a message to an agent, if it is one of its recipients."""
    last = about.delivery + about.fan_out - 1
    sql = "SELECT id FROM delivery WHERE id BETWEEN ? AND ? AND recipient = ?"
    for (delivery,) in database.execute(sql, (about.delivery, last, recipient)):
        return int(delivery)
    return None


def open_to(database: Database, delivery: int, *, holder: int, now_ms: int) -> Handed | None:
    """An unread message that is in no other hands."""
    for row in database.execute(ONE, (delivery, now_ms, holder)):
        return deliveries.handed_over(database, row)
    return None


def is_unread(database: Database, delivery: int) -> bool:
    """Whether a message is in a mailbox still."""
    return bool(database.execute("SELECT 1 FROM delivery WHERE id = ? AND unread IS NOT NULL", (delivery,)).fetchall())
