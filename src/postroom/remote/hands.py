"""What an agent has in hand of a mailbox that is elsewhere: taken at a seat, confirmed there, or by what it is when that seat is gone.

While the node is away what was confirmed is kept, and what nobody has in hand is read from the satchel. What was read is not shown again.
"""

from __future__ import annotations

from collections.abc import Sequence

from postroom.core.errors import LeaseLost
from postroom.core.message import Message
from postroom.core.refusals import SeatGone, Unreachable
from postroom.core.types import NamedTuple
from postroom.remote import values
from postroom.remote.caller import Ask
from postroom.remote.desk import RemoteDesk
from postroom.remote.postbag import ref
from postroom.store.deliveries import Handed

NUMBERS_MAX = 10_000
"""So many messages are known to have been read, for one who confirms them once more."""


class Held(NamedTuple):
    """Where a message was handed over, and by which handle it is known there. No seat: it was in the satchel."""

    seat: str
    handle: str


class Hands:
    """The messages in hand. To be used in turn."""

    def __init__(self, desk: RemoteDesk) -> None:
        self._desk = desk
        self._held: dict[int, Held] = {}
        self._read: dict[int, None] = {}
        self._numbers = 0

    # Taking

    def take(self, limit: int, *, confirm: Sequence[Handed], claim: int | None) -> list[Handed]:
        """Confirm, and take what is there. While the node is away that is what it had handed over before."""
        own = self._left_behind(limit, away=False) if claim is None else []
        handles = None if own else self._handles(confirm)
        if handles is None:
            self.confirm(confirm)
        if own:
            return own
        try:
            return self._take(limit, handles or [], confirm if handles is not None else (), claim)
        except Unreachable:
            self._desk.postbag.note_read([ref(one.message) for one in confirm])
            self._note_read(confirm)
            return self._left_behind(limit, away=True) if claim is None else []

    def _take(self, limit: int, handles: list[str], confirm: Sequence[Handed], claim: int | None) -> list[Handed]:
        given: values.Object = {"limit": limit, "confirm": handles}
        try:
            if claim is not None:
                given["claim"] = self._desk.claim(claim)
                if not given["claim"]:
                    self.confirm(confirm)
                    return []
            found = values.rows(self._desk.caller.ask(Ask("take", given)))
        except SeatGone:
            self._sit_again()
            self.confirm(confirm)
            return self._take(limit, [], (), claim)
        self._done(confirm)
        return self._fresh([self._handed(values.message(one), str(values.entry(one)["delivery"])) for one in found], limit, claim)

    def _fresh(self, handed: list[Handed], limit: int, claim: int | None) -> list[Handed]:
        """Keep what was handed over. What was read already, when the node could not be told, is confirmed and not shown again."""
        read = set(self._desk.postbag.confirmed())
        new = [one for one in handed if ref(one.message) not in read]
        self._desk.postbag.hold(one.message for one in new)
        if len(new) < len(handed):
            self.confirm([one for one in handed if ref(one.message) in read])
            if not new:
                return self._take(limit, [], (), claim)
        return new

    def _left_behind(self, limit: int, *, away: bool) -> list[Handed]:
        """Notices that were written here; while the node is away also what it had handed over to a process that is no more."""
        found = [one._replace(redelivered=one.redelivered or away) for one in self._desk.postbag.left_behind(away=away)[:limit]]
        self._desk.postbag.hold(found)
        return [self._handed(one, "") for one in found]

    def _handed(self, message: Message, handle: str) -> Handed:
        self._numbers += 1
        self._held[self._numbers] = Held(self._desk.caller.seat or "" if handle else "", handle)
        return Handed(message, self._numbers, 0, 0, followed=False, hidden=False)

    # Letting go

    def confirm(self, handed: Sequence[Handed]) -> None:
        """Confirm messages. While the node is away that is kept. Raises LeaseLost."""
        left = [one for one in handed if one.delivery not in self._read]
        if lost := [one.message.id for one in left if one.delivery not in self._held]:
            raise LeaseLost(ids=", ".join(lost))
        own = self._desk.postbag.own() if left else set()
        self._done([one for one in left if ref(one.message) in own])
        theirs = [one for one in left if ref(one.message) not in own]
        if not theirs:
            return
        try:
            self._confirm_there(theirs)
        except Unreachable:
            self._desk.postbag.note_read([ref(one.message) for one in theirs])
            self._note_read(theirs)
        else:
            self._done(theirs)

    def _confirm_there(self, handed: Sequence[Handed]) -> None:
        handles = self._handles(handed)
        if handles is not None:
            try:
                self._desk.caller.ask(Ask("confirm", {"messages": handles}))
            except SeatGone:
                self._sit_again()
            else:
                return
        found = values.entry(self._desk.call(Ask("settle", {"messages": [ref(one.message) for one in handed]})))
        if lost := values.rows(found["lost"]):
            self._desk.postbag.forget(map(str, lost))
            raise LeaseLost(ids=", ".join(str(one).partition(":")[2] for one in lost))

    def give_back(self, handed: Sequence[Handed]) -> None:
        """Put messages back. A node that was started anew has done so already."""
        held = [one for one in handed if one.delivery in self._held]
        seat = self._desk.caller.seat
        handles = [self._held[one.delivery].handle for one in held if self._held[one.delivery].seat == seat]
        try:
            if handles:
                self._desk.caller.ask(Ask("give-back", {"messages": handles}))
        except (Unreachable, SeatGone):
            pass
        own = self._desk.postbag.own()
        self._desk.postbag.put_back([ref(one.message) for one in held if ref(one.message) in own])
        self._desk.postbag.forget([ref(one.message) for one in held if ref(one.message) not in own])
        for one in held:
            del self._held[one.delivery]

    def _handles(self, handed: Sequence[Handed]) -> list[str] | None:
        """The handles of messages if all of them were handed over at the present seat."""
        held = [self._held.get(one.delivery) for one in handed]
        known = [one.handle for one in held if one is not None and one.handle and one.seat == self._desk.caller.seat]
        return known if len(known) == len(held) else None

    def _done(self, handed: Sequence[Handed]) -> None:
        """Messages have been read, and need not be kept."""
        self._desk.postbag.forget([ref(one.message) for one in handed])
        self._note_read(handed)

    def _note_read(self, handed: Sequence[Handed]) -> None:
        for one in handed:
            self._held.pop(one.delivery, None)
            self._read[one.delivery] = None
        while len(self._read) > NUMBERS_MAX:
            del self._read[next(iter(self._read))]

    def _sit_again(self) -> None:
        if self._desk.again is not None:
            self._desk.again()
