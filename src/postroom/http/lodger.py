"""A lodger: one client of the node at a seat of its own, as a process has it. What it has in hand and was told is kept here."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from postroom.clerk import Clerk
from postroom.core.errors import Closed
from postroom.core.plain import message_object
from postroom.core.refusals import BadRequest, NoSuchHandle
from postroom.exchange.desk import Desk, open_desk, open_desk_of_human
from postroom.http.auth import Caller
from postroom.http.request import Answer
from postroom.line import Line
from postroom.seat import Seat
from postroom.store.deliveries import Handed

if TYPE_CHECKING:
    from postroom.waiting import Steps

Result = TypeVar("Result")
CALLS_KEPT: Final = 100
BYTES_KEPT: Final = 4_194_304
"""So much is kept of what a lodger was answered, for one whose connection broke before it had read it."""
HANDLES_MAX: Final = 10_000


class Call(NamedTuple):
    """A numbered call: its answer, or the answer to come."""

    answer: asyncio.Task[Answer]


class Lodger:
    """One client at its seat. To be used in the event loop; what touches the store is done by the clerk's thread."""

    def __init__(self, caller: Caller, seat_id: str, seat: Seat, clerk: Clerk) -> None:
        self.name = caller.name
        self.seat_id = seat_id
        self.seat = seat
        self.clerk = clerk
        self.lines: dict[str, Line] = {}
        self.pushed: dict[str, Handed] = {}  # what the gateway has pushed and the client has not read, by handle
        self.streams = 0
        self.used = monotonic()
        self.open = True
        self._handles: dict[str, object] = {}
        self._last_handle = 0
        self._calls: OrderedDict[int, Call] = OrderedDict()

    @classmethod
    async def come_in(cls, caller: Caller, seat_id: str, home: str) -> Lodger:
        """Take a seat for a caller. A name that is new is registered."""
        clerk = Clerk()
        try:
            seat = await clerk.do(lambda: take_seat(caller, home), undo=Seat.leave)
        except BaseException:
            clerk.close()
            raise
        clerk.listen_to(seat.bell)
        return cls(caller, seat_id, seat, clerk)

    async def at_desk(self, job: Callable[[Desk], Result], *, undo: Callable[[Result], object] | None = None) -> Result:
        """Do something at the desk."""

        def in_turn() -> Result:
            with self.seat.turn as desk:
                done = job(desk)
                self.seat.after_sending()
                return done

        return await self.clerk.do(in_turn, undo=undo)

    async def go_through(self, steps: Steps[Result], *, undo: Callable[[Result], object] | None = None) -> Result:
        """Go through something that takes time."""
        return await self.clerk.go_through(steps, undo=undo)

    # What is in hand

    def note(self, value: object) -> str:
        """A handle for something that the client names later, and that must not say anything else to it."""
        if len(self._handles) >= HANDLES_MAX:
            raise BadRequest(why=f"{HANDLES_MAX:,} messages are in your hands; confirm some or give them back")
        self._last_handle += 1
        handle = str(self._last_handle)
        self._handles[handle] = value
        return handle

    def noted(self, handle: str) -> object:
        """What a handle means. Raises NoSuchHandle."""
        try:
            return self._handles[handle]
        except KeyError:
            raise NoSuchHandle(handle=handle[:100]) from None

    def forget(self, handles: Iterable[str]) -> None:
        """Let handles mean nothing any more."""
        for handle in handles:
            self._handles.pop(handle, None)

    def hand_out(self, handed: Sequence[Handed]) -> list[dict[str, object]]:
        """Messages as the client gets them, each with its handle."""
        return [self.shown(one) | {"delivery": self.note(one)} for one in handed]

    @staticmethod
    def shown(one: Handed) -> dict[str, object]:
        """A message that was handed over, without a handle."""
        return message_object(one.message)

    def in_hand(self, handles: Sequence[str]) -> list[Handed]:
        """What was handed over under these handles. Raises NoSuchHandle."""
        found = [self.noted(handle) for handle in handles]
        messages = [one for one in found if isinstance(one, Handed)]
        if len(messages) < len(found):
            raise NoSuchHandle(handle=handles[0][:100])
        return messages

    # What was answered

    def called(self, number: int) -> asyncio.Task[Answer] | None:
        """The answer to a call that was made before, or is being done. Raises BadRequest for one that is too old to be known."""
        if number in self._calls:
            return self._calls[number].answer
        if self._calls and number < next(iter(self._calls)):
            raise BadRequest(why=f"call {number} was answered too long ago to be repeated")
        return None

    def begin(self, number: int, answer: asyncio.Task[Answer]) -> None:
        """Note a call that is being done."""
        self._calls[number] = Call(answer)
        done = [one.answer.result() for one in self._calls.values() if one.answer.done() and not one.answer.cancelled()]
        size = sum(len(one.body) for one in done)
        while len(self._calls) > CALLS_KEPT or (size > BYTES_KEPT and len(self._calls) > 1):
            _, oldest = self._calls.popitem(last=False)
            if not oldest.answer.done():
                oldest.answer.cancel()
            elif not oldest.answer.cancelled():
                size -= len(oldest.answer.result().body)

    # Coming and going

    def __enter__(self) -> None:
        if not self.open:
            raise Closed
        self.streams += 1

    def __exit__(self, *_: object) -> None:
        self.streams -= 1
        self.used = monotonic()

    async def leave(self) -> None:
        """Leave the seat: what is in hand goes back into the mailbox."""
        self.open = False
        for call in self._calls.values():
            if call.answer is not asyncio.current_task():
                call.answer.cancel()
        await self.clerk.close_with(self.seat.leave)


def take_seat(caller: Caller, home: str) -> Seat:
    """A seat in the post room for a caller."""
    desk = open_desk_of_human(home, interface="http") if caller.is_human else open_desk(caller.name, home, interface="http")
    desk.program = caller.program
    return Seat(desk)
