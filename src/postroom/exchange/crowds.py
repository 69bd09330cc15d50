"""Who gets a message that goes to a room, to everyone, or to everyone with a tag; and how fast one may speak there."""

from __future__ import annotations

from collections.abc import Sequence

from postroom.core import pace
from postroom.core.address import Address, Name, mentions
from postroom.core.errors import GhostSpeaks, NobodyThere, NotAMember, TooFast
from postroom.core.message import Draft, Urgency, checked
from postroom.core.types import TYPE_CHECKING
from postroom.exchange.desk import Desk
from postroom.exchange.lookup import known_room
from postroom.exchange.outbox import NO_REFUSALS, Crowd, Mailbox, Outbox, Place
from postroom.store import mailboxes
from postroom.store.budgets import PACE_OF_ROOM, PACES_IN_ROOMS
from postroom.store.mailboxes import MemberRow

if TYPE_CHECKING:  # rooms are loaded when somebody writes to one: 0.4 ms of a 20 ms `postroom send`
    from postroom.store.database import Database
    from postroom.store.rooms import RoomRow

NO_PLACE = "mailbox-full: {limit} messages wait there already, and its last places are for who writes to it alone"
"""Why a mailbox takes nothing of a room: its reserve is not for crowds."""
BROADCASTS, OF_ROOM = "broadcasts_per_minute", "room_per_minute"


def of_room(outbox: Outbox, name: Name, draft: Draft) -> Crowd:
    """The members of a room but the sender. Raises NoSuchRoom, NotAMember, GhostSpeaks."""
    from postroom.store import rooms

    database, sender = outbox.posting.database, outbox.author.agent
    room = known_room(database, name, sender)
    if rooms.member(database, room.id, sender) is None:
        how = f"postroom join {room.name}" if room.policy == "public" else "one of its members must invite you"
        raise NotAMember(room=room.name, advice=f" To speak there, join it: {how}.")
    if outbox.ghost and room.policy == "public":
        raise GhostSpeaks(where=f"#{room.name}")
    within_pace(outbox, room)  # before its members are looked up: a storm must cost nobody anything
    members = mailboxes.of_members(database, room.id, sender=sender)
    named = mentions(draft.body) | mentions(draft.subject)
    urgencies: dict[int, str] = {one.agent: Urgency.INFO for one in members if one.muted}
    urgencies |= {one.agent: Urgency.NOW for one in members if one.name in named} if named else {}
    return Crowd(f"#{room.name}", members=members, room=room, urgencies=urgencies)


def of_listed(outbox: Outbox, address: Address) -> Crowd:
    """Everyone who is listed, or has a tag, but the sender. Raises NobodyThere, GhostSpeaks."""
    tag = address.name if address.kind == "tag" else None
    written = "@all" if tag is None else f"@tag:{tag}"
    if outbox.ghost:
        raise GhostSpeaks(where=written)
    within_pace(outbox, None)
    members = mailboxes.of_listed(outbox.posting.database, tag, sender=outbox.author.agent)
    if not members:
        raise NobodyThere(address=written)
    return Crowd(written, members=members)


def count(desk: Desk, draft: Draft) -> int:
    """How many would get a message. Raises what sending it would raise about the address; what it will be charged is another matter."""
    with desk.posting() as posting:
        to = checked(draft, desk.config.limits, now_ms=posting.now_ms).to
        return len(to) if to[0].kind == "agent" else len(of_address(Outbox(posting), to[0], draft).members)


def of_address(outbox: Outbox, address: Address, draft: Draft) -> Crowd:
    """The crowd of a room, of everyone, or of those with a tag."""
    return of_room(outbox, address.name, draft) if address.kind == "room" else of_listed(outbox, address)


def paced(outbox: Outbox, crowd: Crowd, place: Place) -> dict[int, str]:
    """Charge the paces: one message of the sender, and one of the room or of its broadcasts. Names full mailboxes. Raises TooFast.

    What is said in a secret room is charged to the room alone: else it would slow the sender down where others can see it.
    """
    due = within_pace(outbox, crowd.room)
    if not (place.hidden and crowd.room):
        outbox.due_us = charged(outbox, 1)
    outbox.paces |= due
    most = outbox.posting.desk.config.limits.unreserved
    full = NO_PLACE.format(limit=most)
    filled = [one for one in crowd.members if one.waiting >= most]
    return {one.agent: full for one in filled if mailboxes.counted(one.waiting)[place.hidden] >= most} or NO_REFUSALS


def within_pace(outbox: Outbox, room: RoomRow | None) -> dict[tuple[int, int], int]:
    """The paces of a sender in a room and of the room, or of the sender's broadcasts, after one more message. Raises TooFast."""
    limits, sender = outbox.posting.desk.config.limits, outbox.author.agent
    if room is None:
        return after_one(outbox, (sender, PACE_OF_ROOM), BROADCASTS, limits.broadcasts_per_minute)
    own = after_one(outbox, (sender, PACES_IN_ROOMS - room.id), "sender_in_room_per_minute", limits.sender_in_room_per_minute)
    return own | after_one(outbox, (PACE_OF_ROOM, room.id), OF_ROOM, limits.room_per_minute, room=f"#{room.name}")


def after_one(outbox: Outbox, key: tuple[int, int], name: str, limit: int, *, room: str = "") -> dict[tuple[int, int], int]:
    """One pace after one more message. Raises TooFast, which says so when a room is too fast and not its sender."""
    now_us = outbox.posting.now_us
    due = pace.due_after(outbox.pace(key), now_us, 1, limit)
    if wait := pace.wait_ms(due, now_us):
        raise too_fast(name, limit, wait, room=room, who=f"All in {room} together are") if room else too_fast(name, limit, wait)
    return {key: due}


def charged(outbox: Outbox, count: int) -> int:
    """The pace of the sender after so many more messages. Raises TooFast."""
    limit, now_us = outbox.posting.desk.config.limits.sender_per_minute, outbox.posting.now_us
    due = pace.due_after(outbox.due_us, now_us, count, limit)
    if due - now_us > pace.MINUTE_US:
        raise too_fast("sender_per_minute", limit, pace.wait_ms(due, now_us))
    return due


def too_fast(name: str, limit: int, wait_ms: int, *, who: str = "You are", room: str = "") -> TooFast:
    """The error for a pace that is exceeded. For people the wait is rounded up to a tenth of a second."""
    return TooFast(limit_name=name, limit=limit, retry_after_ms=wait_ms, seconds=-(-wait_ms // 100) / 10, who=who, room=room)


def room_called(database: Database, address: str) -> int:
    """The number of a room by its address, whoever may see it; 0 if it is no more."""
    from postroom.store import rooms

    found = rooms.named(database, address.removeprefix("#"))
    return found.id if found else 0


def names(mailboxes: Sequence[Mailbox | MemberRow], most: int = 20) -> str:
    """The names of some, and how many more there are."""
    known = [mailbox.name for mailbox in mailboxes]
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more
