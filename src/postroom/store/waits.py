"""SQL about what is being waited for: open questions, claims of a process to certain answers, and points in time."""

from __future__ import annotations

from postroom.core.types import NamedTuple
from postroom.store.database import Database
from postroom.store.messages import MessageRow


class Request(NamedTuple):
    """A question that is open. `told` lists the notices that its asker already has."""

    recipient: int
    message: int
    asker: int
    told: str


class Timer(NamedTuple):
    """What is due at a time: `expire` or `deadline` of a message, `handshake` or `idle` of a session."""

    at_ms: int
    what: str
    message: int


REQUEST = "SELECT recipient, message, asker, told FROM request"
IN_SIGHT = """
SELECT q.recipient, q.message, q.asker, q.told FROM request q JOIN message m ON m.seq = q.message
WHERE (q.recipient = ?1 OR q.asker = ?1) AND 2 NOT IN (q.recipient, q.asker) AND q.recipient != q.asker AND NOT m.hidden
ORDER BY q.message, q.recipient
"""


def insert_request(database: Database, recipient: int, message: int, asker: int) -> None:
    """Note that an answer is expected."""
    database.execute("INSERT OR IGNORE INTO request (recipient, message, asker) VALUES (?, ?, ?)", (recipient, message, asker))


def count_requests(database: Database, asker: int) -> int:
    """How many answers an agent still expects."""
    ((number,),) = database.execute("SELECT count(*) FROM request WHERE asker = ?", (asker,))
    return int(number)


def requests_to(database: Database, recipient: int) -> list[Request]:
    """The open questions to an agent."""
    return [Request(*row) for row in database.execute(f"{REQUEST} WHERE recipient = ?", (recipient,))]


def requests_in_sight(database: Database, agent: int) -> list[Request]:
    """The open questions to an agent and of it that end when it becomes a ghost: not those to or of the human, who still sees it."""
    return [Request(*row) for row in database.execute(IN_SIGHT, (agent,))]


def requests_of(database: Database, about: MessageRow) -> list[Request]:
    """The open questions that one message asked."""
    recipients = "SELECT recipient FROM delivery WHERE id BETWEEN ? AND ?"
    rows = database.execute(
        f"{REQUEST} WHERE recipient IN ({recipients}) AND message = ?", (about.delivery, about.delivery + about.fan_out - 1, about.seq)
    )
    return [Request(*row) for row in rows]


def close_request(database: Database, recipient: int, message: int) -> None:
    """Note that no answer is expected any more."""
    database.execute("DELETE FROM request WHERE recipient = ? AND message = ?", (recipient, message))


def close_requests(database: Database, asker: int, message: int) -> None:
    """Note that an agent expects no answers to one of its messages any more."""
    database.execute("DELETE FROM request WHERE asker = ? AND message = ?", (asker, message))


def tell(database: Database, request: Request, what: str) -> None:
    """Note that the asker has this notice."""
    database.execute(
        "UPDATE request SET told = ? WHERE recipient = ? AND message = ?",
        (f"{request.told} {what}".strip(), request.recipient, request.message),
    )


def claim(database: Database, agent: int, message: int, holder: int) -> None:
    """Let the answers to a message, or the messages of a thread, go to one process only."""
    database.execute("INSERT OR REPLACE INTO claim VALUES (?, ?, ?)", (agent, message, holder))


def unclaim(database: Database, agent: int, message: int, holder: int) -> None:
    """Give up a claim: what comes now goes to any reader of the mailbox."""
    database.execute("DELETE FROM claim WHERE agent = ? AND message = ? AND holder = ?", (agent, message, holder))


def drop_claims(database: Database, agent: int, holder: int) -> None:
    """Give up all claims of a process."""
    database.execute("DELETE FROM claim WHERE agent = ? AND holder = ?", (agent, holder))


def set_timer(database: Database, timer: Timer) -> None:
    """Let something be done at a time."""
    database.execute("INSERT OR IGNORE INTO timer VALUES (?, ?, ?)", timer)


def due(database: Database, *, now_ms: int, limit: int) -> list[Timer]:
    """What should be done by now, earliest first."""
    return [Timer(*row) for row in database.execute("SELECT * FROM timer WHERE at_ms <= ? ORDER BY at_ms LIMIT ?", (now_ms, limit))]


def strike(database: Database, timer: Timer) -> None:
    """Take a timer out."""
    database.execute("DELETE FROM timer WHERE at_ms = ? AND what = ? AND message = ?", timer)
