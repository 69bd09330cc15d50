"""The node's part in alerts: see what waits for the human, and have it told, not more often than the limit `alert_ms` says.

An address is only said by its number and its scheme: the rest is a secret.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from asyncio.subprocess import DEVNULL, PIPE
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import zip_longest
from time import monotonic
from typing import Final, NamedTuple

from postroom.config import Config
from postroom.core.errors import PostroomError
from postroom.exchange import alerts
from postroom.exchange.alerts import Alert
from postroom.exchange.desk import Desk, open_desk_of_human
from postroom.store import watching

log = logging.getLogger("postroom.node")
LOOK_S: Final = 1.0
AGAIN_S: Final = 5.0
PATIENCE_S: Final = 25.0
"""So long all addresses together may take; then what was not told counts as failed."""
FACTOR_MAX: Final = 64
"""An alert that reaches nobody is tried again later and later, but at least after so many times `alert_ms`."""
LATE: Final = "it was not told in time"
RINGER: Final = (sys.executable, "-m", "postroom.node.ringer")


class Told(NamedTuple):
    """What came of telling one address: its number and scheme, and why it failed, if it did."""

    address: str
    why: str


def named(number: int, url: str) -> str:
    """How an address is called."""
    scheme, found, _ = url.partition("://")
    return f"{number} ({scheme})" if found and scheme.isalnum() else f"{number}"


async def tell(urls: tuple[str, ...], title: str, body: str) -> list[Told]:
    """Tell people, and say for each address what came of it. Takes a while; if it is cancelled, nobody is told any more."""
    wish = json.dumps({"urls": urls, "title": title, "body": body}).encode()
    ringer = await asyncio.create_subprocess_exec(*RINGER, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
    assert ringer.stdin is not None
    assert ringer.stdout is not None
    said: list[str] = []
    try:
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(PATIENCE_S * len(urls)):
                ringer.stdin.write(wish)
                await ringer.stdin.drain()
                ringer.stdin.close()
                async for line in ringer.stdout:
                    said.append(str(json.loads(line)))  # noqa: PERF401  # what was said before it took too long counts
                await ringer.wait()
    finally:
        if ringer.returncode is None:  # to kill what has just ended would take its exit code from who waits for it
            with suppress(ProcessLookupError):
                ringer.kill()
        await asyncio.shield(ringer.wait())
    return [Told(named(at, url), why) for at, (url, why) in enumerate(zip_longest(urls, said, fillvalue=LATE), 1)]


async def serve(home: str, config: Config) -> None:
    """Tell people until this is cancelled."""
    if not config.node.alerts:
        return
    addresses = [named(at, url) for at, url in enumerate(config.node.alerts, 1)]
    log.info("alerts go to people; `postroom alert test` tells which work", extra={"facts": {"alerts": addresses}})
    threads = ThreadPoolExecutor(1, thread_name_prefix="alerts")
    loop = asyncio.get_running_loop()
    try:
        while True:
            try:
                desk = await loop.run_in_executor(threads, partial(open_desk_of_human, home, interface="http"))
                try:
                    await Crier(desk, config, threads).run()
                finally:
                    await asyncio.shield(loop.run_in_executor(threads, desk.close))
            except PostroomError as error:
                log.warning("alerts wait", extra={"facts": {"error": error.code}})
                await asyncio.sleep(AGAIN_S)
    finally:
        threads.shutdown(wait=False)


class Crier:
    """Tells people what waits in one post room."""

    def __init__(self, desk: Desk, config: Config, threads: ThreadPoolExecutor) -> None:
        self._desk = desk
        self._urls = config.node.alerts
        self._kinds = frozenset(config.node.alert_on)
        self._pause_s = config.limits.alert_ms / 1000
        self._threads = threads
        self._version = -1
        self._not_before = 0.0
        self._factor = 1

    async def run(self) -> None:
        """Tell until this is cancelled. Raises what the store raises."""
        loop = asyncio.get_running_loop()
        while True:
            if monotonic() >= self._not_before and (alert := await loop.run_in_executor(self._threads, self._look)):
                if self._arrived(await tell(self._urls, alert.title, alert.body)):
                    await loop.run_in_executor(self._threads, alerts.told, self._desk, alert)
                    log.info("alert told", extra={"facts": {"messages": len(alert.about)}})
                self._not_before = monotonic() + self._pause_s * self._factor
            await asyncio.sleep(min(LOOK_S, self._pause_s))

    def _look(self) -> Alert | None:
        """What people have not been told yet."""
        with self._desk.reading() as database:
            version = watching.version(database)
        if version == self._version:
            return None
        alert = alerts.alert(self._desk, self._kinds)
        if alert is None:
            self._version = version
        return alert

    def _arrived(self, outcomes: list[Told]) -> bool:
        """Whether anybody was told."""
        for outcome in outcomes:
            if outcome.why:
                log.warning("alert failed", extra={"facts": {"alert": outcome.address, "why": outcome.why}})
        arrived = any(not outcome.why for outcome in outcomes)
        self._factor = 1 if arrived else min(self._factor * 2, FACTOR_MAX)
        return arrived
