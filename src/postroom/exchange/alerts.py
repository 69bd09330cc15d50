"""Alerts: what of the human's mailbox is told to people wherever they are, and in which words. Much that comes at once is told together."""

from __future__ import annotations

from collections import Counter

from postroom.core.message import Kind
from postroom.core.render import counted, one_line
from postroom.core.types import NamedTuple
from postroom.exchange.desk import Desk
from postroom.store import alerts as stored
from postroom.store.alerts import Waiting

REQUESTS, HELD, MESSAGES = "requests", "held", "messages"
KINDS = {
    REQUESTS: "questions that wait for an answer, and sessions that are offered",
    HELD: "threads and storms that a human must look at, and webhooks that are paused",
    MESSAGES: "everything else that comes to the human",
}
NOUNS = {REQUESTS: "request", HELD: "held thing", MESSAGES: "message"}
FOR_HUMANS = frozenset({"notice: held", "notice: storm", "notice: webhook"})
NAMED = 10
"""So many are told one by one."""
CHARS = 200
"""So much is told of what somebody wrote: a message of a telephone has 160 characters, a line of a chat 2,000."""


class Alert(NamedTuple):
    """What people are told, and the deliveries that it is about."""

    title: str
    body: str
    about: tuple[int, ...]


def kind_of(waiting: Waiting) -> str:
    """What a message in the human's mailbox is."""
    if waiting.kind == Kind.SYN or (waiting.asks and waiting.kind == Kind.MESSAGE):
        return REQUESTS
    return HELD if waiting.kind == Kind.NOTICE and waiting.subject in FOR_HUMANS else MESSAGES


def alert(desk: Desk, kinds: frozenset[str]) -> Alert | None:
    """What people have not been told yet, if there is anything."""
    with desk.reading() as database:
        found = [one for one in stored.untold(database) if kind_of(one) in kinds]
    if not found:
        return None
    numbers = Counter(map(kind_of, found))
    what = ", ".join(counted(numbers[kind], NOUNS[kind]) for kind in KINDS if numbers[kind])
    title = f"Postroom: {what} {'waits' if len(found) == 1 else 'wait'} for you"
    more = [f"and {len(found) - NAMED:,} more"] if len(found) > NAMED else []
    body = "\n".join([*map(line, found[:NAMED]), *more, "", "To see and answer them: postroom console, or postroom inbox --as human"])
    return Alert(title, body, tuple(one.delivery for one in found))


def line(waiting: Waiting) -> str:
    """One message on a line."""
    text = one_line(waiting.body if waiting.kind == Kind.NOTICE else ": ".join(filter(None, (waiting.subject, waiting.body))))
    cut = f"{text[:CHARS]}…" if len(text) > CHARS else text
    return cut if waiting.kind == Kind.NOTICE else f"{waiting.sender} (message {waiting.id}): {cut}"


def told(desk: Desk, alert: Alert) -> None:
    """Note that people were told."""
    with desk.posting(safe=True) as posting:
        stored.note(posting.database, alert.about)
