"""What agents are told besides messages: who came and went, who was renamed, what became of what they sent. Nobody has to act on it."""

from __future__ import annotations

from postroom.core.types import NamedTuple


class Event(NamedTuple):
    """Something that happened. `agent` did it, or it is about that agent; `room` is where. Times are ms since 1970.

    `message` is the id of the message that it is about, if it is about one. What `text` says depends on `what`, see docs/sdk.md.
    """

    what: str
    at_ms: int
    room: str | None
    agent: str
    message: str | None = None
    text: str = ""
