"""Confirming messages that were read while the node that had handed them over was away: by what they are, as no hand has them."""

from __future__ import annotations

from collections.abc import Sequence

from postroom.core.errors import PostroomError
from postroom.core.types import NamedTuple
from postroom.exchange import reading
from postroom.exchange.desk import Desk, Posting
from postroom.exchange.lookup import resolve
from postroom.store import deliveries, messages
from postroom.store import settling as stored
from postroom.store.deliveries import Handed


class Settled(NamedTuple):
    """Messages that need no confirmation any more, and those that another reader has by now."""

    settled: list[str]
    lost: list[str]


def settle(desk: Desk, refs: Sequence[str]) -> Settled:
    """Confirm messages, each named as `sender:id`, that the desk's agent has read before. What is read already, or gone, is settled."""
    outcome = Settled([], [])
    with desk.posting() as posting:
        handed = []
        for ref in dict.fromkeys(refs):
            found = mine(posting, ref)
            if isinstance(found, Handed):
                handed.append(found)
            (outcome.lost if found is True else outcome.settled).append(ref)
        if handed:
            until = posting.now_ms + desk.config.limits.lease_ms
            deliveries.hand(posting.database, handed, holder=posting.provenance(), lease_ms=until, now_ms=posting.now_ms)
            reading.settle(posting, handed)
    return outcome


def mine(posting: Posting, ref: str) -> Handed | bool:
    """A message of the desk's agent that can be confirmed now; else whether it is unread, in the hands of another reader."""
    database, agent = posting.database, posting.desk.agent
    try:
        about = messages.row(database, resolve(database, ref, agent).seq)
    except PostroomError:
        return False
    if about is None:
        return False
    delivery = stored.delivery_to(database, about, agent.id)
    if delivery is None:
        return False
    open_now = stored.open_to(database, delivery, holder=posting.provenance(), now_ms=posting.now_ms)
    return open_now if open_now is not None else stored.is_unread(database, delivery)
