"""One client of the gateway: its calls, the messages that are pushed to it, and what it has read of them.

From the client: {"call": n, "verb": V, "args": {...}}, {"read": [handles]}, {"back": [handles]}. To it: {"seat": id, "agent": name} first,
then {"call": n, "result": ...} or {"call": n, "error": {...}}, and {"message": {...}, "delivery": handle}, with "again" after it came back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from math import inf
from typing import Final

import msgspec

from postroom import waiting
from postroom.core.errors import PostroomError
from postroom.core.refusals import BadRequest, BadToken, NoSuchPath
from postroom.http.auth import Caller
from postroom.http.lodger import Lodger
from postroom.http.node import Node
from postroom.http.numbered import numbered
from postroom.http.refusal import told
from postroom.http.request import Answer, Event, Receive, Send, encode
from postroom.http.verb import Verb, in_words, read_fields
from postroom.store.deliveries import Handed

WINDOW: Final = 100
"""So many messages are in a client's hands at a time; the next come when it has read some."""
CALLS_MAX: Final = 50
"""So many calls of one client are done at a time; until one is done, it is not read further."""
POLICY, RESTART, AGAIN, REPLACED = 1008, 1012, 1013, 4409
"""Why a connection ends: https://www.iana.org/assignments/websocket. The last is ours: its seat was taken by a newer one."""


class Gone(Exception):
    """The client is gone."""


class Frame(msgspec.Struct, forbid_unknown_fields=True):
    """What a client says."""

    call: int | None = None
    verb: str | None = None
    args: dict[str, object] = {}
    read: list[str] = []
    back: list[str] = []
    token: str | None = None
    resume: str | None = None
    push: bool = True


class Client:
    """One connection, at the seat of its lodger."""

    def __init__(self, node: Node, verbs: Mapping[str, Verb], caller: Caller, lodger: Lodger) -> None:
        self._node = node
        self._verbs = verbs
        self._caller = caller
        self._lodger = lodger
        self._ending: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._ended = asyncio.Event()
        self._room = asyncio.Event()
        self._calls = asyncio.Semaphore(CALLS_MAX)
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, receive: Receive, send: Send, *, push: bool) -> None:
        """Serve until one side ends it. Raises what ends it."""
        tasks = [asyncio.create_task(self._listen(receive, send))]
        if push:
            tasks.append(asyncio.create_task(self._push(send)))
        tasks.append(asyncio.create_task(self._until_ended(send)))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            for task in (*tasks, *self._tasks):
                task.cancel()
            await asyncio.gather(*tasks, *self._tasks, return_exceptions=True)
            self._ended.set()

    async def _until_ended(self, send: Send) -> None:
        code = await self._ending
        await send({"type": "websocket.close", "code": code})

    async def end(self, code: int) -> None:
        """End the connection, and wait until its seat is free."""
        if not self._ending.done():
            self._ending.set_result(code)
        await self._ended.wait()

    # What comes

    async def _listen(self, receive: Receive, send: Send) -> None:
        while True:
            frame = await read_frame(receive)
            self._check_token()
            if frame.call is not None:
                await self._calls.acquire()
                task = asyncio.create_task(self._call(frame.call, frame, send))
                self._tasks.add(task)
                task.add_done_callback(self._called)
            if frame.read:
                await self._settle(frame.read, send, read=True)
            if frame.back:
                await self._settle(frame.back, send, read=False)

    def _called(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._calls.release()

    async def _call(self, number: int, frame: Frame, send: Send) -> None:
        """Do a verb; one that was done under this number is not done again."""
        answer = await numbered(self._lodger, number, partial(self._do, frame))
        await tell(send, {"call": number, ("result" if answer.status < 400 else "error"): msgspec.Raw(answer.body)})  # noqa: PLR2004
        if answer.after is not None:
            written = True  # into a socket that is open still
            await answer.after(written)

    async def _do(self, frame: Frame) -> Answer:
        verb = self._verbs.get(frame.verb or "")
        if verb is None:
            raise NoSuchPath(path=f"the verb {(frame.verb or '')[:100]!r}")
        done = await self._node.office.do_at(verb, read_fields(verb.arguments, frame.args, texts=False), self._caller, self._lodger)
        return Answer(body=encode(done.value), after=done.after)

    async def _settle(self, handles: list[str], send: Send, *, read: bool) -> None:
        seat = self._lodger.seat
        try:
            handed = self._lodger.in_hand(handles)
            await self._lodger.clerk.do(partial(seat.confirm if read else seat.give_back, handed))
        except PostroomError as error:
            await tell(send, {"error": told(error), "read": handles})
        finally:
            self._lodger.forget(handles)
            for handle in handles:
                self._lodger.pushed.pop(handle, None)
            self._room.set()

    def _check_token(self) -> None:
        if not self._node.gate.still(self._caller):
            raise BadToken(why="it has expired or was revoked")

    # What goes

    async def _push(self, send: Send) -> None:
        lodger = self._lodger
        for handle, one in list(lodger.pushed.items()):
            await tell(send, {"message": lodger.shown(one), "delivery": handle, "again": True})
        while True:
            self._room.clear()
            if len(lodger.pushed) >= WINDOW:
                await self._room.wait()
                continue
            steps = waiting.taking(lodger.seat, WINDOW - len(lodger.pushed), inf)
            taken = await lodger.go_through(steps, undo=lodger.seat.give_back)
            self._check_token_or_give_back(taken)
            fresh = [(lodger.note(one), one) for one in taken]
            lodger.pushed.update(fresh)
            for handle, one in fresh:
                await tell(send, {"message": lodger.shown(one), "delivery": handle})

    def _check_token_or_give_back(self, taken: list[Handed]) -> None:
        try:
            self._check_token()
        except BadToken:
            self._lodger.clerk.do_soon(partial(self._lodger.seat.give_back, taken))
            raise


async def read_frame(receive: Receive) -> Frame:
    """The next frame. Raises Gone, BadRequest."""
    event: Event = await receive()
    if event["type"] == "websocket.disconnect":
        raise Gone
    text = event.get("text")
    if not isinstance(text, str):
        raise BadRequest(why="frames are text")
    try:
        return msgspec.json.decode(text, type=Frame)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError) as error:
        raise BadRequest(why=in_words(error, text)) from None


async def tell(send: Send, frame: dict[str, object]) -> None:
    """Send a frame. Raises Gone."""
    try:
        await send({"type": "websocket.send", "text": encode(frame).decode()})
    except OSError:
        raise Gone from None
