"""The SDK for asyncio over a node: the same names, and what a cancelled call had taken is given back."""

from __future__ import annotations

import asyncio

from postroom import connect_async
from postroom.core.message import State


async def of_jack(room):
    return await connect_async("jack", url=room.url, token=room.token("jack"), home=room.far)


def test_one_asks_the_other_answers(room):
    async def jack():
        async with connect_async(url=room.url, token=token, home=room.far) as me:
            async for message in me.inbox(wait=60):
                await message.reply("8080")
                return

    async def ask():
        async with connect_async("alice", home=room.home) as me:
            answer = await me.ask("jack", "which port?", timeout=60, create=True)
            return answer.body

    async def both():
        _, answer = await asyncio.gather(jack(), ask())
        return answer

    token = room.token("jack")
    assert asyncio.run(both()) == "8080"


def test_a_session_is_held(room):
    async def serve():
        async with connect_async(url=room.url, token=room.token("bob"), home=room.far) as me:
            async for message in me.inbox(wait=60):
                await message.confirm()
                async with message.accept() as session:
                    async for said in session:
                        await session.send(said.body.upper())
                return

    async def talk():
        async with (
            connect_async(url=room.url, token=room.token("jack"), home=room.far) as me,
            me.session("bob", "shout", timeout=60) as session,
        ):
            await session.send("hello")
            return (await session.receive(timeout=60)).body, await session.state

    async def both():
        _, heard = await asyncio.gather(serve(), talk())
        return heard

    room.token("bob")
    assert asyncio.run(both()) == ("HELLO", "open")


def test_many_tasks_wait_at_one_seat(room):
    bob = room.here("bob")

    async def run():
        async with await of_jack(room) as me:
            asking = [asyncio.create_task(me.ask("bob", str(number), timeout=60)) for number in range(10)]
            answered = 0
            while answered < 10:
                for question in await asyncio.to_thread(bob.take, 100, 60):
                    question.reply(f"answer to {question.body}")
                    question.confirm()
                    answered += 1
            return [(await one).body for one in asking]

    assert asyncio.run(run()) == [f"answer to {number}" for number in range(10)]


def test_what_a_cancelled_wait_had_taken_is_given_back(room):
    bob = room.here("bob")

    async def run():
        async with await of_jack(room) as me:
            waiting = asyncio.create_task(me.take(wait=60))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            receipt = await asyncio.to_thread(bob.send, "jack", "hello")
            (message,) = await me.take(wait=60)
            await message.confirm()
            return message.body, bob.status(receipt.id).state

    assert asyncio.run(run()) == ("hello", State.READ)


def test_a_loop_goes_on_when_the_node_was_killed(room):
    bob = room.here("bob")

    async def run():
        heard = []
        async with await of_jack(room) as me:
            async for message in me.inbox(wait=60):
                heard.append(message.body)
                if message.body == "last":
                    await message.confirm()
                    return heard
                await asyncio.to_thread(room.kill_node)
                await asyncio.to_thread(bob.send, "jack", "last")
                await asyncio.to_thread(room.start_node)
        return heard

    bob.send("jack", "first", create=True)
    assert asyncio.run(run()) == ["first", "last"]
