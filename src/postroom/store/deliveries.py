"""SQL about deliveries: one message on its way to one recipient. Every change of state is made here, along the table in core/message.py."""

from __future__ import annotations

from collections.abc import Sequence

from postroom.core.message import Message, Progress, State, before
from postroom.core.types import NamedTuple
from postroom.core.visibility import GHOST, HIDDEN, VISIBLE
from postroom.store import mailboxes, messages
from postroom.store.database import Database, Row


class Handed(NamedTuple):
    """A message in the hands of a reader, and what its confirmation needs."""

    message: Message
    delivery: int
    sender: int
    root: int
    followed: bool
    hidden: bool


class Ended(NamedTuple):
    """A delivery that came to an end without being read."""

    delivery: int
    message: int
    recipient: int


def states(*members: State) -> str:
    """States as an SQL list."""
    return ", ".join(f"'{member}'" for member in members)


INSERT = """
INSERT INTO delivery (id, message, recipient, unread, state, reason, delivered_ms, ended_ms, urgency) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
SPREAD = f"""
INSERT INTO delivery (id, message, recipient, unread, state, delivered_ms)
SELECT ?1 + j.key, ?2, j.value, j.value, '{State.DELIVERED}', ?3 FROM json_each(?4) j WHERE j.value
"""
TAKE = f"""
{messages.MESSAGE}, d.id, m.sender, coalesce(m.thread, m.seq), m.followed, d.handovers, d.urgency
FROM delivery d JOIN message m ON m.seq = d.message {messages.SENDER}
WHERE d.unread = ?1 AND (d.state = 'delivered' OR d.state = 'handed' AND d.lease_ms <= ?2) AND (m.expires_ms IS NULL OR m.expires_ms > ?2)
"""
UNCLAIMED = """
AND (m.thread IS NULL OR NOT EXISTS (SELECT 1 FROM claim WHERE agent = ?1 AND message = m.thread))
AND (m.reply_to IS NULL OR NOT EXISTS (SELECT 1 FROM claim WHERE agent = ?1 AND message = m.reply_to))
"""
IN_ORDER = " ORDER BY d.id LIMIT ?3"
TAKE_UNCLAIMED = TAKE + UNCLAIMED + IN_ORDER
TAKE_CLAIMED = f"{TAKE} AND (m.thread = ?4 OR m.reply_to = ?4) {IN_ORDER}"
HAND = "UPDATE delivery SET state = 'handed', holder = ?, lease_ms = ?, handed_ms = ?, handovers = handovers + 1 WHERE id = ?"
READ = f"""
UPDATE delivery SET state = 'read', unread = NULL, read_ms = ? WHERE id = ? AND holder = ? AND state IN ({states(*before(State.READ))})
"""
ANSWER = f"""
UPDATE delivery SET state = 'answered', unread = NULL, answered_ms = ?4, read_ms = coalesce(read_ms, ?4)
WHERE id BETWEEN ?1 AND ?2 AND recipient = ?3 AND state IN ({states(*before(State.ANSWERED))})
"""
EXPIRE_AGAIN = """
INSERT OR IGNORE INTO timer SELECT m.expires_ms, 'expire', m.seq FROM delivery d JOIN message m ON m.seq = d.message
WHERE m.expires_ms IS NOT NULL AND d.state = 'handed' AND d.holder = ? AND """
GIVE_BACK = "UPDATE delivery SET state = 'delivered', holder = NULL, lease_ms = NULL WHERE "
ANY_WAITING = "SELECT 1 FROM delivery WHERE unread = ?1 AND (state = 'delivered' OR state = 'handed' AND lease_ms <= ?2) LIMIT 1"
URGENT = """
SELECT 1 FROM delivery d JOIN message m ON m.seq = d.message WHERE d.unread = ? AND coalesce(d.urgency, m.urgency) != 'info' LIMIT 1
"""
PEEK = f"""
{messages.MESSAGE}, d.handovers, d.urgency
FROM delivery d JOIN message m ON m.seq = d.message {messages.SENDER}
WHERE d.unread = ? ORDER BY d.id LIMIT ?
"""
RECIPIENTS_AFTER = "SELECT DISTINCT unread FROM delivery WHERE id > ? AND unread IS NOT NULL"
WAITING = "UPDATE meter SET value = value - ? WHERE sender = 0 AND recipient = ?"
ENDING = "SELECT d.id, m.seq, d.recipient, d.unread, m.hidden FROM delivery d JOIN message m ON m.seq = d.message"
BY_NAME = "m.room IS NULL AND m.recipients NOT GLOB '@*' AND NOT m.hidden AND m.sender NOT IN (1, 2, d.recipient)"
"""What one has sent to others by name, who sees no ghosts. When a recipient becomes a ghost it goes back, unless it was read. So it changes
no more, and what became of it may be shown: nothing that the ghost does afterwards is seen there."""
RETURNING = f"""
SELECT d.id, m.seq FROM delivery d JOIN message m ON m.seq = d.message
WHERE (d.unread = ?1 OR d.state = '{State.HELD}' AND d.recipient = ?1) AND {BY_NAME} ORDER BY d.id
"""
PROGRESS = f"""
SELECT iif(a.id = ?2 OR ?2 IN (1, 2), a.name, coalesce(a.known_as, a.name)), d.state,
    (a.visibility != '{GHOST}' OR a.id = ?2 OR ?2 IN (1, 2)) AND EXISTS (SELECT 1 FROM attached t WHERE t.agent = a.id),
    d.reason, d.delivered_ms, d.handed_ms, d.read_ms, d.answered_ms, d.ended_ms, d.handovers
FROM message m JOIN delivery d ON d.id BETWEEN m.delivery AND m.delivery + m.fan_out - 1 JOIN agent a ON a.id = d.recipient
WHERE m.seq = ?1 AND (
    a.visibility = '{VISIBLE}' OR a.id = ?2 OR ?2 IN (1, 2) OR a.visibility = '{GHOST}' AND {BY_NAME} OR a.visibility = '{HIDDEN}' AND
    (m.room IS NULL OR EXISTS (SELECT 1 FROM member b WHERE b.room = m.room AND b.agent = ?2))
) ORDER BY d.id
"""


def insert(database: Database, rows: list[Row]) -> None:
    """Put messages into mailboxes, or beside them when they are held or refused; columns as INSERT names them."""
    database.executemany(INSERT, rows)


def spread(database: Database, message: int, agents: str, *, first: int, now_ms: int) -> None:
    """Put a message into the mailboxes of a list of agents (JSON); 0 in it stands for one who gets it, or not, in another way."""
    database.execute(SPREAD, (first, message, now_ms, agents))


def waiting(database: Database, recipient: int, *, now_ms: int, limit: int, claim: int | None = None) -> list[Handed]:
    """What a reader may be handed now, oldest first: everything that nobody claimed, or what belongs to one claim."""
    if claim is None:
        rows = database.execute(TAKE_UNCLAIMED, (recipient, now_ms, limit)).fetchall()
    else:
        rows = database.execute(TAKE_CLAIMED, (recipient, now_ms, limit, claim)).fetchall()
    return [handed_over(database, row) for row in rows]


def handed_over(database: Database, row: Row) -> Handed:
    """A row of TAKE."""
    delivery, sender, root, followed, handovers, urgency = row[messages.COLUMNS :]
    message = messages.message(database, row[: messages.COLUMNS], redelivered=handovers > 0, urgency=urgency)
    return Handed(message, delivery, sender, root, bool(followed), bool(row[messages.HIDDEN]))


def hand(database: Database, handed: Sequence[Handed], *, holder: int, lease_ms: int, now_ms: int) -> None:
    """Put messages into the hands of a reader until `lease_ms`."""
    database.executemany(HAND, [(holder, lease_ms, now_ms, one.delivery) for one in handed])


def read(database: Database, handed: Sequence[Handed], *, holder: int, recipient: int, now_ms: int) -> int:
    """Take confirmed messages out of the mailbox. Returns how many were still in the hands of this reader."""
    earlier = database.connection.total_changes()
    database.executemany(READ, [(now_ms, one.delivery, holder) for one in handed])
    count = database.connection.total_changes() - earlier
    if count == len(handed):
        leave(database, recipient, sum(mailboxes.units(hidden=one.hidden) for one in handed))
    elif count:
        mailboxes.recount(database, recipient)
    return count


def was_read(database: Database, delivery: int) -> bool:
    """Whether a message has been read or answered."""
    return bool(database.execute("SELECT 1 FROM delivery WHERE id = ? AND state IN ('read', 'answered')", (delivery,)).fetchall())


def is_settled_from(database: Database, delivery: int, holder: int) -> bool:
    """Whether a message has been read or answered, or went back because its recipient is gone, and this reader had it in hands last."""
    sql = "SELECT 1 FROM delivery WHERE id = ? AND state IN ('read', 'answered', 'refused') AND holder = ?"
    found = database.execute(sql, (delivery, holder))
    return bool(found.fetchall())


def of_recipient(database: Database, about: messages.MessageRow, recipient: int) -> int:
    """The delivery of a message to one of its recipients."""
    last = about.delivery + about.fan_out - 1
    ((delivery,),) = database.execute(
        "SELECT id FROM delivery WHERE id BETWEEN ? AND ? AND recipient = ?", (about.delivery, last, recipient)
    )
    return int(delivery)


def leave(database: Database, recipient: int, units: int) -> None:
    """Count messages out of a mailbox, see mailboxes.units."""
    database.execute(WAITING, (units, recipient))


def answered(database: Database, parent: messages.Parent, recipient: int, *, now_ms: int) -> bool:
    """Mark a message as answered by one of its recipients. False when it was not sent to it, or was answered before."""
    place = (parent.delivery, parent.delivery + parent.fan_out - 1, recipient)
    ((unread,),) = database.execute("SELECT count(*) FROM delivery WHERE id BETWEEN ? AND ? AND unread = ?", place)
    database.execute(ANSWER, (*place, now_ms))
    changed = bool(database.connection.changes())
    if changed and unread:
        leave(database, recipient, mailboxes.units(hidden=bool(parent.hidden)))
    return changed


def end(database: Database, delivery: int, state: State, reason: str, *, now_ms: int) -> Ended | None:
    """Let a delivery expire or be refused; None when its state does not allow that any more."""
    rows = database.execute(f"{ENDING} WHERE d.id = ? AND d.state IN ({states(*before(state))})", (delivery,)).fetchall()
    if not rows:
        return None
    ((id, message, recipient, unread, hidden),) = rows
    database.execute("UPDATE delivery SET state = ?, reason = ?, unread = NULL, ended_ms = ? WHERE id = ?", (state, reason, now_ms, id))
    if unread is not None:
        leave(database, recipient, mailboxes.units(hidden=bool(hidden)))
    return Ended(id, message, recipient)


def returning(database: Database, recipient: int) -> list[tuple[int, int]]:
    """What goes back when an agent becomes a ghost, in order: deliveries, each with its message. Also what is in hands, or held."""
    return [(delivery, message) for delivery, message in database.execute(RETURNING, (recipient,))]


def give_back(database: Database, recipient: int, holder: int) -> int:
    """Put all that a reader had in hands back into the mailbox; it will be handed over again, marked as redelivered, or expire."""
    database.execute(EXPIRE_AGAIN + "d.unread = ?", (holder, recipient))
    database.execute(GIVE_BACK + "unread = ? AND state = 'handed' AND holder = ?", (recipient, holder))
    return database.connection.changes()


def give_back_one(database: Database, delivery: int, *, holder: int) -> None:
    """Put one message back into the mailbox, if this reader still has it."""
    database.execute(EXPIRE_AGAIN + "d.id = ?", (holder, delivery))
    database.execute(GIVE_BACK + "id = ? AND state = 'handed' AND holder = ?", (delivery, holder))


def end_lease(database: Database, delivery: int, *, now_ms: int) -> int | None:
    """Put a message back whose reader has had it for too long. Returns until when it is in hands, if it still is."""
    for lease_ms, holder in database.execute("SELECT lease_ms, holder FROM delivery WHERE id = ? AND state = 'handed'", (delivery,)):
        if lease_ms > now_ms:
            return int(lease_ms)
        give_back_one(database, delivery, holder=holder)
    return None


def recipients_after(database: Database, delivery: int) -> tuple[list[int], int]:
    """Who has unread deliveries with numbers above one, and the highest number; nobody for a negative one."""
    ((last,),) = database.execute("SELECT coalesce(max(id), 0) FROM delivery")
    rows = database.execute(RECIPIENTS_AFTER, (delivery,)) if delivery >= 0 else ()
    return [recipient for (recipient,) in rows], int(last)


def any_unread(database: Database, recipient: int) -> bool:
    """Whether anything is in a mailbox."""
    return bool(database.execute("SELECT 1 FROM delivery WHERE unread = ? LIMIT 1", (recipient,)).fetchall())


def any_waiting(database: Database, recipient: int, *, now_ms: int) -> bool:
    """Whether anything is in a mailbox that is in nobody's hands."""
    return bool(database.execute(ANY_WAITING, (recipient, now_ms)).fetchall())


def any_urgent(database: Database, recipient: int) -> bool:
    """Whether anything is in a mailbox for which one would be woken: all but what is only for information."""
    return bool(database.execute(URGENT, (recipient,)).fetchall())


def peek(database: Database, recipient: int, *, limit: int) -> list[Message]:
    """What is in a mailbox, in order, without touching it."""
    rows = database.execute(PEEK, (recipient, limit)).fetchall()
    return [messages.message(database, row[:-2], redelivered=row[-2] > 0, urgency=row[-1]) for row in rows]


def progress(database: Database, seq: int, *, viewer: int) -> tuple[Progress, ...]:
    """What became of a message, for each recipient that the viewer may know of."""
    rows = database.execute(PROGRESS, (seq, viewer))
    return tuple(Progress(name, State(state), bool(online), *rest) for name, state, online, *rest in rows)
