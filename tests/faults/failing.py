"""A disk whose n-th write, sync, truncation … fails, under SQLite.

Which act fails, and how, is said here; what must follow is the tests' to say.
"""

# ruff: noqa: N802, FBT001, ARG002  # SQLite names the methods of a VFS and their arguments

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import count
from types import TracebackType
from typing import Self

import apsw

_numbers = count(1)
_ACTS_MAX = 10_000


class Act(Enum):
    """What a disk is asked to do. A failed flush is the own fdatasync of whoever does not leave syncing to SQLite."""

    OPEN = "open"
    READ = "read"
    WRITE = "write"
    SYNC = "sync"
    TRUNCATE = "truncate"
    MEASURE = "measure"
    DELETE = "delete"
    FLUSH = "flush"


@dataclass(frozen=True, slots=True)
class Failure:
    """An act that fails with an SQLite result code; a lasting one fails from then on, as on a full disk."""

    act: Act
    code: int
    lasting: bool = False

    def __str__(self) -> str:
        of_sqlite = apsw.mapping_result_codes | apsw.mapping_extended_result_codes
        name = errno.errorcode[self.code] if self.act is Act.FLUSH else of_sqlite[self.code]
        return f"{self.act.value} fails {'for ever' if self.lasting else 'once'} with {name}"


FAILURES = [
    Failure(Act.OPEN, apsw.SQLITE_CANTOPEN),
    Failure(Act.READ, apsw.SQLITE_IOERR_READ),
    Failure(Act.WRITE, apsw.SQLITE_IOERR_WRITE),
    Failure(Act.WRITE, apsw.SQLITE_FULL),
    Failure(Act.WRITE, apsw.SQLITE_FULL, lasting=True),
    Failure(Act.SYNC, apsw.SQLITE_IOERR_FSYNC),
    Failure(Act.SYNC, apsw.SQLITE_IOERR_FSYNC, lasting=True),
    Failure(Act.TRUNCATE, apsw.SQLITE_IOERR_TRUNCATE),
    Failure(Act.MEASURE, apsw.SQLITE_IOERR_FSTAT),
    Failure(Act.DELETE, apsw.SQLITE_IOERR_DELETE),
    Failure(Act.FLUSH, errno.EIO),
    Failure(Act.FLUSH, errno.ENOSPC, lasting=True),
]


class FailingDisk:
    """The default VFS, until `fail` is called. SQLite reaches it as the VFS `disk.vfs`, fdatasync as `disk.flush`."""

    def __init__(self) -> None:
        self.vfs = f"failing-{next(_numbers)}"
        self.failed = 0
        self._failure: Failure | None = None
        self._left = 0
        self._driver = _Driver(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._driver.unregister()

    def fail(self, failure: Failure, nth: int) -> None:
        """Let the nth of these acts from now on fail."""
        self._failure, self._left, self.failed = failure, nth, 0

    def heal(self) -> None:
        self._failure = None

    @property
    def is_well(self) -> bool:
        return self._failure is None

    def every(self, failure: Failure) -> Iterator[int]:
        """Let the n-th act fail while the caller's loop body runs, for n = 1, 2, 3 …

        Ends after the first body in which there was no n-th act.
        """
        for nth in count(1):
            assert nth < _ACTS_MAX, "a script that does this much is no script"
            self.fail(failure, nth)
            yield nth
            self.heal()
            if not self.failed:
                return

    def flush(self, descriptor: int) -> None:
        """Stands in for os.fdatasync."""
        os.fstat(descriptor)
        if failure := self.hit(Act.FLUSH):
            raise OSError(failure.code, os.strerror(failure.code))

    def hit(self, act: Act) -> Failure | None:
        """Count an act. The failure, if this is the one that fails."""
        if self._failure is None or act is not self._failure.act:
            return None
        self._left -= 1
        if self._left > 0 or (self._left < 0 and not self._failure.lasting):
            return None
        self.failed += 1
        return self._failure

    def check(self, act: Act) -> None:
        """Fail, if this is the act that fails."""
        if failure := self.hit(act):
            raise apsw.exception_for(failure.code)


class _Driver(apsw.VFS):
    def __init__(self, disk: FailingDisk) -> None:
        super().__init__(disk.vfs, "")
        self._disk = disk

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        self._disk.check(Act.OPEN)
        return _File(self._disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        self._disk.check(Act.DELETE)
        super().xDelete(filename, syncdir)


class _File(apsw.VFSFile):
    """One open file. Locks and shared memory are the default VFS's own."""

    def __init__(self, disk: FailingDisk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._disk = disk

    def xRead(self, amount: int, offset: int) -> bytes:
        self._disk.check(Act.READ)
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:
        """A write that fails has written its first half."""
        if failure := self._disk.hit(Act.WRITE):
            super().xWrite(data[: len(data) // 2], offset)
            raise apsw.exception_for(failure.code)
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:
        """The real files need no real sync: the test's process does not lose its power."""
        self._disk.check(Act.SYNC)

    def xTruncate(self, newsize: int) -> None:
        self._disk.check(Act.TRUNCATE)
        super().xTruncate(newsize)

    def xFileSize(self) -> int:
        self._disk.check(Act.MEASURE)
        return super().xFileSize()
