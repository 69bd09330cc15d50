"""Putting a prepared store in the place of a damaged one, or of one of another post room: as a whole, while nobody else uses it."""

from __future__ import annotations

import os
import subprocess
import sys

import apsw

from postroom.core.errors import StoreFailed, StoreUnusable
from postroom.store.archive import write_private
from postroom.store.place import sync_directory

COPY = "import shutil, sys; shutil.copyfile(*sys.argv[1:])"
BUSY = 3
ALONE = f"""
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 512, 0x40000000)
    except OSError:
        sys.exit({BUSY})
"""
"""Every open connection holds a shared lock on these bytes of the file: https://sqlite.org/src/file/src/os.h, PENDING_BYTE."""
IN_USE = "it must be written over as a whole, and other processes use it. End them (see `postroom doctor`), then restore again."


def write_over(staged_path: str, home: str, *, keep: str) -> None:
    """Put a staged store in the place of the one in `home`, as a whole. Raises StoreUnusable when another process uses it.

    The file stays the same file, so that a process that is just opening it finds the new content and not one that was moved away.
    """
    path = os.path.join(home, "store.db")
    target = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        target.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        target.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
        target.execute("BEGIN IMMEDIATE; ROLLBACK").fetchall()
        if not os.path.exists(keep):
            _keep_as_it_is(home, keep)
        _overwrite(target, staged_path)
    except apsw.BusyError:
        raise StoreUnusable(path=home, why=IN_USE) from None
    except apsw.Error:  # SQLite cannot so much as begin to write over it
        target.close()
        _replace(staged_path, home, keep)
    finally:
        target.close()


def _overwrite(target: apsw.Connection, staged_path: str) -> None:
    source = apsw.Connection(staged_path, flags=apsw.SQLITE_OPEN_READONLY)
    try:
        with target.backup("main", source, "main") as backup:
            backup.step()
    finally:
        source.close()
    target.execute("PRAGMA journal_mode = WAL").fetchall()  # what was there may have been an empty file
    target.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)


def _elsewhere(program: str, *paths: str) -> int:
    """Run a few lines in another process: if this one opened and closed the file, SQLite's locks on it would be gone."""
    command = [sys.executable, "-c", program, *paths]
    return subprocess.run(command, check=False, capture_output=True).returncode  # noqa: S603  # our own lines and paths


def _keep_as_it_is(home: str, keep: str) -> None:
    """Copy a damaged store byte by byte."""
    os.mkdir(keep, 0o700)
    for name in ("store.db", "store.db-wal"):
        path = os.path.join(home, name)
        if os.path.exists(path):
            write_private(os.path.join(keep, name), b"")
            if _elsewhere(COPY, path, os.path.join(keep, name)):
                raise StoreFailed(path=path, why="it cannot be copied away")


def _replace(staged_path: str, home: str, keep: str) -> None:
    """Move a file that SQLite cannot even open aside, and put the staged store in its place."""
    if _elsewhere(ALONE, os.path.join(home, "store.db")) == BUSY:
        raise StoreUnusable(path=home, why=IN_USE)
    os.makedirs(keep, mode=0o700, exist_ok=True)
    for name in ("store.db-wal", "store.db-shm", "store.db"):
        if os.path.lexists(os.path.join(home, name)):
            os.rename(os.path.join(home, name), os.path.join(keep, name))
    staged = apsw.Connection(staged_path)
    staged.execute("PRAGMA journal_mode = WAL").fetchall()
    staged.close()
    os.rename(staged_path, os.path.join(home, "store.db"))
    sync_directory(home)
