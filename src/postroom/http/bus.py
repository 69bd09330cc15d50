"""The bus of the first article, for clients that do nothing but send and fetch: served at the counter, without a seat.

What is fetched to be marked as read counts as read only when the answer was written out whole.
"""

from __future__ import annotations

from asyncio import CancelledError, Future, ensure_future, get_running_loop, shield
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeVar

from postroom.core.message import Draft, Message, Receipt
from postroom.core.refusals import BadToken
from postroom.exchange import reading, sending
from postroom.exchange.desk import Desk
from postroom.http.auth import Caller, Gate
from postroom.http.counter import Counter
from postroom.http.lobby import Lobby
from postroom.http.visitor import Visitor
from postroom.store.deliveries import Handed

Found = TypeVar("Found")


class Taken(NamedTuple):
    """Messages in hand, and whose hand it is."""

    visitor: Visitor
    handed: list[Handed]


class Bus:
    """Sending and fetching at the counter."""

    def __init__(self, counter: Counter, gate: Gate, lobby: Lobby) -> None:
        self._counter = counter
        self._gate = gate
        self._lobby = lobby

    async def send(self, caller: Caller, drafts: Sequence[Draft], *, attaches: bool = True) -> list[Receipt]:
        """Send, together with what others send at the same moment. Who has a seat is attached there, and not here too."""
        receipts = await self._counter.do(lambda: sending.send(self._counter.visitor(caller, attaches=attaches).desk, drafts))
        assert receipts is not None, "nothing makes it needless"
        return receipts

    def post(self, caller: Caller, draft: Draft, answer: Callable[[object], None]) -> None:
        """The same for one message of a caller whose token is looked at again then; `answer` gets the receipts or the error."""
        self._counter.ask(lambda: sending.send(self._counter.holder(caller).desk, [draft]), answer)

    async def at_hook(self, caller: Caller, job: Callable[[Desk], object]) -> object:
        """Do something as a hook of the caller: a process that has ended already, so that the next one settles what is in its hands."""
        return await self._counter.do(lambda: job(self._counter.hook_desk(caller)))

    async def peek(self, caller: Caller, *, limit: int, wait_s: float) -> list[Message]:
        """What waits for a caller, or comes within a time. Nothing is consumed."""

        async def look() -> list[Message] | None:
            return await self._counter.do(lambda: reading.peek(self._counter.visitor(caller).desk, limit=limit), alone=True)

        return await self._waited(caller, look, wait_s) or []

    def fetch(self, caller: Caller, limit: int, answer: Callable[[object], None]) -> None:
        """Take what waits for a caller whose token is looked at again then; `answer` gets what was taken, None, or the error."""

        def told(value: object) -> None:
            self._wake_next(value, limit)
            answer(value)

        def is_needless() -> bool:
            self._counter.check(caller)
            return self._counter.has_nothing(caller)

        self._counter.ask(lambda: taken_by(self._counter.holder(caller), limit), told, unless=is_needless)

    async def take(self, caller: Caller, *, limit: int, wait_s: float) -> Taken | None:
        """Take what waits for a caller, or comes within a time."""

        async def take() -> Taken | None:
            doing = ensure_future(
                self._counter.do(lambda: taken_by(self._counter.visitor(caller), limit), unless=lambda: self._counter.has_nothing(caller))
            )
            try:
                return await shield(doing)
            except CancelledError:
                doing.add_done_callback(self._give_back_late)
                raise

        taken = await self._waited(caller, take, wait_s)
        self._wake_next(taken, limit)
        return taken

    def _wake_next(self, taken: object, limit: int) -> None:
        """Let another one who waits look, when as many were taken as could be: there may be more."""
        if isinstance(taken, Taken) and len(taken.handed) == limit:
            self._lobby.wake(taken.visitor.desk.agent.id)

    def settle(self, taken: Taken, *, read: bool) -> None:
        """Confirm what was taken, or give it back."""
        how = reading.confirm if read else reading.give_back
        self._counter.do_soon(lambda: how(taken.visitor.desk, taken.handed))

    def _give_back_late(self, doing: Future[Taken | None]) -> None:
        """Give back what was taken for one who did not wait for it."""
        if not doing.cancelled() and doing.exception() is None and (taken := doing.result()) is not None:
            self.settle(taken, read=False)

    async def _waited(self, caller: Caller, attempt: Callable[[], Awaitable[Found | None]], wait_s: float) -> Found | None:
        """What an attempt finds, now or as soon as something comes."""
        clock = get_running_loop().time
        until = clock() + wait_s
        found = await attempt()
        if found or wait_s <= 0:
            return found
        visitor = await self._counter.do(lambda: self._counter.expect(caller))
        assert visitor is not None, "nothing makes it needless"
        try:
            while True:
                rings = self._lobby.rings
                found = await attempt()
                left = until - clock()
                if found or left <= 0:
                    return found
                await self._lobby.wait(visitor.desk.agent.id, rings, left)
                if not self._gate.still(caller):
                    raise BadToken(why="it has expired or was revoked")
        finally:
            self._counter.do_soon(lambda: self._counter.expect_no_more(visitor))


def taken_by(visitor: Visitor, limit: int) -> Taken | None:
    """What a visitor takes. For jobs."""
    handed = reading.take(visitor.desk, limit=limit)
    return Taken(visitor, handed) if handed else None
