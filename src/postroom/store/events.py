"""SQL about events: what agents are told besides messages. One row for each happening, however many may know of it.

Messages that one agent read at once are one row: `text` holds their deliveries. A position in the events of an agent is the id of an event
and a place among the messages of that row, as one number; `agent.events` holds the one after the last that it has seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from postroom.core.event import Event
from postroom.core.types import NamedTuple
from postroom.core.visibility import GHOST
from postroom.store import agents, messages
from postroom.store.database import Database


class NewEvent(NamedTuple):
    """An event to be written: what happened to or by `agent`, for the members of `room` but that agent, or for `target` only."""

    at_ms: int
    what: str
    room: int | None
    target: int | None
    agent: int
    message: int | None = None
    text: str = ""


class EventRow(NamedTuple):
    """An event as it is stored."""

    id: int
    at_ms: int
    what: str
    room: int | None
    agent: int
    message: int | None
    text: str


class Told(NamedTuple):
    """An event for an agent, and the position after it."""

    position: int
    event: Event


READ = "read"
REFUSED = "refused"
LEFT = "member_left"
VANISHED = "vanished"
"""Stands for LEFT when an agent became a ghost: `text` is its name of then, as nobody must learn the one that it has later."""
PLACES = 1024
"""So many positions each event has; a row holds fewer messages than that."""
LISTENS = -2
"""The sender under which `meter` has a row for each agent of which a process waits for events."""
INSERT_READ = f"INSERT INTO event (at_ms, what, target, agent, text) VALUES (?, '{READ}', ?, ?, ?)"
READER = (
    f"SELECT a.visibility = '{GHOST}', EXISTS (SELECT 1 FROM meter WHERE sender = {LISTENS} AND recipient = ?) FROM agent a WHERE a.id = ?"
)
COLUMNS = "e.id, e.at_ms, e.what, e.room, e.agent, e.message, e.text"
INSERT = "INSERT INTO event (at_ms, what, room, target, agent, message, text) VALUES (?, ?, ?, ?, ?, ?, ?)"
INSERT_IN_ROOMS = "INSERT INTO event (at_ms, what, room, agent, text) SELECT ?1, ?2, room, ?3, ?4 FROM member WHERE agent = ?3"
VANISH = f"UPDATE event SET what = '{VANISHED}', text = ? WHERE agent = ? AND what = '{LEFT}' AND target IS NULL"
# Of one who has become a ghost since nothing is told but that it left, and what it left unread.
NOTICED = f"(e.what IN ('{VANISHED}', '{REFUSED}') OR (SELECT visibility FROM agent WHERE id = e.agent) != '{GHOST}')"
TO_AGENT = f"SELECT {COLUMNS} FROM event e WHERE e.target = ? AND e.id >= ? AND (e.agent = e.target OR {NOTICED}) ORDER BY e.id LIMIT ?"
IN_ROOM = f"""
SELECT {COLUMNS} FROM event e WHERE e.room = ? AND e.target IS NULL AND e.id >= ? AND e.agent != ? AND {NOTICED} ORDER BY e.id LIMIT ?
"""
NOBODY = 1
"""The post room itself, which looks at no events."""
OLD = "SELECT 1 FROM event WHERE id = (SELECT min(id) FROM event) AND at_ms < ? AND (id < (SELECT max(id) FROM event) OR target IS NOT ?)"
FORGET = """
DELETE FROM event WHERE id IN (
    SELECT id FROM (SELECT id, at_ms FROM event WHERE id < (SELECT max(id) FROM event) ORDER BY id LIMIT ?2) WHERE at_ms < ?1
)
"""
EMPTY = "UPDATE event SET target = ?2, room = NULL WHERE id = (SELECT max(id) FROM event) AND at_ms < ?1"
"""The last event stays, so that no number is used again; but for nobody."""
LISTENERS = "SELECT w.recipient FROM meter w CROSS JOIN member m ON m.room = ? AND m.agent = w.recipient WHERE w.sender = ?"
JUST_READ = "SELECT 1 FROM delivery WHERE id = ? AND holder = ? AND state = 'read' AND read_ms = ?"
TOLD_NOW = f"SELECT text FROM event WHERE target = ? AND agent = ? AND what = '{READ}' AND at_ms = ?"


def insert(database: Database, events: Sequence[NewEvent]) -> None:
    """Append events."""
    database.executemany(INSERT, events)


def insert_in_rooms(database: Database, agent: int, what: str, text: str, *, now_ms: int) -> None:
    """Append an event about an agent for each of its rooms."""
    database.execute(INSERT_IN_ROOMS, (now_ms, what, agent, text))


def vanish(database: Database, agent: int, name: str, *, now_ms: int) -> None:
    """Let an agent leave all its rooms for the eyes of the others, also those from which it was not seen to leave yet."""
    database.execute(VANISH, (name, agent))
    insert_in_rooms(database, agent, VANISHED, name, now_ms=now_ms)


def insert_read(database: Database, author: int, reader: int, deliveries: Sequence[int], *, now_ms: int) -> bool:
    """Append that a reader has read messages of one author, in one row for many, unless it is a ghost. Says whether the author listens."""
    ((ghost, listens),) = database.execute(READER, (author, reader))
    if ghost:
        return False
    for start in range(0, len(deliveries), PLACES - 1):
        database.execute(INSERT_READ, (now_ms, author, reader, written(deliveries[start : start + PLACES - 1])))
    return bool(listens)


def written(deliveries: Sequence[int]) -> str:
    """Numbers as text; those that follow each other, as they mostly do, as `first-last`."""
    first, last = deliveries[0], deliveries[-1]
    if len(deliveries) > 1 and last - first == len(deliveries) - 1:  # they ascend
        return f"{first}-{last}"
    return " ".join(map(str, deliveries))


def numbers(text: str) -> list[int]:
    """What `written` wrote."""
    first, dash, last = text.partition("-")
    return list(range(int(first), int(last) + 1)) if dash else [int(word) for word in text.split()]


def just_read(database: Database, deliveries: Sequence[int], *, holder: int, now_ms: int) -> list[int]:
    """Which of some deliveries this reader has confirmed in this ms."""
    return [one for one in dict.fromkeys(deliveries) if database.execute(JUST_READ, (one, holder, now_ms)).fetchall()]


def told_now(database: Database, author: int, reader: int, *, now_ms: int) -> set[int]:
    """The deliveries of which an author has already been told in this ms that a reader has read them."""
    return {one for (text,) in database.execute(TOLD_NOW, (author, reader, now_ms)) for one in numbers(text)}


# Who waits


def listen(database: Database, agent: int) -> None:
    """Note that a process of the agent waits for events."""
    database.execute("INSERT OR IGNORE INTO meter VALUES (?, ?, 1)", (LISTENS, agent))


def stop_listening(database: Database, agent: int) -> None:
    """Note that none does any more. One that does all the same notes it again within a second."""
    database.execute("DELETE FROM meter WHERE sender = ? AND recipient = ?", (LISTENS, agent))


def listens(database: Database, agent: int) -> bool:
    """Whether a process of the agent waits for events."""
    return bool(database.execute("SELECT 1 FROM meter WHERE sender = ? AND recipient = ?", (LISTENS, agent)).fetchall())


def listeners(database: Database, room: int) -> list[int]:
    """The members of a room of which a process waits for events."""
    return [agent for (agent,) in database.execute(LISTENERS, (room, LISTENS))]


# Seeing them


def rooms_of(database: Database, agent: int) -> list[tuple[int, int]]:
    """The rooms of an agent, each with the last event that is not for it."""
    return [(room, after) for room, after in database.execute("SELECT room, after_event FROM member WHERE agent = ?", (agent,))]


def position(database: Database, agent: int) -> int:
    """From which position on an agent has not seen its events."""
    ((found,),) = database.execute("SELECT events FROM agent WHERE id = ?", (agent,))
    return int(found)


def set_position(database: Database, agent: int, position: int) -> None:
    """Note that an agent has seen its events before a position."""
    database.execute("UPDATE agent SET events = ?1 WHERE id = ?2 AND events < ?1", (position, agent))


def unseen(database: Database, agent: int, *, limit: int) -> Iterator[Told]:
    """The events that an agent may see and has not seen yet, oldest first."""
    start, place = divmod(position(database, agent), PLACES)
    names: dict[str, str] = {}
    while rows := stored(database, agent, start, limit):
        for row in rows:
            parts = list(told(database, row, names))
            seen = place if row.id == start else 0
            for number, event in enumerate(parts[seen:], start=seen + 1):
                yield Told(row.id * PLACES + number if number < len(parts) else (row.id + 1) * PLACES, event)
        start, place = rows[-1].id + 1, 0


def last(database: Database) -> int:
    """The number of the newest event."""
    ((number,),) = database.execute("SELECT coalesce(max(id), 0) FROM event")
    return int(number)


def stored(database: Database, agent: int, start: int, limit: int) -> list[EventRow]:
    """The next rows that hold something for an agent, from an id on."""
    found = [EventRow(*row) for row in database.execute(TO_AGENT, (agent, start, limit))]
    for room, after in rooms_of(database, agent):
        found += [EventRow(*row) for row in database.execute(IN_ROOM, (room, max(start, after + 1), agent, limit))]
    return sorted(found)[:limit]


def told(database: Database, row: EventRow, names: dict[str, str]) -> Iterator[Event]:
    """What a row says: one event, or one for each message that was read. `names` keeps them from being looked up again."""
    if row.what == VANISHED:
        yield Event(LEFT, row.at_ms, name_of(database, "room", row.room, names), row.text)
        return
    agent = agent_of(database, row, names)
    if row.what == READ:
        about, text = messages_read(database, row.text), ""
    elif row.message is not None:
        about, text = [row.message], row.text
    else:
        yield Event(row.what, row.at_ms, name_of(database, "room", row.room, names), agent, None, row.text)
        return
    for message in about:
        for (room,) in database.execute("SELECT room FROM message WHERE seq = ?", (message,)):  # none if it has been pruned
            id = messages.called(database, message)
            yield Event(row.what, row.at_ms, name_of(database, "room", room, names), agent, id, text)


def agent_of(database: Database, row: EventRow, names: dict[str, str]) -> str:
    """What the agent is called that did something; as others knew it, if it has become a ghost by that."""
    if row.what == REFUSED:
        return agents.known_name(database, row.agent, hidden=False)
    return name_of(database, "agent", row.agent, names) or ""


def messages_read(database: Database, text: str) -> list[int]:
    """The messages of deliveries, as far as they are still there."""
    sql = "SELECT message FROM delivery WHERE id = ?"
    return [message for delivery in numbers(text) for (message,) in database.execute(sql, (delivery,))]


def name_of(database: Database, table: str, id: int | None, names: dict[str, str]) -> str | None:
    """What an agent or a room is called now; None for none."""
    if id is None:
        return None
    key = f"{table} {id}"
    if key not in names:
        rows = database.execute(f"SELECT name FROM {table} WHERE id = ?", (id,)).fetchall()
        names[key] = rows[0][0] if rows else ""
    return names[key]


# Forgetting


def any_old(database: Database, *, before_ms: int) -> bool:
    """Whether there is something to forget from before a time."""
    return bool(database.execute(OLD, (before_ms, NOBODY)).fetchall())


def forget(database: Database, *, before_ms: int, limit: int) -> bool:
    """Remove the oldest events from before a time, up to a limit. Says whether some are left."""
    database.execute(FORGET, (before_ms, limit))
    database.execute(EMPTY, (before_ms, NOBODY))
    return any_old(database, before_ms=before_ms)
