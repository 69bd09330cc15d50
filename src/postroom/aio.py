"""The SDK for asyncio: `Agent`, `Delivery` and `Session` name for name. The store is used in a thread of the agent's own, see clerk.py.

What a cancelled call had already taken is given back, and what it had claimed is let go, before anything else is done.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Coroutine, Iterable, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

from postroom import waiting
from postroom.agent import Agent, listed
from postroom.clerk import Clerk
from postroom.core.errors import SessionClosed
from postroom.core.event import Event
from postroom.core.message import Attachment, Draft, DraftOptions, Message, MessageRef, Receipt, State, composed
from postroom.core.profile import ProfileOptions
from postroom.core.room import Invited, Member, Room
from postroom.core.session import SessionState, SessionView
from postroom.delivery import in_hand
from postroom.line import Line, accepted, offering, resumed
from postroom.opening import Opening
from postroom.remote.finding import take_any_seat
from postroom.session import CLOSE_S
from postroom.store.profiles import Listed

if TYPE_CHECKING:
    from postroom.places import AnySeat
    from postroom.store.deliveries import Handed


def connect_async(
    name: str | None = None,
    *,
    home: str | os.PathLike[str] | None = None,
    durability: str | None = None,
    url: str | None = None,
    token: str | None = None,
) -> Opening[AsyncAgent]:  # fmt: skip
    """Take part, for asyncio. Parameters and errors as of `connect`.

    Either `async with connect_async("analyst") as me`, or `me = await connect_async("analyst")`.
    """
    return Opening("connect_async", _connect(partial(take_any_seat, name, home, durability, url=url, token=token)))


async def _connect(connecting: partial[AnySeat]) -> AsyncAgent:
    clerk = Clerk()
    try:
        return AsyncAgent(await clerk.do(connecting, undo=leave), clerk)
    except asyncio.CancelledError:
        await clerk.close_with(lambda: None)  # not before whoever came in has left again
        raise
    except BaseException:
        clerk.close()
        raise


def leave(seat: AnySeat) -> None:
    """Leave a seat that nobody waited for."""
    seat.leave()


class AsyncAgent:
    """An agent that takes part, for asyncio. Every method may be called from several tasks of one event loop."""

    def __init__(self, seat: AnySeat, clerk: Clerk) -> None:
        self._seat = seat
        self._agent = Agent(seat)
        self._clerk = clerk
        clerk.listen_to(seat.bell)

    def __repr__(self) -> str:
        return f"<AsyncAgent {self.name} {'connected' if self._seat.taken else 'closed'}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    def __aiter__(self) -> AsyncIterator[AsyncDelivery]:
        return self.inbox(wait=None)

    @property
    def name(self) -> str:
        """As `Agent.name`."""
        return self._agent.name

    @property
    def home(self) -> str:
        """As `Agent.home`."""
        return self._agent.home

    # Sending

    async def send(
        self,
        to: str | Collection[str],
        body: str = "",
        *,
        subject: str = "",
        thread: MessageRef | None = None,
        reply_to: MessageRef | None = None,
        urgency: str = "next",
        reply_within: float | None = None,
        expires_in: float | None = None,
        files: str | os.PathLike[str] | Collection[str | os.PathLike[str]] = (),
        id: str | None = None,
        create: bool = False,
        follow: bool = False,
    ) -> Receipt:
        """As `Agent.send`. If it is cancelled, the message may have been sent: with an `id` of your own, send it again."""
        sending = partial(
            self._agent.send, to, body, subject=subject, thread=thread, reply_to=reply_to, urgency=urgency, reply_within=reply_within,
            expires_in=expires_in, files=files, id=id, create=create, follow=follow,
        )  # fmt: skip
        return await self._clerk.do(sending)

    async def send_many(self, drafts: Iterable[Draft]) -> list[Receipt]:
        """As `Agent.send_many`."""
        return await self._clerk.do(partial(self._seat.send, listed(drafts)))

    async def answer(self, message: Message, body: str, **options: Unpack[DraftOptions]) -> Receipt:
        """As `Agent.answer`."""
        return await self._clerk.do(partial(self._agent.answer, message, body, **options))

    async def ask(self, to: str, body: str, *, timeout: float = 60, **options: Unpack[DraftOptions]) -> AsyncDelivery:
        """As `Agent.ask`. If it is cancelled, a late answer comes to the inbox."""
        draft = composed(to, body, {"reply_within": timeout, **options})
        taken = await self._take(waiting.asking(self._seat, draft, timeout))
        self._clerk.do_soon(partial(self._seat.confirm, taken))  # not awaited: from here on nothing may be cancelled
        return AsyncDelivery.of(self, taken[0])

    # Reading

    async def inbox(self, wait: float | None = 0) -> AsyncGenerator[AsyncDelivery, None]:
        """As `Agent.inbox`. A message is confirmed as read when the loop moves on, and given back when it is left early."""
        until = waiting.deadline("wait", wait)
        last: list[Handed] = []
        try:
            while last := await self._take(waiting.taking(self._seat, 1, until, confirm=last), confirm=last):
                yield AsyncDelivery.of(self, last[0])
                until = waiting.deadline("wait", wait)
        except asyncio.CancelledError:  # of the wait for the next one: the loop had moved on
            last = []
            raise
        finally:
            if last:
                self._clerk.do_soon(partial(self._seat.give_back, last))

    async def take(self, limit: int = 100, wait: float | None = 0, *, confirm: Iterable[AsyncDelivery] = ()) -> list[AsyncDelivery]:
        """As `Agent.take`. What is given to be confirmed is confirmed even if this is cancelled."""
        last = in_hand(confirm)
        taken = await self._take(waiting.taking(self._seat, limit, waiting.deadline("wait", wait), confirm=last), confirm=last)
        return [AsyncDelivery.of(self, handed) for handed in taken]

    async def confirm(self, messages: Iterable[AsyncDelivery]) -> None:
        """As `Agent.confirm`."""
        await self._clerk.do(partial(self._seat.confirm, in_hand(messages)))

    async def give_back(self, messages: Iterable[AsyncDelivery]) -> None:
        """As `Agent.give_back`."""
        await self._clerk.do(partial(self._seat.give_back, in_hand(messages)))

    async def peek(self, limit: int = 100) -> list[Message]:
        """As `Agent.peek`."""
        return await self._clerk.do(partial(self._agent.peek, limit))

    async def save(self, attachment: Attachment, path: str | os.PathLike[str]) -> None:
        """As `Agent.save`."""
        await self._clerk.do(partial(self._agent.save, attachment, path))

    async def _take(self, steps: waiting.Steps[list[Handed]], *, confirm: Sequence[Handed] = ()) -> list[Handed]:
        try:
            return await self._clerk.go_through(steps, undo=self._seat.give_back)
        except asyncio.CancelledError:
            self._clerk.do_soon(partial(self._seat.confirm, confirm))
            raise

    async def events(self, wait: float | None = 0) -> AsyncGenerator[Event, None]:
        """As `Agent.events`. An event counts as seen when the loop moves on."""
        until = waiting.deadline("wait", wait)
        while told := await self._clerk.go_through(waiting.hearing(self._seat, until)):
            for one in told:
                yield one.event
                await self._clerk.do(partial(self._seat.seen, one))
            until = waiting.deadline("wait", wait)

    # Finding out

    async def status(self, id: MessageRef) -> Receipt:
        """As `Agent.status`."""
        return await self._clerk.do(partial(self._agent.status, id))

    async def follow(self, id: MessageRef, *, until: State | str = State.READ, timeout: float = 60) -> Receipt:
        """As `Agent.follow`."""
        return await self._clerk.go_through(waiting.following(self._seat, id, until, timeout))

    async def history(
        self, *, peer: str | None = None, before: MessageRef | None = None, since_ms: int = 0, limit: int = 50
    ) -> list[Message]:
        """As `Agent.history`."""
        return await self._clerk.do(partial(self._agent.history, peer=peer, before=before, since_ms=since_ms, limit=limit))

    async def thread(self, id: MessageRef) -> list[Message]:
        """As `Agent.thread`."""
        return await self._clerk.do(partial(self._agent.thread, id))

    async def search(self, words: str, *, limit: int = 20) -> list[Message]:
        """As `Agent.search`."""
        return await self._clerk.do(partial(self._agent.search, words, limit=limit))

    async def agents(self, *, tag: str | None = None, archived: bool = False) -> list[Listed]:
        """As `Agent.agents`."""
        return await self._clerk.do(partial(self._agent.agents, tag=tag, archived=archived))

    async def profile(self, **changes: Unpack[ProfileOptions]) -> Listed:
        """As `Agent.profile`."""
        return await self._clerk.do(partial(self._agent.profile, **changes))

    async def rename(self, name: str) -> None:
        """As `Agent.rename`."""
        await self._clerk.do(partial(self._agent.rename, name))

    # Sessions

    def session(self, to: str, task: str, *, timeout: float | None = None) -> Opening[AsyncSession]:
        """As `Agent.session`: `async with me.session(...) as session`, or `session = await me.session(...)`."""
        return Opening("session", self._session(to, task, timeout))

    async def _session(self, to: str, task: str, timeout: float | None) -> AsyncSession:
        return AsyncSession(self, self._clerk, await self._clerk.go_through(offering(self._seat, to, task, timeout), undo=Line.abandon))

    def accept(self, id: MessageRef) -> Opening[AsyncSession]:
        """As `Agent.accept`: `async with me.accept(id) as session`, or `session = await me.accept(id)`."""
        return Opening("accept", self._go_on(partial(accepted, self._seat, id)))

    async def decline(self, id: MessageRef, reason: str) -> Receipt:
        """As `Agent.decline`."""
        return await self._clerk.do(partial(self._agent.decline, id, reason))

    def resume(self, id: MessageRef) -> Opening[AsyncSession]:
        """As `Agent.resume`: `async with me.resume(id) as session`, or `session = await me.resume(id)`."""
        return Opening("resume", self._go_on(partial(resumed, self._seat, id)))

    async def _go_on(self, going_on: partial[Line]) -> AsyncSession:
        return AsyncSession(self, self._clerk, await self._clerk.do(going_on, undo=Line.let_go))

    async def sessions(self) -> list[SessionView]:
        """As `Agent.sessions`."""
        return await self._clerk.do(self._agent.sessions)

    # Rooms

    async def create_room(self, name: str, *, policy: str = "public", description: str = "") -> Room:
        """As `Agent.create_room`."""
        return await self._clerk.do(partial(self._agent.create_room, name, policy=policy, description=description))

    async def rooms(self) -> list[Room]:
        """As `Agent.rooms`."""
        return await self._clerk.do(self._agent.rooms)

    async def room(self, name: str) -> Room:
        """As `Agent.room`."""
        return await self._clerk.do(partial(self._agent.room, name))

    async def members(self, room: str) -> list[Member]:
        """As `Agent.members`."""
        return await self._clerk.do(partial(self._agent.members, room))

    async def join(self, room: str) -> Room:
        """As `Agent.join`."""
        return await self._clerk.do(partial(self._agent.join, room))

    async def leave(self, room: str) -> None:
        """As `Agent.leave`."""
        await self._clerk.do(partial(self._agent.leave, room))

    async def invite(self, room: str, *agents: str) -> list[Invited]:
        """As `Agent.invite`."""
        return await self._clerk.do(partial(self._agent.invite, room, *agents))

    async def decline_invitation(self, room: str, reason: str) -> None:
        """As `Agent.decline_invitation`."""
        await self._clerk.do(partial(self._agent.decline_invitation, room, reason))

    async def kick(self, room: str, agent: str, reason: str = "") -> None:
        """As `Agent.kick`."""
        await self._clerk.do(partial(self._agent.kick, room, agent, reason))

    async def transfer(self, room: str, agent: str) -> None:
        """As `Agent.transfer`."""
        await self._clerk.do(partial(self._agent.transfer, room, agent))

    async def describe_room(self, room: str, *, description: str | None = None, policy: str | None = None) -> Room:
        """As `Agent.describe_room`."""
        return await self._clerk.do(partial(self._agent.describe_room, room, description=description, policy=policy))

    async def set_topic(self, room: str, topic: str) -> Room:
        """As `Agent.set_topic`."""
        return await self._clerk.do(partial(self._agent.set_topic, room, topic))

    async def mute(self, room: str, *, on: bool = True) -> None:
        """As `Agent.mute`."""
        await self._clerk.do(partial(self._agent.mute, room, on=on))

    async def destroy_room(self, room: str, reason: str = "") -> None:
        """As `Agent.destroy_room`."""
        await self._clerk.do(partial(self._agent.destroy_room, room, reason))

    async def close(self) -> None:
        """As `Agent.close`. Tasks that wait raise Closed."""
        await self._clerk.close_with(self._agent.close)


class AsyncDelivery(Message):
    """A message in the hands of its reader, for asyncio."""

    agent: AsyncAgent
    handed: Handed

    @classmethod
    def of(cls, agent: AsyncAgent, handed: Handed) -> Self:
        """A message as the exchange handed it over to an agent."""
        delivery = cls(*handed.message)
        delivery.agent = agent
        delivery.handed = handed
        return delivery

    async def reply(self, body: str, **options: Unpack[DraftOptions]) -> Receipt:
        """As `Delivery.reply`."""
        return await self.agent.answer(self, body, **options)

    async def confirm(self) -> None:
        """As `Delivery.confirm`."""
        await self.agent.confirm([self])

    def accept(self) -> Opening[AsyncSession]:
        """As `Delivery.accept`: `async with message.accept() as session`, or `session = await message.accept()`."""
        return self.agent.accept(self)

    async def decline(self, reason: str) -> Receipt:
        """As `Delivery.decline`."""
        return await self.agent.decline(self, reason)

    async def save(self, attachment: Attachment, path: str | os.PathLike[str]) -> None:
        """As `Delivery.save`."""
        await self.agent.save(attachment, path)


class AsyncSession:
    """One side of a session, for asyncio: open it, talk, close it."""

    def __init__(self, agent: AsyncAgent, clerk: Clerk, line: Line) -> None:
        self.id = line.id
        self.task = line.task
        self.peer = line.peer
        self._agent = agent
        self._clerk = clerk
        self._line = line

    def __repr__(self) -> str:
        return f"<AsyncSession {self.id} with {self.peer}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def __aiter__(self) -> AsyncIterator[AsyncDelivery]:
        """As iterating over a `Session`."""
        while True:
            try:
                yield await self.receive(timeout=None)
            except SessionClosed:
                return

    @property
    def state(self) -> Coroutine[None, None, SessionState]:
        """As `Session.state`, to be awaited: `await session.state`."""
        return self._clerk.do(lambda: self._line.state)

    async def send(self, body: str, **options: Unpack[DraftOptions]) -> Receipt:
        """As `Session.send`."""
        return await self._clerk.do(partial(self._line.seat.say, self._line.root, composed("", body, options)))

    async def receive(self, timeout: float | None = 60) -> AsyncDelivery:
        """As `Session.receive`."""
        taken = await self._clerk.go_through(self._line.receiving(timeout), undo=self._line.seat.give_back)
        return AsyncDelivery.of(self._agent, self._line.hold(taken, timeout))

    async def close(self, timeout: float = CLOSE_S) -> bool:
        """As `Session.close`."""
        return await self._clerk.go_through(self._line.closing(timeout))
