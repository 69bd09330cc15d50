"""What is told of rooms by notices, because one may have to act on it; and not too much of it. What one may want to know are events."""

from __future__ import annotations

from types import TracebackType

from postroom.core.address import Name
from postroom.core.errors import TooFast
from postroom.core.message import check_text
from postroom.core.room import Policy
from postroom.exchange import crowds, notices
from postroom.exchange.desk import Desk, Posting
from postroom.exchange.outbox import Crowd, Outbox, Place
from postroom.exchange.sending import tell_of_storm
from postroom.store import agents
from postroom.store import rooms as stored
from postroom.store.database import Database
from postroom.store.rooms import RoomRow


class Announcement:
    """A write transaction of which others in a room hear. When it comes too fast, the human hears of that, as of messages."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._posting = desk.posting(safe=True)

    def __enter__(self) -> Posting:
        return self._posting.__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._posting.__exit__(kind, error, trace)
        if isinstance(error, TooFast):
            tell_of_storm(self._desk, error)


def tell(outbox: Outbox, room: RoomRow, to: int, what: str, **facts: str) -> None:
    """Tell an agent what concerns it."""
    hidden = is_hidden(outbox, room, ghost=stored.standing(outbox.posting.database, room.id, to).ghost)
    notices.tell(outbox, to, what, hidden=hidden, room=f"#{room.name}", name=room.name, **facts)


def is_hidden(outbox: Outbox, room: RoomRow, *, ghost: bool) -> bool:
    """Whether nobody but those in a room may notice a notice: it is about a secret room, or comes from a ghost, or goes to one."""
    return room.policy == Policy.SECRET or bool(outbox.ghost) or ghost


def charge(outbox: Outbox, room: RoomRow) -> None:
    """Who makes others hear much of a room is slowed down like who talks much in it. A ghost slows nobody but itself. Raises TooFast."""
    if outbox.ghost and room.policy != Policy.SECRET:
        outbox.due_us = crowds.charged(outbox, 1)
    else:
        crowds.paced(outbox, Crowd(f"#{room.name}", room=room), Place(hidden=room.policy == Policy.SECRET))


def my_name(desk: Desk, database: Database) -> Name:
    """What the desk's agent is called now."""
    return agents.by_id(database, desk.agent.id).name


def check_reason(desk: Desk, reason: str) -> None:
    """A reason is a text."""
    check_text("reason", reason, desk.config.limits.body_bytes, "body_bytes", advice="Say it in fewer words.")


def because(reason: str) -> str:
    """A reason at the end of a sentence."""
    return f": {reason}" if reason.strip() else "."
