"""SQL about messages: writing them, finding them again, and turning rows into messages."""

from __future__ import annotations

import apsw

from postroom.core.errors import StoreDamaged
from postroom.core.message import Attachment, Kind, Message, MessageRef, Provenance, Seq, Urgency, id_text
from postroom.core.types import NamedTuple
from postroom.store import agents
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
    withheld: int = 0


class Beginning(NamedTuple):
    """The last seq, number and delivery; the sender's pace, whether it is a ghost, and why it is paused, if it is."""

    seq: int
    number: int
    delivery: int
    due_us: int
    ghost: int
    paused: str | None


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
    room: int | None
    hidden: int
    number: int
    withheld: int

    @property
    def root(self) -> int:
        """The first message of its thread."""
        return self.thread or self.seq


BEGINNING = """
SELECT coalesce(l.seq, 0), coalesce(l.number, 0), coalesce(l.delivery + l.fan_out - 1, 0),
    coalesce((SELECT value FROM meter WHERE sender = a.id AND recipient = 0), 0), a.visibility = 'ghost', a.paused
FROM agent a LEFT JOIN message l ON l.seq = (SELECT max(seq) FROM message) WHERE a.id = ?
"""
LAST_NUMBER = 1 << 62
NUMBER_DIGITS = 18  # what always fits into 64 bits
INSERT = f"INSERT INTO message VALUES ({', '.join('?' * len(MessageRow._fields))})"
ALL_SEEING = frozenset({1, 2})
"""The post room itself, and the human."""
PARENT = "SELECT seq, id, sender, thread, hops, kind, reply_by_ms, delivery, fan_out, room, hidden, number, withheld FROM message"
SPEAKER = "iif(m.hidden, s.name, coalesce(s.known_as, s.name))"
"""The name of a sender `s`, as those know it who may see a message `m`."""
REPLY_BY = "iif(s.visibility = 'ghost' AND NOT m.hidden AND m.recipients != 'human', NULL, m.reply_by_ms)"
"""Until when an answer is expected. Who has become a ghost since cannot be answered, but by the human."""
MESSAGE = f"""
SELECT m.seq, m.id, m.number, m.hidden, {SPEAKER}, m.recipients, m.subject, m.body, m.sent_ms, m.thread, m.reply_to, m.kind, m.urgency,
    {REPLY_BY}, m.expires_ms, m.hops, m.files, v.interface, v.pid, v.program
"""
COLUMNS = 20
HIDDEN = 3
"""Which of them says whether the message is hidden."""
PRUNED = "pruned"
"""Stands for the id of a message that is gone while those that answer it are just going."""
SENDER = "JOIN agent s ON s.id = m.sender JOIN provenance v ON v.id = m.provenance"
KINDS = {kind.value: kind for kind in Kind}
URGENCIES = {urgency.value: urgency for urgency in Urgency}


def beginning(database: Database, sender: int) -> Beginning:
    """Where a transaction of a sender begins. Pruning keeps the last message, so that nothing is ever numbered twice."""
    return Beginning(*database.execute(BEGINNING, (sender,)).fetchall()[0])


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


def referred(database: Database, id: MessageRef, viewer: int) -> list[Parent]:
    """The messages that an id can mean for one who may see them. `sender:id` means one at most."""
    name, colon, own_id = id_text(id).rpartition(":")
    if isinstance(id, Seq):
        rows = database.execute(f"{PARENT} WHERE seq = ?", (id,))
    elif own_id.isdecimal() and len(own_id) <= NUMBER_DIGITS:
        rows = database.execute(f"{PARENT} WHERE seq = ?", (numbered(database, int(own_id)),))
    else:
        rows = database.execute(f"{PARENT} WHERE id = ?", (own_id,))
    found = [parent for row in rows if may_see(database, parent := Parent(*row), viewer)]
    if len(found) > 1 and isinstance(id, Message):
        name, colon = id.sender, ":"
    return [parent for parent in found if not colon or sender_name(database, parent) == name]


def may_see(database: Database, parent: Parent, viewer: int) -> bool:
    """Whether a message was sent by or to the viewer, or was said in a room whose history the viewer may read. See also search.VISIBLE.

    What is held, or was discarded while it was, is seen by its sender only.
    """
    if viewer in ALL_SEEING or parent.sender == viewer:
        return True
    if parent.withheld:
        return False
    if is_recipient(database, parent, viewer):
        return True
    if parent.room is None:
        return False
    from postroom.store import rooms  # not loaded by those who write to one agent

    return rooms.may_read(database, parent.room, viewer, parent.seq)


def numbered(database: Database, number: int) -> int | None:
    """The seq of the message with that number. Numbers ascend along the seqs; hidden messages, which have none, repeat the last one."""
    low = number
    seq, found, hidden = at(database, low)
    if found < number:  # there are hidden messages before it
        high = last_seq(database) + 1
        while low < high:
            middle = (low + high) // 2
            seq, found, _ = at(database, middle)
            low, high = (low, middle) if found >= number else (seq + 1, high)
        seq, found, hidden = at(database, low)
    return seq if found == number and not hidden else None


def parent(database: Database, seq: int) -> Parent:
    """The message at a place, which exists."""
    (row,) = database.execute(f"{PARENT} WHERE seq = ?", (seq,))
    return Parent(*row)


def at(database: Database, seq: int) -> tuple[int, int, int]:
    """The first message from a seq on: its seq, number, and whether it is hidden. Beyond the last: what no message has."""
    for found in database.execute("SELECT seq, number, hidden FROM message WHERE seq >= ? ORDER BY seq LIMIT 1", (seq,)):
        return int(found[0]), int(found[1]), int(found[2])
    return seq, LAST_NUMBER, 1


def last_seq(database: Database) -> int:
    """The place of the newest message."""
    ((seq,),) = database.execute("SELECT coalesce(max(seq), 0) FROM message")
    return int(seq)


def sender_name(database: Database, parent: Parent) -> str:
    """The name of who sent a message."""
    return agents.known_name(database, parent.sender, hidden=bool(parent.hidden))


def set_followed(database: Database, seq: int) -> None:
    """Let the sender of a message be woken at each change of state."""
    database.execute("UPDATE message SET followed = 1 WHERE seq = ?", (seq,))


def forget_hops(database: Database, root: int) -> None:
    """Let the chains of answers in a thread begin anew."""
    database.execute("UPDATE message SET hops = 0 WHERE (seq = ?1 OR thread = ?1) AND hops > 0", (root,))


def is_recipient(database: Database, parent: Parent, agent: int) -> bool:
    """Whether a message was delivered to the agent."""
    rows = database.execute(
        "SELECT 1 FROM delivery WHERE id BETWEEN ? AND ? AND recipient = ?",
        (parent.delivery, parent.delivery + parent.fan_out - 1, agent),
    )
    return bool(rows.fetchall())


def message(database: Database, row: Row, *, redelivered: bool = False, urgency: str | None = None) -> Message:
    """A row of the MESSAGE columns as a message; `urgency` is that for its reader, if it has one of its own."""
    (
        seq, own_id, number, hidden, sender, to, subject, body, sent, root, answered, kind, general, reply_by, expires, hops, files,
        interface, pid, program,
    ) = row  # fmt: skip
    id = own_id or str(number)
    urgency = urgency or general
    if kind not in KINDS or urgency not in URGENCIES:
        raise StoreDamaged(path=database.path, why=f"message {seq} is of no kind")
    return Message(
        id, 0 if hidden else number, sender, tuple(to.split(" ")), subject, body, sent,
        id if root is None else called(database, root), None if answered is None else called(database, answered),
        KINDS[kind], URGENCIES[urgency], reply_by, expires, hops, "here", Provenance(interface, pid, program),
        attachments(database, seq) if files else (), redelivered,
    )  # fmt: skip


def called(database: Database, seq: int) -> str:
    """The id of a message: the one that it has of its own, or its number."""
    for own_id, number in database.execute("SELECT id, number FROM message WHERE seq = ?", (seq,)):
        return own_id or str(number)
    return PRUNED


def messages(database: Database, where: str, values: tuple[apsw.SQLiteValue, ...]) -> list[Message]:
    """The messages that a condition on `m` selects."""
    rows = database.execute(f"{MESSAGE} FROM message m {SENDER} {where}", values).fetchall()
    return [message(database, row) for row in rows]


def insert_attachments(database: Database, seq: int, files: tuple[Attachment, ...]) -> None:
    """Note the files of a message."""
    database.executemany("INSERT INTO attachment VALUES (?, ?, ?, ?, ?)", [(seq, place, *file) for place, file in enumerate(files)])


def with_file(database: Database, digest: str) -> list[Parent]:
    """The messages to which a file is attached, by its hash."""
    return [Parent(*row) for row in database.execute(f"{PARENT} WHERE seq IN (SELECT message FROM attachment WHERE sha256 = ?)", (digest,))]


def attachments(database: Database, seq: int) -> tuple[Attachment, ...]:
    """The files of a message, in their order."""
    rows = database.execute("SELECT name, bytes, sha256 FROM attachment WHERE message = ? ORDER BY place", (seq,))
    return tuple(Attachment(*row) for row in rows)
