"""SQL about a mailbox as a sender finds it: whose it is, how fast that sender may go on, how full it is, and whose bells hang there."""

from __future__ import annotations

from postroom.core.address import Name
from postroom.core.types import AtRest, NamedTuple, made
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
SELECT a.id, a.name, {ghost}, coalesce(w.value, 0), {muted}
FROM {who} a
LEFT JOIN meter w ON w.sender = 0 AND w.recipient = a.id
WHERE a.id != ?1 AND {condition} ORDER BY a.id
"""
LISTED = "a.kind = 'agent' AND a.visibility = 'visible' AND a.archived_ms IS NULL"
IN_ROOM = OF_CROWD.format(ghost=GHOST_NAME, who="member b CROSS JOIN agent", muted="b.muted", condition="a.id = b.agent AND b.room = ?2")
EVERYONE = OF_CROWD.format(ghost="''", who="agent", muted="0", condition=LISTED)
TAGGED = OF_CROWD.format(ghost="''", who="tag g CROSS JOIN agent", muted="0", condition=f"a.id = g.agent AND g.tag = ?2 AND {LISTED}")
NUMBERED = f"{MAILBOX} WHERE a.id = ?2"
ATTACHED = """
SELECT t.agent, t.id, t.pid, t.started, t.socket FROM json_each(?) j CROSS JOIN attached t ON t.agent = j.value
"""
COUNT_IN = "INSERT INTO meter SELECT 0, value, ?2 FROM json_each(?1) WHERE true ON CONFLICT DO UPDATE SET value = value + excluded.value"

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


class MemberRow(NamedTuple):
    """The mailbox of one in a crowd; `muted` says that it does not want to be woken there."""

    agent: int
    name: Name
    ghost: str
    waiting: int
    muted: int


def named(database: Database, name: str, *, sender: int) -> MailboxRow | None:
    """The mailbox of a name; a ghost has none but for itself and the human."""
    rows = database.execute(NAMED, (sender, name)).fetchall()
    return mailbox(rows) if rows else None


def numbered(database: Database, agent: int, *, sender: int) -> MailboxRow:
    """The mailbox of an agent, which exists."""
    return mailbox(database.execute(NUMBERED, (sender, agent)).fetchall())


def of_members(database: Database, room: int, *, sender: int) -> list[MemberRow]:
    """The mailboxes of a room's members without the sender."""
    return members(database, IN_ROOM, (sender, room))


def of_listed(database: Database, tag: str | None, *, sender: int) -> list[MemberRow]:
    """The mailboxes of all agents that are listed, or of those with a tag, without the sender."""
    return members(database, EVERYONE, (sender,)) if tag is None else members(database, TAGGED, (sender, tag))


def members(database: Database, sql: str, values: tuple[int | str, ...]) -> list[MemberRow]:
    """Rows of OF_CROWD: there may be thousands."""
    with AtRest():
        return [*made(MemberRow, database.execute(sql, values))]


def attached(database: Database, agents: str) -> dict[int, list[AttachedRow]]:
    """The processes that are to be woken for a list of agents (JSON), of those that have any."""
    found: dict[int, list[AttachedRow]] = {}
    for row in made(AttachedRow, database.execute(ATTACHED, (agents,))):
        found.setdefault(row.agent, []).append(row)
    return found


def count_in(database: Database, agents: str, units: int) -> None:
    """Count a message into the mailboxes of a list of agents (JSON), see `units`."""
    database.execute(COUNT_IN, (agents, units))


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
