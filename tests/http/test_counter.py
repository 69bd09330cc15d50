"""The counter: what is brief is done in the event loop, on a quick disk with its flush; and nobody is told more than is true."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import asynccontextmanager

import pytest
import uvicorn
from uvicorn.server import ServerState

from postroom.core.errors import NotFlushed
from postroom.core.message import Draft, Receipt
from postroom.exchange import sending
from postroom.http.auth import Caller
from postroom.http.counter import TRIES, Counter
from postroom.http.wire import Wire
from postroom.store import database as driven
from postroom.warden import Warden
from tests.waiting import until

JOE = Caller(0, "joe", "agent", "test")


@asynccontextmanager
async def open_counter(home: str):
    counter = Counter(home)
    try:
        await counter.registered(JOE)
        yield counter
    finally:
        await counter.close()


async def asked(counter: Counter, body: str) -> list[Receipt] | Exception:
    """What comes of a message that joe sends to himself."""
    future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    counter.ask(lambda: sending.send(counter.visitor(JOE).desk, [Draft("joe", body)]), future.set_result)
    outcome = await asyncio.wait_for(future, 60)
    assert isinstance(outcome, list | Exception)
    return outcome


@pytest.mark.parametrize("quick", [True, False])
def test_nobody_is_told_that_it_is_safe_when_the_flush_failed_and_it_goes_on_after_that(post, monkeypatch, quick):
    from postroom.http import flusher

    monkeypatch.setattr(flusher, "QUICK_S", 60.0 if quick else 0.0)
    failing: list[str] = []
    flush = os.fdatasync

    def fdatasync(descriptor: int) -> None:
        if failing:
            raise OSError(5, failing.pop())
        flush(descriptor)

    async def send() -> list[list[Receipt] | Exception]:
        async with open_counter(post.home) as counter:
            before = await asked(counter, "one")
            failing.append("Input/output error")
            return [before, await asked(counter, "two"), await asked(counter, "three")]

    monkeypatch.setattr(driven, "fdatasync", fdatasync)
    before, failed, after = asyncio.run(send())
    assert isinstance(failed, NotFlushed)
    assert [isinstance(one, list) and one[0].state for one in (before, after)] == ["delivered", "delivered"]
    (joe,) = post.agents("joe")
    assert [message.body for message in joe.inbox()] == ["one", "two", "three"]


def test_what_nobody_waits_for_is_done_in_a_moment_also_when_nothing_else_is_asked(post):
    async def wait() -> None:
        async with open_counter(post.home) as counter:
            done = asyncio.Event()
            counter.do_soon(done.set)
            await asyncio.wait_for(done.wait(), 60)

    asyncio.run(wait())


def test_what_nobody_waits_for_is_done_before_what_is_asked_next_and_before_the_end(post):
    done = []

    async def ask() -> None:
        async with open_counter(post.home) as counter:
            counter.do_soon(lambda: done.append("soon"))
            await asked(counter, "next")
            assert done == ["soon"]
            counter.do_soon(lambda: done.append("late"))

    asyncio.run(ask())
    assert done == ["soon", "late"]


def test_there_is_never_more_than_one_flush_at_a_time(post, monkeypatch):
    at_it: list[str] = []
    together: list[list[str]] = []

    def fdatasync(descriptor: int) -> None:
        at_it.append(threading.current_thread().name)
        together.append([*at_it])
        os.fdatasync(descriptor)
        at_it.pop()

    async def send() -> None:
        async with open_counter(post.home) as counter:
            desk = counter.visitor(JOE).desk
            for _ in range(30):
                here = [asked(counter, "here") for _ in range(4)]
                there = [counter.do(lambda: sending.send(desk, [Draft("joe", "there")])) for _ in range(4)]
                await asyncio.gather(*here, *there)

    monkeypatch.setattr(driven, "fdatasync", fdatasync)
    asyncio.run(send())
    assert {len(names) for names in together} == {1}


def test_to_ask_whether_nothing_waits_lets_nobody_in(post):
    async def ask() -> list[bool]:
        async with open_counter(post.home) as counter:
            before = counter.has_nothing(JOE)
            (looker,) = post.agents("looker")
            assert [one.online for one in looker.agents() if one.name == "joe"] == [False]
            joe = counter.visitor(JOE).desk.agent.id
            here = Caller(joe, "joe", "agent", "test")
            counter.visitor(here)
            empty = counter.has_nothing(here)
            looker.send("joe", "hi")
            return [before, empty, counter.has_nothing(here)]

    assert asyncio.run(ask()) == [False, True, False]


def test_what_is_asked_while_the_chores_write_does_not_wait_for_all_of_them(post, monkeypatch):
    due, writing, written, over = (threading.Event() for _ in range(4))

    def tend(warden: Warden) -> None:
        if due.is_set() and not over.is_set():
            with warden._desk.posting():
                writing.set()
                assert written.wait(60)
            assert over.wait(60), "and then the long ones"

    async def ask() -> None:
        async with open_counter(post.home) as counter:
            due.set()
            await asyncio.to_thread(writing.wait, 60)
            try:
                asking = asyncio.ensure_future(asked(counter, "hi"))
                await asyncio.to_thread(until, lambda: counter._tried > TRIES)  # more often than it is tried for anybody else
                written.set()
                assert isinstance(await asyncio.wait_for(asking, 30), list)
            finally:
                written.set()
                over.set()

    monkeypatch.setattr(Warden, "tend", tend)
    asyncio.run(ask())


def test_a_connection_that_broke_has_no_timer_any_more():
    class Broken(asyncio.Transport):
        """A transport of a connection that is gone."""

        def is_closing(self) -> bool:
            return True

    async def application(_scope: object, _receive: object, _send: object) -> None:
        """Nobody comes."""

    async def lose() -> bool:
        loop = asyncio.get_running_loop()
        config = uvicorn.Config(application, http=Wire, lifespan="off", log_config=None)
        config.load()
        wire = Wire(config, ServerState(), {}, loop)
        wire.connection_made(Broken())
        wire.timeout_keep_alive_task = loop.call_later(60, wire.timeout_keep_alive_handler)
        wire.connection_lost(ConnectionResetError())
        return wire.timeout_keep_alive_task is None

    assert asyncio.run(lose())
