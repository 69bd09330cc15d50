"""SQL about finding messages again: full text, and who took part. Filled behind the send path, up to date before each search."""

from __future__ import annotations

import apsw

from postroom.core.message import Message
from postroom.store import messages
from postroom.store.database import Database

RANGE = "m.seq > ? AND m.seq <= ?"
TO = "d.id BETWEEN m.delivery AND m.delivery + m.fan_out - 1"
INDEX = (
    f"INSERT INTO search (rowid, subject, body) SELECT m.seq, m.subject, m.body FROM message m WHERE {RANGE}",
    f"INSERT OR IGNORE INTO participant SELECT m.sender, m.seq FROM message m WHERE {RANGE}",
    f"INSERT OR IGNORE INTO participant SELECT d.recipient, m.seq FROM message m JOIN delivery d ON {TO} WHERE {RANGE}",
)
MATCHES = "SELECT rowid FROM search WHERE search MATCH ?1 ORDER BY rowid DESC LIMIT ?2"
MINE = """
SELECT rowid FROM search WHERE search MATCH ?1 AND EXISTS (SELECT 1 FROM participant WHERE agent = ?3 AND message = search.rowid)
ORDER BY rowid DESC LIMIT ?2
"""
ALL = "SELECT seq FROM message WHERE seq < ?1 AND sent_ms >= ?2 ORDER BY seq DESC LIMIT ?3"
OF_AGENT = """
SELECT q.message FROM participant q CROSS JOIN message h ON h.seq = q.message
WHERE q.agent = ?4 AND q.message < ?1 AND h.sent_ms >= ?2 ORDER BY q.message DESC LIMIT ?3
"""
OF_PAIR = """
SELECT q.message FROM participant q CROSS JOIN message h ON h.seq = q.message
WHERE q.agent = ?4 AND q.message < ?1 AND h.sent_ms >= ?2 AND EXISTS (SELECT 1 FROM participant WHERE agent = ?5 AND message = q.message)
ORDER BY q.message DESC LIMIT ?3
"""


class Unreadable(apsw.SQLError):
    """The words are no FTS5 expression."""


def behind(database: Database) -> int:
    """How many messages the index does not hold yet."""
    ((number,),) = database.execute("SELECT coalesce((SELECT max(seq) FROM message), 0) - indexed FROM store")
    return int(number)


def index_some(database: Database, limit: int) -> None:
    """Bring up to `limit` more messages into the index, within a write transaction."""
    ((indexed,),) = database.execute("SELECT indexed FROM store")
    until = indexed + limit
    for statement in INDEX:
        database.execute(statement, (indexed, until))
    database.execute("UPDATE store SET indexed = max(indexed, min(?, coalesce((SELECT max(seq) FROM message), 0)))", (until,))


def find(database: Database, words: str, *, agent: int | None, limit: int) -> list[Message]:
    """The newest messages that match an FTS5 expression, newest first; only those an agent took part in, or of all. Raises Unreadable."""
    try:
        return newest(database, MATCHES, (words, limit)) if agent is None else newest(database, MINE, (words, limit, agent))
    except apsw.SQLError as error:
        raise Unreadable(str(error)) from error


def history(database: Database, *, agent: int | None, before: int, since_ms: int, limit: int) -> list[Message]:
    """The newest messages before a seq and since a time, newest first; only those an agent took part in, or of all."""
    page = (before, since_ms, limit)
    return newest(database, ALL, page) if agent is None else newest(database, OF_AGENT, (*page, agent))


def with_peer(database: Database, pair: tuple[int, int], *, before: int, since_ms: int, limit: int) -> list[Message]:
    """The newest messages before a seq and since a time in which two agents took part, newest first."""
    return newest(database, OF_PAIR, (before, since_ms, limit, *pair))


def newest(database: Database, seqs: str, values: tuple[int | str, ...]) -> list[Message]:
    """The messages whose seqs a query names. In two steps, so that the index that names them is gone through first, and no further."""
    return messages.messages(database, f"WHERE m.seq IN ({seqs}) ORDER BY m.seq DESC", values)


def thread(database: Database, root: int, *, limit: int) -> list[Message]:
    """The messages of a thread, oldest first."""
    first = messages.messages(database, "WHERE m.seq = ?", (root,))
    return first + messages.messages(database, "WHERE m.thread = ? ORDER BY m.seq LIMIT ?", (root, limit - len(first)))


def after(database: Database, seq: int, *, limit: int) -> list[Message]:
    """The messages after a seq, oldest first."""
    return messages.messages(database, "WHERE m.seq > ? ORDER BY m.seq LIMIT ?", (seq, limit))
