"""The lobby: where requests wait for messages, thousands of them at one bell. A ring wakes for each agent the one that waits longest."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from typing import Final

from postroom.core.errors import PostroomError
from postroom.core.refusals import HouseFull, NodeStopped
from postroom.http.counter import Counter

ROUND_S: Final = 1.0
"""How often it is looked whether something waits although no bell rang: a lease that is over rings none."""
LOOKS: Final = 200
"""So many agents are looked at in a round, or at a ring; if more wait, a ring only tells of those to whom something new came. 3 ms."""
WAITING_MAX: Final = 11_000


class Lobby:
    """Those who wait, by their agents."""

    def __init__(self, counter: Counter) -> None:
        self.rings = 0
        self._counter = counter
        self._waiters: dict[int, deque[asyncio.Future[bool]]] = {}
        self._loop = asyncio.get_running_loop()
        self._last = -1
        self._looking: asyncio.Task[None] | None = None
        self._round: asyncio.Task[None] | None = None
        self._watched = -1
        self._closed = False
        self.waiting = 0

    def begin(self) -> None:
        """Listen to the bell from now on."""
        self._watched = self._counter.bell.descriptor()
        if self._watched >= 0:
            self._loop.add_reader(self._watched, self._rang)
        self._round = asyncio.create_task(self._rounds())

    def close(self) -> None:
        """Listen no more, and let everybody go."""
        self._closed = True
        if self._round is not None:
            self._round.cancel()
        if self._looking is not None:
            self._looking.cancel()
        if self._watched >= 0:
            self._loop.remove_reader(self._watched)
            os.close(self._watched)
        for queue in self._waiters.values():
            for waiter in queue:
                waiter.set_exception(NodeStopped())

    async def wait(self, agent: int, rings: int, seconds: float) -> None:
        """Wait until something may have come for an agent, unless the bell has rung since it had rung so often. Raises HouseFull."""
        if self._closed:
            raise NodeStopped
        if self.rings > rings:
            return
        if self.waiting >= WAITING_MAX:
            raise HouseFull(limit=WAITING_MAX, things="waiting requests")
        waiter: asyncio.Future[bool] = self._loop.create_future()
        queue = self._waiters.setdefault(agent, deque())
        queue.append(waiter)
        self.waiting += 1
        timer = self._loop.call_later(seconds, settle, waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.wake(agent)  # it was this one's turn; now it is the next one's
            raise
        finally:
            timer.cancel()
            self.waiting -= 1
            if waiter in queue:
                queue.remove(waiter)
            if not queue and self._waiters.get(agent) is queue:
                del self._waiters[agent]

    def wake(self, agent: int) -> None:
        """Wake the one that waits longest for an agent."""
        queue = self._waiters.get(agent)
        while queue:
            waiter = queue.popleft()
            if not waiter.done():
                settle(waiter)
                return

    def _rang(self) -> None:
        self._counter.bell.answer()
        self.rings += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_until_quiet())

    async def _look_until_quiet(self) -> None:
        rings = -1
        while rings != self.rings:
            rings = self.rings
            await self._look(new=len(self._waiters) > LOOKS)

    async def _rounds(self) -> None:
        while True:
            await asyncio.sleep(ROUND_S)
            await self._look(new=False)

    async def _look(self, *, new: bool) -> None:
        """Look for whom something waits: at the agents that were looked at longest ago, or only at what is new."""
        if not self._waiters:
            return
        agents = list(self._waiters)[:LOOKS]
        try:
            ready = await self._counter.do(lambda: self._new() if new else self._counter.ready(agents), alone=True)
        except PostroomError:
            return  # another time
        for agent in ready or ():
            self.wake(agent)
        if not new and len(self._waiters) > LOOKS:
            for agent in agents:  # to the end of the row
                if agent in self._waiters:
                    self._waiters[agent] = self._waiters.pop(agent)

    def _new(self) -> list[int]:
        found, self._last = self._counter.came_after(self._last)
        return found


def settle(waiter: asyncio.Future[bool]) -> None:
    """Let one go on."""
    if not waiter.done():
        waiter.set_result(True)
