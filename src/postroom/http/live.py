"""Live feeds as server-sent events. One look at the store is for all who watch as the same agent, and one text is for all of them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from secrets import randbits
from time import monotonic
from typing import Final, NamedTuple

from postroom.config import Config
from postroom.core.event import Event
from postroom.core.message import Message
from postroom.core.plain import plain
from postroom.core.refusals import HouseFull
from postroom.exchange.desk import Desk, now_us
from postroom.exchange.ticker import Item, Ticker
from postroom.exchange.watching import Change, Sieve, settled
from postroom.http.auth import Caller, Gate
from postroom.http.library import desk_of
from postroom.http.request import encode
from postroom.http.seal import Seal
from postroom.store import watching as stored
from postroom.store.database import open_database

log = logging.getLogger("postroom.node")
POLL_S: Final = 0.1
"""How often it is asked whether anything changed: 3 µs."""
CHANGED_S: Final = 1.0
BEAT_S: Final = 15.0
"""So often something is written to a silent stream: proxies cut what is silent for a minute."""
STAYS_S: Final = 300.0
"""So long a feed goes on without anybody who watches: who comes back gets what it missed from memory."""
WATCHERS_MAX: Final = 2_000
BEHIND_MAX: Final = 10_000
"""A watcher that is so many items behind is let go; it comes back and goes on from there."""
BEGIN: Final = b"retry: 1000\nid: %b\n\n"
BEAT: Final = b": still here\n\n"
CHANGED: Final = b"event: changed\ndata: {}\n\n"


class Told(NamedTuple):
    """An item, and its text."""

    item: Item
    text: bytes


class Watcher:
    """One who watches. What is told waits here until it is written out."""

    def __init__(self, sieve: Sieve) -> None:
        self.waiting: deque[bytes] = deque()
        self.woken = asyncio.Event()
        self.behind = False
        self._sieve = sieve

    def tell(self, told: Sequence[Told]) -> None:
        """Tell what the sieve lets through; with a sieve there are no events."""
        if self._sieve == Sieve():
            self.put([one.text for one in told])
        else:
            self.put([one.text for one in told if one.item.about is not None and self._sieve.lets(one.item.about)])

    def put(self, texts: Sequence[bytes]) -> None:
        """Let texts wait to be written out."""
        if len(self.waiting) + len(texts) > BEHIND_MAX:
            self.behind = True
        else:
            self.waiting.extend(texts)
        self.woken.set()


class Feed:
    """What one viewer sees, and all who watch it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.ticker = Ticker(desk, randbits(63))
        self.watchers: set[Watcher] = set()
        self.left = monotonic()


class Live:
    """The feeds of a node. Looks at the store in a thread of its own."""

    def __init__(self, home: str, gate: Gate, config: Config) -> None:
        self._database = open_database(home, busy_ms=config.limits.busy_ms, now_ms=now_us() // 1000)
        self._config = config
        self._gate = gate
        self._seal = Seal(home)
        self._feeds: dict[int, Feed] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="live")
        self._loop = asyncio.get_running_loop()
        self._round: asyncio.Task[None] | None = None
        self._version = -1
        self._changed = 0.0
        self._open = True

    @property
    def watchers(self) -> int:
        """How many watch."""
        return sum(len(feed.watchers) for feed in self._feeds.values())

    def begin(self) -> None:
        """Look from now on."""
        self._round = asyncio.create_task(self._rounds())

    async def close(self) -> None:
        """End all streams."""
        self._open = False
        if self._round is not None:
            self._round.cancel()
        for feed in self._feeds.values():
            for watcher in feed.watchers:
                watcher.woken.set()
        await asyncio.to_thread(self._thread.shutdown)
        self._database.close()

    async def watch(self, caller: Caller, sieve: Sieve, last: str | None) -> AsyncGenerator[bytes, None]:
        """What a caller may see, from now on or from a place on, as the text of a stream. Raises NotRegistered, HouseFull, BadRequest."""
        if self.watchers >= WATCHERS_MAX:
            raise HouseFull(limit=WATCHERS_MAX, things="live streams")
        feed, watcher = await self._loop.run_in_executor(self._thread, self._come, caller, sieve, last)
        return self._written(caller, feed, watcher)

    async def _written(self, caller: Caller, feed: Feed, watcher: Watcher) -> AsyncGenerator[bytes, None]:
        try:
            while self._open and not watcher.behind:
                if not watcher.waiting:
                    watcher.woken.clear()
                    try:
                        async with asyncio.timeout(BEAT_S):
                            await watcher.woken.wait()
                    except TimeoutError:
                        watcher.waiting.append(BEAT)
                if not self._gate.still(caller):
                    return
                texts, watcher.waiting = watcher.waiting, deque()
                if texts:
                    yield b"".join(texts)
        finally:
            feed.watchers.discard(watcher)
            feed.left = monotonic()

    async def _rounds(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            if self._feeds:
                try:
                    await self._loop.run_in_executor(self._thread, self._look)
                except Exception:  # the next look may succeed
                    log.exception("live feed not looked at")

    # In the thread

    def _come(self, caller: Caller, sieve: Sieve, last: str | None) -> tuple[Feed, Watcher]:
        desk = desk_of(caller, self._database, self._config)
        sieve = settled(desk, sieve)
        place = None if last is None else self._seal.opened(last, desk.agent.id)
        feed = self._feeds.get(desk.agent.id)
        if feed is None:
            feed = self._feeds[desk.agent.id] = Feed(desk)
        feed.left = monotonic()
        self._publish(feed)
        watcher = Watcher(sieve)
        watcher.put([BEGIN % (last or self._seal.sealed(feed.ticker.place, desk.agent.id)).encode()])
        if place is not None:
            watcher.tell(self._texts(feed, feed.ticker.since(place)))
        self._loop.call_soon_threadsafe(feed.watchers.add, watcher)
        return feed, watcher

    def _look(self) -> None:
        version = stored.version(self._database)
        if version == self._version:
            return
        self._version = version
        for viewer, feed in list(self._feeds.items()):
            if not feed.watchers and monotonic() - feed.left > STAYS_S:
                del self._feeds[viewer]
            else:
                self._publish(feed)
        if monotonic() - self._changed >= CHANGED_S:
            self._changed = monotonic()
            self._loop.call_soon_threadsafe(self._all, CHANGED)
        else:
            self._version = -1  # to be told when the second is over

    def _publish(self, feed: Feed) -> None:
        if told := self._texts(feed, feed.ticker.news()):
            self._loop.call_soon_threadsafe(self._tell, feed, told)

    def _texts(self, feed: Feed, items: Sequence[Item]) -> list[Told]:
        return [Told(item, self._text(feed, item)) for item in items]

    def _text(self, feed: Feed, item: Item) -> bytes:
        kind = {Message: b"message", Change: b"state", Event: b"event"}[type(item.what)]
        id = self._seal.sealed(item.place, feed.desk.agent.id).encode()
        return b"id: %b\nevent: %b\ndata: %b\n\n" % (id, kind, encode(plain(item.what)))

    # In the event loop

    def _tell(self, feed: Feed, told: Sequence[Told]) -> None:
        for watcher in feed.watchers:
            watcher.tell(told)

    def _all(self, text: bytes) -> None:
        for feed in list(self._feeds.values()):
            for watcher in feed.watchers:
                watcher.put([text])
