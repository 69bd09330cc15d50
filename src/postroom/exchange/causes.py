"""What led to what: how many messages stand behind the one that is being said. So a loop is known for what it is.

Models forget to say what they answer; so what they took last is taken for the cause of what they say next. Only messages that answer
nothing count: a program that asks, gets an answer and asks again makes no loop, and answers to answers are counted in their thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from postroom.core.message import Kind
from postroom.exchange.desk import Desk, Posting
from postroom.store import budgets
from postroom.store.deliveries import Handed
from postroom.store.messages import Parent

PASSING = frozenset({"cli", "hook"})
"""Each call there is a process of its own, so the store remembers what was heard."""
RECALLING = PASSING | {"mcp"}
"""What a model heard through a hook, it answers through its server."""
HEARD, HEARD_OUT_OF_SIGHT = -4, -5
"""Stand for the recipient in the meters where the number is what an agent heard last in passing, and when; see `packed`."""
REMEMBERED_MS = 600_000
PACK = 1 << 12


def taken(desk: Desk, handed: Sequence[Handed]) -> None:
    """Note what an agent takes into its hands. What it had put down before is forgotten: whatever followed from it has been said.

    Who takes what is hidden, and nothing else, still remembers what is not: others must not notice it.
    """
    hidden_only = bool(handed) and all(one.hidden for one in handed)
    kept = [delivery for delivery in desk.put_down if hidden_only and delivery in desk.in_hand and not desk.in_hand[delivery][1]]
    for delivery in {*desk.put_down} - {*kept}:
        desk.in_hand.pop(delivery, None)
    desk.put_down[:] = kept
    desk.in_hand.update((one.delivery, (one.message.hops, one.hidden)) for one in handed if is_opening(one))


def put_down(desk: Desk, handed: Iterable[Handed]) -> None:
    """Note what an agent has put out of its hands; what it says next follows from it all the same, until it takes something else."""
    desk.put_down += [one.delivery for one in handed]


def is_opening(one: Handed) -> bool:
    """Whether a message was said by itself, and not as an answer."""
    return one.message.reply_to is None and one.message.kind is Kind.MESSAGE


def remember(posting: Posting, handed: Sequence[Handed]) -> None:
    """Note in the store what an agent has read, where the next call is another process."""
    if posting.desk.interface in PASSING:
        numbers = []
        for key, hidden in ((HEARD, False), (HEARD_OUT_OF_SIGHT, True)):
            if not hidden and all(one.hidden for one in handed):
                continue  # as if nothing had been read
            hops = max((one.message.hops + 1 for one in handed if is_opening(one) and one.hidden is hidden), default=0)
            numbers.append((posting.desk.agent.id, key, posting.now_ms * PACK + min(hops, PACK - 1)))
        budgets.set_meters(posting.database, numbers)


def hops_after(posting: Posting, answered: Parent | None, *, hidden: bool) -> int:
    """How many messages led to one that is being said: those before the one that it answers, or before those that its sender took last.

    What all may see follows from nothing that is hidden.
    """
    desk = posting.desk
    if desk.agent.kind == "human":
        return 0
    before = [hops + 1 for hops, out_of_sight in desk.in_hand.values() if hidden or not out_of_sight]
    if answered is not None:
        before.append(answered.hops + 1)
    if desk.interface in RECALLING:
        before += [recalled(posting, key) for key in ((HEARD, HEARD_OUT_OF_SIGHT) if hidden else (HEARD,))]
    return max(before, default=0)


def recalled(posting: Posting, key: int) -> int:
    """How many messages led to what an agent heard last in passing, and that one itself; 0 when that is long ago."""
    at_ms, hops = divmod(budgets.meter(posting.database, (posting.desk.agent.id, key)), PACK)
    return hops if posting.now_ms - at_ms < REMEMBERED_MS else 0
