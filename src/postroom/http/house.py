"""The house: who has a seat at this node, and for how long. Who does not come back leaves its seat, as a process that ends does."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

from postroom.core.errors import PostroomError
from postroom.core.refusals import BadRequest, HouseFull, NodeStopped, SeatGone
from postroom.http.auth import Caller
from postroom.http.lodger import Lodger

log = logging.getLogger("postroom.node")
SEATS_MAX: Final = 1_000
"""Each has a thread, a connection to the store and eight descriptors."""
IDLE_S: Final = 60.0
"""A seat that nobody has used for so long is left: its agent is not there any more."""
ROUND_S: Final = 5.0
SEAT = re.compile(r"[A-Za-z0-9_-]{8,64}")
COMMON = ""
"""The seat of an agent's requests that name none."""
Key = tuple[int, str]
"""The agent, whatever it is called at the moment, and the name of the seat."""


class House:
    """The seats that are taken."""

    def __init__(self, home: str, registered: Callable[[Caller], Awaitable[int]]) -> None:
        self.home = home
        self._registered = registered  # gives a name its mailbox
        self._lodgers: dict[Key, asyncio.Task[Lodger]] = {}
        self._round: asyncio.Task[None] | None = None
        self._open = True

    def __len__(self) -> int:
        return len(self._lodgers)

    async def lodger(self, caller: Caller, seat: str | None, *, opens: bool = False) -> Lodger:
        """The caller at the seat it names, or at its common one. Raises SeatGone for a named one that it did not take, HouseFull."""
        if not self._open:
            raise NodeStopped
        if seat is not None and not SEAT.fullmatch(seat):
            raise BadRequest(why="a seat is 8 to 64 of A-Z, a-z, 0-9, '_' and '-'")
        key = (caller.agent, seat or COMMON)
        if not caller.agent:
            if seat is not None and not opens:
                raise SeatGone(seat=seat)
            key = (await self._registered(caller), key[1])
        task = self._lodgers.get(key)
        if task is None:
            if seat is not None and not opens:
                raise SeatGone(seat=seat)
            if len(self._lodgers) >= SEATS_MAX:
                raise HouseFull(limit=SEATS_MAX, things="seats")
            task = self._lodgers[key] = asyncio.create_task(Lodger.come_in(caller, key[1], self.home))
            task.add_done_callback(lambda done: self._came_in(key, done))
        lodger = await asyncio.shield(task)
        lodger.used = monotonic()
        return lodger

    def _came_in(self, key: Key, task: asyncio.Task[Lodger]) -> None:
        if (task.cancelled() or task.exception() is not None) and self._lodgers.get(key) is task:
            del self._lodgers[key]

    def begin(self) -> None:
        """Look after the seats from now on."""
        self._round = asyncio.create_task(self._rounds())

    async def _rounds(self) -> None:
        while True:
            await asyncio.sleep(ROUND_S)
            for key, task in list(self._lodgers.items()):
                if task.done() and not task.result().streams and monotonic() - task.result().used >= IDLE_S:
                    await self._let_go(key)

    async def leave(self, caller: Caller, seat: str) -> None:
        """Let a client leave its seat."""
        if (caller.agent, seat) in self._lodgers:
            await self._let_go((caller.agent, seat))

    async def _let_go(self, key: Key) -> None:
        lodger = await self._lodgers.pop(key)
        try:
            await lodger.leave()
        except PostroomError as error:
            log.warning("seat not left in order", extra={"facts": {"agent": key[0], "error": error.code}})

    async def close(self) -> None:
        """Let everybody leave."""
        self._open = False
        if self._round is not None:
            self._round.cancel()
        await asyncio.gather(*(self._let_go(key) for key in list(self._lodgers)), return_exceptions=True)
