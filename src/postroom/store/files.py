"""The bytes of attached files, each under its SHA-256 in files/. Streamed in and out; a name is never a path here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from errno import ENOENT
from hashlib import sha256

from postroom.core.errors import DiskFull, FileLost, NoSuchFile, NotSaved, PostroomError, TooLarge
from postroom.core.message import Attachment
from postroom.store.place import make_private, refusal, sync_directory

CHUNK = 1 << 20


def keep(home: str, path: str, *, limit: int) -> Attachment:
    """Copy a file into the store, safe against a power cut, and say under which hash. Raises NoSuchFile, TooLarge, DiskFull."""
    try:
        source = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise NoSuchFile(path=path, why=error.strerror) from error
    except ValueError as error:  # a NUL in the path, or half a surrogate pair
        raise NoSuchFile(path=path, why=str(error)) from error
    try:
        return keep_stream(home, os.path.basename(path), chunks(source, path), limit=limit)
    finally:
        os.close(source)


def chunks(source: int, path: str) -> Iterator[bytes]:
    """The content of an open file, piece by piece."""
    from stat import S_ISREG

    if not S_ISREG(os.fstat(source).st_mode):
        raise NoSuchFile(path=path, why="it is not a plain file")
    while chunk := os.read(source, CHUNK):
        yield chunk


def keep_stream(home: str, name: str, content: Iterator[bytes], *, limit: int) -> Attachment:
    """Copy pieces of bytes into the store, as one file."""
    directory = os.path.join(home, "files")
    try:
        if make_private(directory):
            sync_directory(home)
        return _keep(directory, name, content, limit)
    except PostroomError:
        raise
    except OSError as error:
        raise refusal(error, directory) from error


def _keep(directory: str, name: str, content: Iterator[bytes], limit: int) -> Attachment:
    temporary = os.path.join(directory, f"incoming-{os.getpid()}-{os.urandom(6).hex()}")
    digest, size = sha256(), 0
    target = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        for chunk in content:
            size += len(chunk)
            check_size(name, size, limit)
            digest.update(chunk)
            write_all(target, chunk)
        os.fsync(target)
        os.rename(temporary, location(directory, digest.hexdigest()))
    except BaseException:
        os.unlink(temporary)
        raise
    finally:
        os.close(target)
    sync_directory(directory)
    return Attachment(clean_name(name), size, digest.hexdigest())


def check_size(name: str, size: int, limit: int) -> None:
    """Raise TooLarge as soon as a file is."""
    if size > limit:
        part, advice = f"file {name}", "Share a path instead."
        raise TooLarge(part=part, size=f"more than {limit}", unit="bytes", limit_name="file_bytes", limit=limit, advice=advice)


def write_all(target: int, chunk: bytes) -> None:
    """Write a piece, in as many steps as the disk takes."""
    view = memoryview(chunk)
    while view:
        view = view[os.write(target, view) :]


def location(directory: str, digest: str) -> str:
    """Where the bytes of a hash lie."""
    return os.path.join(directory, digest)


def kept(home: str, digest: str) -> str:
    """Where the bytes of a hash lie in a home."""
    return location(os.path.join(home, "files"), digest)


def clean_name(name: str) -> str:
    """A file's name as it may be shown: no directory, no control character, at most 255 characters."""
    visible = "".join(character for character in os.path.basename(name.replace("\\", "/")) if character.isprintable())
    shown = visible.encode("utf-8", "replace").decode()[:255]
    return "file" if shown in {"", ".", ".."} else shown


def read(home: str, digest: str) -> Iterator[bytes]:
    """The bytes of a stored file, piece by piece; checked against their hash at the end. Raises FileLost."""
    path = kept(home, digest)
    try:
        source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise FileLost(path=path, why=error.strerror) from error
    check = sha256()
    try:
        while chunk := os.read(source, CHUNK):
            check.update(chunk)
            yield chunk
    finally:
        os.close(source)
    if check.hexdigest() != digest:
        raise FileLost(path=path, why="its bytes are not the ones that were sent")


def missing(digest: str) -> FileLost:
    """The error for a file that is not there."""
    return FileLost(path=digest, why=os.strerror(ENOENT))


def save(home: str, attachment: Attachment, path: str) -> None:
    """Write a stored file to a new file at `path`. Never writes over one that is there. Raises NotSaved, FileLost, DiskFull."""
    pieces = read(home, attachment.sha256)
    first = next(pieces, b"")
    try:
        target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise NotSaved(path=path, why=error.strerror) from error
    try:
        write_all(target, first)
        for chunk in pieces:
            write_all(target, chunk)
    except BaseException as error:
        os.unlink(path)  # ours: it was made a moment ago
        if isinstance(error, OSError):
            raise DiskFull(path=path) from error
        raise
    finally:
        os.close(target)
