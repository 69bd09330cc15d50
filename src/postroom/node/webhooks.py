"""The node's part in webhooks: look into the log, make the calls that are due, note what came of them.

Each receiver gets one call at a time, in order. A node that was killed makes the calls again that were under way, with the names they had.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import time
from typing import Final

from postroom.config import Config
from postroom.core import webhook as rules
from postroom.core.errors import PostroomError
from postroom.core.webhook import Outcome
from postroom.exchange import reporting
from postroom.exchange.desk import Desk, open_desk_of_human
from postroom.exchange.reporting import Reporter
from postroom.exchange.webhooks import Call, Target
from postroom.node.calling import post
from postroom.store import watching

log = logging.getLogger("postroom.node")
CALLS_MAX: Final = 32
"""So many receivers are called at once."""
LOOK_S: Final = 0.2
"""How often it is looked whether anything has happened."""
NOBODY_S: Final = 1.0
"""The same, when there is nobody to tell."""
AGAIN_S: Final = 5.0
"""After an error of the store."""


async def serve(home: str, config: Config) -> None:
    """Call webhooks until this is cancelled."""
    threads = ThreadPoolExecutor(1, thread_name_prefix="webhooks")
    loop = asyncio.get_running_loop()
    try:
        while True:
            try:
                desk = await loop.run_in_executor(threads, partial(open_desk_of_human, home, interface="postroom"))
                try:
                    desk.config = config
                    await Caller(desk, threads).run()
                finally:
                    await asyncio.shield(loop.run_in_executor(threads, desk.close))
            except PostroomError as error:
                log.warning("webhooks wait", extra={"facts": {"error": error.code}})
                await asyncio.sleep(AGAIN_S)
    finally:
        threads.shutdown(wait=False)


class Caller:
    """Makes the calls of one post room."""

    def __init__(self, desk: Desk, threads: ThreadPoolExecutor) -> None:
        self._desk = desk
        self._reporter = Reporter(desk)
        self._threads = threads
        self._loop = asyncio.get_running_loop()
        self._calls: dict[int, asyncio.Task[Outcome]] = {}
        self._made: dict[int, Call] = {}
        self._version = -1
        self._more = False

    async def run(self) -> None:
        """Call until this is cancelled. Raises what the store raises."""
        try:
            while True:
                settled = await self._settle_done()
                for target, call in await self._loop.run_in_executor(self._threads, self._due, settled):
                    self._calls[target.id] = self._loop.create_task(make(target, call, self._desk.config))
                    self._made[target.id] = call
                if not self._more:
                    await self._wait()
        finally:
            for task in self._calls.values():
                task.cancel()

    async def _wait(self) -> None:
        if self._calls:
            await asyncio.wait(self._calls.values(), timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(LOOK_S if self._reporter.told else NOBODY_S)

    async def _settle_done(self) -> bool:
        """Note what came of the calls that are over. Says whether there were any."""
        done = [id for id, task in self._calls.items() if task.done()]
        for id in done:
            outcome, call = self._calls.pop(id).result(), self._made.pop(id)
            await self._loop.run_in_executor(self._threads, reporting.settle, self._desk, call, outcome)
            if not outcome.arrived:
                facts = {"webhook": id, "call": call.name, "attempt": call.attempts + 1, "why": outcome.said}
                log.warning("webhook call failed", extra={"facts": facts})
        return bool(done)

    def _due(self, settled: bool) -> list[tuple[Target, Call]]:  # noqa: FBT001  # run_in_executor takes no keywords
        """Look what has happened, and which calls are due."""
        with self._desk.reading() as database:
            version = watching.version(database)
        if version != self._version or settled or self._more:  # our own writes do not count in it
            self._more = self._reporter.report()
            self._version = version
        return reporting.due(self._desk, busy=set(self._calls), limit=CALLS_MAX - len(self._calls))


async def make(target: Target, call: Call, config: Config) -> Outcome:
    """Make a call."""
    body = call.body.encode(errors="replace")
    headers = rules.headers(target.secret, call.name, body, now_ms=round(time() * 1000))
    return await post(target.url, headers, body, timeout_s=config.limits.webhook_timeout_ms / 1000)
