"""What is held: what a human sees, releases or discards; and pausing an agent. Held is not lost: it waits until one of the two."""

from __future__ import annotations

from postroom.core.errors import AmbiguousId, BadValue, NoSuchMessage, NothingHeld, NotPaused
from postroom.core.message import Seq, State, check_text
from postroom.exchange import events, notices
from postroom.exchange.desk import HUMAN_AGENT, Desk, Posting
from postroom.exchange.events import Outcome
from postroom.exchange.lookup import choices, known
from postroom.exchange.outbox import Outbox
from postroom.exchange.sending import note_answer
from postroom.store import agents, budgets, deliveries, mailboxes, messages, waits
from postroom.store import held as stored
from postroom.store.held import Held, HeldDelivery
from postroom.store.messages import Parent

AT_A_TIME = 1_000
"""So many messages on their way to one recipient each are released in one transaction, in about 40 ms."""


def held(desk: Desk) -> list[Held]:
    """The threads and paused agents that wait for a human, as far as they concern who asks."""
    with desk.reading() as database:
        return stored.everything(database, viewer=desk.agent.id)


def pause(desk: Desk, name: str, reason: str) -> None:
    """Hold everything that an agent sends from now on, until `release`. It is told once. Raises NoSuchAgent."""
    check_text("reason", reason, desk.config.limits.description_bytes, "description_bytes")
    if not reason.strip():
        raise BadValue(name="reason", value=reason, why="the agent wants to know why")
    with desk.posting(safe=True) as posting:
        agent = known(posting.database, name, desk.agent.id)
        if agents.by_id(posting.database, agent).kind != "agent":
            raise BadValue(name="name", value=name, why="only agents can be paused")
        before = stored.why_paused(posting.database, agent)
        stored.pause(posting.database, agent, reason)
        if before != reason:
            say(posting, agent, "paused", reason=reason)


def release(desk: Desk, id: str) -> int:
    """Deliver what is held in a thread, or of a paused agent, in its order; the thread, or the agent, goes on. Returns how many messages.

    Much of it is delivered in parts, between which others get their turn; the thread, or the agent, goes on after the last.
    Raises NoSuchMessage, AmbiguousId, NothingHeld.
    """
    released: set[int] = set()
    more = True
    while more:
        with desk.posting(safe=True) as posting:
            try:
                agent, root, rows = waiting(posting, id, limit=AT_A_TIME + 1)
            except (NothingHeld, NotPaused):
                if not released:
                    raise
                break  # somebody else has released the rest
            rows, more = rows[:AT_A_TIME], len(rows) > AT_A_TIME
            outbox = Outbox(posting)
            for row in rows:
                deliver(outbox, row)
            outbox.write()
            if not more and agent is not None:
                stored.pause(posting.database, agent, None)
                say(posting, agent, "unpaused")
            elif not more:
                let_go(posting, root)
        released |= {row.message for row in rows}
    return len(released)


def deliver(outbox: Outbox, row: HeldDelivery) -> None:
    """Put one held message into its mailbox, and let it count as the answer that it is."""
    posting = outbox.posting
    stored.release(posting.database, row, now_ms=posting.now_ms)
    outbox.mailbox(row.recipient).arrived += mailboxes.units(hidden=bool(row.hidden))
    events.receipt(posting, Outcome("delivered", row.message, row.sender, row.recipient))
    posting.wake(row.recipient)
    if row.reply_to is not None:
        for answered in messages.referred(posting.database, Seq(row.reply_to), row.sender):
            if reaches(posting, row, answered):
                note_answer(posting, answered, by=row.sender)


def reaches(posting: Posting, row: HeldDelivery, answered: Parent) -> bool:
    """Whether a held answer is said to who asked, as sending.reaches says it of others."""
    if row.room is not None and row.room == answered.room:
        return True
    return row.recipient == answered.sender and not (row.room is not None and agents.is_ghost(posting.database, answered.sender))


def discard(desk: Desk, id: str, reason: str) -> int:
    """Refuse what is held in a thread, or of a paused agent; each sender is told why. Returns how many messages were refused.

    A thread goes on with a new budget; an agent stays paused. Raises NoSuchMessage, AmbiguousId, NothingHeld.
    """
    with desk.posting(safe=True) as posting:
        agent, root, rows = waiting(posting, id)
        outbox = Outbox(posting)
        for row in rows:
            deliveries.end(posting.database, row.delivery, State.REFUSED, f"discarded: {reason}", now_ms=posting.now_ms)
            events.receipt(posting, Outcome("discarded", row.message, row.sender, row.recipient, reason))
            waits.close_request(posting.database, row.recipient, row.message)
        for seq in dict.fromkeys(row.message for row in rows):
            about = messages.row(posting.database, seq)
            assert about is not None, "held messages are never pruned"
            notices.notify(outbox, about.sender, "discarded", about, recipient=about.recipients.replace(" ", ", "), reason=reason)
        outbox.write()
        if agent is None:
            let_go(posting, root)
    return len({row.message for row in rows})


def say(posting: Posting, agent: int, what: str, **facts: str) -> None:
    """Tell an agent something about itself."""
    outbox = Outbox(posting)
    notices.tell(outbox, agent, what, hidden=bool(outbox.mailbox(agent).ghost), **facts)
    outbox.write()


def waiting(posting: Posting, id: str, *, limit: int = stored.ALL) -> tuple[int | None, int, list[HeldDelivery]]:
    """What waits under an id, the first of it: that of a paused agent, or (None) that of a thread, by its first message.

    Raises as `held_thread`.
    """
    agent = paused_agent(posting, id)
    if agent is not None:
        return agent, 0, stored.of_agent(posting.database, agent, limit=limit)
    root = held_thread(posting, id)
    return None, root, stored.in_thread(posting.database, root, limit=limit)


def paused_agent(posting: Posting, name: str) -> int | None:
    """The agent that is meant by a name, if it is paused."""
    row = agents.by_name(posting.database, name.strip().lower())
    return row.id if row is not None and stored.why_paused(posting.database, row.id) is not None else None


def held_thread(posting: Posting, id: str) -> int:
    """The first message of a held thread, by the id of any of its messages. Raises NoSuchMessage, AmbiguousId, NothingHeld, NotPaused."""
    found = messages.referred(posting.database, id, HUMAN_AGENT)
    roots = sorted({parent.root for parent in found})
    if not roots:
        if (row := agents.by_name(posting.database, id.strip().lower())) is not None:
            raise NotPaused(name=row.name)
        raise NoSuchMessage(id=id, advice=" Nor is an agent of that name paused.")
    if len(roots) > 1:
        raise AmbiguousId(id=id, choices=choices(id, [messages.sender_name(posting.database, parent) for parent in found]))
    budget = budgets.thread(posting.database, roots[0])
    if budget is None or budget.held is None:
        raise NothingHeld(thread=messages.called(posting.database, roots[0]))
    return roots[0]


def let_go(posting: Posting, root: int) -> None:
    """A human has looked: turns and hops of the thread are counted anew."""
    budgets.let_go(posting.database, root)
    messages.forget_hops(posting.database, root)
