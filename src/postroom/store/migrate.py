"""Bringing a store to the newest schema: numbered SQL files, forward only, each in one transaction, with a backup before."""

from __future__ import annotations

import os
from contextlib import closing
from time import monotonic, sleep  # noqa: TID251  # nothing rings while a store is made

import apsw

from postroom.core.errors import StoreDamaged
from postroom.store.database import NAP_S, SCHEMA_VERSION, Database
from postroom.store.place import sync_directory

PAGE_BYTES = 1024
"""A commit writes whole pages: with 4096 a send writes 17 kB and 8 senders reach 22 k/s, with 1024 it writes 5 kB and they reach 28 k/s."""


def migrate(database: Database, boot: str, *, now_ms: int) -> None:
    """Create the schema, or apply what is missing. Several processes may come here at once: one does it, the others find it done."""
    execute = database.execute
    ((version,),) = execute("PRAGMA user_version")
    if version == 0:
        check_new(database)
        begin_wal(database)
    database.lock()
    try:
        ((version,),) = execute("PRAGMA user_version")  # another process may have been faster
        if 0 < version < SCHEMA_VERSION:
            keep_copy(database, version)
        for step in range(version + 1, SCHEMA_VERSION + 1):
            with open(os.path.join(os.path.dirname(__file__), "schema", f"{step:04}.sql"), encoding="utf-8") as sql:
                execute(sql.read())
            if step == 1:
                first_rows(database, boot, now_ms=now_ms)
        execute(f"PRAGMA user_version = {max(version, SCHEMA_VERSION)}")
        database.commit()
    except BaseException:
        database.rollback()
        raise
    database.flush()
    sync_directory(database.home)


def check_new(database: Database) -> None:
    """A store that has had a warden is not new, however empty its file is now. Raises StoreDamaged."""
    if os.path.exists(os.path.join(database.home, "warden.lock")):
        ((version,),) = database.execute("PRAGMA user_version")  # once more: the first warden may have come in this moment
        if version == 0:
            raise StoreDamaged(path=database.path, why="it is empty, but has been in use")


def begin_wal(database: Database) -> None:
    """Choose how the file is kept. SQLite calls no busy handler here, so who makes the same store is waited for."""
    until = monotonic() + database.busy_ms / 1000
    while True:
        try:
            database.execute(f"PRAGMA page_size = {PAGE_BYTES}; PRAGMA journal_mode = WAL").fetchall()
        except apsw.BusyError:
            if monotonic() > until:
                raise
            sleep(NAP_S)
        else:
            return


def first_rows(database: Database, boot: str, *, now_ms: int) -> None:
    """What every store holds from the beginning: its identity, this node, the human and the post room itself."""
    database.execute("INSERT INTO store (id, identity, created_ms, boot) VALUES (1, ?, ?, ?)", (os.urandom(16).hex(), now_ms, boot))
    database.execute("INSERT INTO node (id, name) VALUES (1, 'here')")
    database.execute(
        "INSERT INTO agent (id, name, kind, created_ms) VALUES (1, 'postroom', 'system', ?1), (2, 'human', 'human', ?1)", (now_ms,)
    )
    database.execute(
        "INSERT INTO provenance (id, agent, interface, pid, program, since_ms) VALUES (1, 1, 'postroom', 0, 'postroom', ?)", (now_ms,)
    )


def keep_copy(database: Database, version: int) -> None:
    """Copy the store beside itself before a migration, so that an upgrade can be undone by hand.

    We hold the lock: nobody else copies to there, or writes. SQLite copies nothing from a connection that does, so another one reads.
    """
    path = f"{database.path}.before-{SCHEMA_VERSION}-from-{version}"
    with closing(apsw.Connection(path)) as target:
        os.chmod(path, 0o600)
        with (
            closing(apsw.Connection(database.path, flags=apsw.SQLITE_OPEN_READWRITE, vfs=database.connection.open_vfs)) as source,
            target.backup("main", source, "main") as backup,
        ):
            backup.step()
