"""SQL about finding messages again: full text, and who took part. Filled behind the send path, up to date before each search."""

from __future__ import annotations

import apsw

from postroom.core.message import Message
from postroom.core.types import NamedTuple
from postroom.store import messages
from postroom.store.database import Database
from postroom.store.rooms import MAY_READ

RANGE = "m.seq > ? AND m.seq <= ?"
TO = "d.id BETWEEN m.delivery AND m.delivery + m.fan_out - 1"
INDEX = (
    f"INSERT INTO search (rowid, subject, body) SELECT m.seq, m.subject, m.body FROM message m WHERE {RANGE}",
    f"INSERT OR IGNORE INTO participant SELECT m.sender, m.seq FROM message m WHERE {RANGE}",
    f"INSERT OR IGNORE INTO participant SELECT d.recipient, m.seq FROM message m JOIN delivery d ON {TO} WHERE {RANGE}",
)
MATCHES = "SELECT rowid FROM search WHERE search MATCH ?1 ORDER BY rowid DESC LIMIT ?2"
TOOK_PART = "EXISTS (SELECT 1 FROM participant p WHERE p.agent = ?{viewer} AND p.message = h.seq)"
VISIBLE = f"""
(h.sender = ?{{viewer}} OR NOT h.withheld AND ({TOOK_PART}
OR h.room IS NOT NULL AND {MAY_READ.format(room="h.room", seq="h.seq", viewer="{viewer}")}))
"""  # what messages.may_see says of one message, for many; the index must be up to date
SEEN = f"""
SELECT s.rowid FROM search s CROSS JOIN message h ON h.seq = s.rowid WHERE s.search MATCH ?1 AND {VISIBLE.format(viewer=3)}
ORDER BY s.rowid DESC LIMIT ?2
"""
ALL = "SELECT seq FROM message WHERE seq < ?1 AND sent_ms >= ?2 ORDER BY seq DESC LIMIT ?3"
OF_AGENT = """
SELECT q.message FROM participant q CROSS JOIN message h ON h.seq = q.message
WHERE q.agent = ?4 AND q.message < ?1 AND h.sent_ms >= ?2{more} ORDER BY q.message DESC LIMIT ?3
"""
OWN = OF_AGENT.format(more=f" AND {VISIBLE.format(viewer=4)}")
WITH_PEER = OF_AGENT.format(
    more=f" AND {VISIBLE.format(viewer=4)} AND EXISTS (SELECT 1 FROM participant WHERE agent = ?5 AND message = q.message)"
)
IN_ROOM = f"""
SELECT h.seq FROM message h WHERE h.room = ?4 AND h.seq < ?1 AND h.sent_ms >= ?2 AND (?5 IN (1, 2) OR {VISIBLE.format(viewer=5)})
ORDER BY h.seq DESC LIMIT ?3
"""
IN_PUBLIC = """
SELECT h.seq FROM message h
WHERE h.room IN (SELECT id FROM room WHERE policy = 'public') AND NOT h.withheld AND h.seq < ?1 AND h.sent_ms >= ?2
ORDER BY h.seq DESC LIMIT ?3
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


def find(database: Database, words: str, *, viewer: int, limit: int) -> list[Message]:
    """The newest messages that match an FTS5 expression and that the viewer may see, newest first. Raises Unreadable."""
    try:
        if viewer in messages.ALL_SEEING:
            return newest(database, MATCHES, (words, limit))
        return newest(database, SEEN, (words, limit, viewer))
    except apsw.SQLError as error:
        raise Unreadable(str(error)) from error


class Page(NamedTuple):
    """Which part of a history: the newest messages before a seq and since a time."""

    before: int
    since_ms: int
    limit: int


def history(database: Database, page: Page, *, viewer: int) -> list[Message]:
    """What the viewer took part in, newest first; for the human everything, for strangers what was said in public rooms."""
    if viewer in messages.ALL_SEEING:
        return newest(database, ALL, page)
    return newest(database, OWN, (*page, viewer)) if viewer else newest(database, IN_PUBLIC, page)


def with_peer(database: Database, page: Page, *, viewer: int, peer: int) -> list[Message]:
    """What the viewer and another agent took part in, newest first; for the human everything of that agent."""
    if viewer in messages.ALL_SEEING:
        return newest(database, OF_AGENT.format(more=""), (*page, peer))
    return newest(database, WITH_PEER, (*page, viewer, peer))


def in_room(database: Database, page: Page, *, room: int, viewer: int) -> list[Message]:
    """What was said in a room, as far as the viewer may see it, newest first."""
    return newest(database, IN_ROOM, (*page, room, viewer))


def newest(database: Database, seqs: str, values: tuple[int | str, ...]) -> list[Message]:
    """The messages whose seqs a query names. In two steps, so that the index that names them is gone through first, and no further."""
    return messages.messages(database, f"WHERE m.seq IN ({seqs}) ORDER BY m.seq DESC", values)


def thread(database: Database, root: int, *, viewer: int, limit: int) -> list[Message]:
    """The messages of a thread that the viewer may see, oldest first."""
    seen = "" if viewer in messages.ALL_SEEING else f"AND {VISIBLE.format(viewer=2)}"
    seqs = "SELECT h.seq FROM message h WHERE h.{place} = ?1 {seen} ORDER BY h.seq LIMIT ?3"
    values = (root, viewer, limit)
    first = messages.messages(database, f"WHERE m.seq IN ({seqs.format(place='seq', seen=seen)})", values)
    later = messages.messages(database, f"WHERE m.seq IN ({seqs.format(place='thread', seen=seen)}) ORDER BY m.seq", values)
    return (first + later)[:limit]
