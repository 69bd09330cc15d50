"""SQL about a mailbox as a sender finds it: whose it is, how fast that sender may go on, how full it is, and whose bells hang there."""

from __future__ import annotations

from postroom.core.address import Name
from postroom.core.types import NamedTuple
from postroom.store.agents import AttachedRow
from postroom.store.database import Database, Row

MAILBOX = """
SELECT a.id, a.name, a.kind, coalesce(p.value, 0), coalesce(w.value, 0), t.id, t.pid, t.started, t.socket
FROM agent a
LEFT JOIN meter p ON p.sender = ?1 AND p.recipient = a.id
LEFT JOIN meter w ON w.sender = 0 AND w.recipient = a.id
LEFT JOIN attached t ON t.agent = a.id
"""
NAMED = f"{MAILBOX} WHERE a.name = ?2"
NUMBERED = f"{MAILBOX} WHERE a.id = ?2"


class MailboxRow(NamedTuple):
    """A mailbox. `due_us` is the pace from one sender, see core/pace.py; `attached` are the processes to be woken."""

    agent: int
    name: Name
    kind: str
    due_us: int
    waiting: int
    attached: list[AttachedRow]


def named(database: Database, name: str, *, sender: int) -> MailboxRow | None:
    """The mailbox of a name."""
    rows = database.execute(NAMED, (sender, name)).fetchall()
    return mailbox(rows) if rows else None


def numbered(database: Database, agent: int, *, sender: int) -> MailboxRow:
    """The mailbox of an agent, which exists."""
    return mailbox(database.execute(NUMBERED, (sender, agent)).fetchall())


def mailbox(rows: list[Row]) -> MailboxRow:
    """The rows of one mailbox: as many as there are processes attached, or one without a process."""
    agent, name, kind, due_us, waiting, *first = rows[0]
    if first[0] is None:
        return MailboxRow(agent, name, kind, due_us, waiting, [])
    return MailboxRow(agent, name, kind, due_us, waiting, [AttachedRow(agent, *row[5:]) for row in rows])
