"""Looking a store over: its place, file, rows, attached files. Finds and says; never repairs, never fails because of damage."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from urllib.parse import quote

import apsw

from postroom.core.errors import PostroomError
from postroom.core.types import NamedTuple
from postroom.store.archive import digest
from postroom.store.checks import CHECKS, RESTORE, Level
from postroom.store.database import SCHEMA_VERSION, SQLITE_OLDEST
from postroom.store.place import boot_id, check_directory, file_system

FREE_BYTES = 100_000_000
WAL_BYTES = 64_000_000
BACKLOG = 100_000
"""Fewer messages than these are indexed within seconds by whoever searches."""
TABLES = "SELECT name, sql FROM sqlite_schema"
UNREADABLE = (apsw.Error, OSError, ValueError, TypeError)
"""What reading damaged bytes may end in: SQLite's errors, the disk's, text that is no UTF-8, a column of another type."""


class Finding(NamedTuple):
    """One thing that was looked at."""

    level: Level
    what: str
    next_step: str = ""


class Process(NamedTuple):
    """A process that the store believes to be attached."""

    agent: str
    id: int
    pid: int
    started: str
    socket: str | None


class Patient(NamedTuple):
    """A store that was opened for looking only."""

    home: str
    connection: apsw.Connection
    findings: list[Finding]
    processes: list[Process]
    full: bool

    def numbers(self, sql: str) -> list[int]:
        """The first row of a query, which holds numbers."""
        row = self.connection.execute(sql).fetchall()[0]
        return [int(value) for value in row if isinstance(value, int)]

    def find(self, level: Level, what: str, next_step: str = "") -> None:
        """Note a finding."""
        self.findings.append(Finding(level, what, next_step))


class Access(StrEnum):
    """How a store could be opened."""

    USUAL = "rw"
    READ_ONLY = "ro"
    FROZEN = "immutable"


def examine(home: str, *, full: bool) -> tuple[list[Finding], list[Process]]:
    """Everything that the store can tell about itself, and the processes that should be attached to it."""
    findings = [sqlite_version()]
    if not os.path.lexists(os.path.join(home, "store.db")):
        findings.append(Finding(Level.WARNING, f"there is no post room in {home}", "It is made when the first agent connects."))
        return findings, []
    findings += [*place(home), *space(home), kernel(home)]
    with opened(home, findings) as connection:
        if connection is None:
            return findings, []
        patient = Patient(home, connection, findings, [], full)
        for look in LOOKS:
            attempt(patient, look)
        return findings, patient.processes


def attempt(patient: Patient, look: Callable[[Patient], None]) -> None:
    """Do one check; if damage keeps it from its end, that is the finding."""
    try:
        look(patient)
    except UNREADABLE as error:
        patient.find(Level.DAMAGE, f"{look.__name__.replace('_', ' ')}: cannot be read ({error})", RESTORE)


@contextmanager
def opened(home: str, findings: list[Finding]) -> Iterator[apsw.Connection | None]:
    """Open the store as well as it goes, without changing it. Yields None when it cannot be opened at all."""
    path = os.path.join(home, "store.db")
    why = ""
    for access in Access:
        try:
            connection = connect(path, access)
        except UNREADABLE as error:
            why = why or str(error)
            continue
        if access is not Access.USUAL:
            ignored = ", without what is only in its WAL" if access is Access.FROZEN else ""
            findings.append(Finding(Level.WARNING, f"the store cannot be opened for writing ({why}); looked at as it lies{ignored}"))
        try:
            yield connection
        finally:
            connection.close()
        return
    findings.append(Finding(Level.DAMAGE, f"the store cannot be opened: {why}", RESTORE))
    yield None


def connect(path: str, access: Access) -> apsw.Connection:
    """Open the file and read from it once. Raises apsw.Error when that does not work."""
    flags = apsw.SQLITE_OPEN_URI | (apsw.SQLITE_OPEN_READWRITE if access is Access.USUAL else apsw.SQLITE_OPEN_READONLY)
    option = "?immutable=1" if access is Access.FROZEN else ""
    connection = apsw.Connection(f"file:{quote(path)}{option}", flags=flags)
    try:
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        connection.set_busy_timeout(1_000)
        connection.execute("PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY").fetchall()
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def sqlite_version() -> Finding:
    """Whether this program's SQLite is one that may open a store."""
    what = f"SQLite {apsw.sqlite_lib_version()}, apsw {apsw.apsw_version()}"
    if apsw.SQLITE_VERSION_NUMBER < SQLITE_OLDEST:
        return Finding(Level.WARNING, f"{what}: too old, it may corrupt the store", "Upgrade the package apsw.")
    return Finding(Level.OK, what)


def place(home: str) -> Iterator[Finding]:
    """Whether the store lies in a private directory on a local disk."""
    try:
        check_directory(home)
    except (PostroomError, OSError) as error:
        yield Finding(Level.WARNING, str(error))
    else:
        yield Finding(Level.OK, f"{home} is private, on {file_system(home) or 'a file system of unknown type'}")
    for name in ("store.db", "store.db-wal", "store.db-shm", "config.toml", "files"):
        path = os.path.join(home, name)
        if not os.path.lexists(path):
            continue
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode) or found.st_uid != os.geteuid():
            yield Finding(Level.WARNING, f"{path} is a symbolic link or belongs to another user", "Put your own file in its place.")
        elif found.st_mode & 0o077 and name != "config.toml":
            yield Finding(Level.WARNING, f"others may read {path}", f"Run: chmod {700 if name == 'files' else 600} {path}")


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


def schema_version(patient: Patient) -> None:
    """Whether this program knows the schema."""
    (version,) = patient.numbers("PRAGMA user_version")
    if version > SCHEMA_VERSION:
        patient.find(Level.WARNING, f"the schema is {version}, this program knows {SCHEMA_VERSION}", "Upgrade Postroom.")
    elif version < SCHEMA_VERSION:
        patient.find(Level.NOTE, f"the schema is {version}", f"The next program that connects brings it to {SCHEMA_VERSION}.")
    else:
        patient.find(Level.OK, f"the schema is {version}")


def schema(patient: Patient) -> None:
    """Whether the tables are those of this version."""
    fresh = apsw.Connection(":memory:")
    try:
        for step in range(1, SCHEMA_VERSION + 1):
            with open(os.path.join(os.path.dirname(__file__), "schema", f"{step:04}.sql"), encoding="utf-8") as sql:
                fresh.execute(sql.read()).fetchall()
        wrong = set(fresh.execute(TABLES)) ^ set(patient.connection.execute(TABLES))
    finally:
        fresh.close()
    if wrong and patient.numbers("PRAGMA user_version") == [SCHEMA_VERSION]:
        names = ", ".join(sorted({str(name) for name, _ in wrong}))
        patient.find(Level.DAMAGE, f"these tables are not as this version makes them: {names}", RESTORE)


def pages(patient: Patient) -> None:
    """Let SQLite check its pages and indexes, and FTS5 its own."""
    pragma = "integrity_check" if patient.full else "quick_check"
    wrong = [str(row[0]) for row in patient.connection.execute(f"PRAGMA {pragma}(5)") if row[0] != "ok"]
    (page_bytes,) = patient.numbers("PRAGMA page_size")
    if os.path.getsize(os.path.join(patient.home, "store.db")) % page_bytes:
        wrong.append("the file ends in the middle of a page")
    for what in wrong:
        patient.find(Level.DAMAGE, f"{pragma}: {what}", RESTORE)
    if not wrong:
        patient.find(Level.OK, f"{pragma}: the pages and the search index are sound")


def rows(patient: Patient) -> None:
    """Check what SQLite cannot know: which rows belong together."""
    found = len(patient.findings)
    for check in CHECKS:
        (number,) = patient.numbers(check.sql)
        if number:
            patient.find(check.level, f"{number} {check.what}", check.next_step)
    if len(patient.findings) == found:
        messages, deliveries = patient.numbers("SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM delivery)")
        patient.find(Level.OK, f"{messages:,} messages and {deliveries:,} deliveries belong together")


def backlog(patient: Patient) -> None:
    """How far the search index is behind."""
    (behind,) = patient.numbers("SELECT coalesce((SELECT max(seq) FROM message), 0) - indexed FROM store")
    level = Level.NOTE if behind > BACKLOG else Level.OK
    patient.find(level, f"the search index is {behind:,} messages behind", "The next search takes longer." if level is Level.NOTE else "")


def attached_files(patient: Patient) -> None:
    """Whether the bytes of all attached files are there; with `full` whether they are the right ones."""
    directory = os.path.join(patient.home, "files")
    named, wrong = {}, 0
    for sha, size in patient.connection.execute("SELECT DISTINCT sha256, bytes FROM attachment"):
        named[str(sha)] = size
    for sha, size in named.items():
        path = os.path.join(directory, sha)
        if not os.path.isfile(path) or os.path.getsize(path) != size or (patient.full and digest(path) != sha):
            wrong += 1
            patient.find(Level.DAMAGE, f"the attached file {sha} is missing or has other bytes", "Copy it from the files/ of a backup.")
    spare = [name for name in os.listdir(directory) if name not in named] if os.path.isdir(directory) else []
    if spare:
        patient.find(Level.NOTE, f"{len(spare)} files in {directory} belong to no message", "Pruning removes them after an hour.")
    if not wrong:
        patient.find(Level.OK, f"{len(named):,} attached files are there")


def processes(patient: Patient) -> None:
    """Note the processes that the store believes to be attached."""
    sql = "SELECT a.name, t.id, t.pid, t.started, t.socket FROM attached t JOIN agent a ON a.id = t.agent ORDER BY t.id"
    for agent, id, pid, started, socket in patient.connection.execute(sql):
        patient.processes.append(Process(str(agent), int(id), int(pid), str(started), socket and str(socket)))


LOOKS: tuple[Callable[[Patient], None], ...] = (schema_version, schema, pages, rows, backlog, attached_files, processes)
