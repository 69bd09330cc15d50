"""SQL of a satchel: what an agent far from its post room has written and not handed in yet, and what it has taken out and not settled.

A file of its own beside the store, for each agent and node. What is queued survives a power cut; of the rest a kill -9 is survived.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from threading import RLock

import apsw

from postroom.core.types import NamedTuple
from postroom.store.database import translated
from postroom.store.place import check_directory, make_private

SCHEMA = """
CREATE TABLE IF NOT EXISTS queued (         -- drafts, in the order in which they were written
    place  INTEGER PRIMARY KEY,
    id     TEXT    NOT NULL UNIQUE,
    draft  TEXT    NOT NULL,                -- JSON
    at_ms  INTEGER NOT NULL,
    reason TEXT                             -- why the node refused it for good; NULL: it is to be handed in
) STRICT;
CREATE TABLE IF NOT EXISTS taken (          -- messages that were handed over, in their order
    place   INTEGER PRIMARY KEY,
    ref     TEXT    NOT NULL UNIQUE,        -- sender:id
    message TEXT    NOT NULL,               -- JSON
    pid     INTEGER NOT NULL,               -- in whose hands it is
    started TEXT    NOT NULL,
    own     INTEGER NOT NULL,               -- 1: a notice that was written here
    read    INTEGER NOT NULL                -- 1: confirmed, which the node does not know yet
) STRICT;
CREATE TABLE IF NOT EXISTS seat (           -- seats at the node, of which each is a process's
    seat    TEXT PRIMARY KEY,
    pid     INTEGER NOT NULL,
    started TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
"""
BUSY_MS = 10_000


class Queued(NamedTuple):
    """A draft that waits for the node, or that it refused."""

    place: int
    id: str
    draft: str
    at_ms: int
    reason: str | None


class Kept(NamedTuple):
    """A message that was handed over."""

    ref: str
    message: str
    pid: int
    started: str
    own: int
    read: int


class Satchel:
    """The satchel of one agent for one node. For several threads and processes."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.path = os.path.join(directory, "satchel.db")
        make_private(directory)
        check_directory(directory)
        if not os.path.exists(self.path):
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self._lock = RLock()
        try:
            self._connection = apsw.Connection(self.path)
            self._connection.set_busy_timeout(BUSY_MS)
            self._connection.execute("PRAGMA journal_mode = WAL").fetchall()
            self._connection.execute(SCHEMA).fetchall()
        except apsw.Error as error:
            raise translated(error, self.path, BUSY_MS) from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _write(self, sql: str, rows: Iterable[tuple[apsw.SQLiteValue, ...]], *, safe: bool = False) -> None:
        with self._lock:
            try:
                self._connection.execute(f"PRAGMA synchronous = {'FULL' if safe else 'NORMAL'}").fetchall()
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.executemany(sql, rows)
                self._connection.execute("COMMIT")
            except apsw.Error as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise translated(error, self.path, BUSY_MS) from error

    def _read(self, sql: str, bindings: tuple[apsw.SQLiteValue, ...] = ()) -> list[tuple[apsw.SQLiteValue, ...]]:
        with self._lock:
            try:
                return self._connection.execute(sql, bindings).fetchall()
            except apsw.Error as error:
                raise translated(error, self.path, BUSY_MS) from error

    # What was written

    def queue(self, drafts: Iterable[tuple[str, str]], *, now_ms: int) -> None:
        """Keep drafts (id and JSON) for the node; one that is there already stays where it is."""
        rows = [(id, draft, now_ms) for id, draft in drafts]
        self._write("INSERT OR IGNORE INTO queued (id, draft, at_ms) VALUES (?, ?, ?)", rows, safe=True)

    def queued(self, *, limit: int = 100) -> list[Queued]:
        """The drafts that wait for the node, oldest first."""
        sql = "SELECT place, id, draft, at_ms, reason FROM queued WHERE reason IS NULL ORDER BY place LIMIT ?"
        return [Queued(*row) for row in self._read(sql, (limit,))]  # type: ignore[arg-type]  # the table is STRICT

    def find(self, id: str) -> Queued | None:
        """The draft of that id, if the node does not have it."""
        for row in self._read("SELECT place, id, draft, at_ms, reason FROM queued WHERE id = ?", (id,)):
            return Queued(*row)  # type: ignore[arg-type]
        return None

    def handed_in(self, places: Iterable[int]) -> None:
        """Drop drafts that the node has now."""
        self._write("DELETE FROM queued WHERE place = ?", [(place,) for place in places])

    def refuse(self, place: int, reason: str) -> None:
        """Note that the node will never take a draft."""
        self._write("UPDATE queued SET reason = ? WHERE place = ?", [(reason, place)])

    # What was taken out

    def take(self, messages: Iterable[tuple[str, str]], *, holder: tuple[int, str], own: bool = False) -> None:
        """Keep messages (sender:id and JSON) that are in somebody's hands."""
        sql = """
            INSERT INTO taken (ref, message, pid, started, own, read) VALUES (?, ?, ?, ?, ?, 0)
            ON CONFLICT (ref) DO UPDATE SET message = excluded.message, pid = excluded.pid, started = excluded.started
        """
        self._write(sql, [(ref, message, *holder, own) for ref, message in messages])

    def taken(self, *, own: bool | None = None) -> list[Kept]:
        """The messages that are kept, oldest first: all, or only the notices that were written here, or only the others."""
        sql = "SELECT ref, message, pid, started, own, read FROM taken WHERE own = coalesce(?, own) ORDER BY place"
        return [Kept(*row) for row in self._read(sql, (own,))]  # type: ignore[arg-type]

    def refs(self, *, own: bool, read: bool | None = None) -> list[str]:
        """What they are called: the notices that were written here, or the others; those that were confirmed, or not, if told."""
        sql = "SELECT ref FROM taken WHERE own = ? AND read = coalesce(?, read) ORDER BY place"
        return [str(ref) for (ref,) in self._read(sql, (own, read))]

    def read(self, refs: Iterable[str]) -> None:
        """Note that messages were confirmed, which the node does not know."""
        self._write("UPDATE taken SET read = 1 WHERE ref = ?", [(ref,) for ref in refs])

    def put_back(self, refs: Iterable[str]) -> None:
        """Let messages be in nobody's hands."""
        self._write("UPDATE taken SET pid = 0, started = '' WHERE ref = ?", [(ref,) for ref in refs])

    def forget(self, refs: Iterable[str]) -> None:
        """Drop messages of which the node knows what became of them."""
        self._write("DELETE FROM taken WHERE ref = ?", [(ref,) for ref in refs])

    # Seats

    def sit(self, seat: str, *, holder: tuple[int, str]) -> None:
        """Note which seat a process has; it has no other one any more."""
        self._write("DELETE FROM seat WHERE pid = ? AND started = ?", [holder])
        self._write("INSERT OR REPLACE INTO seat VALUES (?, ?, ?)", [(seat, *holder)])

    def seats(self) -> list[tuple[str, int, str]]:
        """The seats, and the process of each."""
        return [(str(seat), int(str(pid)), str(started)) for seat, pid, started in self._read("SELECT seat, pid, started FROM seat")]

    def leave(self, seats: Iterable[str]) -> None:
        """Forget seats."""
        self._write("DELETE FROM seat WHERE seat = ?", [(seat,) for seat in seats])
