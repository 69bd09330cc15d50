"""What hooks do for a session: each is a process that ends at once, so what one handed over is confirmed by the next.

That there is a next one shows that the harness went on after the hand-over; a session that ends before gives everything back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from postroom.core.errors import LeaseLost
from postroom.core.message import Message, Urgency
from postroom.core.types import NamedTuple
from postroom.exchange.desk import Desk
from postroom.store import agents, deliveries, handover
from postroom.store.deliveries import Handed

INTERFACE = handover.INTERFACE


TURN_MS = 60_000
"""What a turn has had for so long counts as read also while the turn goes on."""


def settle_earlier(desk: Desk, *, was_read: bool, in_turn: bool = False) -> None:
    """Confirm what earlier hooks of this agent handed over, or put it back if nobody knows whether the model saw it.

    In a turn several tools may run at once: that the next hook is called does not show then that the model has gone on.
    """
    until_ms = desk.now_ms() - TURN_MS if in_turn else desk.now_ms()
    with desk.reading() as database:
        holder = handover.holder(database, desk.agent.id)
        handed = [] if holder is None else handover.in_hand(database, desk.agent.id, holder, until_ms=until_ms)
    if holder is None:
        return
    from postroom.exchange import reading

    desk.provenance = holder
    if not was_read:
        reading.give_back(desk, handed)
        return
    for one in handed:
        try:
            reading.confirm(desk, [one])
        except LeaseLost:  # it took too long: another reader has it by now, and has it to confirm
            continue


def anything_free(desk: Desk) -> bool:
    """Whether anything waits that is in nobody's hands: else a look into the mailbox would cost a transaction for nothing."""
    with desk.reading() as database:
        return deliveries.any_waiting(database, desk.agent.id, now_ms=desk.now_ms())


def put_back(desk: Desk, handed: Sequence[Handed]) -> None:
    """Put messages back that nobody can have seen: they are as new the next time as they were this time."""
    if not handed:
        return
    from postroom.exchange import reading

    with desk.posting() as posting:
        for one in handed:
            handover.unhand(posting.database, one.delivery, holder=desk.provenance)
    reading.give_back(desk, handed)


def put_back_earlier(desk: Desk, which: Callable[[Message], bool]) -> None:
    """The same for what an earlier hook of this agent handed over."""
    with desk.reading() as database:
        holder = handover.holder(database, desk.agent.id)
        handed = [] if holder is None else handover.in_hand(database, desk.agent.id, holder, until_ms=desk.now_ms())
    if holder is not None:
        desk.provenance = holder
        put_back(desk, [one for one in handed if which(one.message)])


def is_served(desk: Desk, harness: str) -> bool:
    """Whether a server in that harness has this agent."""
    with desk.reading() as database:
        return any(name == desk.agent.name for _, name in handover.servers(database, harness))


class Wanted(NamedTuple):
    """How urgent what waits is, and whether the agent says that it is busy."""

    urgencies: set[Urgency]
    busy: bool


def wanted(desk: Desk, *, limit: int) -> Wanted:
    """What waits for the desk's agent, of the first messages in its mailbox."""
    with desk.reading() as database:
        waiting = deliveries.waiting(database, desk.agent.id, now_ms=desk.now_ms(), limit=limit)
        busy = bool(waiting) and agents.by_id(database, desk.agent.id).status == "busy"
    return Wanted({one.message.urgency for one in waiting}, busy)


def take(desk: Desk, wanted: Collection[Urgency], *, limit: int) -> list[Handed]:
    """Take what waits, in order, if any of it is as urgent as wanted: what is less urgent goes along, so that the order stays."""
    from postroom.exchange import causes, reading

    with desk.reading() as database:
        urgent = handover.urgencies(database, desk.agent.id, now_ms=desk.now_ms())
    handed = reading.take(desk, limit=limit) if not urgent.isdisjoint(wanted) else []
    if handed:
        with desk.posting() as posting:  # what the model says next follows from it, and is not said by this process
            causes.remember(posting, handed)
    return handed
