"""Backups: a copy of one moment of a post room that is in use, and the manifest that proves it. Never written over anything."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from threading import Event
from time import monotonic

import apsw

from postroom.core.errors import DiskFull, PostroomError, StoreDamaged, StoreUnusable
from postroom.core.refusals import NoBackup
from postroom.core.types import NamedTuple
from postroom.store.database import Database, Execute, open_database, translated
from postroom.store.files import CHUNK, write_all
from postroom.store.place import refusal, sync_directory

FORMAT = 1
FACTS = "SELECT identity, (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM message) FROM store"
STEP_PAGES = 2_000
CHORES_S = 2.0
"""How long a long look at the store waits for the warden. Who holds its lock for longer is stopped, and does no checkpoint either."""

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


class Backup(NamedTuple):
    """What a backup holds. `missing` are the hashes of attached files that were already missing in the post room."""

    path: str
    made_ms: int
    identity: str
    schema: int
    messages: int
    files: int
    bytes: int
    missing: tuple[str, ...] = ()


def silent(what: str, done: int, total: int) -> None:
    """Tell nobody how far it is."""


@contextmanager
def chores_paused(home: str) -> Iterator[bool]:
    """Keep the wardens from checkpointing meanwhile: a checkpoint would wait for our long read, and every sender for the checkpoint."""
    path = os.path.join(home, "warden.lock")
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise refusal(error, path) from error
    try:
        yield _locked(lock, monotonic() + CHORES_S)
    finally:
        os.close(lock)


def _locked(lock: int, until: float) -> bool:
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if monotonic() > until:
                return False
            Event().wait(0.005)
        else:
            return True


def back_up(home: str, target: str, *, now_ms: int, progress: Progress = silent, link: bool = False) -> Backup:
    """Copy a post room into a new directory. With `link` the attached files are hard links, for copies that stay on the same disk."""
    if not os.path.exists(os.path.join(home, "store.db")):
        raise StoreUnusable(path=home, why="there is no post room. Name its directory with POSTROOM_HOME.")
    target = os.path.abspath(target)
    if os.path.lexists(target):
        raise NoBackup(path=target, why="it exists, and a backup is never written over anything")
    unfinished = f"{target}.unfinished-{os.getpid()}-{os.urandom(3).hex()}"
    try:
        os.mkdir(unfinished, 0o700)
        try:
            with chores_paused(home):
                made = _fill(home, unfinished, now_ms=now_ms, progress=progress, link=link)
            os.rename(unfinished, target)
        except BaseException:
            shutil.rmtree(unfinished)
            raise
        sync_directory(os.path.dirname(target))
    except OSError as error:
        raise to_blame(error, home, target) from error
    return made._replace(path=target)


def to_blame(error: OSError, home: str, target: str) -> PostroomError:
    """Say which side of a copy an error is about: the post room, or the place of the backup, which may lie in it."""
    where = str(error.filename)
    if where.startswith(os.path.join(home, "")) and not where.startswith(target):
        return refusal(error, where)
    said = refusal(error, target)
    return said if isinstance(said, DiskFull) else NoBackup(path=target, why=error.strerror)


def _fill(home: str, directory: str, *, now_ms: int, progress: Progress, link: bool) -> Backup:
    path = os.path.join(directory, "store.db")
    copy_store(home, path, now_ms=now_ms, progress=progress)
    identity, schema, messages, hashes = _checked(path, progress)
    parts = {"store.db": digest(path)}
    config = os.path.join(home, "config.toml")
    if os.path.exists(config):
        copy_file(config, os.path.join(directory, "config.toml"))
        parts["config.toml"] = digest(os.path.join(directory, "config.toml"))
    missing, file_bytes = copy_attachments(home, directory, hashes, progress=progress, link=link)
    manifest = {
        "format": FORMAT, "made_ms": now_ms, "identity": identity, "schema": schema, "sqlite": apsw.sqlite_lib_version(),
        "messages": messages, "sha256": parts, "attached": {"files": len(hashes) - len(missing), "bytes": file_bytes, "missing": missing},
    }  # fmt: skip
    write_private(os.path.join(directory, "manifest.json"), json.dumps(manifest, indent=1).encode())
    sync_directory(directory)
    return Backup(
        directory, now_ms, identity, schema, messages, len(hashes) - len(missing), file_bytes + os.path.getsize(path), tuple(missing)
    )


def copy_store(home: str, path: str, *, now_ms: int, progress: Progress) -> None:
    """Copy the database as it is at one moment. Others read and write on meanwhile."""
    write_private(path, b"")
    source = open_database(home, now_ms=now_ms)
    try:
        target = apsw.Connection(path)
        try:
            target.execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF").fetchall()
            source.execute(
                "BEGIN; SELECT * FROM store"
            ).fetchall()  # one moment: without it each write of another process starts the copy anew
            _copy_pages(source, target, progress)
            source.rollback()
        finally:
            target.close()
    except apsw.FullError as error:
        source.rollback()
        raise DiskFull(path=path) from error
    except apsw.Error as error:
        raise source.undone(error) from error
    finally:
        source.close()


def _copy_pages(source: Database, target: apsw.Connection, progress: Progress) -> None:
    with target.backup("main", source.connection, "main") as backup:
        while not backup.done:
            backup.step(STEP_PAGES)
            progress("store", backup.page_count - backup.remaining, backup.page_count)


def _checked(path: str, progress: Progress) -> tuple[str, int, int, list[str]]:
    """Check a finished copy and make it one file, safe on disk: its identity, schema, number of messages, and the files it names."""
    progress("check", 0, 1)
    try:
        copy = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            copy.execute("PRAGMA journal_mode = DELETE").fetchall()
            check_sound(copy, path)
            found = _facts(copy)
        finally:
            copy.close()
    except apsw.Error as error:
        raise translated(error, path, 0) from error
    sync_file(path)
    progress("check", 1, 1)
    return found


def check_sound(connection: apsw.Connection, path: str) -> None:
    """Let SQLite check every page, index and the search index. Raises StoreDamaged."""
    ((first, *_),) = connection.execute("PRAGMA integrity_check(1)").fetchall()
    if first != "ok":
        raise StoreDamaged(path=path, why=first)


def _facts(connection: apsw.Connection) -> tuple[str, int, int, list[str]]:
    execute: Execute = connection.execute
    ((identity, schema, messages),) = execute(FACTS).fetchall()
    hashes = [str(sha) for (sha,) in execute("SELECT DISTINCT sha256 FROM attachment ORDER BY sha256")]
    return str(identity), schema, messages, hashes


def copy_attachments(home: str, target: str, hashes: list[str], *, progress: Progress, link: bool) -> tuple[list[str], int]:
    """Copy attached files that are not there yet, each checked by its hash. Returns those that are missing, and the bytes of the others."""
    directory, missing, size = os.path.join(target, "files"), [], 0
    if hashes:
        os.makedirs(directory, mode=0o700, exist_ok=True)
    for done, name in enumerate(hashes):
        source, path = os.path.join(home, "files", name), os.path.join(directory, name)
        progress("files", done, len(hashes))
        if bring_file(source, path, link=link):
            size += os.path.getsize(path)
        else:
            missing.append(name)
    if hashes:
        sync_directory(directory)
        progress("files", len(hashes), len(hashes))
    return missing, size


def bring_file(source: str, path: str, *, link: bool) -> bool:
    """Let a file have the bytes that its name promises. False when that cannot be."""
    name = os.path.basename(path)
    if os.path.exists(path) and digest(path) == name:
        os.utime(path)  # young again, so that no pruning takes it before the rows that need it are there
    elif not os.path.isfile(source):
        return False
    elif link:
        os.link(source, path)
    elif digest(source) != name:
        return False
    else:
        copy_file(source, path)
    return True


def copy_file(source: str, target: str) -> str:
    """Copy a file to a new private one that appears complete or not at all. Returns the SHA-256 of its bytes."""
    check = sha256()
    unfinished = f"{target}.unfinished-{os.getpid()}"
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(source, "rb") as file:
            while chunk := file.read(CHUNK):
                check.update(chunk)
                write_all(descriptor, chunk)
        os.fsync(descriptor)
        os.rename(unfinished, target)
    except BaseException:
        os.unlink(unfinished)
        raise
    finally:
        os.close(descriptor)
    return check.hexdigest()


def digest(path: str) -> str:
    """The SHA-256 of a file."""
    check = sha256()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            check.update(chunk)
    return check.hexdigest()


def write_private(path: str, content: bytes) -> None:
    """Write a new file that only this user can read, safe on disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        write_all(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: str) -> None:
    """Bring a file onto the disk."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
