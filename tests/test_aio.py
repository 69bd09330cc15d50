"""The SDK for asyncio is the blocking one name for name, never blocks the loop, and loses nothing when it is cancelled."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import pytest

import postroom
from postroom import doorbell
from postroom.agent import Agent, connect
from postroom.aio import AsyncAgent, AsyncDelivery, AsyncSession, connect_async
from postroom.core.errors import Closed, NoAnswer, SessionClosed, SessionDeclined, StoreBusy
from postroom.core.message import State
from postroom.core.session import SessionState
from postroom.delivery import Delivery
from postroom.session import Session
from tests.programs import Program
from tests.waiting import SOON_S, go_on, until, until_stopped

STOPS = "with me._seat.desk.posting():\n    import os, signal; os.kill(os.getpid(), signal.SIGSTOP)\nprint('goes on')"


def run(coroutine):
    """What a program does; no wait of a test is for ever."""

    async def with_deadline():
        async with asyncio.timeout(SOON_S):
            return await coroutine

    return asyncio.run(with_deadline())


async def some_time():
    """Let the loop go round, so that others come as far as they can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def until_so(condition):
    """Let the loop go round until a condition holds."""
    while not condition():  # noqa: ASYNC110  # it comes about outside of this loop
        await asyncio.sleep(0)


def public(kind):
    return {name for name in dir(kind) if not name.startswith("_")}


def shape(member):
    """Parameters and result, as the blocking SDK writes them."""
    for wrapped in ("fget", "__func__"):
        member = getattr(member, wrapped, member)
    signature = inspect.signature(member)
    result = re.sub(r"(?:Opening|Coroutine\[None, None,)[\[ ]?([\w.]+)\]", r"\1", str(signature.return_annotation))
    result = result.replace("AsyncGenerator", "Iterator").replace(", None]", "]")
    parameters = [str(parameter) for parameter in signature.parameters.values()]
    return [text.replace("Async", "") for text in [*parameters, result]]


@pytest.mark.parametrize("blocking, awaited", [(Agent, AsyncAgent), (Delivery, AsyncDelivery), (Session, AsyncSession)])
def test_the_async_sdk_has_the_same_names_and_signatures(blocking, awaited):
    assert public(blocking) == public(awaited)
    for name in sorted(public(blocking)):
        member, mirrored = inspect.getattr_static(blocking, name), inspect.getattr_static(awaited, name)
        if callable(member) or isinstance(member, property | classmethod):
            assert shape(mirrored) == shape(member), name
    assert (hasattr(blocking, "__iter__"), hasattr(blocking, "__enter__")) == (
        hasattr(awaited, "__aiter__"),
        hasattr(awaited, "__aenter__"),
    ) or (blocking is Delivery)


def test_connecting_has_the_same_signature():
    assert shape(connect_async) == shape(connect)


def test_messages_are_sent_read_and_answered(post):
    async def bob():
        async with connect_async("bob") as me:
            async for message in me.inbox(wait=SOON_S):
                await message.reply(message.body.upper())
                if message.body == "end":
                    await message.confirm()
                    return

    async def alice():
        async with await connect_async("alice") as me:
            await me.send("bob", "hi", create=True)
            (answer,) = await me.take(wait=SOON_S)
            await me.confirm([answer])
            assert (answer.body, answer.reply_to) == ("HI", "1")
            assert (await me.ask("bob", "end", timeout=SOON_S)).body == "END"
            receipts = await me.send_many([postroom.Draft("bob", "one"), postroom.Draft("bob", "two")])
            assert [receipt.state for receipt in receipts] == ["delivered", "delivered"]
            assert not await me.take()
            assert [message.body for message in await me.thread("1")] == ["hi", "HI"]

    async def both():
        await asyncio.gather(bob(), alice())

    run(both())


def test_finding_out_works_as_in_the_blocking_sdk(post, home):
    async def story():
        async with connect_async("alice") as me, connect_async("bob") as bob:
            assert (me.name, me.home, repr(me)) == ("alice", post.home, "<AsyncAgent alice connected>")
            (home / "notes.txt").write_text("a note")
            receipt = await me.send("bob", "words to find", files=[home / "notes.txt"])
            following = asyncio.create_task(me.follow(receipt.id, timeout=SOON_S))
            (message,) = await bob.take(wait=SOON_S)
            await message.save(message.attachments[0], home / "copy.txt")
            await bob.give_back([message])
            assert [peeked.body for peeked in await bob.peek()] == ["words to find"]
            await bob.confirm(await bob.take())
            assert (await following).state == (await me.status(receipt.id)).state == "read"
            assert [found.body for found in await me.search("words")] == [found.body for found in await bob.history()] == ["words to find"]
            await bob.profile(status="busy")
            assert [one.status for one in await me.agents() if one.name == "bob"] == ["busy"]
            with pytest.raises(NoAnswer):
                await me.ask("bob", "?", timeout=0.01)
        assert repr(me) == "<AsyncAgent alice closed>"
        with pytest.raises(Closed):
            await me.send("bob", "hi")
        assert (home / "copy.txt").read_text() == "a note"

    run(story())


def test_a_session_is_opened_talked_in_and_closed(post):
    async def bob():
        async with connect_async("bob") as me:
            async for offer in me:
                if offer.body == "no":
                    await offer.decline("not today")
                    continue
                await offer.confirm()
                async with offer.accept() as session:
                    async for message in session:
                        await session.send(message.body * 2)
                return

    async def alice():
        async with connect_async("alice") as me:
            with pytest.raises(SessionDeclined, match="not today"):
                await me.session("bob", "no", timeout=SOON_S)
            async with me.session("bob", "yes", timeout=SOON_S) as session:
                assert await session.state is SessionState.OPEN
                await session.send("ab")
                assert (await session.receive(SOON_S)).body == "abab"
                resumed = await me.resume(session.id)
                assert (resumed.id, resumed.task, resumed.peer) == (session.id, "yes", "bob")
            assert [view.state for view in await me.sessions()] == ["declined", "closed"]
            with pytest.raises(SessionClosed):
                await session.receive(SOON_S)

    async def both():
        post.connect("bob").close()
        await asyncio.gather(bob(), alice())

    run(both())


def test_it_works_in_a_loop_that_is_already_running(post):
    """As in a notebook: the loop runs elsewhere and for ever, each cell is a coroutine in it."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()

    def cell(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(SOON_S)

    async def opened(opening):
        return await opening

    async def blocking():
        with connect("carl") as carl:
            return carl.send("alice", "from a blocking agent").state

    try:
        me = cell(opened(connect_async("alice")))
        cell(me.send("alice", "to myself"))
        assert [message.body for message in cell(me.take(wait=SOON_S))] == ["to myself"]
        assert cell(blocking()) == "delivered"
        cell(me.close())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_the_loop_goes_on_while_a_send_waits_for_the_store(post):
    async def story():
        async with connect_async("alice") as me:
            with Program("holder", STOPS) as holder:
                until_stopped(holder)
                sending = asyncio.create_task(me.send("alice", "hi"))
                await some_time()
                assert not sending.done()
                go_on(holder)
                assert (await sending).state == "delivered"

    run(story())


def test_waiting_costs_no_thread(post):
    async def story():
        async with connect_async("alice") as me:
            await me.take()
            threads = threading.active_count()
            waits = [asyncio.create_task(me.take(1, None)) for _ in range(20)]
            await until_so(lambda: len(me._clerk._waiters) == 20)
            assert threading.active_count() == threads
            await me.send_many([postroom.Draft("alice", str(number)) for number in range(20)])
            found = [message.body for wait in waits for message in await wait]
            assert sorted(found) == sorted(map(str, range(20)))

    run(story())


def test_a_ring_that_one_task_hears_first_wakes_the_others_too(post):
    async def story():
        async with connect_async("alice") as me:
            waiting = asyncio.create_task(me.take(1, None))
            await until_so(lambda: me._clerk._waiters)
            (waiter,) = me._clerk._waiters
            post.connect("bob").send("alice", "hi")  # and the loop stands still
            with pytest.raises(postroom.errors.NoSuchMessage):
                await me.follow("99")
            assert waiter.done()
            assert [message.body for message in await waiting] == ["hi"]

    run(story())


def test_a_message_that_a_cancelled_wait_had_taken_is_given_back(post):
    async def story():
        async with connect_async("bob") as me:
            alice = post.connect("alice")
            receipt = alice.send("bob", "hi")
            taking = asyncio.create_task(me.take(1, SOON_S))
            await asyncio.sleep(0)
            until(lambda: alice.status(receipt.id).state is State.HANDED)  # and the loop stands still
            taking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await taking
            again = await asyncio.to_thread(post.connect("bob").take, 1, SOON_S)
            assert [(message.body, message.redelivered) for message in again] == [("hi", True)]

    run(story())


def test_a_batch_given_to_a_take_is_confirmed_even_if_that_is_cancelled(post):
    async def story():
        async with connect_async("bob") as me:
            alice = post.connect("alice")
            receipts = [alice.send("bob", body) for body in ("one", "two")]
            batch = await me.take(limit=1)
            batch = await me.take(limit=1, confirm=batch)
            assert [alice.status(receipt.id).state for receipt in receipts] == [State.READ, State.HANDED]
            taking = asyncio.create_task(me.take(1, SOON_S, confirm=batch))
            await asyncio.sleep(0)
            taking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await taking
            assert not await me.peek()
            assert alice.status(receipts[1].id).state is State.READ

    run(story())


def test_cancelling_at_any_moment_loses_nothing_and_doubles_nothing(post):
    async def story():
        async with connect_async("bob") as me:
            alice = post.connect("alice")
            read: list[str] = []

            async def read_on():
                async for message in me.inbox(wait=None):
                    read.extend([message.body])

            for number in range(150):
                reading = asyncio.create_task(read_on())
                for _ in range(number % 7):
                    await asyncio.sleep(0)
                alice.send("bob", str(number))
                for _ in range(number % 50):
                    await asyncio.sleep(0)
                reading.cancel()
                await asyncio.wait([reading])
            left = [message.body async for message in me.inbox()]
            assert sorted(read + left) == sorted(map(str, range(150)))

    run(story())


def test_a_cancelled_ask_lets_go_of_its_claim(post):
    async def story():
        async with connect_async("alice") as me:
            bob = post.connect("bob")
            asking = asyncio.create_task(me.ask("bob", "hi", timeout=SOON_S))
            (question,) = await asyncio.to_thread(bob.take, 1, SOON_S)
            asking.cancel()
            await asyncio.wait([asking])
            question.reply("late")
            assert [message.body for message in await me.take(1, SOON_S)] == ["late"]

    run(story())


def test_an_answer_that_a_cancelled_ask_had_taken_comes_to_the_inbox(post):
    async def story():
        async with connect_async("alice") as me:
            bob = post.connect("bob")
            asking = asyncio.create_task(me.ask("bob", "hi", timeout=SOON_S))
            (question,) = await asyncio.to_thread(bob.take, 1, SOON_S)
            await until_so(lambda: me._clerk._waiters)
            with me._seat.turn:
                answer = question.reply("answer")
                await until_so(lambda: not me._clerk._waiters)
            until(lambda: bob.status(answer.id).state is State.HANDED)  # and the loop stands still
            asking.cancel()
            await asyncio.wait([asking])
            assert asking.cancelled()
            assert [message.body for message in await me.take(1, SOON_S)] == ["answer"]

    run(story())


def test_an_answer_is_confirmed_although_nobody_waits_for_that(post):
    async def story():
        async with connect_async("alice") as me:
            bob = post.connect("bob")
            asking = asyncio.create_task(me.ask("bob", "hi", timeout=SOON_S))
            (question,) = await asyncio.to_thread(bob.take, 1, SOON_S)
            answer = question.reply("answer")
            await asking
        assert bob.status(answer.id).state == "read"

    run(story())


def test_a_cancelled_offer_of_a_session_is_withdrawn(post):
    async def story():
        async with connect_async("alice") as me:
            bob = post.connect("bob")
            opening = asyncio.create_task(me.session("bob", "task", timeout=SOON_S).__aenter__())
            (offer,) = await asyncio.to_thread(bob.take, 1, SOON_S)
            opening.cancel()
            await asyncio.wait([opening])
            assert [message.kind for message in await asyncio.to_thread(bob.take, 1, SOON_S)] == ["fin"]
            with pytest.raises(postroom.errors.NotYourTurn):
                offer.accept()

    run(story())


def test_what_a_cancelled_receive_had_taken_comes_with_the_next(post):
    async def story():
        async with connect_async("alice") as me:
            bob = post.connect("bob")
            bob.profile(auto_accept=True)
            async with me.session("bob", "task") as session:
                (offer,) = await asyncio.to_thread(bob.take, 1, SOON_S)
                other = bob.resume(offer.thread)
                one = other.send("one")
                receiving = asyncio.create_task(session.receive())
                await asyncio.sleep(0)
                until(lambda: bob.status(one.id).state is State.HANDED)  # and the loop stands still
                receiving.cancel()
                await asyncio.wait([receiving])
                assert receiving.cancelled()
                assert (await session.receive(SOON_S)).body == "one"
                await asyncio.to_thread(other.close, 0)

    run(story())


@pytest.mark.parametrize("ending", ["break", "error", "cancel"])
def test_a_loop_that_is_left_early_gives_its_last_message_back(ending, post):
    async def read(me, begun):
        async for message in me:
            begun.set_result(message.body)
            match ending:
                case "break":
                    break
                case "error":
                    raise ZeroDivisionError
                case _:
                    await asyncio.sleep(SOON_S)

    async def story():
        async with connect_async("bob") as me:
            post.connect("alice").send("bob", "hi")
            begun = asyncio.get_running_loop().create_future()
            reading = asyncio.create_task(read(me, begun))
            assert await begun == "hi"
            if ending == "cancel":
                reading.cancel()
            _, _ = await asyncio.wait([reading])
            assert isinstance(None if reading.cancelled() else reading.exception(), ZeroDivisionError) == (ending == "error")
            del reading
            again = await asyncio.to_thread(post.connect("bob").take, 1, SOON_S)
            assert [(message.body, message.redelivered) for message in again] == [("hi", True)]

    run(story())


def test_what_could_not_be_given_back_is_tried_again_and_told(post):
    post.configure("[limits]\nbusy_ms = 300\n")

    async def story():
        async with connect_async("bob") as me:
            post.connect("alice").send("bob", "hi")
            reading = me.inbox()
            assert (await anext(reading)).body == "hi"
            with Program("holder", STOPS) as holder:
                until_stopped(holder)
                await reading.aclose()
                with pytest.raises(StoreBusy):
                    await me.send("bob", "more")
                go_on(holder)
                assert await asyncio.to_thread(holder.line) == "goes on"
            await me.agents()
            assert [(message.body, message.redelivered) for message in post.connect("bob").take()] == [("hi", True)]

    run(story())


def test_closing_ends_the_waits_of_other_tasks(post):
    async def story():
        me = await connect_async("bob")
        receipt = await me.send("alice", "hi", create=True)
        waits: list[asyncio.Task[object]] = [asyncio.create_task(me.take(1, None)), asyncio.create_task(me.follow(receipt.id))]
        await until_so(lambda: len(me._clerk._waiters) == 2)
        await me.close()
        await me.close()
        for wait in waits:
            with pytest.raises(Closed):
                await wait

    run(story())


def test_a_cancelled_close_closes(post):
    async def story():
        me = await connect_async("bob")
        with me._seat.turn:
            closing = asyncio.create_task(me.close())
            await some_time()
            closing.cancel()
            await some_time()
        await asyncio.wait([closing])
        assert closing.cancelled()
        assert not me._seat.taken

    run(story())


def test_a_cancelled_connect_leaves_nobody_attached(post):
    alice = post.connect("alice")

    async def story():
        for rounds in range(1, 10):
            connecting = asyncio.ensure_future(connect_async("bob").__aenter__())
            for _ in range(rounds * rounds):
                await asyncio.sleep(0)
            connecting.cancel()
            await asyncio.wait([connecting])
            if not connecting.cancelled():
                await connecting.result().close()
            assert not any(one.online for one in alice.agents() if one.name == "bob")

    run(story())


def test_chores_are_done_while_only_async_agents_wait(post):
    async def story():
        async with connect_async("alice") as me:
            await me.send("bob", "hi", create=True, expires_in=0.05)
            return [message.subject for message in await me.take(wait=SOON_S)]

    assert run(story()) == ["notice: expired"]


def test_bells_are_hung_up_again_while_only_async_agents_wait(post):
    async def story():
        async with connect_async("bob") as me:
            waits = [asyncio.create_task(me.take(1, None)) for _ in range(2)]
            await until_so(lambda: len(me._clerk._waiters) == 2)
            shutil.rmtree(f"{me.home}/run")
            await until_so(lambda: os.path.lexists(str(me._seat.bell.path)))
            alice = post.connect("alice")
            alice.send("bob", "one")
            alice.send("bob", "two")
            assert sorted([message.body for wait in waits for message in await wait]) == ["one", "two"]

    run(story())


def test_it_polls_where_there_are_no_bells(post, monkeypatch):
    monkeypatch.setattr(doorbell, "AVAILABLE", False)

    async def story():
        async with connect_async("bob") as me:
            waiting = asyncio.create_task(me.take(1, SOON_S))
            await some_time()
            post.connect("alice").send("bob", "hi")
            assert [message.body for message in await waiting] == ["hi"]

    run(story())


FORK = """
import asyncio, os
loop = asyncio.new_event_loop()
async def opened(): return await postroom.connect_async("bob")
bob = loop.run_until_complete(opened())
child = os.fork()
if not child:
    try: asyncio.new_event_loop().run_until_complete(bob.send("bob", "x"))
    except postroom.errors.Forked: os._exit(3)
    os._exit(4)
refused = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
loop.run_until_complete(bob.send("bob", "goes on"))
body = loop.run_until_complete(bob.take())[0].body
loop.run_until_complete(bob.close())
loop.close()
print(refused, body)
"""


def test_a_forked_child_is_refused(post):
    with Program("parent", FORK) as parent:
        assert parent.line() == "3 goes on"


def test_connecting_and_closing_leaves_no_descriptor_and_no_thread(post):
    async def come_and_go():
        async with connect_async("bob") as me:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.001):
                    await me.take(wait=None)

    async def story():
        await come_and_go()
        descriptors = len(os.listdir("/dev/fd"))
        for _ in range(50):
            await come_and_go()
        assert len(os.listdir("/dev/fd")) == descriptors
        until(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("postroom")])

    run(story())


def test_async_and_blocking_agents_share_a_mailbox(post):
    async def story():
        async with connect_async("bob") as me:
            with ThreadPoolExecutor() as aside:
                other = post.connect("bob")
                reading = aside.submit(lambda: [message.body for message in other.inbox(wait=1)])
                post.connect("alice").send_many([postroom.Draft("bob", str(number)) for number in range(100)])
                read = [message.body async for message in me.inbox(wait=1)]
                assert sorted(read + reading.result()) == sorted(map(str, range(100)))

    run(story())
