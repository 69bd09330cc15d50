"""The clerk of an async agent: one thread that uses the store, and the wait of an event loop for the bell. No verb is known here."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from postroom.core.errors import Closed, Forked, PostroomError
from postroom.doorbell import POLL_S, Polling

if TYPE_CHECKING:
    from postroom.places import AnyBell
    from postroom.waiting import Steps

Result = TypeVar("Result")


class Done(NamedTuple, Generic[Result]):
    """The result of something that took time."""

    result: Result


class Clerk:
    """Does one thing after the other, in the order in which an event loop asked for them."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="postroom")
        self._pid = os.getpid()
        self._open = True
        self._debts: deque[Callable[[], None]] = deque()
        self._bell: AnyBell = Polling()
        self._waiters: set[asyncio.Future[bool]] = set()
        self._watched = -1
        self._heard = 0

    def listen_to(self, bell: AnyBell) -> None:
        """Name the bell."""
        self._bell = bell

    async def do(self, job: Callable[[], Result], *, undo: Callable[[Result], object] | None = None) -> Result:
        """Have something done. If this is cancelled while it is being done, it is undone afterwards."""
        doing = self._submit(job)
        try:
            return await asyncio.wrap_future(doing)
        except (asyncio.CancelledError, GeneratorExit):
            doing.cancel()
            if undo is not None:
                self.do_soon(partial(undo_result, doing, undo))
            raise

    async def go_through(self, steps: Steps[Result], *, undo: Callable[[Result], object] | None = None) -> Result:
        """Go through something that takes time. If this is cancelled, the steps are closed and their result is undone."""
        rang, step = None, None
        try:
            while True:
                rings = self._rings()
                step = self._submit(partial(advance, steps, rang))
                outcome = await asyncio.wrap_future(step)
                if isinstance(outcome, Done):
                    result: Result = outcome.result
                    return result
                step = None
                rang = await self._wait_for_ring(rings, outcome)
        except (asyncio.CancelledError, GeneratorExit, Closed):
            self.do_soon(partial(abandon, steps, step, undo))
            raise

    def do_soon(self, debt: Callable[[], None]) -> None:
        """Have something done that nobody waits for. If it fails it is tried again before the next thing, whose caller is told."""
        if self._open:  # closing gives everything back
            self._debts.append(debt)
            self._thread.submit(self._pay)

    async def close_with(self, closing: Callable[[], None]) -> None:
        """Do a last thing, and nothing after it. It is done even if this is cancelled. Who waits for the bell is woken."""
        if not self._open:
            return
        self._open = False
        doing = asyncio.wrap_future(self._thread.submit(self._after_debts, closing))
        self._thread.shutdown(wait=False)
        self._wake(rang=True)
        try:
            await asyncio.shield(doing)
        except asyncio.CancelledError:
            await asyncio.wait([doing])
            raise

    def close(self) -> None:
        """End the thread when it has done everything."""
        self._open = False
        self._thread.shutdown(wait=False)

    # In the thread

    def _submit(self, job: Callable[[], Result]) -> Future[Result]:
        if os.getpid() != self._pid:
            raise Forked(pid=self._pid)
        if not self._open:
            raise Closed
        return self._thread.submit(self._after_debts, job)

    def _after_debts(self, job: Callable[[], Result]) -> Result:
        try:
            self._pay(told=True)
        except PostroomError:
            if self._open:
                raise
        return job()

    def _pay(self, *, told: bool = False) -> None:
        while self._debts:
            debt = self._debts.popleft()
            try:
                debt()
            except PostroomError as error:
                if error.retry or not told:
                    self._debts.appendleft(debt)
                raise

    # In the event loop

    async def _wait_for_ring(self, rings: int, seconds: float) -> bool:
        if self._rings() > rings:
            return True
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[bool] = loop.create_future()
        self._waiters.add(waiter)
        timer = loop.call_later(seconds if self._watch(loop) else min(seconds, POLL_S), settle, waiter, False)  # noqa: FBT003  # a callback
        try:
            return await waiter
        finally:
            timer.cancel()
            self._waiters.discard(waiter)
            if not self._waiters:
                self._unwatch(loop)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Watch the bell that hangs now; it may have been hung up again since the last time."""
        self._unwatch(loop)
        self._watched = self._bell.descriptor()
        if self._watched >= 0:
            loop.add_reader(self._watched, self._rang)
        return self._watched >= 0

    def _unwatch(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._watched >= 0:
            loop.remove_reader(self._watched)
            os.close(self._watched)
            self._watched = -1

    def _rings(self) -> int:
        """How often it rang. What one task hears by asking, the loop does not hear any more, so the others are told."""
        rings = self._bell.rings
        if rings > self._heard:
            self._heard = rings
            self._wake(rang=True)
        return rings

    def _rang(self) -> None:
        self._bell.answer()
        self._heard = self._bell.rings
        self._wake(rang=True)

    def _wake(self, *, rang: bool) -> None:
        for waiter in self._waiters:
            settle(waiter, rang)


def advance(steps: Steps[Result], rang: bool | None) -> float | Done[Result]:  # noqa: FBT001  # what `Steps` are sent
    """Go on until there is something to wait for, or the result. A future cannot carry StopIteration."""
    try:
        return steps.send(rang)
    except StopIteration as end:
        return Done(end.value)


def abandon(steps: Steps[Result], step: Future[float | Done[Result]] | None, undo: Callable[[Result], object] | None) -> None:
    """Close steps that nobody waits for any more, and undo their result."""
    steps.close()
    if step is not None and undo is not None and not step.cancelled() and step.exception() is None:
        outcome = step.result()
        if isinstance(outcome, Done):
            undo(outcome.result)


def undo_result(doing: Future[Result], undo: Callable[[Result], object]) -> None:
    """Undo what was done for a caller that did not wait for it."""
    if not doing.cancelled() and doing.exception() is None:
        undo(doing.result())


def settle(waiter: asyncio.Future[bool], rang: bool) -> None:  # noqa: FBT001  # a callback
    """Wake one that waits."""
    if not waiter.done():
        waiter.set_result(rang)
