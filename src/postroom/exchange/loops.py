"""Where the steps of a loop are held that answer nothing: those of a room, of two agents, or of broadcasts together, in one thread.

So a human hears of a loop once, and lets go of it at once, however many messages it has become.
"""

from __future__ import annotations

from postroom.core.pace import LOOP
from postroom.exchange.outbox import Crowd, Outbox, Place
from postroom.store import budgets
from postroom.store.messages import MessageRow

HELD_LOOP = -(1 << 33)
"""Stands, less twice the number of the lesser of two agents, and one if it is hidden, for the sender where the number is that thread."""


def begin(outbox: Outbox, crowd: Crowd, first: MessageRow) -> None:
    """Note which message begins the thread in which a loop is held from now on."""
    outbox.paces[key(outbox, crowd, hidden=bool(first.hidden))] = first.seq


def join(outbox: Outbox, crowd: Crowd, place: Place) -> Place:
    """The place of one more step of a loop: in the thread that is held already, unless a human has let it go."""
    root = outbox.pace(key(outbox, crowd, hidden=place.hidden))
    budget = budgets.thread(outbox.posting.database, root)
    if budget is None or budget.held is None or not budget.held.startswith(LOOP):
        return place
    return place._replace(root=root, name=outbox.called(root))


def key(outbox: Outbox, crowd: Crowd, *, hidden: bool) -> tuple[int, int]:
    """Under which key the meters hold the thread of a loop. What is hidden never shares one with what others see."""
    first, last = 0, crowd.room.id if crowd.room is not None else 0
    if not crowd.address:
        everyone = [outbox.author.agent, *[mailbox.agent for mailbox in crowd.mailboxes]]
        first, last = min(everyone), max(everyone)
    return HELD_LOOP - 2 * first - hidden, last
