"""SQL about alerts: what waits for the human, and of what he was told already."""

from __future__ import annotations

from collections.abc import Sequence

from postroom.core.types import NamedTuple
from postroom.store.agents import HUMAN
from postroom.store.database import Database
from postroom.store.messages import SPEAKER


class Waiting(NamedTuple):
    """A message in the human's mailbox of which he was not told yet. `body` is its beginning."""

    delivery: int
    id: str
    sender: str
    kind: str
    asks: bool
    subject: str
    body: str


CHARS = 1_000
UNTOLD = f"""
SELECT d.id, coalesce(m.id, m.number), {SPEAKER}, m.kind, m.reply_by_ms IS NOT NULL, m.subject, substr(m.body, 1, {CHARS})
FROM delivery d JOIN message m ON m.seq = d.message JOIN agent s ON s.id = m.sender
WHERE d.unread = {HUMAN} AND d.state = 'delivered' AND d.id NOT IN (SELECT delivery FROM alerted) ORDER BY d.id
"""
READ = f"DELETE FROM alerted WHERE delivery NOT IN (SELECT id FROM delivery WHERE unread = {HUMAN})"


def untold(database: Database) -> list[Waiting]:
    """What waits in the human's mailbox and was not told yet, oldest first."""
    return [Waiting(row[0], str(row[1]), row[2], row[3], bool(row[4]), *row[5:]) for row in database.execute(UNTOLD)]


def note(database: Database, deliveries: Sequence[int]) -> None:
    """Note that the human was told, and forget it of what he has read since."""
    database.executemany("INSERT OR IGNORE INTO alerted VALUES (?)", [(delivery,) for delivery in deliveries])
    database.execute(READ)
