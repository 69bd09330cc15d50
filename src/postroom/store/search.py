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
MINE = "JOIN participant q ON q.message = m.seq AND q.agent = ?"
NEWEST = "ORDER BY m.seq DESC LIMIT ?"


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
    mine, values = (MINE, (agent, words, limit)) if agent is not None else ("", (words, limit))
    try:
        return messages.messages(database, f"JOIN search f ON f.rowid = m.seq {mine} WHERE search MATCH ? {NEWEST}", values)
    except apsw.SQLError as error:
        raise Unreadable(str(error)) from error


def history(database: Database, *, agent: int | None, before: int, since_ms: int, limit: int) -> list[Message]:
    """The newest messages before a seq and since a time, newest first; only those an agent took part in, or of all."""
    mine, who = (MINE, (agent,)) if agent is not None else ("", ())
    return messages.messages(database, f"{mine} WHERE m.seq < ? AND m.sent_ms >= ? {NEWEST}", (*who, before, since_ms, limit))


def with_peer(database: Database, pair: tuple[int, int], *, before: int, since_ms: int, limit: int) -> list[Message]:
    """The newest messages before a seq and since a time in which two agents took part, newest first."""
    where = f"{MINE} JOIN participant o ON o.message = m.seq AND o.agent = ? WHERE m.seq < ? AND m.sent_ms >= ? {NEWEST}"
    return messages.messages(database, where, (*pair, before, since_ms, limit))


def thread(database: Database, root: int, *, limit: int) -> list[Message]:
    """The messages of a thread, oldest first."""
    first = messages.messages(database, "WHERE m.seq = ?", (root,))
    return first + messages.messages(database, "WHERE m.thread = ? ORDER BY m.seq LIMIT ?", (root, limit - len(first)))


def after(database: Database, seq: int, *, limit: int) -> list[Message]:
    """The messages after a seq, oldest first."""
    return messages.messages(database, "WHERE m.seq > ? ORDER BY m.seq LIMIT ?", (seq, limit))
