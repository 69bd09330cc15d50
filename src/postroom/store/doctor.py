"""Looking a store over: its place, file, rows, attached files. Finds and says; never repairs, never fails because of damage."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from urllib.parse import quote

import apsw

from postroom.core.render import counted
from postroom.core.types import NamedTuple
from postroom.store.archive import digest
from postroom.store.checks import CHECKS, RESTORE, Finding, Level
from postroom.store.database import SCHEMA_VERSION, SQLITE_OLDEST
from postroom.store.surroundings import kernel, place, space

BACKLOG = 100_000
"""Fewer messages than these are indexed within seconds by whoever searches."""
TABLES = "SELECT name, sql FROM sqlite_schema"
UNREADABLE = (apsw.Error, OSError, ValueError, TypeError)
"""What reading damaged bytes may end in: SQLite's errors, the disk's, text that is no UTF-8, a column of another type."""


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
    home = os.path.abspath(home)
    findings = [sqlite_version(), *place(home)]
    if not os.path.lexists(os.path.join(home, "store.db")):
        return findings, []
    findings += [*space(home), kernel(home)]
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
            findings.append(Finding(Level.ERROR, f"the store cannot be opened for writing ({why}); looked at as it lies{ignored}"))
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
        return Finding(Level.ERROR, f"{what}: too old, it may corrupt the store", "Upgrade the package apsw.")
    return Finding(Level.OK, what)


def schema_version(patient: Patient) -> None:
    """Whether this program knows the schema."""
    (version,) = patient.numbers("PRAGMA user_version")
    if version > SCHEMA_VERSION:
        patient.find(Level.ERROR, f"the schema is {version}, this program knows {SCHEMA_VERSION}", "Upgrade Postroom.")
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
    """Check what SQLite cannot know: which rows belong together, in the tables that this program knows."""
    if patient.numbers("PRAGMA user_version") != [SCHEMA_VERSION]:
        return
    found = len(patient.findings)
    for check in CHECKS:
        (number,) = patient.numbers(check.sql)
        if number:
            patient.find(check.level, f"{check.what}: {number:,}", check.next_step)
    if len(patient.findings) == found:
        messages, deliveries = patient.numbers("SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM delivery)")
        patient.find(Level.OK, f"{counted(messages, 'message')} and {counted(deliveries, 'delivery')} belong together")


def backlog(patient: Patient) -> None:
    """How far the search index is behind."""
    (behind,) = patient.numbers("SELECT coalesce((SELECT max(seq) FROM message), 0) - indexed FROM store")
    what = f"the search index is {counted(behind, 'message')} behind"
    if behind > BACKLOG:
        patient.find(Level.NOTE, what, "The next search takes longer.")
    else:
        patient.find(Level.OK, what)


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
        patient.find(Level.NOTE, f"files in {directory} that belong to no message: {len(spare):,}", "Pruning removes them after an hour.")
    if not wrong:
        patient.find(Level.OK, f"attached files: {len(named):,}, all there")


def processes(patient: Patient) -> None:
    """Note the processes that the store believes to be attached."""
    sql = "SELECT a.name, t.id, t.pid, t.started, t.socket FROM attached t JOIN agent a ON a.id = t.agent ORDER BY t.id"
    for agent, id, pid, started, socket in patient.connection.execute(sql):
        patient.processes.append(Process(str(agent), int(id), int(pid), str(started), socket and str(socket)))


LOOKS: tuple[Callable[[Patient], None], ...] = (schema_version, schema, pages, rows, backlog, attached_files, processes)
