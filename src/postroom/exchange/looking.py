"""Looking on: how a post room is doing, in figures, and messages together with what became of them. Nothing is consumed or changed."""

from __future__ import annotations

from postroom.core.errors import BadValue
from postroom.core.message import Message, MessageRef, Progress
from postroom.core.types import NamedTuple
from postroom.exchange import presence, tracing
from postroom.exchange.desk import Desk
from postroom.exchange.lookup import resolve
from postroom.store import deliveries, figures
from postroom.store.figures import Figures, Minute, Queue

MINUTES_MAX = 1_440
BODY_CHARS = 1_000_000


class Overview(NamedTuple):
    """How a post room is doing. Times are ms since 1970; `minutes` are oldest first, `queues` longest first."""

    now_ms: int
    agents: int
    online: int
    figures: Figures
    queues: tuple[Queue, ...]
    minutes: tuple[Minute, ...]


class Traced(NamedTuple):
    """A message and what became of it for each recipient. So many characters at the end of its body were left out."""

    message: Message
    deliveries: tuple[Progress, ...]
    left_out: int = 0


def overview(desk: Desk, *, minutes: int = 60) -> Overview:
    """Figures of the whole post room, and of each of the last minutes: what was sent, and how long it took to be handed over and read."""
    if minutes not in range(1, MINUTES_MAX + 1):
        raise BadValue(name="minutes", value=minutes, why=f"it is a number from 1 to {MINUTES_MAX}")
    listed = [agent for agent in presence.list_agents(desk) if agent.kind == "agent"]
    now_ms = desk.now_ms()
    with desk.reading() as database:
        return Overview(
            now_ms,
            len(listed),
            sum(agent.online for agent in listed),
            figures.figures(database),
            tuple(figures.queues(database, sorted(listed, key=lambda agent: (-(agent.waiting or 0), agent.name)))),
            tuple(figures.minutes(database, now_ms=now_ms, number=minutes)),
        )


def traced(
    desk: Desk, *, peer: str | None = None, before: MessageRef | None = None, limit: int = 100, body_chars: int = BODY_CHARS
) -> list[Traced]:
    """The newest messages with what became of them, oldest first: of all, of an agent, of a `#room`; or those before a message."""
    return [trace(desk, message, body_chars) for message in tracing.history(desk, peer=peer, before=before, limit=limit)]


def conversation(desk: Desk, id: MessageRef, *, body_chars: int = BODY_CHARS) -> list[Traced]:
    """The thread that a message belongs to, with what became of each message, oldest first."""
    return [trace(desk, message, body_chars) for message in tracing.thread(desk, id)]


def trace(desk: Desk, message: Message, body_chars: int) -> Traced:
    """One message with what became of it."""
    with desk.reading() as database:
        progress = deliveries.progress(database, resolve(database, message, desk.agent).seq, viewer=desk.agent.id)
    left_out = max(len(message.body) - body_chars, 0)
    return Traced(message._replace(body=message.body[:body_chars]) if left_out else message, progress, left_out)
