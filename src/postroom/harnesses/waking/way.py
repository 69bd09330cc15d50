"""The way into a session, in the same words for every harness, and which harness has one."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from importlib import import_module

from postroom.core.types import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Fate(IntEnum):
    """How far a text has come that was pushed into a session, as its harness shows it."""

    UNKNOWN = 0
    TAKEN = 1  # the harness has it, and will give it to the model
    READ = 2  # it is part of the conversation
    OVER = 3  # the turn in which it was read has ended


class Session(NamedTuple):
    """A session of a harness: its id, if we are told, and the environment that the harness gives to our server."""

    harness: str
    id: str | None
    environ: Mapping[str, str]


class Way(Protocol):
    """A way into one session."""

    pace_s: float
    """The harness takes no more than one push in so many seconds, or does not take it well."""

    def push(self, text: str, *, interrupt: bool) -> None:
        """Bring a text in; with `interrupt` into the turn that runs, if one does. Raises OSError if that is impossible now.

        TimeoutError says that it is not known whether it came in.
        """

    def fate(self, text: str) -> Fate:
        """What came of a text, by what there is to see now."""

    def rests(self) -> bool:
        """Whether the session waits for its user, by what there is to see now."""


MODULES = {"claude-code": "claude_code", "codex": "codex", "opencode": "plugin", "pi": "plugin"}


def way(harness: str, id: str | None, environ: Mapping[str, str]) -> Way | None:
    """The way into a session; None if there is none."""
    if harness not in MODULES:
        return None
    find: Callable[[Session], Way | None] = import_module(f"{__package__}.{MODULES[harness]}").way
    return find(Session(harness, id, environ))
