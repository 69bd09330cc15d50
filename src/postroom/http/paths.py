"""What each path does: every verb of the table under /api, the bus of the article, files. Rows for routes.py."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from time import gmtime, strftime
from typing import Annotated

import msgspec

from postroom.core.address import fold_name
from postroom.core.message import Message
from postroom.core.plain import message_object
from postroom.core.refusals import BadRequest, NotYourName, WrongType
from postroom.http.auth import ACT, READ, Caller, check_right
from postroom.http.bus import Taken
from postroom.http.node import Node
from postroom.http.numbered import numbered
from postroom.http.request import Answer, ClientGone, Request, encode, value_of
from postroom.http.routes import Route
from postroom.http.verb import LOOK, Arguments, Verb, read_fields, read_json
from postroom.http.verbs.messages import Seconds

SEAT, CALL = b"x-postroom-seat", b"x-postroom-call"
ESCAPED = 6
"""A character may be written as \\u0041 in JSON."""
SLACK_BYTES = 1_048_576
"""For what a request holds besides the body and the subject of one message."""
INBOX = "/api/inbox/{agent}"
FETCHED_MAX = 100


class InboxArguments(Arguments, frozen=True):
    """Whether what is fetched counts as read, how long one waits for the first, and how many at most."""

    mark_read: bool = False
    wait: Seconds = 0
    limit: Annotated[int, msgspec.Meta(ge=1)] = FETCHED_MAX


class Api:
    """The paths of a node."""

    def __init__(self, node: Node, verbs: Sequence[Verb]) -> None:
        self._node = node
        self._verbs = verbs

    def rows(self) -> list[Route]:
        """The rows of the table."""
        return [
            *(Route(verb.method, f"/api/{verb.name}", partial(self._call, verb)) for verb in self._verbs),
            Route(LOOK, INBOX, self._inbox),
        ]

    async def _call(self, verb: Verb, request: Request) -> Answer:
        caller = self._node.gate.caller(request)
        check_right(caller, verb.scope)
        given = await self._given(verb, request)
        seat, number = request.header(SEAT), request.header(CALL)
        if number is not None:
            return await self._numbered(verb, given, request, (caller, seat or "", number))
        doing = partial(self._do, verb, given, caller, seat)
        return await (self._while_there(request, doing) if waits(given) else doing())

    async def _given(self, verb: Verb, request: Request) -> Arguments:
        if verb.method == LOOK:
            return read_fields(verb.arguments, request.query())
        return read_json(verb.arguments, await self._json(request))

    async def _json(self, request: Request) -> bytes:
        kind = (request.header(b"content-type") or "nothing").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise WrongType(found=kind[:100], wanted="application/json")
        limits = self._node.config.limits
        return await request.body(ESCAPED * (limits.body_bytes + limits.subject_bytes) + SLACK_BYTES)

    async def _do(self, verb: Verb, given: Arguments, caller: Caller, seat: str | None) -> Answer:
        done = await self._node.office.do(verb, given, caller, seat)
        return Answer(body=encode(done.value), after=done.after)

    async def _numbered(self, verb: Verb, given: Arguments, request: Request, call: tuple[Caller, str, str]) -> Answer:
        """A call with a number is done once, however often it comes; it goes on when its connection breaks."""
        caller, seat, text = call
        if not (text.isascii() and text.isdigit() and 0 < len(text) <= 15):  # noqa: PLR2004  # as many digits as a float holds
            raise BadRequest(why="X-Postroom-Call is a number from 1 on")
        lodger = await self._node.house.lodger(caller, seat, opens=verb.opens)
        with lodger:
            return await self._while_there(request, partial(numbered, lodger, int(text), partial(self._do, verb, given, caller, seat)))

    async def _while_there(self, request: Request, doing: Callable[[], Awaitable[Answer]]) -> Answer:
        """What something answers; it is cancelled when the client goes before. Raises ClientGone."""
        task = asyncio.ensure_future(doing())
        going = asyncio.ensure_future(request.gone())
        try:
            await asyncio.wait({task, going}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise ClientGone
        finally:
            going.cancel()
            task.cancel()

    # The bus of the article

    async def _inbox(self, request: Request) -> Answer:
        caller = self._node.gate.caller(request)
        given = read_fields(InboxArguments, request.query())
        marks = given.mark_read and request.method != "HEAD"
        check_right(caller, ACT if marks else READ)
        if fold_name(request.parameters["agent"]) != caller.name:
            raise NotYourName(name=caller.name, act="read", other=request.parameters["agent"][:100])
        doing = partial(self._taken if marks else self._peeked, caller, given)
        if given.wait:
            await request.body(0)
            return await self._while_there(request, doing)
        return await doing()

    async def _peeked(self, caller: Caller, given: InboxArguments) -> Answer:
        return value_of([letter(one) for one in await self._node.bus.peek(caller, limit=given.limit, wait_s=given.wait)])

    async def _taken(self, caller: Caller, given: InboxArguments) -> Answer:
        bus = self._node.bus
        taken = await bus.take(caller, limit=given.limit, wait_s=given.wait)
        if taken is None:
            return value_of([])

        async def after(written: bool) -> None:  # noqa: FBT001  # a callback
            bus.settle(taken, read=written)

        return Answer(body=letters(taken), after=after)


def letters(taken: Taken) -> bytes:
    """Messages that were fetched, as the article has them."""
    return encode([letter(one.message) for one in taken.handed])


def letter(message: Message) -> dict[str, object]:
    """A message as the article has it, with all that we know of it besides."""
    at = strftime("%Y-%m-%dT%H:%M:%S", gmtime(message.sent_ms // 1000))
    return {"from": message.sender, "timestamp": f"{at}.{message.sent_ms % 1000:03d}Z", **message_object(message)}


def waits(given: Arguments) -> bool:
    """Whether a verb may take long, so that it is worth noticing that nobody waits for it any more."""
    return bool(getattr(given, "wait", 0) or getattr(given, "timeout", 0))
