"""A request as it came in, and an answer as it goes out: bytes, headers, time. What they mean is not known here."""

from __future__ import annotations

from asyncio import FIRST_COMPLETED, ensure_future, get_running_loop, timeout, wait
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import aclosing
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import parse_qsl

import msgspec

from postroom.core.errors import TooLarge
from postroom.core.refusals import BadRequest
from postroom.http.wire import CUT, STALL_S, WRITTEN

Event: TypeAlias = MutableMapping[str, object]
Receive: TypeAlias = Callable[[], Awaitable[Event]]
Send: TypeAlias = Callable[[Event], Awaitable[None]]
Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

PACE_BYTES: Final = 512
"""A body must come faster than so many bytes a second, over all: who drips is let go after a while."""
FIELDS_MAX: Final = 50
JSON: Headers = ((b"content-type", b"application/json"),)
ALWAYS: Headers = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))
encode = msgspec.json.Encoder().encode


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


class Way(NamedTuple):
    """By which way a request came in: an address of the node. Only this user can come by one that is `same_user`'s."""

    name: str  # unix, tcp, gateway
    hosts: frozenset[str]  # names of this machine: with the port below
    others: frozenset[str] = frozenset()  # names under which it is reached otherwise: with the port that stands there, or with any
    same_user: bool = False
    secure: bool = False
    port: int = 0


class Request:
    """One request. Headers are found by their lower-case names."""

    __slots__ = ("_ended", "_headers", "_receive", "_repeats", "method", "parameters", "path", "scope", "way")

    def __init__(self, scope: Event, receive: Receive, way: Way) -> None:
        self.scope = scope
        self.way = way
        self.method = str(scope.get("method", "GET"))
        self.path = str(scope["path"])
        self.parameters: dict[str, str] = {}  # what the path says, see routes.py
        self._receive = receive
        headers = scope["headers"]
        assert isinstance(headers, list)
        self._headers: dict[bytes, bytes] = dict(headers)
        self._repeats = len(self._headers) < len(headers)
        self._ended = False

    def all(self, name: bytes) -> list[bytes]:
        """The values of a header, each as often as it came."""
        headers = self.scope["headers"]
        assert isinstance(headers, list)
        return [value for key, value in headers if key == name]

    def header(self, name: bytes) -> str | None:
        """The value of a header, None without one. Raises BadRequest if it came twice."""
        value = self._headers.get(name)
        if value is None:
            return None
        if self._repeats and (times := len(self.all(name))) > 1:
            raise BadRequest(why=f"the header {name.decode()} came {times} times")
        return value.decode("latin-1")

    def has(self, name: bytes) -> bool:
        """Whether it has a header."""
        return name in self._headers

    def query(self) -> dict[str, str]:
        """The query's fields. Raises BadRequest for one that came twice, or what is not UTF-8."""
        raw = self.scope["query_string"]
        assert isinstance(raw, bytes)
        try:
            pairs = parse_qsl(
                raw.decode("ascii"), keep_blank_values=True, strict_parsing=bool(raw), errors="strict", max_num_fields=FIELDS_MAX
            )
        except (UnicodeDecodeError, ValueError) as error:
            raise BadRequest(why=f"the query cannot be read ({error})") from None
        fields = dict(pairs)
        if len(fields) < len(pairs):
            raise BadRequest(why="a field of the query came twice")
        return fields

    async def body(self, limit: int) -> bytes:
        """The whole body. Raises TooLarge, ClientGone."""
        self.announced(limit)
        parts, size = [], 0
        async for part in self.parts():
            size += len(part)
            if size > limit:
                raise too_large(limit)
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def announced(self, limit: int) -> int | None:
        """How many bytes the body is said to have. Raises TooLarge before any was read."""
        length = self.header(b"content-length")
        if length is None:
            return None
        if int(length) > limit:
            raise too_large(limit)
        return int(length)

    async def parts(self) -> AsyncIterator[bytes]:
        """The body, piece by piece, as long as it comes fast enough. Raises ClientGone, BadRequest."""
        clock = get_running_loop().time
        began, size = clock(), 0
        while not self._ended:
            try:
                async with timeout(STALL_S):
                    event = await self._receive()
            except TimeoutError:
                raise BadRequest(why=f"nothing of the body came for {STALL_S:g} s") from None
            if event["type"] == "http.disconnect":
                raise ClientGone
            part = event.get("body", b"")
            assert isinstance(part, bytes)
            self._ended = not event.get("more_body", False)
            size += len(part)
            if clock() - began > STALL_S + size / PACE_BYTES:
                raise BadRequest(why=f"the body comes slower than {PACE_BYTES} bytes a second")
            if part:
                yield part

    async def gone(self) -> None:
        """Return when the client is gone; to be awaited after the body was read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def cut(self) -> None:
        """Close the connection without another word: its client does not read."""
        extensions = self.scope.get("extensions")
        if isinstance(extensions, dict) and CUT in extensions:
            extensions[CUT]()

    async def written(self) -> bool:
        """Wait until the answer has left this process whole; False if the client went before."""
        extensions = self.scope.get("extensions")
        written = extensions.get(WRITTEN) if isinstance(extensions, dict) else None
        return bool(await written()) if written is not None else True


class Answer(msgspec.Struct, frozen=True):
    """What goes back. `after` is told whether it was written out whole."""

    status: int = 200
    body: bytes = b"{}"
    headers: Headers = JSON
    after: Callable[[bool], Awaitable[None]] | None = None


class Stream(msgspec.Struct, frozen=True):
    """What goes back piece by piece."""

    parts: AsyncGenerator[bytes, None]
    status: int = 200
    headers: Headers = ()


async def reply(send: Send, answer: Answer) -> None:
    """Send an answer."""
    headers = [*answer.headers, *ALWAYS, (b"content-length", b"%d" % len(answer.body))]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def pour(send: Send, request: Request, stream: Stream) -> None:
    """Send a stream, as fast as it is read, until it ends or nobody reads it any more."""
    writing = ensure_future(write_out(send, request, stream))
    going = ensure_future(request.gone())
    try:
        await wait({writing, going}, return_when=FIRST_COMPLETED)
        if writing.done():
            writing.result()
    finally:
        for task in (writing, going):
            task.cancel()
        await wait({writing, going})


async def write_out(send: Send, request: Request, stream: Stream) -> None:
    """Send a stream to its end."""
    try:
        async with aclosing(stream.parts) as parts, timeout(None) as stalled:
            clock = get_running_loop().time
            await send({"type": "http.response.start", "status": stream.status, "headers": [*stream.headers, *ALWAYS]})
            async for part in parts:
                stalled.reschedule(clock() + STALL_S)
                await send({"type": "http.response.body", "body": part, "more_body": True})
                stalled.reschedule(None)
            await send({"type": "http.response.body", "body": b""})
    except TimeoutError:
        request.cut()


def value_of(value: object, *, headers: Sequence[tuple[bytes, bytes]] = ()) -> Answer:
    """A value as an answer."""
    return Answer(body=encode(value), headers=(*JSON, *headers))


def too_large(limit: int) -> TooLarge:
    """The error for a body that is too large."""
    facts = {"part": "request", "size": f"more than {limit}", "unit": "bytes", "advice": "Send less at once."}
    return TooLarge(limit_name="of a request", limit=limit, **facts)
