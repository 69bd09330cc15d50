"""SQL about a mailbox as a sender finds it: whose it is, how fast that sender may go on, how full it is, and whose bells hang there."""

from __future__ import annotations

from postroom.core.address import Name
from postroom.core.types import NamedTuple
from postroom.store.agents import AttachedRow
from postroom.store.database import Database, Row

GHOST_NAME = "iif(a.visibility = 'ghost', coalesce(a.known_as, a.name), '')"
MAILBOX = f"""
SELECT a.id, a.name, a.kind, {GHOST_NAME}, coalesce(p.value, 0), coalesce(w.value, 0), t.id, t.pid, t.started, t.socket
FROM agent a
LEFT JOIN meter p ON p.sender = ?1 AND p.recipient = a.id
LEFT JOIN meter w ON w.sender = 0 AND w.recipient = a.id
LEFT JOIN attached t ON t.agent = a.id
"""
NAMED = f"{MAILBOX} WHERE a.name = ?2 AND (a.visibility != 'ghost' OR a.id = ?1 OR ?1 = 2)"
OF_CROWD = """
SELECT a.id, a.name, a.kind, {ghost}, 0, coalesce(w.value, 0), t.id, t.pid, t.started, t.socket, {muted}
FROM {who} a
LEFT JOIN meter w ON w.sender = 0 AND w.recipient = a.id
LEFT JOIN attached t ON t.agent = a.id
WHERE a.id != ?1 AND {condition} ORDER BY a.id
"""
LISTED = "a.kind = 'agent' AND a.visibility = 'visible' AND a.archived_ms IS NULL"
IN_ROOM = OF_CROWD.format(ghost=GHOST_NAME, who="member b CROSS JOIN agent", muted="b.muted", condition="a.id = b.agent AND b.room = ?2")
EVERYONE = OF_CROWD.format(ghost=GHOST_NAME, who="agent", muted="0", condition=LISTED)
TAGGED = OF_CROWD.format(ghost=GHOST_NAME, who="tag g CROSS JOIN agent", muted="0", condition=f"a.id = g.agent AND g.tag = ?2 AND {LISTED}")
NUMBERED = f"{MAILBOX} WHERE a.id = ?2"


HIDDEN = 1 << 32
UNITS = f"sum(iif(m.hidden, {HIDDEN}, 1))"
RECOUNT = f"""
UPDATE meter SET value = (SELECT coalesce({UNITS}, 0) FROM delivery d JOIN message m ON m.seq = d.message WHERE d.unread = ?1)
WHERE sender = 0 AND recipient = ?1
"""


class MailboxRow(NamedTuple):
    """A mailbox. `due_us` is the pace from one sender, see core/pace.py; `attached` are the processes to be woken.

    `ghost` is what others know a ghost by, "" for who is none. `waiting` holds two numbers, see `counted`.
    """

    agent: int
    name: Name
    kind: str
    ghost: str
    due_us: int
    waiting: int
    attached: list[AttachedRow]


def named(database: Database, name: str, *, sender: int) -> MailboxRow | None:
    """The mailbox of a name; a ghost has none but for itself and the human."""
    rows = database.execute(NAMED, (sender, name)).fetchall()
    return mailbox(rows) if rows else None


def numbered(database: Database, agent: int, *, sender: int) -> MailboxRow:
    """The mailbox of an agent, which exists."""
    return mailbox(database.execute(NUMBERED, (sender, agent)).fetchall())


def of_members(database: Database, room: int, *, sender: int) -> list[tuple[MailboxRow, bool]]:
    """The mailboxes of a room's members without the sender, each with whether it is muted. Without paces."""
    return crowd(database.execute(IN_ROOM, (sender, room)).fetchall())


def of_listed(database: Database, tag: str | None, *, sender: int) -> list[tuple[MailboxRow, bool]]:
    """The mailboxes of all agents that are listed, or of those with a tag, without the sender. Without paces."""
    values = (sender,) if tag is None else (sender, tag)
    return crowd(database.execute(EVERYONE if tag is None else TAGGED, values).fetchall())


def crowd(rows: list[Row]) -> list[tuple[MailboxRow, bool]]:
    """Rows of OF_CROWD: as many for each mailbox as there are processes attached, or one without a process."""
    found: list[tuple[MailboxRow, bool]] = []
    for agent, name, kind, ghost, due_us, waiting, id, pid, started, socket, muted in rows:
        if not found or found[-1][0].agent != agent:
            found.append((MailboxRow(agent, name, kind, ghost, due_us, waiting, []), bool(muted)))
        if id is not None:
            found[-1][0].attached.append(AttachedRow(agent, id, pid, started, socket))
    return found


def mailbox(rows: list[Row]) -> MailboxRow:
    """The rows of one mailbox: as many as there are processes attached, or one without a process."""
    agent, name, kind, ghost, due_us, waiting, *first = rows[0]
    attached = [] if first[0] is None else [AttachedRow(agent, *row[6:]) for row in rows]
    return MailboxRow(agent, name, kind, ghost, due_us, waiting, attached)


def units(*, hidden: bool) -> int:
    """What one more message adds to what is counted for a mailbox: hidden messages and the others in the two halves of one number."""
    return HIDDEN if hidden else 1


def counted(value: int) -> tuple[int, int]:
    """How many messages wait in a mailbox, without the hidden ones and of these."""
    return value % HIDDEN, value // HIDDEN


def recount(database: Database, agent: int) -> None:
    """Count what waits in a mailbox anew."""
    database.execute(RECOUNT, (agent,))
