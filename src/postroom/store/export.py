"""Writing a store out as JSON lines, in pages: nobody waits for it, and it needs no more memory for a million messages than for one."""

from __future__ import annotations

import json
from collections.abc import Iterator

from postroom.core.types import NamedTuple
from postroom.store import deliveries, messages, profiles
from postroom.store.agents import HUMAN
from postroom.store.database import Database

FORMAT = 1
PAGE = 50
PART = "EXISTS (SELECT 1 FROM delivery d WHERE d.id BETWEEN m.delivery AND m.delivery + m.fan_out - 1 AND d.recipient = ?{who})"
TOOK_PART = f"AND (m.sender = ?{{who}} OR {PART})"
OWN = f"AND (m.sender = ?{{who}} OR NOT m.withheld AND {PART})"
"""What is held on its way to somebody that one does not know of yet."""
SEQS = "SELECT m.seq FROM message m WHERE m.seq > ?1 AND m.sent_ms >= ?2 {more} ORDER BY m.seq LIMIT ?3"


class Part(NamedTuple):
    """Which part of a store: what the viewer, unless it is the human, took part in, and another agent did; since a time."""

    viewer: int = HUMAN
    agent: int | None = None
    since_ms: int = 0


def lines(database: Database, part: Part, *, now_ms: int) -> Iterator[str]:
    """What an export consists of, line by line: the post room, the agents, the messages. Each line shows one moment."""
    ((identity, created_ms),) = database.execute("SELECT identity, created_ms FROM store")
    yield dumped({"type": "postroom", "format": FORMAT, "identity": identity, "created_ms": created_ms, "exported_ms": now_ms})
    for listed in profiles.listing(database, viewer=part.viewer):
        yield dumped({"type": "agent", **listed._asdict()})
    yield from message_lines(database, part)


def message_lines(database: Database, part: Part) -> Iterator[str]:
    """The messages, oldest first."""
    conditions = [(OWN, part.viewer)] if part.viewer != HUMAN else []
    conditions += [(TOOK_PART, part.agent)] if part.agent is not None else []
    sql = SEQS.format(more=" ".join(condition.format(who=place) for place, (condition, _) in enumerate(conditions, start=4)))
    after, page = 0, PAGE
    while page == PAGE:
        seqs = database.execute(sql, (after, part.since_ms, PAGE, *(agent for _, agent in conditions))).fetchall()
        for (seq,) in seqs:
            (message,) = messages.messages(database, "WHERE m.seq = ?", (seq,))
            provenance, files = message.provenance._asdict(), [file._asdict() for file in message.attachments]
            progress = [one._asdict() for one in deliveries.progress(database, seq, viewer=part.viewer)]
            line = {"type": "message", **message._asdict(), "provenance": provenance, "attachments": files, "deliveries": progress}
            del line["redelivered"]  # each delivery has its `handovers`
            yield dumped(line)
        page = len(seqs)
        after = seqs[-1][0] if seqs else after


def dumped(line: dict[str, object]) -> str:
    """One line. The order of the keys is that of the documentation."""
    return json.dumps(line, ensure_ascii=False)
