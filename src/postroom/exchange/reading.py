"""Reading: taking messages out of the mailbox, and confirming them. Only a confirmed message is read; only its holder can confirm it."""

from __future__ import annotations

from collections.abc import Sequence

from postroom.core.errors import BadValue, LeaseLost
from postroom.core.message import Message
from postroom.exchange import causes, events, sessions
from postroom.exchange.desk import Desk, Posting
from postroom.store import deliveries
from postroom.store.deliveries import Handed

SHORT_LEASE_MS = 30_000
"""The lease of a reader that has no doorbell, such as one `postroom inbox`: if it dies, its messages are missing for so long."""


def take(desk: Desk, *, limit: int, confirm: Sequence[Handed] = (), claim: int | None = None, lease_ms: int | None = None) -> list[Handed]:
    """Confirm what was read, and take what waits, oldest first, in one transaction. Raises LeaseLost after taking nothing.

    With `claim` only the answers to that message, or the messages of that thread, are taken.
    """
    limit = min(checked_number(limit), desk.config.limits.batch)
    with desk.posting() as posting:
        settle(posting, confirm)
        handed = deliveries.waiting(posting.database, desk.agent.id, now_ms=posting.now_ms, limit=limit, claim=claim)
        if handed:
            until = posting.now_ms + (lease_ms or desk.config.limits.lease_ms)
            deliveries.hand(posting.database, handed, holder=posting.provenance(), lease_ms=until, now_ms=posting.now_ms)
            wake_followers(posting, handed)
    causes.put_down(desk, confirm)
    causes.taken(desk, handed)
    return handed


def confirm(desk: Desk, handed: Sequence[Handed]) -> None:
    """Confirm messages. Raises LeaseLost, and confirms none, if another reader has one of them by now."""
    with desk.posting() as posting:
        settle(posting, handed)
    causes.put_down(desk, handed)


def settle(posting: Posting, handed: Sequence[Handed]) -> None:
    """Confirm messages within a transaction, and do what reading them brings about."""
    if not handed:
        return
    desk = posting.desk
    count = deliveries.read(posting.database, handed, holder=desk.provenance, recipient=desk.agent.id, now_ms=posting.now_ms)
    if count < len(handed):
        lost = [one.message.id for one in handed if not deliveries.is_settled_from(posting.database, one.delivery, desk.provenance)]
        if lost:
            raise LeaseLost(ids=", ".join(lost))
    events.receipts(posting, handed, count)
    causes.remember(posting, handed)
    wake_followers(posting, handed)
    sessions.acknowledge(posting, handed)


def wake_followers(posting: Posting, handed: Sequence[Handed]) -> None:
    """Wake the senders that asked to be told what becomes of their messages."""
    for one in handed:
        if one.followed:
            posting.wake(one.sender)


def give_back(desk: Desk, handed: Sequence[Handed]) -> None:
    """Put messages back unread. They will be handed over again, marked as redelivered."""
    if handed:
        with desk.posting() as posting:
            for one in handed:
                deliveries.give_back_one(posting.database, one.delivery, holder=desk.provenance)
            wake_followers(posting, handed)
            posting.wake(desk.agent.id)
        causes.put_down(desk, handed)


def checked_number(limit: object) -> int:
    """How many messages somebody wants at most. Raises BadValue."""
    if not isinstance(limit, int) or limit < 1:
        raise BadValue(name="limit", value=limit, why="it is a whole number above zero")
    return limit


def anything(desk: Desk) -> bool:
    """Whether a look into the mailbox may be worth a transaction."""
    with desk.reading() as database:
        return deliveries.any_unread(database, desk.agent.id)


def anything_urgent(desk: Desk) -> bool:
    """Whether something waits that is worth being woken for."""
    with desk.reading() as database:
        return deliveries.any_urgent(database, desk.agent.id)


def peek(desk: Desk, *, limit: int) -> list[Message]:
    """Look at the waiting messages, also those in other hands, oldest first. Changes nothing."""
    limit = min(checked_number(limit), desk.config.limits.page)
    with desk.reading() as database:
        return deliveries.peek(database, desk.agent.id, limit=limit)
