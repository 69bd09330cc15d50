"""The paths that carry more than a message: files up and down, the export, the live feed."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from itertools import islice
from typing import Final
from urllib.parse import quote

from postroom.core.message import Kind
from postroom.core.plain import plain
from postroom.core.refusals import BadRequest, NotSatisfiable, WrongType
from postroom.exchange import keeping
from postroom.exchange.desk import Desk, now_us
from postroom.exchange.watching import Sieve
from postroom.http.auth import ACT, CONSOLE, READ, Caller, check_right
from postroom.http.library import desk_of
from postroom.http.live import Live
from postroom.http.lodger import Lodger
from postroom.http.node import Node
from postroom.http.request import Answer, Request, Stream, value_of
from postroom.http.routes import Route
from postroom.http.shelf import Uploaded, pieces
from postroom.http.verb import Arguments, read_fields
from postroom.store.database import open_database

LINES: Final = 200
BYTES: Final = "application/octet-stream"
RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")
OFFSET, LAST = b"upload-offset", b"last-event-id"


class LiveArguments(Arguments, frozen=True):
    """What is shown: of an agent, of a thread, of a kind; all without any."""

    agent: str | None = None
    thread: str | None = None
    kind: Kind | None = None


class DownloadArguments(Arguments, frozen=True):
    """What the file is to be called."""

    name: str | None = None


class ExportArguments(Arguments, frozen=True):
    """Whose messages, and since when."""

    agent: str | None = None
    since_ms: int = 0


class Transfers:
    """The paths."""

    def __init__(self, node: Node, live: Live) -> None:
        self._node = node
        self._live = live
        self._shelf = node.office.shelf

    def rows(self) -> list[Route]:
        """The rows of the table."""
        return [
            Route("POST", "/api/files", self._keep),
            Route("GET", "/api/files/{sha256}", self._get),
            Route("POST", "/api/uploads", self._begin),
            Route("GET", "/api/uploads/{upload}", self._stands),
            Route("PATCH", "/api/uploads/{upload}", self._append),
            Route("POST", "/api/uploads/{upload}", self._finish),
            Route("GET", "/api/live", self._watch),
            Route("GET", "/api/export", self._export),
        ]

    def _caller(self, request: Request, wanted: str) -> Caller:
        caller = self._node.gate.caller(request)
        check_right(caller, wanted)
        return caller

    # Up

    async def _keep(self, request: Request) -> Answer:
        caller = self._caller(request, ACT)
        check_bytes(request)
        request.announced(self._node.config.limits.file_bytes)
        return value_of(plain(await self._shelf.keep(caller, request.parts())))

    async def _begin(self, request: Request) -> Answer:
        caller = self._caller(request, ACT)
        await request.body(1_000)
        return value_of(plain(await self._shelf.begin(caller)))

    async def _stands(self, request: Request) -> Answer:
        caller = self._caller(request, ACT)
        return value_of(plain(await self._shelf.stands(caller, request.parameters["upload"])))

    async def _append(self, request: Request) -> Answer:
        caller = self._caller(request, ACT)
        check_bytes(request)
        offset = request.header(OFFSET) or ""
        if not (offset.isascii() and offset.isdigit() and len(offset) <= 15):  # noqa: PLR2004
            raise BadRequest(why="Upload-Offset says from which byte on these are")
        request.announced(self._node.config.limits.file_bytes)
        at = Uploaded(request.parameters["upload"], int(offset))
        return value_of(plain(await self._shelf.append(caller, at, request.parts())))

    async def _finish(self, request: Request) -> Answer:
        caller = self._caller(request, ACT)
        await request.body(1_000)
        return value_of(plain(await self._shelf.finish(caller, request.parameters["upload"])))

    # Down

    async def _get(self, request: Request) -> Answer | Stream:
        caller = self._caller(request, READ)
        digest, name = request.parameters["sha256"], read_fields(DownloadArguments, request.query()).name
        descriptor, size = await self._shelf.open(caller, digest)
        etag = f'"{digest}"'.encode()
        headers = [
            (b"content-type", BYTES.encode()),
            (b"accept-ranges", b"bytes"),
            (b"etag", etag),
            (b"content-disposition", f"attachment; filename*=UTF-8''{quote(name or digest, safe='')}".encode()),
            (b"content-security-policy", b"sandbox"),
        ]
        unchanged = request.header(b"if-range") in {None, etag.decode()}
        try:
            first, last = wanted_range(request.header(b"range") if unchanged else None, size)
        except BaseException:
            os.close(descriptor)
            raise
        status = 200 if (first, last) == (0, size - 1) and request.header(b"range") is None else 206
        if status == 206:  # noqa: PLR2004  # Partial Content
            headers.append((b"content-range", b"bytes %d-%d/%d" % (first, last, size)))
        headers.append((b"content-length", b"%d" % (last - first + 1)))
        return Stream(pieces(descriptor, first, last), status, tuple(headers))

    async def _export(self, request: Request) -> Stream:
        caller = self._caller(request, READ)
        given = read_fields(ExportArguments, request.query())
        desk = await asyncio.to_thread(own_desk, self._node, caller)
        try:
            lines = await asyncio.to_thread(keeping.export, desk, agent=given.agent, since_ms=given.since_ms)
        except BaseException:
            await asyncio.to_thread(desk.close)
            raise
        return Stream(exported(desk, lines), headers=((b"content-type", b"application/jsonl"),))

    # On and on

    async def _watch(self, request: Request) -> Stream:
        caller = self._caller(request, READ)
        given = read_fields(LiveArguments, request.query())
        sieve = Sieve(given.agent, given.thread, given.kind)
        if request.method == "HEAD":
            return Stream(nothing(), headers=((b"content-type", b"text/event-stream"),))
        parts = await self._live.watch(caller, sieve, request.header(LAST))
        if caller.is_human and caller.program == CONSOLE:
            parts = attended(await self._node.house.lodger(caller, None), parts)
        return Stream(parts, headers=((b"content-type", b"text/event-stream"), (b"x-accel-buffering", b"no")))


async def attended(lodger: Lodger, parts: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """A feed while a person watches: so long the human is here, and agents that ask see it."""
    with lodger:
        async with aclosing(parts):
            async for part in parts:
                yield part


async def nothing() -> AsyncGenerator[bytes, None]:
    """No bytes."""
    parts: tuple[bytes, ...] = ()
    for part in parts:
        yield part


def own_desk(node: Node, caller: Caller) -> Desk:
    """A desk with a connection of its own, for what takes long."""
    database = open_database(node.home, busy_ms=node.config.limits.busy_ms, now_ms=now_us() // 1000)
    try:
        return desk_of(caller, database, node.config)
    except BaseException:
        database.close()
        raise


async def exported(desk: Desk, lines: Iterator[str]) -> AsyncGenerator[bytes, None]:
    """The lines of an export, some at a time."""
    try:
        while part := await asyncio.to_thread(list, islice(lines, LINES)):
            yield "".join(f"{line}\n" for line in part).encode()
    finally:
        await asyncio.to_thread(desk.close)


def wanted_range(text: str | None, size: int) -> tuple[int, int]:
    """The first and the last byte that are wanted: one range of RFC 9110; others are ignored. Raises NotSatisfiable."""
    found = RANGE.fullmatch(text) if text is not None else None
    if found is None or found.groups() == ("", ""):
        return 0, size - 1
    first, last = found.groups()
    if not first:
        return max(0, size - int(last)), size - 1
    if int(first) >= size or (last and int(last) < int(first)):
        raise NotSatisfiable(wanted=text, size=size)
    return int(first), min(int(last), size - 1) if last else size - 1


def check_bytes(request: Request) -> None:
    """Raise WrongType unless the body is bytes. Forms of web pages cannot say that."""
    kind = (request.header(b"content-type") or "nothing").partition(";")[0].strip().lower()
    if kind != BYTES:
        raise WrongType(found=kind[:100], wanted=BYTES)
