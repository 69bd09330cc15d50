"""Bringing a backup back: checking and preparing it, and pouring its rows into the store in one transaction, so that processes may go on.

Only into a sound store of the same post room; for every other one see replacing.py.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from postroom.core.refusals import BadBackup
from postroom.core.types import NamedTuple
from postroom.store import archive
from postroom.store.agents import CAME
from postroom.store.archive import FORMAT, Progress, check_sound, copy_file
from postroom.store.database import Database, open_database
from postroom.store.mailboxes import UNITS

POURED = ("message", "delivery", "thread_budget", "request", "timer", "attachment")
"""Tables that are as in the backup afterwards. Of the others the present remains true: who is attached, who claims, the paces."""

OTHER_ROOM = """
SELECT EXISTS (SELECT 1 FROM main.agent a JOIN old.agent b ON a.id = b.id WHERE a.kind = 'agent' AND a.created_ms != b.created_ms)
    OR EXISTS (SELECT 1 FROM main.agent a JOIN old.agent b ON a.name = b.name WHERE b.id NOT IN (SELECT id FROM main.agent))
    OR EXISTS (SELECT 1 FROM main.provenance a JOIN old.provenance b ON b.id = a.id
        WHERE a.id > 1 AND (a.agent, a.pid, a.since_ms) != (b.agent, b.pid, b.since_ms))
    OR EXISTS (SELECT name, sql FROM main.sqlite_schema EXCEPT SELECT name, sql FROM old.sqlite_schema)
    OR EXISTS (SELECT name, sql FROM old.sqlite_schema EXCEPT SELECT name, sql FROM main.sqlite_schema)
"""
TOUCHED = f"""
SELECT id FROM main.agent WHERE kind != 'system' AND (
    kind = 'human' OR seen_ms >= ?1 OR id IN (SELECT agent FROM main.attached)
    OR id IN (SELECT recipient FROM main.meter WHERE sender = {CAME} AND value >= ?1)
    OR id IN (SELECT recipient FROM main.delivery WHERE id > (SELECT coalesce(max(id), 0) FROM old.delivery)))
ORDER BY id
"""
IN_WORK = """
CREATE TEMP TABLE in_work AS SELECT DISTINCT m.seq FROM main.delivery d JOIN main.attached t ON t.agent = d.recipient AND t.id = d.holder
JOIN main.message m ON m.seq = d.message
WHERE d.unread IS NOT NULL AND d.state = 'handed' AND m.kind IN ('message', 'notice') AND m.seq NOT IN (SELECT seq FROM old.message)
    AND NOT EXISTS (SELECT 1 FROM old.message o WHERE o.id = m.id AND o.sender = m.sender)
"""
KEPT = {"message": "seq", "delivery": "message", "attachment": "message", "request": "message", "timer": "message"}
"""Where a message that is newer than the backup and in somebody's hands just now is kept: its reader is at work on it."""
ROOMS = {"room": "id", "member": "room", "invitation": "room"}
"""Where a room is that comes back because it is gone; unless another one has its name by now. Who is in the others stays as it is."""
REMEMBER = (
    IN_WORK,
    (
        "CREATE TEMP TABLE in_hands AS SELECT d.id, d.holder, d.lease_ms, d.handed_ms FROM main.delivery d"
        " JOIN main.attached t ON t.agent = d.recipient AND t.id = d.holder WHERE d.unread IS NOT NULL AND d.state = 'handed'"
    ),
    (
        "CREATE TEMP TABLE handed_since AS SELECT d.id, max(d.handovers, d.state IN ('read', 'answered')) AS handovers"
        " FROM old.delivery b JOIN main.delivery d ON d.id = b.id WHERE b.unread IS NOT NULL"
    ),
    *[
        f"CREATE TEMP TABLE kept_{table} AS SELECT * FROM main.{table} WHERE {key} IN (SELECT seq FROM in_work)"
        for table, key in KEPT.items()
    ],
)
TURN_BACK = (
    *[f"INSERT INTO main.{table} SELECT * FROM temp.kept_{table}" for table in KEPT],
    (
        "UPDATE main.message SET thread = iif(thread IN (SELECT seq FROM main.message), thread, NULL),"
        " reply_to = iif(reply_to IN (SELECT seq FROM main.message), reply_to, NULL) WHERE seq IN (SELECT seq FROM temp.in_work)"
    ),
    (
        "UPDATE main.delivery SET state = 'handed', holder = h.holder, lease_ms = h.lease_ms, handed_ms = h.handed_ms"
        " FROM temp.in_hands h WHERE h.id = main.delivery.id AND unread IS NOT NULL"
    ),
    "UPDATE main.delivery SET handovers = h.handovers FROM temp.handed_since h WHERE h.id = main.delivery.id",
    "INSERT OR IGNORE INTO main.node SELECT * FROM old.node",
    "INSERT OR IGNORE INTO main.provenance SELECT * FROM old.provenance",
    "INSERT OR IGNORE INTO main.agent SELECT * FROM old.agent",
    (
        "UPDATE main.agent SET status = b.status, description = b.description, auto_accept = b.auto_accept, harness = b.harness,"
        " directory = b.directory, capabilities = b.capabilities"
        " FROM old.agent b WHERE b.id = main.agent.id AND b.id NOT IN (SELECT agent FROM main.attached)"
    ),
    (
        "CREATE TEMP TABLE gone AS SELECT id FROM old.room"
        " WHERE id NOT IN (SELECT id FROM main.room) AND name NOT IN (SELECT name FROM main.room)"
    ),
    *[f"INSERT INTO main.{table} SELECT * FROM old.{table} WHERE {key} IN (SELECT id FROM gone)" for table, key in ROOMS.items()],
    "INSERT INTO main.event SELECT * FROM old.event WHERE NOT EXISTS (SELECT 1 FROM main.event)",
    "DELETE FROM main.tag WHERE agent NOT IN (SELECT agent FROM main.attached)",
    "INSERT INTO main.tag SELECT * FROM old.tag WHERE agent NOT IN (SELECT agent FROM main.attached)",
    "DELETE FROM main.claim WHERE message NOT IN (SELECT seq FROM main.message) OR holder NOT IN (SELECT id FROM main.attached)",
    "DELETE FROM main.meter WHERE sender = 0",
    (
        f"INSERT INTO main.meter SELECT 0, unread, {UNITS} FROM main.delivery d JOIN main.message m ON m.seq = d.message"
        " WHERE unread IS NOT NULL GROUP BY unread"
    ),
    "DELETE FROM main.participant",
    "INSERT INTO main.search (search) VALUES ('delete-all')",
    "UPDATE main.store SET (identity, indexed) = (SELECT identity, indexed FROM old.store)",
)
INTO_NOTHING = (
    *[f"INSERT INTO main.{table} SELECT * FROM old.{table}" for table in ("webhook", "webhook_call", "webhook_held")],
    "INSERT OR IGNORE INTO main.meter SELECT * FROM old.meter WHERE sender != 0",
)
"""What a new post room gets besides, as it has no present that could remain true: webhooks, which RENEW has paused, and the paces."""
RENEW = (
    "UPDATE delivery SET state = 'delivered', holder = NULL, lease_ms = NULL WHERE unread IS NOT NULL AND state = 'handed'",
    "UPDATE delivery SET handovers = 1 WHERE unread IS NOT NULL AND handovers = 0",
    "DELETE FROM attached",
    "DELETE FROM claim",
    "DELETE FROM token",  # one that was revoked since would be valid again
    "DELETE FROM alerted",
    "UPDATE webhook SET paused = coalesce(paused, 'it came back with a backup, and may have been removed since')",
    "DELETE FROM participant",
    "DELETE FROM meter WHERE sender = 0",
    (
        f"INSERT INTO meter SELECT 0, unread, {UNITS} FROM delivery d JOIN message m ON m.seq = d.message"
        " WHERE unread IS NOT NULL GROUP BY unread"
    ),
    "INSERT INTO search (search) VALUES ('delete-all')",
    "UPDATE store SET indexed = (SELECT coalesce(min(seq), 1) - 1 FROM message)",
)


class Restored(NamedTuple):
    """What a restore did. `rolled_back` counts the messages sent since the backup; `kept` is where they are, with all that was there."""

    made_ms: int
    messages: int
    rolled_back: int
    kept: str | None
    whole: bool  # the file was written over as a whole
    missing: tuple[str, ...] = ()  # attached files that neither the backup nor the post room has


class Manifest(NamedTuple):
    """What a backup says about itself."""

    made_ms: int
    sha256: str


class Before(NamedTuple):
    """What a store knew before something was poured into it: the next free numbers, who is touched, how many messages go."""

    seq: int
    number: int
    delivery: int
    touched: list[int]
    rolled_back: int


def read_manifest(source: str) -> Manifest:
    """Read what a backup says about itself. Raises BadBackup when it is none."""
    try:
        with open(os.path.join(source, "manifest.json"), encoding="utf-8") as file:
            said = json.load(file)
        if said["format"] != FORMAT:
            raise BadBackup(path=source, why=f"its format is {said['format']}, this program knows {FORMAT}")
        return Manifest(int(said["made_ms"]), str(said["sha256"]["store.db"]))
    except OSError as error:
        raise unreadable(error, source) from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadBackup(path=source, why="its manifest.json does not say what a backup holds") from error


def unreadable(error: OSError, source: str) -> BadBackup:
    """Say why something of a backup cannot be read."""
    if not os.path.isdir(source):
        return BadBackup(path=source, why="it is not a directory" if os.path.lexists(source) else "it does not exist")
    name = os.path.relpath(str(error.filename), source)
    return BadBackup(path=source, why=f"it has no {name}" if isinstance(error, FileNotFoundError) else f"{name}: {error.strerror}")


@contextmanager
def staged(source: str, home: str, *, now_ms: int, progress: Progress) -> Iterator[tuple[Manifest, str]]:
    """A checked copy of a backup in a directory beside the store, of the newest schema, with a new identity and nobody attached."""
    manifest = read_manifest(source)
    directory = os.path.join(home, f"restoring-{os.getpid()}-{os.urandom(3).hex()}")
    os.mkdir(directory, 0o700)
    try:
        progress("check", 0, 1)
        path = os.path.join(directory, "store.db")
        if copy_file(os.path.join(source, "store.db"), path) != manifest.sha256:
            raise BadBackup(path=source, why="the bytes of its store.db are not the ones that were written")
        renew(directory, now_ms=now_ms)
        progress("check", 1, 1)
        yield manifest, path
    finally:
        shutil.rmtree(directory)


def renew(directory: str, *, now_ms: int) -> None:
    """Make a store that nobody uses ready to go on from: a new identity, nothing in hands, all that is unread perhaps shown since."""
    raw = apsw.Connection(os.path.join(directory, "store.db"))
    raw.execute("PRAGMA journal_mode = WAL").fetchall()
    raw.close()
    database = open_database(directory, now_ms=now_ms)
    try:
        check_sound(database.connection, database.path)
        database.begin()
        for statement in RENEW:
            database.execute(statement)
        database.execute("UPDATE store SET identity = ?", (os.urandom(16).hex(),))
        database.commit()
        database.execute("PRAGMA journal_mode = DELETE").fetchall()
    except (apsw.Error, ValueError) as error:
        raise database.undone(error) from error
    finally:
        database.close()


@contextmanager
def beside(database: Database, path: str) -> Iterator[bool]:
    """Put a staged store beside the open one, as `old`. Says whether it is of the same post room and has the same tables."""
    try:
        database.execute("ATTACH ? AS old", (path,))
        try:
            ((other,),) = database.execute(OTHER_ROOM).fetchall()
            yield not other
        finally:
            database.execute("DETACH old")
    except apsw.Error as error:
        raise database.undone(error) from error


def numbers(database: Database) -> Before:
    """The next free numbers of a store; nobody is touched."""
    ((seq, number, delivery),) = database.execute(
        "SELECT max(seq), max(number), (SELECT delivery + fan_out - 1 FROM message ORDER BY seq DESC LIMIT 1) FROM message"
    ).fetchall()
    return Before((seq or 0) + 1, (number or 0) + 1, (delivery or 0) + 1, [], 0)


def pour(database: Database, *, made_ms: int) -> Before:
    """Let the store have the content of `old`, within a write transaction. No number that was ever used is used again."""
    execute = database.execute
    seq, number, delivery, *_ = numbers(database)
    ((old_seq, old_number, old_delivery, rolled_back),) = execute(
        "SELECT max(o.seq) + 1, max(o.number) + 1, max(o.delivery + o.fan_out),"
        " (SELECT count(*) FROM main.message WHERE seq > (SELECT coalesce(max(seq), 0) FROM old.message)) FROM old.message o"
    ).fetchall()
    was_empty = is_empty(database)
    touched = [agent for (agent,) in execute(TOUCHED, (made_ms,))]
    for statement in REMEMBER:
        execute(statement)
    for table in POURED:
        execute(f"DELETE FROM main.{table}")
        execute(f"INSERT INTO main.{table} SELECT * FROM old.{table}")
    for statement in (*TURN_BACK, *(INTO_NOTHING if was_empty else ())):
        execute(statement)
    for table in ("in_work", "in_hands", "handed_since", "gone", *[f"kept_{table}" for table in KEPT]):
        execute(f"DROP TABLE temp.{table}")
    return Before(max(seq, old_seq or 0), max(number, old_number or 0), max(delivery, old_delivery or 0), touched, rolled_back)


def count(database: Database) -> int:
    """How many messages there are."""
    ((number,),) = database.execute("SELECT count(*) FROM message")
    return int(number)


def bring_files(source: str, staged_path: str, home: str, *, progress: Progress) -> tuple[str, ...]:
    """Copy the attached files of a backup that the post room does not have. Returns those that neither has."""
    connection = apsw.Connection(staged_path, flags=apsw.SQLITE_OPEN_READONLY)
    try:
        hashes = [str(sha) for (sha,) in connection.execute("SELECT DISTINCT sha256 FROM attachment ORDER BY sha256")]
    finally:
        connection.close()
    missing, _ = archive.copy_attachments(source, home, hashes, progress=progress, link=False)
    return tuple(missing)


def bring_config(source: str, home: str) -> None:
    """Copy the config of a backup into a post room that has none."""
    path = os.path.join(source, "config.toml")
    if os.path.exists(path) and not os.path.lexists(os.path.join(home, "config.toml")):
        copy_file(path, os.path.join(home, "config.toml"))


def is_empty(database: Database) -> bool:
    """Whether nobody ever used this store, so that there is nothing to keep."""
    return not database.execute("SELECT 1 FROM message UNION ALL SELECT 1 FROM agent WHERE id > 2 LIMIT 1").fetchall()


def settle(database: Database) -> None:
    """Give the disk back what the WAL took."""
    try:
        database.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except apsw.BusyError:  # somebody reads: the warden will do it
        return
