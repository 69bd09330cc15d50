"""Held threads: what a human sees, releases or discards. Held is not lost: each message waits until one of the two."""

from __future__ import annotations

from postroom.core.errors import AmbiguousId, NoSuchMessage, NothingHeld
from postroom.core.message import Seq, State
from postroom.exchange import notices
from postroom.exchange.desk import HUMAN_AGENT, Desk, Posting
from postroom.exchange.lookup import choices
from postroom.exchange.outbox import Outbox
from postroom.exchange.sending import note_answer
from postroom.store import budgets, deliveries, mailboxes, messages, waits
from postroom.store.budgets import HeldThread
from postroom.store.deliveries import HeldDelivery


def held(desk: Desk) -> list[HeldThread]:
    """The threads that wait for a human, oldest first."""
    with desk.reading() as database:
        return budgets.held(database)


def release(desk: Desk, id: str) -> int:
    """Deliver what is held in a thread, in its order, and let the thread go on with a new budget. Returns how many were delivered.

    Raises NothingHeld.
    """
    with desk.posting(safe=True) as posting:
        root = held_thread(posting, id)
        outbox = Outbox(posting)
        rows = deliveries.held_in(posting.database, root)
        for row in rows:
            deliver(outbox, row)
        let_go(posting, root)
        outbox.write()
    return len(rows)


def deliver(outbox: Outbox, row: HeldDelivery) -> None:
    """Put one held message into its mailbox, and let it count as the answer that it is."""
    posting = outbox.posting
    deliveries.release(posting.database, row, now_ms=posting.now_ms)
    outbox.mailbox(row.recipient).arrived += mailboxes.units(hidden=bool(row.hidden))
    posting.wake(row.recipient)
    if row.reply_to is not None:
        for answered in messages.referred(posting.database, Seq(row.reply_to), row.sender):
            if answered.sender == row.recipient:
                note_answer(posting, answered, by=row.sender)


def discard(desk: Desk, id: str, reason: str) -> int:
    """Refuse what is held in a thread; each sender is told why. The thread goes on with a new budget. Returns how many were refused.

    Raises NothingHeld.
    """
    with desk.posting(safe=True) as posting:
        root = held_thread(posting, id)
        outbox = Outbox(posting)
        rows = deliveries.held_in(posting.database, root)
        for row in rows:
            deliveries.end(posting.database, row.delivery, State.REFUSED, f"discarded: {reason}", now_ms=posting.now_ms)
            about = messages.row(posting.database, row.message)
            assert about is not None, "held messages are never pruned"
            waits.close_request(posting.database, row.recipient, row.message)
            notices.notify(outbox, row.sender, "discarded", about, recipient=row.name, reason=reason)
        let_go(posting, root)
        outbox.write()
    return len(rows)


def held_thread(posting: Posting, id: str) -> int:
    """The first message of a held thread, by the id of any of its messages. Raises NoSuchMessage, AmbiguousId, NothingHeld."""
    found = messages.referred(posting.database, id, HUMAN_AGENT)
    roots = sorted({parent.root for parent in found})
    if not roots:
        raise NoSuchMessage(id=id, advice="")
    if len(roots) > 1:
        raise AmbiguousId(id=id, choices=choices(posting.database, id, [parent.sender for parent in found]))
    budget = budgets.thread(posting.database, roots[0])
    if budget is None or budget.held is None:
        raise NothingHeld(thread=messages.called(posting.database, roots[0]))
    return roots[0]


def let_go(posting: Posting, root: int) -> None:
    """A human has looked: turns and hops of the thread are counted anew."""
    budgets.let_go(posting.database, root)
    messages.forget_hops(posting.database, root)
