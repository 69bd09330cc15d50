"""SQL about sessions. A session is its SYN and the messages of that thread; its state is folded from them, never stored."""

from __future__ import annotations

from postroom.core.message import Kind
from postroom.core.session import SessionState, SessionView, Side, fold
from postroom.core.types import NamedTuple
from postroom.store import agents
from postroom.store.database import Database, Row

CONTROLS = "('syn-ack', 'syn-nack', 'fin', 'fin-ack', 'lapse')"
OFFER = """
SELECT m.seq, coalesce(m.id, m.number), m.sender, d.recipient, m.body, m.sent_ms, m.hidden
FROM message m JOIN delivery d ON d.id = m.delivery
"""
POSTROOM = 1


class Offer(NamedTuple):
    """The SYN of a session: who opened it with whom, and for what."""

    root: int
    id: str
    opener: int
    peer: int
    task: str
    sent_ms: int
    hidden: int

    def side(self, agent: int) -> Side:
        """Which side an agent is on."""
        if agent == POSTROOM:
            return Side.POSTROOM
        return Side.OPENER if agent == self.opener else Side.PEER

    def other(self, agent: int) -> int:
        """The agent on the other side."""
        return self.peer if agent == self.opener else self.opener


def offer(database: Database, root: int) -> Offer | None:
    """The session that begins with this message, if it is a SYN."""
    for row in database.execute(f"{OFFER} WHERE m.seq = ? AND m.kind = 'syn'", (root,)):
        return offered(row)
    return None


def in_sight(database: Database, agent: int) -> list[Offer]:
    """The sessions of an agent that are not hidden, also those whose offer is held, oldest first."""
    rows = database.execute(f"{OFFER} WHERE m.kind = 'syn' AND NOT m.hidden AND ?1 IN (m.sender, d.recipient) ORDER BY m.seq", (agent,))
    return [offered(row) for row in rows]


def offered(row: Row) -> Offer:
    """A row of OFFER."""
    root, id, *rest = row
    return Offer(root, str(id), *rest)


def state(database: Database, found: Offer) -> SessionState:
    """Where a session stands."""
    rows = database.execute(f"SELECT sender, kind FROM message WHERE thread = ? AND kind IN {CONTROLS} ORDER BY seq", (found.root,))
    return fold([(found.side(sender), Kind(kind)) for sender, kind in rows])


def last_active_ms(database: Database, root: int) -> int:
    """When something was last said in a thread."""
    ((sent_ms,),) = database.execute("SELECT max(sent_ms) FROM message WHERE seq = ?1 OR thread = ?1", (root,))
    return int(sent_ms)


def of_agent(database: Database, agent: int | None) -> list[Offer]:
    """The sessions in which an agent takes part, or all, oldest first."""
    took_part = "(?1 IS NULL OR m.sender = ?1 OR d.recipient = ?1 AND NOT m.withheld)"
    rows = database.execute(f"{OFFER} WHERE m.kind = 'syn' AND {took_part} ORDER BY m.seq", (agent,))
    return [offered(row) for row in rows]


def view(database: Database, found: Offer) -> SessionView:
    """A session as it is shown."""
    opener, peer = (agents.known_name(database, agent, hidden=bool(found.hidden)) for agent in (found.opener, found.peer))
    ((number,),) = database.execute("SELECT count(*) FROM message WHERE thread = ? AND kind = 'data'", (found.root,))
    reasons = database.execute("SELECT body FROM message WHERE thread = ? AND kind IN ('syn-nack', 'lapse')", (found.root,)).fetchall()
    reason = reasons[0][0] if reasons else None
    return SessionView(
        found.id, opener, peer, found.task, state(database, found), reason, number, found.sent_ms, last_active_ms(database, found.root)
    )
