"""The shelf: files on their way in, until a message names them, and files on their way out. Both can go on where they broke off.

What came in lies under uploads/ in the home for a day, apart for each agent; then it is removed, named or not.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from hashlib import sha256
from secrets import token_hex
from time import time
from typing import Final, NamedTuple

from postroom.core.errors import FileLost, TooMany
from postroom.core.refusals import BadRequest, NoSuchUpload, WrongOffset
from postroom.exchange import tracing
from postroom.exchange.desk import Desk
from postroom.http.auth import Caller
from postroom.http.drafts import FileArguments
from postroom.http.library import Library
from postroom.store import files
from postroom.store.place import make_private

KEPT_S: Final = 86_400
UPLOADS_MAX: Final = 100
"""Of one agent at a time, begun or finished: five messages with as many files as one may have."""
PIECE: Final = 262_144
ID = re.compile(r"[0-9a-f]{32}")
HASH = re.compile(r"[0-9a-f]{64}")


class Uploaded(NamedTuple):
    """How far an upload is."""

    upload: str
    offset: int


class Kept(NamedTuple):
    """A file that is here whole."""

    sha256: str
    bytes: int


class Shelf:
    """The files of callers."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._directory = os.path.join(library.home, "uploads")
        self._busy: set[str] = set()

    def _of(self, caller: Caller) -> str:
        return os.path.join(self._directory, caller.name)

    # In

    async def begin(self, caller: Caller) -> Uploaded:
        """Begin an upload. Raises TooMany."""
        return await asyncio.to_thread(self._begin, caller)

    def _begin(self, caller: Caller) -> Uploaded:
        directory = self._of(caller)
        make_private(self._directory)
        make_private(directory)
        sweep(directory)
        if len(os.listdir(directory)) >= UPLOADS_MAX:
            raise TooMany(limit=UPLOADS_MAX, things="uploads of yours", limit_name="of uploads")
        id = token_hex(16)
        os.close(os.open(os.path.join(directory, id), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        return Uploaded(id, 0)

    async def stands(self, caller: Caller, id: str) -> Uploaded:
        """How far an upload is. Raises NoSuchUpload."""
        return await asyncio.to_thread(self._stands, caller, id)

    def _stands(self, caller: Caller, id: str) -> Uploaded:
        try:
            return Uploaded(id, os.stat(self._path(caller, id)).st_size)
        except FileNotFoundError:
            raise NoSuchUpload(id=id[:100]) from None

    def _path(self, caller: Caller, id: str) -> str:
        if not ID.fullmatch(id):
            raise NoSuchUpload(id=id[:100])
        return os.path.join(self._of(caller), id)

    async def append(self, caller: Caller, at: Uploaded, parts: AsyncIterator[bytes]) -> Uploaded:
        """Add bytes from an offset on; what came before a break stays. Raises WrongOffset, TooLarge."""
        path, limit = self._path(caller, at.upload), self._library.config.limits.file_bytes
        offset = (await self.stands(caller, at.upload)).offset
        if path in self._busy:
            raise BadRequest(why="bytes of this upload are coming in just now")
        if at.offset != offset:
            raise WrongOffset(id=at.upload, offset=offset)
        self._busy.add(path)
        target = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            async for part in parts:
                offset += len(part)
                files.check_size("that comes in", offset, limit)
                await asyncio.to_thread(files.write_all, target, part)
        finally:
            os.close(target)
            self._busy.discard(path)
        return Uploaded(at.upload, offset)

    async def finish(self, caller: Caller, id: str) -> Kept:
        """The upload is whole: it can be named by its hash now."""
        return await asyncio.to_thread(self._finish, caller, self._path(caller, id))

    def _finish(self, caller: Caller, path: str) -> Kept:
        try:
            digest, size = digest_of(path)
            os.rename(path, os.path.join(self._of(caller), digest))
        except FileNotFoundError:
            raise NoSuchUpload(id=os.path.basename(path)) from None
        return Kept(digest, size)

    async def keep(self, caller: Caller, parts: AsyncIterator[bytes]) -> Kept:
        """Take a file in at one go."""
        begun = await self.begin(caller)
        try:
            await self.append(caller, begun, parts)
        except BaseException:
            os.unlink(self._path(caller, begun.upload))
            raise
        return await self.finish(caller, begun.upload)

    async def paths(self, caller: Caller, wanted: Sequence[FileArguments]) -> list[str]:
        """Paths under which the exchange finds files that a caller attaches. Raises FileLost for what it never sent and may not see."""
        found = [await self._found(caller, one) for one in wanted]
        return await asyncio.to_thread(self._linked, caller, list(zip(wanted, found, strict=True)))

    async def _found(self, caller: Caller, one: FileArguments) -> str:
        if not HASH.fullmatch(one.sha256):
            raise FileLost(path=one.sha256[:100], why="that is no SHA-256")
        own = os.path.join(self._of(caller), one.sha256)
        if await asyncio.to_thread(os.path.exists, own):
            return own
        await self._library.look(caller, lambda desk: tracing.check_file(desk, one.sha256))
        return files.location(os.path.join(self._library.home, "files"), one.sha256)

    def _linked(self, caller: Caller, found: list[tuple[FileArguments, str]]) -> list[str]:
        """A file is called as its path is: so each gets a directory, with a link of that name."""
        make_private(self._directory)
        make_private(self._of(caller))
        links = []
        for one, path in found:
            directory = os.path.join(self._of(caller), f"link-{token_hex(8)}")
            os.mkdir(directory, 0o700)
            links.append(os.path.join(directory, files.clean_name(one.name)[:200]))
            os.symlink(path, links[-1])
        return links

    def unlink(self, paths: Sequence[str]) -> None:
        """Remove the links again."""
        for path in paths:
            shutil.rmtree(os.path.dirname(path), ignore_errors=True)

    # Out

    async def open(self, caller: Caller, digest: str) -> tuple[int, int]:
        """A descriptor of a file that a caller may see, and its size. Raises FileLost."""
        if not HASH.fullmatch(digest):
            raise FileLost(path=digest[:100], why="that is no SHA-256")
        return await self._library.look(caller, lambda desk: opened(desk, digest))


def opened(desk: Desk, digest: str) -> tuple[int, int]:
    """A descriptor of a file of a message that the desk's agent may see, and its size."""
    tracing.check_file(desk, digest)
    path = files.location(os.path.join(desk.database.home, "files"), digest)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise FileLost(path=digest, why=error.strerror) from error
    return descriptor, os.fstat(descriptor).st_size


async def pieces(descriptor: int, first: int, last: int) -> AsyncGenerator[bytes, None]:
    """The bytes of an open file from one to another, both included; then it is closed."""
    try:
        while first <= last:
            piece = await asyncio.to_thread(os.pread, descriptor, min(PIECE, last - first + 1), first)
            if not piece:
                return
            first += len(piece)
            yield piece
    finally:
        os.close(descriptor)


def digest_of(path: str) -> tuple[str, int]:
    """The SHA-256 and the size of a file."""
    digest, size = sha256(), 0
    with open(path, "rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
            size += len(piece)
    return digest.hexdigest(), size


def sweep(directory: str) -> None:
    """Remove what came in more than a day ago."""
    for path in old(directory, time() - KEPT_S):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)


def old(directory: str, before_s: float) -> Iterator[str]:
    """What lies in a directory since before a time."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.stat(follow_symlinks=False).st_mtime < before_s:
                yield entry.path
