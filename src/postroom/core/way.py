"""The way into a session of a harness: what whoever has mail for it may ask of the harness's file, in the same words for every harness."""

from __future__ import annotations

from enum import IntEnum

from postroom.core.types import Protocol

OPENING = "Postroom brings mail for "
"""How everything begins that is brought into a session. Hooks know by it a prompt that nobody typed."""


class Fate(IntEnum):
    """How far a text has come that was pushed into a session, as its harness shows it."""

    UNKNOWN = 0
    TAKEN = 1  # the harness has it, and will give it to the model
    READ = 2  # it is part of the conversation
    OVER = 3  # the turn in which it was read has ended


class AtWork(Exception):
    """The turn that runs cannot be interrupted, so nothing was brought in."""


class Way(Protocol):
    """A way into one session."""

    pace_s: float
    """The harness takes no more than one push in so many seconds, or does not take it well."""

    def push(self, text: str, *, interrupt: bool) -> None:
        """Bring a text in; with `interrupt` into the turn that runs, if one does.

        Raises AtWork; OSError if it is impossible now; TimeoutError if it is not known whether it came in.
        """

    def fate(self, text: str) -> Fate:
        """What came of a text, by what there is to see now."""

    def rests(self) -> bool:
        """Whether the session waits for its user, by what there is to see now."""
