"""A disk with a volatile cache, under SQLite, which works on real files and notices nothing.

What happened to the files is remembered, in order; `lose_power` makes a directory that holds what a real disk might
then hold. Nothing here knows what a message is.
"""

# ruff: noqa: N802, FBT001, ARG002  # SQLite names the methods of a VFS and their arguments

from __future__ import annotations

import os
import shutil
from itertools import count
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

import apsw

from tests.faults.platter import Cut, Event, Named, NamesSynced, Platter, Synced, Unnamed, Written

# With the first sync of a new journal or WAL, never of a database, SQLite syncs its directory (UNIXFILE_DIRSYNC).
_SYNCS_ITS_NAME = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL | apsw.SQLITE_OPEN_WAL
_VOLATILE = ("-shm", ".lock")  # SQLite's shared memory; and locks, whose names nobody syncs, and which may be younger than the loss
_numbers = count(1)


class Disk:
    """The files in one directory, as one process writes them through SQLite. What is there already is safe on the disk.

    SQLite reaches it as the VFS `disk.vfs`; whoever syncs a file on an own descriptor says so with `disk.flush`.
    Files that SQLite never opens come through every loss as they are.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.vfs = f"disk-{next(_numbers)}"
        self.events: list[Event] = []
        self._present = {_identity(path): path.read_bytes() for path in self._regular_files()}
        self._files: dict[tuple[int, int], int] = {}
        self._safe: list[tuple[str, int, bytes]] = []
        self._platter = Platter()
        self._kept_open: list[int] = []
        self._driver = _Driver(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._driver.unregister()
        for descriptor in self._kept_open:
            os.close(descriptor)
        self._kept_open.clear()

    def flush(self, descriptor: int) -> None:
        """Stands in for os.fsync and os.fdatasync: the file or directory behind this descriptor is on the disk now."""
        status = os.fstat(descriptor)
        identity = (status.st_dev, status.st_ino)
        if identity == _identity(self.root):
            self.events.append(NamesSynced())
        elif identity in self._files:
            self.events.append(Synced(self._files[identity]))

    def lose_power(self, random: Random, into: Path, *, at: int | None = None) -> Path:
        """Make the directory `into`: what the disk may hold if the power goes now, or went after `at` events.

        SQLite's shared memory is lost, and so are locks.
        """
        into.mkdir(mode=0o700)
        for path in self._regular_files():
            if _identity(path) not in self._files and not path.name.endswith(_VOLATILE):
                shutil.copy2(path, _made_room(into / path.relative_to(self.root)))
        for name, content in self._platter_at(len(self.events) if at is None else at).after_loss(random).items():
            path = _made_room(into / name)
            path.write_bytes(content)
            path.chmod(0o600)
        return into

    def opened(self, path: Path) -> int | None:
        """The number of the file that SQLite has just opened; None for one outside the directory."""
        if not path.is_relative_to(self.root):
            return None
        identity, name = _identity(path), str(path.relative_to(self.root))
        if identity in self._files:
            return self._files[identity]
        file = self._files[identity] = len(self._files)
        if identity in self._present:
            self._safe.append((name, file, self._present[identity]))
            self._platter = Platter()
        else:
            self.events += [Named(name, file), Written(file, 0, path.read_bytes())]
        return file

    def deleting(self, path: Path) -> None:
        """Keep the file open, so that no other file gets its number from the kernel."""
        if path.is_relative_to(self.root) and path.exists():
            self._kept_open.append(os.open(path, os.O_RDONLY))
            self.events.append(Unnamed(str(path.relative_to(self.root))))

    def _regular_files(self) -> list[Path]:
        return [path for path in self.root.rglob("*") if path.is_file() and not path.is_symlink()]

    def _platter_at(self, moment: int) -> Platter:
        if moment < self._platter.moment:
            self._platter = Platter()
        if self._platter.moment == 0:
            for name, file, content in self._safe:
                self._platter.adopt(name, file, content)
        for event in self.events[self._platter.moment : moment]:
            self._platter.apply(event)
        return self._platter


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _made_room(path: Path) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


class _Driver(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        super().__init__(disk.vfs, "")
        self._disk = disk

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        if name is None:
            return apsw.VFSFile("", name, flags)
        return _File(self._disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        self._disk.deleting(Path(filename))
        super().xDelete(filename, syncdir)
        if syncdir:
            self._disk.events.append(NamesSynced())


class _File(apsw.VFSFile):
    """One open file. Locks and shared memory are the default VFS's own, so several connections work as ever."""

    def __init__(self, disk: Disk, name: str | apsw.URIFilename, flags: list[int]) -> None:
        path = Path(name.filename() if isinstance(name, apsw.URIFilename) else name)
        is_new = not path.exists()
        super().__init__("", name, flags)
        self._disk = disk
        self._file = disk.opened(path)
        self._name_unsynced = is_new and bool(flags[0] & _SYNCS_ITS_NAME)

    def xWrite(self, data: bytes, offset: int) -> None:
        super().xWrite(data, offset)
        if self._file is not None:
            self._disk.events.append(Written(self._file, offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:
        super().xTruncate(newsize)
        if self._file is not None:
            self._disk.events.append(Cut(self._file, newsize))

    def xSync(self, flags: int) -> None:
        """The real files need no real sync: the test's process does not lose its power."""
        if self._file is None:
            return
        self._disk.events.append(Synced(self._file))
        if self._name_unsynced:
            self._disk.events.append(NamesSynced())
            self._name_unsynced = False
