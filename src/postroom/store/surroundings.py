"""What the doctor sees of a store without opening it: its place, its config, the disk, the kernel. Says what a send would be told."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator

from postroom.config import read_config
from postroom.core.errors import PostroomError
from postroom.store.checks import Finding, Level
from postroom.store.place import boot_id, check_writable, file_system, refusal, try_place

FREE_BYTES = 100_000_000
WAL_BYTES = 64_000_000
IN_THE_HOME = ("store.db", "store.db-wal", "store.db-shm", "config.toml", "files")
WRITTEN = ("store.db", "store.db-wal", "store.db-shm", "queue.lock", "warden.lock", "files", "run")


def refused(error: PostroomError) -> Finding:
    """What a send would be told, and its next step, which is all that follows the first sentence."""
    what, _, step = str(error).partition(". ")
    return Finding(Level.ERROR, what, step)


def place(home: str) -> Iterator[Finding]:
    """Whether a store can be used, or made, in this directory."""
    try:
        try_place(home)
    except PostroomError as error:
        yield refused(error)
    else:
        if os.path.isdir(home):
            yield Finding(Level.OK, f"{home} is private, on {file_system(home) or 'a file system of unknown type'}")
        if not os.path.lexists(os.path.join(home, "store.db")):
            yield Finding(Level.NOTE, f"there is no post room in {home} yet", "It is made when the first agent connects.")
    yield from config(home)
    for name in IN_THE_HOME:
        path = os.path.join(home, name)
        if os.path.lexists(path):
            yield from private(path)
    for name in WRITTEN:
        path = os.path.join(home, name)
        if os.path.exists(path):
            yield from writable(path)


def config(home: str) -> Iterator[Finding]:
    """Whether the config can be read: if not, nobody can connect."""
    try:
        read_config(home)
    except PostroomError as error:
        yield refused(error)


def private(path: str) -> Iterator[Finding]:
    """Whether a file of the store is ours, and nobody else's to read. The store file itself is refused otherwise, and was spoken of."""
    found, name = os.lstat(path), os.path.basename(path)
    if stat.S_ISLNK(found.st_mode) or found.st_uid != os.geteuid():
        yield Finding(Level.WARNING, f"{path} is a symbolic link or belongs to another user", "Put your own file in its place.")
    elif found.st_mode & 0o077 and name not in {"config.toml", "store.db"}:
        yield Finding(Level.WARNING, f"others may read {path}", f"Run: chmod {700 if name == 'files' else 600} {path}")


def writable(path: str) -> Iterator[Finding]:
    """Whether a file that is written, or a directory in which files are made, can be."""
    try:
        check_writable(path)
    except OSError as error:
        yield refused(refusal(error, path))


def space(home: str) -> Iterator[Finding]:
    """Whether the disk has room for the next messages and for a copy of the store."""
    try:
        free = shutil.disk_usage(home).free
        size = os.path.getsize(os.path.join(home, "store.db"))
        wal = os.path.join(home, "store.db-wal")
        wal_bytes = os.path.getsize(wal) if os.path.exists(wal) else 0
    except OSError as error:
        yield Finding(Level.WARNING, f"the disk does not answer: {error.strerror}")
        return
    low = free < max(FREE_BYTES, size)
    yield Finding(
        Level.WARNING if low else Level.OK, f"{free / 1e6:,.0f} MB are free, the store has {size / 1e6:,.1f} MB",
        "Free some room: sends fail when the disk is full, and a backup needs as much again." if low else "",
    )  # fmt: skip
    high = wal_bytes > WAL_BYTES
    yield Finding(
        Level.NOTE if high else Level.OK, f"the WAL has {wal_bytes / 1e6:,.1f} MB",
        "A process that is stopped, or that looks at the store for long, keeps it from being copied back. Look for one." if high else "",
    )  # fmt: skip


def kernel(home: str) -> Finding:
    """Which kernel uses the store: two at once would corrupt it."""
    path = os.path.join(home, "kernel")
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            theirs = file.read().strip()
    except OSError:
        theirs = ""
    if theirs in {"", boot_id()}:
        return Finding(Level.OK, "the store is used under this kernel only")
    step = "Nothing is wrong if the machine was restarted. A virtual machine that shares this directory must not open it."
    return Finding(Level.NOTE, "the store was last used under another kernel", step)
