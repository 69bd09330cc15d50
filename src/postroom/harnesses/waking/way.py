"""Which harness has a way into its sessions."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from postroom.core.types import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroom.core.way import Way


class Session(NamedTuple):
    """A session of a harness: its id, if we are told, and the environment that the harness gives to our server."""

    harness: str
    id: str | None
    environ: Mapping[str, str]


MODULES = {"claude-code": "claude_code", "codex": "codex", "opencode": "plugin", "pi": "plugin"}


def way(harness: str, id: str | None, environ: Mapping[str, str]) -> Way | None:
    """The way into a session; None if there is none."""
    if harness not in MODULES:
        return None
    find: Callable[[Session], Way | None] = import_module(f"{__package__}.{MODULES[harness]}").way
    return find(Session(harness, id, environ))
