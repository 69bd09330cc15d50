"""SQL about what waits for a human: threads that are held, and what paused agents have sent."""

from __future__ import annotations

from postroom.core.pace import PAUSED
from postroom.core.types import NamedTuple
from postroom.store.database import Database
from postroom.store.messages import ALL_SEEING, SPEAKER


class Held(NamedTuple):
    """A thread that waits for a human, or an agent that is paused. `id` is that of the thread, or the agent's name."""

    id: str
    reason: str
    messages: int
    senders: tuple[str, ...]
    since_ms: int | None  # the first one held was sent then; None: nothing is held yet


class HeldDelivery(NamedTuple):
    """A message that waits for a human, on its way to one recipient."""

    delivery: int
    message: int
    recipient: int
    name: str
    sender: int
    reply_to: int | None
    hidden: int
    room: int | None


ALL = -1
"""As a limit: none."""
BY_PAUSE = f"d.state = 'held' AND d.reason GLOB '{PAUSED}:*'"
BY_THREAD = f"d.state = 'held' AND d.reason NOT GLOB '{PAUSED}:*'"
THREADS = f"""
SELECT coalesce(r.id, r.number), b.held, count(DISTINCT m.seq), coalesce(group_concat(DISTINCT {SPEAKER}), ''),
    coalesce(min(m.sent_ms), r.sent_ms), coalesce(sum(s.id = ?1), 0)
FROM thread_budget b JOIN message r ON r.seq = b.thread
LEFT JOIN delivery d ON {BY_THREAD} AND (SELECT coalesce(thread, seq) FROM message WHERE seq = d.message) = b.thread
LEFT JOIN message m ON m.seq = d.message LEFT JOIN agent s ON s.id = m.sender
WHERE b.held IS NOT NULL GROUP BY b.thread ORDER BY b.thread
"""
AGENTS = f"""
SELECT a.name, '{PAUSED}: ' || a.paused, count(DISTINCT m.seq), a.name, min(m.sent_ms), a.id = ?1
FROM agent a LEFT JOIN delivery d ON {BY_PAUSE} AND (SELECT sender FROM message WHERE seq = d.message) = a.id
LEFT JOIN message m ON m.seq = d.message
WHERE a.paused IS NOT NULL GROUP BY a.id ORDER BY a.name
"""
DELIVERY = """
SELECT d.id, d.message, d.recipient, a.name, m.sender, m.reply_to, m.hidden, m.room
FROM delivery d JOIN message m ON m.seq = d.message JOIN agent a ON a.id = d.recipient
"""
IN_THREAD = f"{DELIVERY} WHERE {BY_THREAD} AND coalesce(m.thread, m.seq) = ? ORDER BY d.id LIMIT ?"
OF_AGENT = f"{DELIVERY} WHERE {BY_PAUSE} AND m.sender = ? ORDER BY d.id LIMIT ?"
RELEASE = """
UPDATE delivery SET state = 'delivered', reason = NULL, unread = recipient, delivered_ms = ? WHERE id = ? AND state = 'held'
"""


def everything(database: Database, *, viewer: int) -> list[Held]:
    """What is held: for the human all of it, for an agent what concerns its own words."""
    rows = database.execute(THREADS, (viewer,)).fetchall() + database.execute(AGENTS, (viewer,)).fetchall()
    return [
        Held(str(id), reason, number, tuple(sorted(filter(None, senders.split(",")))), since_ms)
        for id, reason, number, senders, since_ms, own in rows
        if own or viewer in ALL_SEEING
    ]


def in_thread(database: Database, root: int, *, limit: int) -> list[HeldDelivery]:
    """What is held in a thread, the first of it, in order."""
    return [HeldDelivery(*row) for row in database.execute(IN_THREAD, (root, limit))]


def of_agent(database: Database, agent: int, *, limit: int) -> list[HeldDelivery]:
    """What is held of an agent that is paused, the first of it, in order."""
    return [HeldDelivery(*row) for row in database.execute(OF_AGENT, (agent, limit))]


def release(database: Database, row: HeldDelivery, *, now_ms: int) -> None:
    """Put a held message into its mailbox; whoever may see it sees it from now on."""
    database.execute(RELEASE, (now_ms, row.delivery))
    database.execute("UPDATE message SET withheld = 0 WHERE seq = ? AND withheld", (row.message,))


def pause(database: Database, agent: int, reason: str | None) -> None:
    """Let everything that an agent sends be held; None: not any more."""
    database.execute("UPDATE agent SET paused = ? WHERE id = ?", (reason, agent))


def why_paused(database: Database, agent: int) -> str | None:
    """Why an agent is paused, if it is."""
    ((reason,),) = database.execute("SELECT paused FROM agent WHERE id = ?", (agent,))
    return None if reason is None else str(reason)
