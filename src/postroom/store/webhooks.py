"""SQL about webhooks: what is to be called, which messages and events have become calls, and what became of those."""

from __future__ import annotations

from collections.abc import Sequence

from postroom.core.message import Message
from postroom.core.types import NamedTuple
from postroom.store import events, watching
from postroom.store.agents import HUMAN
from postroom.store.database import Database
from postroom.store.events import COLUMNS, PLACES, EventRow
from postroom.store.rooms import MAY_READ


class Webhook(NamedTuple):
    """A webhook as its owner sees it: neither its secret nor all of its address. Times are ms since 1970."""

    id: int
    agent: str
    address: str
    kinds: tuple[str, ...]
    note: str
    created_ms: int
    waiting: int  # calls that are to be made
    given_up: int
    worked_ms: int | None
    paused: str | None


class WebhookRow(NamedTuple):
    """A webhook, and how far it has been told."""

    id: int
    agent: int
    kinds: str
    message: int
    event: int
    waiting: int


class Call(NamedTuple):
    """A call that is to be made, or was given up."""

    id: int
    webhook: int
    name: str
    body: str
    made_ms: int
    attempts: int
    next_ms: int | None
    reason: str


class Target(NamedTuple):
    """Where calls go, and how that went lately."""

    id: int
    agent: int
    url: str
    secret: str
    failures: int
    worked_ms: int | None


class NewWebhook(NamedTuple):
    """A webhook that is to be."""

    agent: int
    url: str
    secret: str
    kinds: str
    note: str
    created_ms: int


class Said(NamedTuple):
    """A message that a webhook is told of. `seq` is its place."""

    seq: int
    message: Message


class Figures(NamedTuple):
    """How many webhooks there are, and calls of all of them."""

    webhooks: int
    paused: int
    waiting: int
    given_up: int


WAITING = "(SELECT count(*) FROM webhook_call c WHERE c.webhook = w.id AND c.next_ms IS NOT NULL)"
GIVEN_UP = "(SELECT count(*) FROM webhook_call c WHERE c.webhook = w.id AND c.next_ms IS NULL)"
OWN = f"(w.agent = ?1 OR ?1 = {HUMAN})"
SHOWN = f"""
SELECT w.id, a.name, w.url, w.kinds, w.note, w.created_ms, {WAITING}, {GIVEN_UP}, w.worked_ms, w.paused
FROM webhook w JOIN agent a ON a.id = w.agent WHERE {OWN}
"""
ACTIVE = f"""
SELECT w.id, w.agent, w.kinds, w.message, w.event, {WAITING} FROM webhook w WHERE w.paused IS NULL ORDER BY w.id
"""
TARGET = "SELECT id, agent, url, secret, failures, worked_ms FROM webhook"
CALL = "SELECT id, webhook, name, body, made_ms, attempts, next_ms, reason FROM webhook_call"
INSERT = """
INSERT INTO webhook (agent, url, secret, kinds, note, created_ms, message, event)
VALUES (?, ?, ?, ?, ?, ?, (SELECT coalesce(max(seq), 0) FROM message), (SELECT coalesce(max(id), 0) + 1 FROM event) * ?)
"""
# The messages that would have been seen if they were not held; `?2` sees all that is not.
WITHHELD = f"""
SELECT m.seq FROM message m WHERE m.seq > ?1 AND m.seq <= ?3 AND m.withheld AND m.sender != ?2
AND ({watching.IS_RECIPIENT} OR m.room IS NOT NULL AND {MAY_READ.format(room="m.room", seq="m.seq", viewer=2)})
"""
HELD_NO_MORE = """
SELECT h.message FROM webhook_held h LEFT JOIN message m ON m.seq = h.message
WHERE h.webhook = ? AND (m.seq IS NULL OR NOT m.withheld OR NOT EXISTS (
    SELECT 1 FROM delivery d WHERE d.id BETWEEN m.delivery AND m.delivery + m.fan_out - 1 AND d.state = 'held'))
ORDER BY h.message LIMIT ?
"""
ALL_EVENTS = f"SELECT {COLUMNS} FROM event e WHERE e.id >= ? AND e.target IS NOT {events.NOBODY} ORDER BY e.id LIMIT ?"
DUE = f"""
{CALL} c WHERE c.webhook = ?1 AND c.next_ms <= ?2 AND (?3 OR c.attempts > 0 OR NOT EXISTS (
    SELECT 1 FROM webhook_call b WHERE b.webhook = ?1 AND b.next_ms IS NOT NULL AND b.attempts > 0))
ORDER BY c.id LIMIT 1
"""
NEXT_MS = "SELECT min(c.next_ms) FROM webhook_call c JOIN webhook w ON w.id = c.webhook WHERE w.paused IS NULL AND c.next_ms > ?"
FIGURES = f"SELECT count(*), count(w.paused), coalesce(sum({WAITING}), 0), coalesce(sum({GIVEN_UP}), 0) FROM webhook w"


def insert(database: Database, new: NewWebhook) -> int:
    """Keep a new webhook, which is told what happens from now on. Returns its number."""
    database.execute(INSERT, (*new, PLACES))
    return database.connection.last_insert_rowid()


def listing(database: Database, *, viewer: int, id: int | None = None) -> list[Webhook]:
    """The webhooks of the viewer, or all for the human; or the one of that number. The address is whole."""
    rows = database.execute(f"{SHOWN} AND (?2 IS NULL OR w.id = ?2) ORDER BY w.id", (viewer, id))
    return [Webhook(*row)._replace(kinds=tuple(row[3].split(" "))) for row in rows]


def count(database: Database, agent: int) -> int:
    """How many webhooks an agent has."""
    ((number,),) = database.execute("SELECT count(*) FROM webhook WHERE agent = ?", (agent,))
    return int(number)


def remove(database: Database, id: int) -> None:
    """Forget a webhook, and what it was still to be told."""
    for table, key in (("webhook_call", "webhook"), ("webhook_held", "webhook"), ("webhook", "id")):
        database.execute(f"DELETE FROM {table} WHERE {key} = ?", (id,))


def target(database: Database, id: int) -> Target | None:
    """Where the calls of a webhook go."""
    for row in database.execute(f"{TARGET} WHERE id = ?", (id,)):
        return Target(*row)
    return None


def targets(database: Database) -> list[Target]:
    """Where calls go that are not paused."""
    return [Target(*row) for row in database.execute(f"{TARGET} WHERE paused IS NULL ORDER BY id")]


def active(database: Database) -> list[WebhookRow]:
    """The webhooks that are not paused."""
    return [WebhookRow(*row) for row in database.execute(ACTIVE)]


def pause(database: Database, id: int, reason: str) -> None:
    """Call no more, for a reason."""
    database.execute("UPDATE webhook SET paused = ? WHERE id = ?", (reason, id))


def pause_all(database: Database, reason: str) -> None:
    """Call nobody any more, for a reason."""
    database.execute("UPDATE webhook SET paused = coalesce(paused, ?)", (reason,))


# What there is to tell


def said(database: Database, after: int, *, viewer: int, limit: int) -> list[Said]:
    """The messages after a seq that the viewer may see, oldest first."""
    return [Said(one.seq, one.message) for one in watching.after(database, after, viewer=viewer, limit=limit)]


def withheld(database: Database, after: int, last: int, *, viewer: int) -> list[int]:
    """The messages of a range that the viewer may not see yet, as they are held."""
    return [] if viewer == HUMAN else [seq for (seq,) in database.execute(WITHHELD, (after, viewer, last))]


def note_withheld(database: Database, id: int, seqs: Sequence[int]) -> None:
    """Note that messages were passed over."""
    database.executemany("INSERT OR IGNORE INTO webhook_held VALUES (?, ?)", [(id, seq) for seq in seqs])


def held_no_more(database: Database, id: int, *, limit: int) -> list[int]:
    """The messages that were passed over and are held no more: released, discarded or pruned."""
    return [seq for (seq,) in database.execute(HELD_NO_MORE, (id, limit))]


def seen_at(database: Database, seq: int, *, viewer: int) -> Said | None:
    """The message at a place, if the viewer may see it."""
    for one in said(database, seq - 1, viewer=viewer, limit=1):
        if one.seq == seq:
            return one
    return None


def forget_withheld(database: Database, id: int, seqs: Sequence[int]) -> None:
    """Pass no longer over messages."""
    database.executemany("DELETE FROM webhook_held WHERE webhook = ? AND message = ?", [(id, seq) for seq in seqs])


def event_rows(database: Database, start: int, *, viewer: int, limit: int) -> list[EventRow]:
    """The next events that the viewer may see, from one on."""
    if viewer != HUMAN:
        return events.stored(database, viewer, start, limit)
    return [EventRow(*row) for row in database.execute(ALL_EVENTS, (start, limit))]


def advance(database: Database, id: int, *, message: int, event: int) -> None:
    """Note how far messages and events have become calls."""
    database.execute("UPDATE webhook SET message = ?, event = ? WHERE id = ?", (message, event, id))


# Calls


def insert_calls(database: Database, id: int, calls: Sequence[tuple[str, str]], *, now_ms: int) -> None:
    """Note calls that are to be made: the name and the body of each."""
    sql = "INSERT INTO webhook_call (webhook, name, body, made_ms, next_ms) VALUES (?, ?, ?, ?4, ?4)"
    database.executemany(sql, [(id, name, body, now_ms) for name, body in calls])


def due(database: Database, id: int, *, now_ms: int, fresh: bool) -> Call | None:
    """The next call of a webhook that is due; unless `fresh` one that failed before, if there is any."""
    for row in database.execute(DUE, (id, now_ms, fresh)):
        return Call(*row)
    return None


def next_ms(database: Database, *, after_ms: int) -> int | None:
    """When the next call is due."""
    ((found,),) = database.execute(NEXT_MS, (after_ms,))
    return None if found is None else int(found)


def calls(database: Database, id: int, *, limit: int) -> list[Call]:
    """The calls of a webhook that have not arrived, oldest first."""
    return [Call(*row) for row in database.execute(f"{CALL} WHERE webhook = ? ORDER BY id LIMIT ?", (id, limit))]


def arrived(database: Database, call: Call, *, now_ms: int) -> None:
    """Forget a call that has arrived."""
    database.execute("DELETE FROM webhook_call WHERE id = ? AND name = ?", (call.id, call.name))
    database.execute("UPDATE webhook SET failures = 0, worked_ms = ? WHERE id = ?", (now_ms, call.webhook))


def wake(database: Database, id: int, *, now_ms: int) -> None:
    """Let all calls of a webhook that failed be due: its receiver is there again."""
    database.execute("UPDATE webhook_call SET next_ms = ?2 WHERE webhook = ?1 AND next_ms > ?2", (id, now_ms))


def failed(database: Database, call: Call, *, next_ms: int | None, reason: str) -> None:
    """Note that a call failed, and when it is made again; None: it is given up."""
    sql = "UPDATE webhook_call SET attempts = attempts + 1, next_ms = ?, reason = ? WHERE id = ? AND name = ?"
    database.execute(sql, (next_ms, reason, call.id, call.name))
    database.execute("UPDATE webhook SET failures = failures + 1 WHERE id = ?", (call.webhook,))


def retry(database: Database, id: int, *, now_ms: int) -> int:
    """Let a webhook go on, and make the calls again that were given up. Returns how many those are."""
    database.execute("UPDATE webhook SET paused = NULL, failures = 0 WHERE id = ?", (id,))
    wake(database, id, now_ms=now_ms)
    database.execute("UPDATE webhook_call SET next_ms = ?, attempts = 0 WHERE webhook = ? AND next_ms IS NULL", (now_ms, id))
    return database.connection.changes()


def forget(database: Database, id: int) -> int:
    """Forget the calls of a webhook that were given up. Returns how many."""
    database.execute("DELETE FROM webhook_call WHERE webhook = ? AND next_ms IS NULL", (id,))
    return database.connection.changes()


def figures(database: Database) -> Figures:
    """How many webhooks there are, how many are paused; how many calls wait, and how many were given up."""
    (row,) = database.execute(FIGURES)
    return Figures(*row)
