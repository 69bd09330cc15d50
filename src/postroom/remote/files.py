"""Attached files on their way to a node and from it, piece by piece. A name that a sender gave is never a path."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from http.client import HTTPException, HTTPResponse
from urllib.parse import quote

from postroom.core.errors import DiskFull, FileLost, NoSuchFile, NotSaved
from postroom.core.message import Attachment
from postroom.core.refusals import NotThere, Unreachable
from postroom.remote.caller import ANSWER_S, TRIES, Caller
from postroom.remote.values import Object, entry, rows
from postroom.remote.wire import Answer, Request, reason
from postroom.store import files

PARTIAL = 206


def sent(caller: Caller, letter: Object) -> Object:
    """A letter as the node takes it: its files are there already. Raises NoSuchFile, Unreachable."""
    if "files" not in letter:
        return letter
    named = [entry(file) for file in rows(letter["files"])]
    return letter | {"files": [{"name": file["name"], "sha256": upload(caller, str(file["path"]))} for file in named]}


def upload(caller: Caller, path: str) -> str:
    """Send a file. Returns its hash."""
    try:
        source = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise NoSuchFile(path=path, why=error.strerror) from error
    try:
        size = os.fstat(source).st_size
        headers = caller.headers() | {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        request = Request("POST", "/api/files", headers, files.chunks(source, path))
        kept = entry(caller.read(caller.wire.ask(request, timeout_s=ANSWER_S)))
    finally:
        os.close(source)
    return str(kept["sha256"])


def fetch(caller: Caller, attachment: Attachment, path: str) -> None:
    """Write a file to a new one at `path`. Where the connection breaks it goes on. Raises NotSaved, FileLost, DiskFull, Unreachable."""
    with_first = pieces(caller, attachment)
    first = next(with_first, b"")  # before anything is made here: the node may not have it
    try:
        target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise NotSaved(path=path, why=error.strerror) from error
    try:
        check = sha256(first)
        files.write_all(target, first)
        for piece in with_first:
            check.update(piece)
            files.write_all(target, piece)
        check_bytes(check.hexdigest(), attachment)
    except BaseException as error:
        os.unlink(path)  # ours: it was made a moment ago
        if isinstance(error, OSError):
            raise DiskFull(path=path) from error
        raise
    finally:
        os.close(target)


def check_bytes(digest: str, attachment: Attachment) -> None:
    """Raise FileLost unless the right bytes came."""
    if digest != attachment.sha256:
        raise FileLost(path=attachment.sha256, why="its bytes are not the ones that were sent")


def pieces(caller: Caller, attachment: Attachment) -> Iterator[bytes]:
    """The bytes of a file."""
    done = 0
    for attempt in range(1, TRIES + 1):
        try:
            response = begin(caller, attachment, done)
            while piece := response.read(files.CHUNK):
                done += len(piece)
                yield piece
            if done >= attachment.bytes:
                return
            caller.close()
        except (OSError, HTTPException) as error:
            caller.close()
            if attempt == TRIES:
                raise Unreachable(url=caller.bus.url, why=reason(error), sent=True) from error
    raise Unreachable(url=caller.bus.url, why="a file ends early", sent=True)


def begin(caller: Caller, attachment: Attachment, offset: int) -> HTTPResponse:
    """The answer that holds a file from a byte on. Raises FileLost."""
    headers = caller.headers() | {"Accept": "*/*"} | ({"Range": f"bytes={offset}-"} if offset else {})
    response = caller.wire.begin(Request("GET", f"/api/files/{quote(attachment.sha256)}", headers), timeout_s=ANSWER_S)
    if response.status != (PARTIAL if offset else 200):
        caller.read(Answer(response.status, response.headers.get_content_type(), response.read()))
        raise NotThere(url=caller.bus.url, why=f"it answers {response.status} to a part of a file")
    return response
