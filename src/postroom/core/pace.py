"""How fast and how long one may talk: the pace of a sender, and the turns of a thread. Decisions only; the numbers are kept in the store.

The pace is the generic cell rate algorithm (ITU-T I.371): one number per sender, the time at which its allowance will be whole again.
"""

from __future__ import annotations

MINUTE_US = 60_000_000
PAUSED = "paused"
"""How the reason begins why something is held whose sender is paused. Everything else is held with its thread."""
LOOP = "hops"
"""How the reason begins why a thread is held that is one more step of a loop."""


def due_after(due_us: int, now_us: int, count: int, per_minute: int) -> int:
    """When the allowance will be whole again after `count` more messages. Within the pace while this is at most a minute ahead of now."""
    return (max(now_us, due_us)) + count * MINUTE_US // per_minute


def wait_ms(due_us: int, now_us: int) -> int:
    """How long a sender must wait whose allowance would be whole at `due_us`, until that is within its pace; 0: not at all."""
    ahead = due_us - now_us - MINUTE_US
    return -(-ahead // 1000) if ahead > 0 else 0


def turns_after(turns: int, *, last: int, sender: int, by_human: bool) -> int:
    """The turns of a thread after one more message. A human's word starts the count anew; the same speaker going on is no turn."""
    if by_human:
        return 0
    return turns if sender == last else turns + 1


def held_because(*, turns: int, turns_max: int, hops: int, hops_max: int) -> str | None:
    """Why a message is held for a human to look at, or None."""
    if turns > turns_max:
        return f"thread-budget: more than {turns_max} turns without a human"
    if hops > hops_max:
        return too_many_hops(hops_max)
    return None


def too_many_hops(hops_max: int) -> str:
    """Why a message is held that is one more step of a loop."""
    return f"{LOOP}: more than {hops_max} messages led to this one without a human"
