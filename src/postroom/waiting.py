"""Whatever takes time, written once: generators that look into the store, and yield for how many seconds to wait for the bell.

`Agent` runs them in the thread of its caller, `AsyncAgent` in an event loop. One that is closed early lets go of what it claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from postroom.core.errors import NoAnswer
from postroom.core.message import Draft, Kind, Receipt, State
from postroom.core.types import TYPE_CHECKING
from postroom.store.deliveries import Handed
from postroom.warden import ROUND_MS

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import TypeAlias, TypeVar

    from postroom.agent import Agent

    Result = TypeVar("Result")
    Steps: TypeAlias = Generator[float, bool | None, Result]  # is sent whether the bell rang

ROUND_S = ROUND_MS / 1000
ENDS_AN_ASK = ("notice: refused", "notice: expired", "notice: deadline", "notice: discarded")


def taking(
    agent: Agent, limit: int, wait: float | None, *, confirm: Sequence[Handed] = (), claim: int | None = None
) -> Steps[list[Handed]]:
    """Confirm, then take messages as soon as there are any, at the latest after `wait` seconds (None: for ever)."""
    until = None if wait is None else monotonic() + wait
    taken = agent.take_now(limit, confirm=confirm, claim=claim)
    while not taken:
        left = ROUND_S if until is None else until - monotonic()
        if left <= 0:
            break
        if (yield min(left, ROUND_S)) or agent.look():
            taken = agent.take_now(limit, claim=claim)
    return taken


def asking(agent: Agent, draft: Draft, timeout: float) -> Steps[list[Handed]]:
    """Ask, and take the answer, which is for the caller to confirm. Raises NoAnswer."""
    receipt = agent.ask_now(draft)
    why, until = "", monotonic() + timeout
    try:
        while taken := (yield from taking(agent, 1, until - monotonic(), claim=receipt.seq)):
            message = taken[0].message
            if message.kind is not Kind.NOTICE:
                return taken
            agent.confirm_handed(taken)
            why = message.body
            if message.subject in ENDS_AN_ASK:
                break
    finally:
        agent.let_go(receipt.seq)
    raise NoAnswer(agent=draft.to, id=receipt.id, why=why.rstrip(".") or f"{timeout:g} s are over. A late answer will come to the inbox")


def following(agent: Agent, id: str, until: State, timeout: float) -> Steps[Receipt]:
    """Wait until a message is as far as `until` for each recipient, or has ended."""
    agent.follow_now(id)
    end = monotonic() + timeout
    while True:
        receipt = agent.status(id)
        left = end - monotonic()
        if left <= 0 or receipt.has_come_to(until):
            return receipt
        if not (yield min(left, ROUND_S)):
            agent.look()
