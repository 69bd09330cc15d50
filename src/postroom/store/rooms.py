"""SQL about rooms: what they are, who is in them, who is invited. Who sees a room is decided here, in `SEEN`.

A viewer is the id of an agent; the human sees every room, the id 0 (nobody) what any stranger may see.
"""

from __future__ import annotations

from collections.abc import Collection

from postroom.core.address import Name
from postroom.core.types import NamedTuple
from postroom.core.visibility import GHOST, having
from postroom.store.database import Database


class RoomRow(NamedTuple):
    """A room as it is stored."""

    id: int
    name: Name
    policy: str
    owner: int
    description: str
    topic: str
    created_ms: int


class MemberRow(NamedTuple):
    """A member of a room. Messages and events after the two numbers are for it."""

    room: int
    agent: int
    joined_ms: int
    after_seq: int
    after_event: int
    muted: int


class Standing(NamedTuple):
    """What an agent is to a room."""

    member: bool
    invited: bool
    human: bool
    ghost: bool
    muted: bool


class ListedRow(NamedTuple):
    """A room in a listing: what its viewer is to it; of its owner and its members only those that the viewer may see."""

    room: RoomRow
    standing: Standing
    owner: Name | None
    members: int


class PresentRow(NamedTuple):
    """A member as others may see it."""

    agent: int
    name: Name
    kind: str
    status: str
    joined_ms: int


SEEN = """
(r.policy != 'secret' OR EXISTS (SELECT 1 FROM member m WHERE m.room = r.id AND m.agent = ?1)
OR EXISTS (SELECT 1 FROM invitation i WHERE i.room = r.id AND i.agent = ?1)
OR EXISTS (SELECT 1 FROM agent h WHERE h.id = ?1 AND h.kind = 'human'))
"""
MAY_READ = """
(EXISTS (SELECT 1 FROM room o WHERE o.id = {room} AND o.policy = 'public')
OR EXISTS (SELECT 1 FROM member b WHERE b.room = {room} AND b.agent = ?{viewer} AND b.after_seq < {seq}))
"""
COLUMNS = "r.id, r.name, r.policy, r.owner, r.description, r.topic, r.created_ms"
ROOM = f"SELECT {COLUMNS} FROM room r"
STANDING = f"""
SELECT m.agent IS NOT NULL, i.agent IS NOT NULL, coalesce(a.kind = 'human', 0), coalesce(a.visibility = '{GHOST}', 0), coalesce(m.muted, 0)
"""
STANDS = """
LEFT JOIN agent a ON a.id = ?1
LEFT JOIN member m ON m.room = r.id AND m.agent = ?1
LEFT JOIN invitation i ON i.room = r.id AND i.agent = ?1
"""
PRESENT_TO = f"""
(a.visibility IN ({having(lambda sight: sight.by_others)}) OR a.id = ?1
OR a.visibility IN ({having(lambda sight: sight.by_members)}) AND EXISTS (SELECT 1 FROM member WHERE room = r.id AND agent = ?1)
OR EXISTS (SELECT 1 FROM agent h WHERE h.id = ?1 AND h.kind = 'human'))
"""
LISTED = f"""
{STANDING}, {COLUMNS}, (SELECT a.name FROM agent a WHERE a.id = r.owner AND {PRESENT_TO}),
    (SELECT count(*) FROM member n JOIN agent a ON a.id = n.agent WHERE n.room = r.id AND {PRESENT_TO})
FROM room r {STANDS} WHERE {SEEN}
"""
PRESENT = f"""
SELECT a.id, a.name, a.kind,
    iif(EXISTS (SELECT 1 FROM attached t WHERE t.agent = a.id AND t.id NOT IN (SELECT value FROM json_each(?4))), a.status, 'offline'),
    n.joined_ms
FROM room r JOIN member n ON n.room = r.id JOIN agent a ON a.id = n.agent
WHERE r.id = ?2 AND {PRESENT_TO} ORDER BY n.joined_ms, n.after_event, n.agent LIMIT ?3
"""
LONGEST = f"""
SELECT m.agent FROM member m JOIN agent a ON a.id = m.agent
WHERE m.room = ? AND m.agent != ? AND a.visibility != '{GHOST}' ORDER BY m.joined_ms, m.after_event, m.agent LIMIT 1
"""
NEXT = """
SELECT 1 + max(coalesce((SELECT max(id) FROM room), 0), coalesce((SELECT max(room) FROM message WHERE room IS NOT NULL), 0),
    coalesce((SELECT max(room) FROM event WHERE target IS NULL), 0))
"""
"""Never the number of a room that was destroyed: its messages and events are still there, and `destroy` leaves an event behind."""


def by_id(database: Database, room: int) -> RoomRow | None:
    """A room, unless it has been destroyed."""
    for row in database.execute(f"{ROOM} WHERE r.id = ?", (room,)):
        return RoomRow(*row)
    return None


def seen(database: Database, name: str, *, viewer: int) -> RoomRow | None:
    """The room of that name, if the viewer may know of it; for everybody else there is none."""
    for row in database.execute(f"{ROOM} WHERE r.name = ?2 AND {SEEN}", (viewer, name)):
        return RoomRow(*row)
    return None


def name(database: Database, room: int) -> Name:
    """The name of a room; "" when it has been destroyed."""
    return next((found for (found,) in database.execute("SELECT name FROM room WHERE id = ?", (room,))), Name(""))


def seen_names(database: Database, *, viewer: int) -> list[str]:
    """The names of the rooms that the viewer may know of."""
    return [name for (name,) in database.execute(f"SELECT r.name FROM room r WHERE {SEEN} ORDER BY r.name", (viewer,))]


def may_read(database: Database, room: int, viewer: int, seq: int) -> bool:
    """Whether an agent may read what was said in a room at a seq: anyone in a public one, in others a member since then."""
    ((allowed,),) = database.execute(f"SELECT {MAY_READ.format(room='?1', seq='?2', viewer=3)}", (room, seq, viewer))
    return bool(allowed)


def standing(database: Database, room: int, agent: int) -> Standing:
    """What an agent is to a room."""
    (row,) = database.execute(f"{STANDING} FROM room r {STANDS} WHERE r.id = ?2", (agent, room))
    return Standing(*map(bool, row))


def listing(database: Database, *, viewer: int, name: str | None = None) -> list[ListedRow]:
    """The rooms that the viewer may know of, by name; or the one of that name."""
    condition, values = ("", (viewer,)) if name is None else (" AND r.name = ?2", (viewer, name))
    rows = database.execute(f"{LISTED}{condition} ORDER BY r.name", values)
    return [ListedRow(RoomRow(*row[5:12]), Standing(*map(bool, row[:5])), *row[12:]) for row in rows]


def member(database: Database, room: int, agent: int) -> MemberRow | None:
    """An agent as the member of a room."""
    for row in database.execute("SELECT * FROM member WHERE room = ? AND agent = ?", (room, agent)):
        return MemberRow(*row)
    return None


def members(database: Database, room: int) -> list[int]:
    """All members of a room, ghosts too."""
    return [agent for (agent,) in database.execute("SELECT agent FROM member WHERE room = ?", (room,))]


def invited(database: Database, room: int) -> list[int]:
    """All who are invited to a room."""
    return [agent for (agent,) in database.execute("SELECT agent FROM invitation WHERE room = ?", (room,))]


def present(database: Database, room: int, *, viewer: int, limit: int, without: Collection[int] = ()) -> list[PresentRow]:
    """The members of a room that the viewer may see, the longest first, as if some processes were not attached.

    Hidden ones are seen by members only, ghosts by nobody but the human.
    """
    return [PresentRow(*row) for row in database.execute(PRESENT, (viewer, room, limit, str([*without])))]


def count(database: Database, room: int, *, ghosts: bool) -> int:
    """How many members a room has, with or without those that nobody sees."""
    hidden = "" if ghosts else f" AND a.visibility != '{GHOST}'"
    ((number,),) = database.execute(f"SELECT count(*) FROM member m JOIN agent a ON a.id = m.agent WHERE m.room = ?{hidden}", (room,))
    return int(number)


def count_owned(database: Database, agent: int, *, secret: bool) -> int:
    """How many secret rooms an agent owns, or others: neither number says anything about the other."""
    ((number,),) = database.execute(
        "SELECT count(*) FROM member m JOIN room r ON r.id = m.room AND r.owner = m.agent WHERE m.agent = ? AND (r.policy = 'secret') = ?",
        (agent, secret),
    )
    return int(number)


def longest(database: Database, room: int, *, but: int) -> int | None:
    """Who has been a member for the longest time, of those who can be seen."""
    for (agent,) in database.execute(LONGEST, (room, but)):
        return int(agent)
    return None


def of_agent(database: Database, agent: int) -> list[RoomRow]:
    """The rooms in which an agent is."""
    return [RoomRow(*row) for row in database.execute(f"{ROOM} JOIN member m ON m.room = r.id WHERE m.agent = ? ORDER BY r.id", (agent,))]


def create(database: Database, wanted: RoomRow) -> RoomRow:
    """Make a room of a name that no other has, with its owner as the first member. It gets a number of its own."""
    ((id,),) = database.execute(NEXT)
    row = wanted._replace(id=id)
    database.execute("INSERT INTO room (id, name, policy, owner, description, topic, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    join(database, id, row.owner, now_ms=row.created_ms)
    return row


def join(database: Database, room: int, agent: int, *, now_ms: int) -> None:
    """Make an agent a member: what comes from now on is for it. An invitation of it is used up."""
    database.execute(
        "INSERT INTO member (room, agent, joined_ms, after_seq, after_event) VALUES (?, ?, ?,"
        " coalesce((SELECT max(seq) FROM message), 0), coalesce((SELECT max(id) FROM event), 0))",
        (room, agent, now_ms),
    )
    uninvite(database, room, agent)


def leave(database: Database, room: int, agent: int) -> None:
    """Take a member out."""
    database.execute("DELETE FROM member WHERE room = ? AND agent = ?", (room, agent))


def invite(database: Database, room: int, agent: int, by: int, *, now_ms: int) -> None:
    """Let an agent join."""
    database.execute("INSERT INTO invitation (room, agent, by, invited_ms) VALUES (?, ?, ?, ?)", (room, agent, by, now_ms))


def invited_by(database: Database, room: int, agent: int) -> int | None:
    """Who invited an agent, if its invitation is open."""
    for (by,) in database.execute("SELECT by FROM invitation WHERE room = ? AND agent = ?", (room, agent)):
        return int(by)
    return None


def uninvite(database: Database, room: int, agent: int) -> None:
    """Take an invitation away, if there is one."""
    database.execute("DELETE FROM invitation WHERE room = ? AND agent = ?", (room, agent))


def change(database: Database, row: RoomRow) -> None:
    """Write down what a room is now."""
    database.execute("UPDATE room SET name = ?2, policy = ?3, owner = ?4, description = ?5, topic = ?6, created_ms = ?7 WHERE id = ?1", row)


def mute(database: Database, room: int, agent: int, *, muted: bool) -> None:
    """Let the messages of a room not wake a member, or wake it again."""
    database.execute("UPDATE member SET muted = ? WHERE room = ? AND agent = ?", (muted, room, agent))


def destroy(database: Database, room: int) -> None:
    """Take a room away, with its members and invitations. Its messages stay, as those of nobody."""
    for table in ("member", "invitation"):
        database.execute(f"DELETE FROM {table} WHERE room = ?", (room,))
    database.execute("DELETE FROM room WHERE id = ?", (room,))


def named(database: Database, name: str) -> RoomRow | None:
    """The room of a name, whoever may see it."""
    for row in database.execute(f"{ROOM} WHERE r.name = ?", (name,)):
        return RoomRow(*row)
    return None
