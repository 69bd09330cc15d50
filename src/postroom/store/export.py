"""Writing a store out as JSON lines, in pages: nobody waits for it, and it needs no more memory for a million messages than for one."""

from __future__ import annotations

import json
from collections.abc import Iterator

from postroom.store import deliveries, messages, profiles
from postroom.store.agents import HUMAN
from postroom.store.database import Database

FORMAT = 1
PAGE = 50
TOOK_PART = """
AND (m.sender = ?4 OR EXISTS
    (SELECT 1 FROM delivery d WHERE d.id BETWEEN m.delivery AND m.delivery + m.fan_out - 1 AND d.recipient = ?4))
"""
WHERE = "WHERE m.seq > ?1 AND m.sent_ms >= ?2 {took_part} ORDER BY m.seq LIMIT ?3"


def lines(database: Database, *, agent: int | None, since_ms: int, now_ms: int) -> Iterator[str]:
    """What an export consists of, line by line: the post room, the agents, the messages. Each line shows one moment."""
    ((identity, created_ms),) = database.execute("SELECT identity, created_ms FROM store")
    yield dumped({"type": "postroom", "format": FORMAT, "identity": identity, "created_ms": created_ms, "exported_ms": now_ms})
    for listed in profiles.listing(database, viewer=HUMAN):
        yield dumped({"type": "agent", **listed._asdict()})
    yield from message_lines(database, agent=agent, since_ms=since_ms)


def message_lines(database: Database, *, agent: int | None, since_ms: int) -> Iterator[str]:
    """The messages, oldest first."""
    where = WHERE.format(took_part=TOOK_PART if agent is not None else "")
    after, page = 0, PAGE
    while page == PAGE:
        seqs = database.execute(
            f"SELECT m.seq FROM message m {where}", (after, since_ms, PAGE, agent)[: 3 if agent is None else 4]
        ).fetchall()
        for (seq,) in seqs:
            (message,) = messages.messages(database, "WHERE m.seq = ?", (seq,))
            provenance, files = message.provenance._asdict(), [file._asdict() for file in message.attachments]
            progress = [one._asdict() for one in deliveries.progress(database, seq, viewer=HUMAN)]
            line = {"type": "message", **message._asdict(), "provenance": provenance, "attachments": files, "deliveries": progress}
            del line["redelivered"]  # each delivery has its `handovers`
            yield dumped(line)
        page = len(seqs)
        after = seqs[-1][0] if seqs else after


def dumped(line: dict[str, object]) -> str:
    """One line. The order of the keys is that of the documentation."""
    return json.dumps(line, ensure_ascii=False)
