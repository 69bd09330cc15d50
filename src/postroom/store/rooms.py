"""SQL about rooms: what they are, who is in them, who is invited. Who sees a room is decided here, in `seen`."""

from __future__ import annotations

from postroom.core.address import Name
from postroom.core.types import NamedTuple
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


SEEN = """
(r.policy != 'secret' OR EXISTS (SELECT 1 FROM member m WHERE m.room = r.id AND m.agent = ?1)
OR EXISTS (SELECT 1 FROM invitation i WHERE i.room = r.id AND i.agent = ?1)
OR EXISTS (SELECT 1 FROM agent h WHERE h.id = ?1 AND h.kind = 'human'))
"""
ROOM = "SELECT r.id, r.name, r.policy, r.owner, r.description, r.topic, r.created_ms FROM room r"


def seen(database: Database, name: str, *, viewer: int) -> RoomRow | None:
    """The room of that name, if the viewer may know of it; for everybody else there is none."""
    for row in database.execute(f"{ROOM} WHERE r.name = ?2 AND {SEEN}", (viewer, name)):
        return RoomRow(*row)
    return None


def member(database: Database, room: int, agent: int) -> MemberRow | None:
    """An agent as the member of a room."""
    for row in database.execute("SELECT * FROM member WHERE room = ? AND agent = ?", (room, agent)):
        return MemberRow(*row)
    return None
