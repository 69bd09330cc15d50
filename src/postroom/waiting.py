"""Whatever takes time, written once: generators that look into the store, and yield for how many seconds to wait for the bell.

A `Seat` runs them in the thread of its caller, a `Clerk` for an event loop. One that is closed early lets go of what it claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from time import monotonic

from postroom.core.errors import BadValue, NoAnswer
from postroom.core.message import Draft, Kind, MessageRef, Receipt, State, check_seconds, is_above, state_named
from postroom.core.types import TYPE_CHECKING
from postroom.store.deliveries import Handed
from postroom.store.events import Told
from postroom.warden import ROUND_MS

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import TypeAlias, TypeVar

    from postroom.places import AnySeat as Seat

    Result = TypeVar("Result")
    Steps: TypeAlias = Generator[float, bool | None, Result]  # is sent whether the bell rang

ROUND_S = ROUND_MS / 1000
ENDS_AN_ASK = ("notice: refused", "notice: expired", "notice: deadline", "notice: discarded", "notice: gone", "notice: out-of-sight")
INFO_S = 60
"""What is only for information wakes nobody; who waits gets it with the next message, or after so many seconds."""
AT_ONCE = -inf
"""A moment that is over: nothing is waited for."""


def deadline(name: str, seconds: float | None) -> float:
    """The moment in so many seconds; None is never. Raises BadValue."""
    if seconds is None:
        return inf
    if not is_above(seconds, -inf):
        raise BadValue(name=name, value=seconds, why="it is a number of seconds")
    return monotonic() + seconds


def taking(seat: Seat, limit: int, until: float, *, confirm: Sequence[Handed] = (), claim: int | None = None) -> Steps[list[Handed]]:
    """Confirm, then take messages as soon as there are any, at the latest at the moment `until`."""
    taken = seat.take(limit, confirm=confirm, claim=claim)
    began = monotonic()
    while not taken:
        left = until - monotonic()
        if left <= 0:
            break
        if (yield min(left, ROUND_S)) or seat.look() or monotonic() - began >= INFO_S:
            taken, began = seat.take(limit, claim=claim), monotonic()
    return taken


def hearing(seat: Seat, until: float) -> Steps[list[Told]]:
    """See events as soon as there are any, at the latest at the moment `until`. Only who waits here is woken by an event."""
    listening = False
    try:
        while not (told := seat.news()):
            left = until - monotonic()
            if left <= 0:
                break
            if not listening:
                seat.listen(on=True)
                listening = True
            elif not (yield min(left, ROUND_S)):
                seat.look()
                seat.listen(on=True)  # another process of this agent may have stopped
        return told
    finally:
        if listening:
            seat.listen(on=False)


def asking(seat: Seat, draft: Draft, timeout: float) -> Steps[list[Handed]]:
    """Ask, and take the answer, which is for the caller to confirm. Raises NoAnswer."""
    check_seconds("timeout", timeout)
    receipt, seq = seat.ask(draft)
    why, until = "", monotonic() + timeout
    try:
        while taken := (yield from taking(seat, 1, until, claim=seq)):
            message = taken[0].message
            if message.kind is not Kind.NOTICE:
                return taken
            seat.confirm(taken)
            why = message.body
            if message.subject in ENDS_AN_ASK:
                break
    finally:
        seat.let_go(seq)
    raise NoAnswer(agent=draft.to, id=receipt.id, why=why.rstrip(".") or f"{timeout:g} s are over. A late answer will come to the inbox")


def following(seat: Seat, id: MessageRef, until: State | str, timeout: float) -> Steps[Receipt]:
    """Wait until a message is as far as `until` for each recipient, or has ended."""
    wanted, end = state_named("until", until), deadline("timeout", timeout)
    seat.follow(id)
    while True:
        receipt = seat.status(id)
        left = end - monotonic()
        if left <= 0 or receipt.has_come_to(wanted):
            return receipt
        if not (yield min(left, ROUND_S)):
            seat.look()
