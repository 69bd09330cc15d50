"""SQL about messages: writing them, finding them again, and turning rows into messages."""

from __future__ import annotations

import apsw

from postroom.core.errors import StoreDamaged
from postroom.core.message import Attachment, Kind, Message, Provenance, Urgency
from postroom.core.types import NamedTuple
from postroom.store.database import Database, Row


class MessageRow(NamedTuple):
    """A row of `message`, in the order of its columns."""

    seq: int
    id: str | None
    origin: int
    sender: int
    provenance: int
    recipients: str
    sent_ms: int
    kind: str
    urgency: str
    thread: int | None
    reply_to: int | None
    subject: str
    body: str
    reply_by_ms: int | None
    expires_ms: int | None
    hops: int
    followed: int
    files: int
    delivery: int
    fan_out: int
    room: int | None = None
    hidden: int = 0
    number: int = 0


class Parent(NamedTuple):
    """What an answer needs to know of the message that it answers."""

    seq: int
    id: str | None
    sender: int
    thread: int | None
    hops: int
    kind: str
    reply_by_ms: int | None
    delivery: int
    fan_out: int

    @property
    def root(self) -> int:
        """The first message of its thread."""
        return self.thread or self.seq


NEXT = """
SELECT (SELECT max(seq) FROM message), (SELECT max(id) FROM delivery), (SELECT value FROM meter WHERE sender = ? AND recipient = 0)
"""
SEQ_DIGITS = 18  # what always fits into 64 bits
INSERT = f"INSERT INTO message VALUES ({', '.join('?' * len(MessageRow._fields))})"
PARENT = "SELECT seq, id, sender, thread, hops, kind, reply_by_ms, delivery, fan_out FROM message"
MESSAGE = """
SELECT m.seq, m.id, s.name, m.recipients, m.subject, m.body, m.sent_ms, m.thread, m.reply_to, m.kind, m.urgency, m.reply_by_ms,
    m.expires_ms, m.hops, m.files, v.interface, v.pid, v.program
"""
COLUMNS = 18
SENDER = "JOIN agent s ON s.id = m.sender JOIN provenance v ON v.id = m.provenance"
KINDS = {kind.value: kind for kind in Kind}
URGENCIES = {urgency.value: urgency for urgency in Urgency}


def next_ids(database: Database, sender: int) -> tuple[int, int, int]:
    """The next seq and the next delivery id, and the pace of a sender. Pruning keeps the last row of each, so none is ever used twice."""
    ((seq, delivery, due_us),) = database.execute(NEXT, (sender,))
    return (seq or 0) + 1, (delivery or 0) + 1, due_us or 0


def insert(database: Database, rows: list[Row]) -> None:
    """Append messages, given in the order of MessageRow."""
    database.executemany(INSERT, rows)


def by_sender_id(database: Database, sender: int, id: str) -> MessageRow | None:
    """The message that this sender sent with this id."""
    for row in database.execute("SELECT * FROM message WHERE id = ? AND sender = ?", (id, sender)):
        return MessageRow(*row)
    return None


def row(database: Database, seq: int) -> MessageRow | None:
    """A message as it is stored."""
    for found in database.execute("SELECT * FROM message WHERE seq = ?", (seq,)):
        return MessageRow(*found)
    return None


def sender(database: Database, seq: int) -> int:
    """Who sent a message."""
    ((agent,),) = database.execute("SELECT sender FROM message WHERE seq = ?", (seq,))
    return int(agent)


def referred(database: Database, text: str, agent: int | None) -> list[Parent]:
    """The messages that an id can mean for an agent: sent by it or delivered to it. With agent None: any."""
    where, value = ("seq = ?", int(text)) if text.isdecimal() and len(text) <= SEQ_DIGITS else ("id = ?", text)
    found = [Parent(*found) for found in database.execute(f"{PARENT} WHERE {where}", (value,))]
    return [parent for parent in found if agent is None or parent.sender == agent or is_recipient(database, parent, agent)]


def set_followed(database: Database, seq: int) -> None:
    """Let the sender of a message be woken at each change of state."""
    database.execute("UPDATE message SET followed = 1 WHERE seq = ?", (seq,))


def forget_hops(database: Database, root: int) -> None:
    """Let the chains of answers in a thread begin anew."""
    database.execute("UPDATE message SET hops = 0 WHERE thread = ? AND hops > 0", (root,))


def is_recipient(database: Database, parent: Parent, agent: int) -> bool:
    """Whether a message was delivered to the agent."""
    rows = database.execute(
        "SELECT 1 FROM delivery WHERE id BETWEEN ? AND ? AND recipient = ?",
        (parent.delivery, parent.delivery + parent.fan_out - 1, agent),
    )
    return bool(rows.fetchall())


def message(database: Database, row: Row, *, redelivered: bool = False) -> Message:
    """A row of the MESSAGE columns as a message."""
    seq, own_id, sender, to, subject, body, sent, root, answered, kind, urgency, reply_by, expires, hops, files, interface, pid, program = (
        row
    )
    id = own_id or str(seq)
    if kind not in KINDS or urgency not in URGENCIES:
        raise StoreDamaged(path=database.path, why=f"message {seq} is of no kind")
    return Message(
        id, seq, sender, tuple(to.split(" ")), subject, body, sent,
        id if root is None else called(database, root), None if answered is None else called(database, answered),
        KINDS[kind], URGENCIES[urgency], reply_by, expires, hops, "here", Provenance(interface, pid, program),
        attachments(database, seq) if files else (), redelivered,
    )  # fmt: skip


def called(database: Database, seq: int) -> str:
    """The id of a message: the one that its sender chose, or its number, also when it has been pruned."""
    for (own_id,) in database.execute("SELECT id FROM message WHERE seq = ?", (seq,)):
        return own_id or str(seq)
    return str(seq)


def messages(database: Database, where: str, values: tuple[apsw.SQLiteValue, ...]) -> list[Message]:
    """The messages that a condition on `m` selects."""
    rows = database.execute(f"{MESSAGE} FROM message m {SENDER} {where}", values).fetchall()
    return [message(database, row) for row in rows]


def insert_attachments(database: Database, seq: int, files: tuple[Attachment, ...]) -> None:
    """Note the files of a message."""
    database.executemany("INSERT INTO attachment VALUES (?, ?, ?, ?, ?)", [(seq, place, *file) for place, file in enumerate(files)])


def attachments(database: Database, seq: int) -> tuple[Attachment, ...]:
    """The files of a message, in their order."""
    rows = database.execute("SELECT name, bytes, sha256 FROM attachment WHERE message = ? ORDER BY place", (seq,))
    return tuple(Attachment(*row) for row in rows)
