"""Opening the file, write transactions, safety against power cuts, checkpoints. The only file that knows how SQLite is driven.

The database file itself is never opened here except by SQLite: closing any other descriptor of it would drop the process's POSIX locks.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from time import monotonic, sleep  # noqa: TID251  # in the queue for the write lock nothing rings

import apsw

from postroom.core.errors import (
    DiskFull,
    Forked,
    NotFlushed,
    Outdated,
    PostroomError,
    StoreBusy,
    StoreDamaged,
    StoreFailed,
    StoreReadOnly,
    StoreUnusable,
)
from postroom.core.types import Any, Protocol
from postroom.store.place import check_place, refusal
from postroom.store.queue import Queue

SCHEMA_VERSION = 3
SQLITE_OLDEST = 3_051_003  # fixed a corruption of the WAL that needs several processes
WAL_PAGES = 4_096  # 4 MiB: while the file does not grow, its pages stay warm: a send is 3 times faster than into a growing file
LONE_WAL_PAGES = 256  # while nobody is attached, each process that opens the store reads the whole WAL first: 1 ms for each MiB
YIELDS = 3
"""How often one tries again before one goes to the queue: a transaction is shorter than the way there."""
SPINS = 50
NAP_S = 0.000_2
QUEUE_S = 0.1
"""So long waits who is next for the one who is at it: much longer than a transaction, and a part of the shortest useful `busy_ms`."""
PASSES = 2
"""How often a checkpoint goes over what was written meanwhile, before it makes writers wait for the rest."""
CHECKPOINT_S = 0.05
"""How long a checkpoint may keep writers waiting for a reader of an old state, for each 4 MiB of WAL: the larger, the more urgent."""

if sys.platform == "darwin":

    def fdatasync(descriptor: int) -> None:
        """Flush through the drive's own cache; fsync does not on macOS."""
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)

else:
    from os import fdatasync


Row = tuple[Any, ...]  # type: ignore[explicit-any]  # the one Any: the tables are STRICT, their columns hold what the schema says


WORDS: dict[type[apsw.Error], type[PostroomError]] = {
    apsw.BusyError: StoreBusy,
    apsw.LockedError: StoreBusy,
    apsw.FullError: DiskFull,
    apsw.ReadOnlyError: StoreReadOnly,
    apsw.PermissionsError: StoreReadOnly,
    apsw.CantOpenError: StoreReadOnly,
    apsw.CorruptError: StoreDamaged,
    apsw.NotADBError: StoreDamaged,
    apsw.SQLError: StoreDamaged,  # our statements are right, so it is the schema that is not
    apsw.IOError: StoreFailed,
}


class Rows(Protocol):
    """What a statement found, one row after the other or all at once."""

    def __iter__(self) -> Iterator[Row]: ...

    def fetchall(self) -> list[Row]:
        """All of them."""


class Execute(Protocol):
    """Runs a statement."""

    def __call__(self, statements: str, bindings: Sequence[apsw.SQLiteValue] = ()) -> Rows:
        """With each ? bound to a value."""


class Group:
    """Acts that are written in one transaction: each is done or undone for itself, all are seen together. Then `afterwards` is due."""

    __slots__ = ("acting", "afterwards", "flushes")

    def __init__(self) -> None:
        self.acting = False
        self.flushes = False
        self.afterwards: list[Callable[[], object]] = []


class Database:
    """One connection to the store. Not for several threads at once, and not for a forked child."""

    __slots__ = (
        "_deadline",
        "_patient",
        "_pid",
        "_queue",
        "_queued",
        "_queues",
        "_wal",
        "busy_ms",
        "connection",
        "execute",
        "executemany",
        "group",
        "home",
        "path",
        "suspect",
        "wal_pages",
    )

    def __init__(self, connection: apsw.Connection, home: str, path: str, busy_ms: int) -> None:
        self.connection = connection
        self.execute: Execute = connection.execute
        self.executemany = connection.executemany
        self.home = home
        self.path = path
        self.busy_ms = busy_ms
        self.wal_pages = 0
        self.group: Group | None = None
        self._pid = os.getpid()
        self._wal = -1
        self._queue = Queue(os.path.join(home, "queue.lock"))
        self._queued = self._queues = False
        self._deadline = 0.0
        self._patient = True
        self.suspect = False
        connection.set_busy_handler(self._wait_turn)
        connection.set_wal_hook(self._count_pages)

    def begin(self, *, patient: bool = True) -> None:
        """Start a write transaction: every statement until commit or rollback is alone with the store. In a group it is a part of one.

        Unless `patient`, StoreBusy is raised at once.
        """
        if self.group is not None:
            self.execute("SAVEPOINT act")
            self.group.acting = True
            return
        try:
            self.lock(patient=patient)
            ((version,),) = self.execute("PRAGMA user_version")
        except apsw.Error as error:
            raise self.undone(error) from error
        if version != SCHEMA_VERSION:
            self.rollback()
            raise outdated(version)

    def lock(self, *, patient: bool = True) -> None:
        """Wait for the store's write lock, in turn with the other processes. Raises apsw.BusyError after `busy_ms`, or at once."""
        if os.getpid() != self._pid:
            raise Forked(pid=self._pid)
        self._queues, self._patient = True, patient
        try:
            self.execute("BEGIN IMMEDIATE")
        except BaseException:  # interrupted just after it began, too
            self.rollback()
            raise
        finally:
            self._patient = True
            self._leave_queue()

    def commit(self) -> None:
        """Make the transaction visible to every process. Safe against kill -9 from here, against a power cut after `flush`."""
        if self.group is not None:
            self.execute("RELEASE act")
            self.group.acting = False
            return
        try:
            self.execute("COMMIT")
        except apsw.Error as error:
            raise self.undone(error) from error

    def rollback(self) -> None:
        """Undo the transaction, also after SQLite has already undone it because of a full or failing disk; in a group, this act."""
        if self.group is not None:
            if self.group.acting and self.connection.in_transaction:
                self.execute("ROLLBACK TO act; RELEASE act")
            self.group.acting = False
            return
        if self.connection.in_transaction:
            self.execute("ROLLBACK")

    def flush(self) -> None:
        """Bring everything committed so far onto the disk. Outside SQLite's lock, so that concurrent senders share it."""
        if self.group is not None:
            self.group.flushes = True
            return
        if self.suspect and not self.checkpoint(all_of_it=True):
            raise NotFlushed(why="after an earlier failure it has not been written again yet")
        self.sync()
        self.suspect = False

    def sync(self) -> None:
        """The same while no flush has failed; also from another thread, once it was called in this one."""
        try:
            if self._wal < 0:
                self._wal = os.open(f"{self.path}-wal", os.O_RDWR | os.O_CLOEXEC)
            fdatasync(self._wal)
        except OSError as error:
            self.suspect = True  # Linux may call the next flush a success: only writing everything again is one
            raise NotFlushed(why=error.strerror) from error

    def checkpoint(self, *, all_of_it: bool) -> bool:
        """Copy the WAL into the database file and say whether it is all copied. With `all_of_it` writers wait for the last part."""
        try:
            pages, copied = self.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)  # while others write on
            if all_of_it:
                for _ in range(PASSES):  # each has less to do than the one before
                    self.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
                pages, copied = self._restart_wal()
        except apsw.BusyError:
            return False
        except apsw.Error as error:
            raise self.undone(error) from error
        self.wal_pages = pages - copied
        return pages == copied

    def _restart_wal(self) -> tuple[int, int]:
        """Copy the last part and let the next writer begin the WAL anew. In the queue first: nobody with the write lock may wait for it."""
        patience_s = CHECKPOINT_S * max(1.0, self.wal_pages / WAL_PAGES)
        busy_ms, self.busy_ms = self.busy_ms, round(patience_s * 1000)
        self._deadline = monotonic() + patience_s
        self._join_queue()
        try:
            return self.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
        finally:
            self.busy_ms = busy_ms
            self._leave_queue()

    def empty_wal(self) -> None:
        """Copy the WAL and cut it to nothing, unless others use it: where no process stays, the next one would have to read all of it."""
        busy_ms, self.busy_ms = self.busy_ms, round(CHECKPOINT_S * 1000)
        try:
            self.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.BusyError:
            return
        except apsw.Error as error:
            raise self.undone(error) from error
        finally:
            self.busy_ms = busy_ms

    def close(self) -> None:
        """Close the file. What was committed stays in the WAL for the next one that opens it."""
        if os.getpid() == self._pid:
            self.connection.close()
            self._queue.close()
        if self._wal >= 0:
            os.close(self._wal)
        self._wal = -1

    def undone(self, error: BaseException) -> BaseException:
        """Undo the transaction, and say the error that broke it in the words of the post room."""
        self.rollback()
        said = translated(error, self.path, self.busy_ms) if isinstance(error, apsw.Error) else error
        if isinstance(said, PostroomError) or not isinstance(said, Exception):
            return said
        damage = str(said) if isinstance(said, UnicodeDecodeError) else self.damage()  # only text goes in
        return StoreDamaged(path=self.path, why=damage) if damage else said

    def damage(self) -> str:
        """The first thing that is wrong with the pages, or "". What cannot happen is damage, or else a bug of ours."""
        try:
            ((found, *_), *_) = self.execute("PRAGMA quick_check(1)").fetchall()
        except (apsw.Error, UnicodeDecodeError) as error:
            return str(error)
        return "" if found == "ok" else str(found)

    def _wait_turn(self, attempts: int) -> bool:
        """SQLite's busy handler: after some tries one waiting process at a time goes on, the others queue; see docs/decisions.md."""
        if not self._patient:
            return False
        if attempts == 0:
            self._deadline = monotonic() + self.busy_ms / 1000
        if attempts >= YIELDS and self._queues:
            self._join_queue()
        if attempts < SPINS:
            os.sched_yield()
        else:
            sleep(NAP_S)
        return monotonic() < self._deadline

    def _join_queue(self) -> None:
        """Become the one that tries. After `QUEUE_S` try out of turn: the one whose turn it is may be a stopped process."""
        if not self._queued:
            self._queued = self._queue.join(min(QUEUE_S, max(0.0, self._deadline - monotonic())))

    def _leave_queue(self) -> None:
        self._queues = False
        if self._queued:
            self._queue.leave()
            self._queued = False

    def _count_pages(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self.wal_pages = pages
        return apsw.SQLITE_OK


def open_database(home: str, *, busy_ms: int = 10_000, vfs: str | None = None, now_ms: int) -> Database:
    """Open the store in `home`, creating it if there is none. Raises StoreUnusable, StoreReadOnly, StoreDamaged, Outdated."""
    if apsw.SQLITE_VERSION_NUMBER < SQLITE_OLDEST:
        raise StoreUnusable(path=home, why=f"SQLite {apsw.sqlite_lib_version()} may corrupt it. Upgrade the package apsw.")
    boot = check_place(home)
    path = os.path.join(home, "store.db")
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOMUTEX
    try:
        connection = apsw.Connection(path, flags=flags, vfs=vfs, statementcachesize=200)
        database = Database(connection, home, path, busy_ms)
        try:
            prepare(database, boot, now_ms=now_ms)
        except BaseException:
            database.close()
            raise
    except apsw.Error as error:
        raise translated(error, path, busy_ms) from error
    except OSError as error:
        raise refusal(error, home) from error
    return database


def prepare(database: Database, boot: str, *, now_ms: int) -> None:
    """Set what a connection needs, bring the schema up to date, and see whether the machine was started anew since the store was used."""
    database.connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    # Or a take is planned anew each time: 40 µs of SQLite for every bound value.
    database.connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    execute = database.execute
    execute("PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4096")
    ((version,),) = execute("PRAGMA user_version")
    if version > SCHEMA_VERSION:
        raise outdated(version)
    if version < SCHEMA_VERSION:
        from postroom.store.migrate import migrate

        migrate(database, boot, now_ms=now_ms)
    ((last_boot,),) = execute("SELECT boot FROM store")
    if last_boot != boot:
        doubt(database, boot)


def doubt(database: Database, boot: str) -> None:
    """After a power cut the last hand-overs and confirmations may be forgotten: what is unread comes marked, as it may have been shown."""
    database.begin()
    try:
        database.execute("UPDATE delivery SET handovers = 1 WHERE unread IS NOT NULL AND handovers = 0")
        database.execute("UPDATE store SET boot = ?", (boot,))
        database.commit()
    except BaseException as error:
        raise database.undone(error) from error


def outdated(found: int) -> Outdated:
    """Whose version is behind, and what to do about it."""
    newer = "Restart this program after upgrading Postroom." if found > SCHEMA_VERSION else "Open it once with this version to migrate it."
    return Outdated(found=found, known=SCHEMA_VERSION, advice=newer)


def translated(error: apsw.Error, path: str, busy_ms: int) -> PostroomError | apsw.Error:
    """Say an SQLite error in the words of the post room. What has no such words is a bug of ours, and stays as it is."""
    facts = {"path": path, "why": str(error), "waited_ms": busy_ms}
    for kind, ours in WORDS.items():
        if isinstance(error, kind):
            return ours(**facts)
    return error
