"""Telling agents what happens besides messages, and letting them see it. An event wakes only those who wait for events just now."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from postroom.core.types import NamedTuple
from postroom.exchange.desk import POSTROOM_AGENT, Desk, Posting
from postroom.store import agents
from postroom.store import events as stored
from postroom.store.deliveries import Handed
from postroom.store.events import NewEvent, Told

DAY_MS = 86_400_000
PAGE = 100
"""So many events are looked up at once."""


def tell(posting: Posting, news: Sequence[NewEvent]) -> None:
    """Write events down, and wake those of their readers who wait for events."""
    stored.insert(posting.database, news)
    for one in news:
        if one.target is not None:
            wake(posting, one.target)
        elif one.room is not None:
            wake_members(posting, one.room)


def tell_rooms(posting: Posting, agent: int, what: str, text: str = "") -> None:
    """Tell each room of an agent something about it, once."""
    stored.insert_in_rooms(posting.database, agent, what, text, now_ms=posting.now_ms)
    wake_rooms(posting, agent)


def vanish(posting: Posting, agent: int, name: str) -> None:
    """Tell each room of an agent that it left: it is a ghost from now on."""
    stored.vanish(posting.database, agent, name, now_ms=posting.now_ms)
    wake_rooms(posting, agent)


def wake_rooms(posting: Posting, agent: int) -> None:
    """Wake those who wait for events in the rooms of an agent."""
    for room, _ in stored.rooms_of(posting.database, agent):
        wake_members(posting, room)


def wake_members(posting: Posting, room: int) -> None:
    """Wake those members of a room that wait for events."""
    for agent in stored.listeners(posting.database, room):
        posting.wake(agent)


def wake(posting: Posting, agent: int) -> None:
    """Wake an agent if it waits for events."""
    if stored.listens(posting.database, agent):
        posting.wake(agent)


# Receipts


def receipts(posting: Posting, handed: Sequence[Handed], read: int) -> None:
    """Tell the authors of messages which the desk's agent just confirmed that it has read them: each message once, also if it comes again.

    `read` says how many of them were not read before. Own messages make no receipts, and a ghost gives none.
    """
    if not read:
        return
    reader, deliveries = posting.desk.agent.id, dict[int, list[int]]()
    for one in handed:
        if one.sender not in (reader, POSTROOM_AGENT):
            deliveries.setdefault(one.sender, []).append(one.delivery)
    for author, confirmed in deliveries.items():
        fresh = confirmed if read == len(handed) else newly_read(posting, author, confirmed)
        if fresh and stored.insert_read(posting.database, author, reader, fresh, now_ms=posting.now_ms):
            posting.wake(author)


def newly_read(posting: Posting, author: int, confirmed: Sequence[int]) -> list[int]:
    """Which of some deliveries were not read before this posting."""
    database, now_ms = posting.database, posting.now_ms
    found = stored.just_read(database, confirmed, holder=posting.desk.provenance, now_ms=now_ms)
    earlier = stored.told_now(database, author, posting.desk.agent.id, now_ms=now_ms) if found else set()
    return [one for one in found if one not in earlier]


class Outcome(NamedTuple):
    """What became of a message (its seq) for one recipient: `answered`, `expired`, `refused`, `discarded`; `delivered` after being held."""

    what: str
    message: int
    author: int
    recipient: int
    text: str = ""


def receipt(posting: Posting, outcome: Outcome) -> None:
    """Tell the author of a message what became of it. Nobody is told of himself, nor of a ghost."""
    what, message, author, recipient, text = outcome
    if author not in (recipient, POSTROOM_AGENT) and not agents.is_ghost(posting.database, recipient):
        tell(posting, [NewEvent(posting.now_ms, what, None, author, recipient, message, text)])


# Seeing them


def news(desk: Desk, *, limit: int = PAGE) -> list[Told]:
    """The next events of the desk's agent that it has not seen, oldest first."""
    with desk.reading() as database:
        return list(islice(stored.unseen(database, desk.agent.id, limit=min(limit, PAGE)), limit))


def seen(desk: Desk, position: int) -> None:
    """Note that the desk's agent has seen its events before a position."""
    with desk.posting() as posting:
        stored.set_position(posting.database, desk.agent.id, position)


def listen(desk: Desk, *, on: bool) -> None:
    """Let events wake the desk's agent, or not any more."""
    with desk.posting() as posting:
        (stored.listen if on else stored.stop_listening)(posting.database, desk.agent.id)


def prune(desk: Desk, *, limit: int) -> bool:
    """Forget some events that are old enough. Says whether there may be more of them.

    By their age and not by their number: else who makes many in a secret room would push out those of others, who would notice.
    """
    before_ms = desk.now_ms() - desk.config.limits.event_days * DAY_MS
    with desk.reading() as database:
        if not stored.any_old(database, before_ms=before_ms):
            return False
    with desk.posting() as posting:
        return stored.forget(posting.database, before_ms=before_ms, limit=limit)
