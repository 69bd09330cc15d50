"""The counter: what is brief is done in the event loop, on a quick disk with its flush; and nobody is told more than is true."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager

import pytest

from postroom.core.errors import NotFlushed
from postroom.core.message import Draft, Receipt
from postroom.exchange import sending
from postroom.http.auth import Caller
from postroom.http.counter import Counter
from postroom.store import database as driven

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
