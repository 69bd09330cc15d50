"""Forgetting what is old and settled: which threads may go, and all traces of them. Nothing unread, held or awaited goes."""

from __future__ import annotations

import os
import re

from postroom.core.message import State
from postroom.core.session import LIVE
from postroom.core.types import NamedTuple
from postroom.core.visibility import GHOST
from postroom.store import sessions
from postroom.store.database import Database
from postroom.store.deliveries import states

SLICE = 100
"""How many messages are removed in one transaction: others wait for it, some 5 ms."""
WINDOW = 1_000
"""How many messages are looked at in one read. A window without one that is old ends the search: times hardly ever run backwards."""
FILE_AGE_S = 3_600
"""A file may be older than the message that names it: a sender keeps its files before its transaction."""

SETTLED = states(State.READ, State.ANSWERED, State.EXPIRED, State.REFUSED)
OLD_ROOTS = "SELECT seq, sent_ms, thread FROM message WHERE seq > ? ORDER BY seq LIMIT ?"
STAYS = f"""
SELECT 1 FROM message m LEFT JOIN delivery d ON d.id BETWEEN m.delivery AND m.delivery + m.fan_out - 1
WHERE (m.seq = ?1 OR m.thread = ?1) AND (
    m.sent_ms >= ?2
    OR d.state NOT IN ({SETTLED}) AND (m.hidden OR (SELECT visibility FROM agent WHERE id = d.recipient) != '{GHOST}')
    OR m.seq = (SELECT max(seq) FROM message)
    OR NOT m.hidden AND m.number = (SELECT number FROM message WHERE seq = (SELECT max(seq) FROM message))
    OR EXISTS (SELECT 1 FROM request q WHERE q.recipient = d.recipient AND q.message = m.seq)
    OR EXISTS (SELECT 1 FROM claim c JOIN attached t ON t.agent = c.agent AND t.id = c.holder WHERE c.message = m.seq)
)
UNION ALL SELECT 1 FROM thread_budget WHERE thread = ?1 AND held IS NOT NULL
LIMIT 1
"""
"""The last message stays, as the next one is numbered from it; and of those that are not hidden the last too: by what goes and what stays
others must notice nothing. So it stays for no ghost either, which has not read it."""
FORGET = (
    (
        "INSERT INTO search (search, rowid, subject, body) SELECT 'delete', seq, subject, body FROM message"
        " WHERE seq = ?1 AND seq <= (SELECT indexed FROM store)"
    ),
    (
        "DELETE FROM participant WHERE message = ?1 AND agent IN (SELECT sender FROM message WHERE seq = ?1 UNION"
        " SELECT d.recipient FROM message m JOIN delivery d ON d.id BETWEEN m.delivery AND m.delivery + m.fan_out - 1 WHERE m.seq = ?1)"
    ),
    (
        "DELETE FROM delivery WHERE id >= (SELECT delivery FROM message WHERE seq = ?1)"
        " AND id < (SELECT delivery + fan_out FROM message WHERE seq = ?1)"
    ),
    "DELETE FROM attachment WHERE message = ?1",
    "DELETE FROM thread_budget WHERE thread = ?1",
    "DELETE FROM message WHERE seq = ?1",
)
LEFTOVERS = (
    "DELETE FROM timer WHERE message NOT IN (SELECT seq FROM message)",
    "DELETE FROM claim WHERE message NOT IN (SELECT seq FROM message)",
)
STRAY_CLAIMS = """
SELECT DISTINCT v.id, v.pid FROM claim c JOIN provenance v ON v.id = c.holder WHERE v.id NOT IN (SELECT id FROM attached)
"""
OLD_CONNECTIONS = """
SELECT id, pid FROM provenance WHERE id > 1 AND id < (SELECT max(id) FROM provenance) AND since_ms < ?
AND id NOT IN (SELECT id FROM attached) AND id NOT IN (SELECT holder FROM claim)
AND id NOT IN (SELECT holder FROM delivery WHERE unread IS NOT NULL AND holder IS NOT NULL)
"""
HASH = re.compile(r"[0-9a-f]{64}")
LEAVING = "leaving-"


class Pruned(NamedTuple):
    """What went, or would go."""

    threads: int = 0
    messages: int = 0
    connections: int = 0
    files: int = 0
    bytes: int = 0

    def plus(self, other: Pruned) -> Pruned:
        """Both together."""
        return Pruned(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


class Window(NamedTuple):
    """Some messages: up to which they were looked at (None: the search is over), and which old threads begin there."""

    until: int | None
    roots: list[int]


def look(database: Database, after: int, *, before_ms: int) -> Window:
    """Find old threads that begin after a seq."""
    rows = database.execute(OLD_ROOTS, (after, WINDOW)).fetchall()
    roots = [seq for seq, sent_ms, thread in rows if thread is None and sent_ms < before_ms]
    over = len(rows) < WINDOW or all(sent_ms >= before_ms for _, sent_ms, _ in rows)
    return Window(None if over else rows[-1][0], roots)


def may_go(database: Database, root: int, *, before_ms: int) -> bool:
    """Whether everything in a thread is old and settled, and nobody waits for anything in it."""
    if database.execute(STAYS, (root, before_ms)).fetchall():
        return False
    found = sessions.offer(database, root)
    return found is None or sessions.state(database, found) not in LIVE


def members(database: Database, root: int) -> list[int]:
    """The messages of a thread; the first one comes last, so that what is left is a thread at any time."""
    later = [seq for (seq,) in database.execute("SELECT seq FROM message WHERE thread = ? ORDER BY seq", (root,))]
    return [*later, root]


def forget(database: Database, roots: list[int], *, before_ms: int) -> tuple[list[int], Pruned]:
    """Remove up to a slice of the messages of old threads, within a write transaction. Returns the threads that are left to do."""
    left, pruned = list(roots), Pruned()
    while left and pruned.messages < SLICE:
        if not may_go(database, left[0], before_ms=before_ms):
            del left[0]
            continue
        doomed = members(database, left[0])
        slice_ = doomed[: SLICE - pruned.messages]
        for statement in FORGET:
            database.executemany(statement, [(seq,) for seq in slice_])
        done = len(slice_) == len(doomed)
        pruned = pruned.plus(Pruned(int(done), len(slice_)))
        if done:
            del left[0]
    return left, pruned


def count(database: Database, roots: list[int], *, before_ms: int) -> Pruned:
    """How much of old threads would go."""
    going = [root for root in roots if may_go(database, root, before_ms=before_ms)]
    return Pruned(len(going), sum(len(members(database, root)) for root in going))


def sweep_leftovers(database: Database) -> None:
    """Remove timers and claims whose messages are gone, within a write transaction."""
    for statement in LEFTOVERS:
        database.execute(statement)


def stray_claims(database: Database) -> list[tuple[int, int]]:
    """The holders of claims that are not attached, with their processes."""
    return [(holder, pid) for holder, pid in database.execute(STRAY_CLAIMS)]


def give_up_claims(database: Database, holders: list[int]) -> None:
    """Let what they claimed go to any reader of the mailbox, within a write transaction."""
    database.executemany("DELETE FROM claim WHERE holder = ?", [(holder,) for holder in holders])


def old_connections(database: Database, *, before_ms: int) -> dict[int, int]:
    """The old rows of provenance that nobody attached or holding anything came in by, with their processes."""
    return dict(database.execute(OLD_CONNECTIONS, (before_ms,)).fetchall())


def used_connections(database: Database, after: int) -> tuple[int | None, set[int]]:
    """Which rows of provenance the messages after a seq refer to, and up to which they were looked at (None: all)."""
    rows = database.execute("SELECT seq, provenance FROM message WHERE seq > ? ORDER BY seq LIMIT ?", (after, WINDOW)).fetchall()
    return rows[-1][0] if len(rows) == WINDOW else None, {provenance for _, provenance in rows}


def forget_connections(database: Database, ids: list[int]) -> None:
    """Remove rows of provenance, within a write transaction."""
    database.executemany("DELETE FROM provenance WHERE id = ?", [(id,) for id in ids])


def collect_files(database: Database, *, now_s: float, dry_run: bool = False) -> Pruned:
    """Remove kept files that no message names, and what was left of interrupted copies, when they are older than an hour."""
    directory = os.path.join(database.home, "files")
    pruned = Pruned()
    if not os.path.isdir(directory):
        return pruned
    with os.scandir(directory) as entries:
        for entry in entries:
            name = entry.name.removeprefix(LEAVING)
            named = bool(HASH.fullmatch(name)) and is_named(database, name)
            if named and name != entry.name:
                os.rename(entry.path, os.path.join(directory, name))
            elif not named:
                size = _collect(directory, entry.name, before_s=now_s - FILE_AGE_S, dry_run=dry_run)
                pruned = pruned.plus(Pruned(files=int(size is not None), bytes=size or 0))
    return pruned


def is_named(database: Database, sha256: str) -> bool:
    """Whether a message has this file."""
    return bool(database.execute("SELECT 1 FROM attachment WHERE sha256 = ? LIMIT 1", (sha256,)).fetchall())


def _collect(directory: str, name: str, *, before_s: float, dry_run: bool) -> int | None:
    """Remove one file if it is old enough, and say how large it was."""
    try:
        status = os.stat(os.path.join(directory, name), follow_symlinks=False)
    except FileNotFoundError:
        return None
    if status.st_mtime >= before_s:
        return None
    return status.st_size if dry_run else _remove(directory, name, before_s=before_s)


def _remove(directory: str, name: str, *, before_s: float) -> int | None:
    """Remove one file, unless a sender has just kept the same bytes again: it is looked at once more where no sender reaches it."""
    path, aside = os.path.join(directory, name), os.path.join(directory, LEAVING + name.removeprefix(LEAVING))
    try:
        os.rename(path, aside)
        status = os.stat(aside, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if status.st_mtime >= before_s:
        os.rename(aside, path)
        return None
    os.unlink(aside)
    return status.st_size
