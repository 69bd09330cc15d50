"""What a pause forbids: all of an agent that reaches others, but what it sends, which is held, and how and where it is, which is true."""

from __future__ import annotations

from postroom.core.errors import Paused
from postroom.store import held
from postroom.store.database import Database


def check_free(database: Database, agent: int) -> None:
    """Raise Paused if a human has paused an agent."""
    reason = held.why_paused(database, agent)
    if reason is not None:
        raise Paused(reason=reason)
