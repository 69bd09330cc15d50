"""The table of harnesses: a new one is a new row. A module is loaded when its harness is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from postroom.core.address import close_names
from postroom.core.errors import BadUsage

if TYPE_CHECKING:
    from postroom.harnesses.harness import Harness

MODULES = {
    "claude-code": "claude_code",
    "codex": "codex",
    "opencode": "opencode",
    "gemini-cli": "gemini_cli",
    "pi": "pi",
    "cursor": "cursor",
    "vs-code": "vs_code",
    "windsurf": "windsurf",
    "zed": "zed",
    "goose": "goose",
    "amp": "amp",
}
ALIASES = {"claude": "claude-code", "gemini": "gemini-cli", "vscode": "vs-code", "code": "vs-code"}


def harness(name: str) -> Harness:
    """The harness of that name. Raises BadUsage with close names."""
    known = ALIASES.get(name.lower(), name.lower())
    if known not in MODULES:
        why = f"There is no harness {name!r}.{close_names(name, list(MODULES))}"
        raise BadUsage(why=why, see=f"they are {', '.join(MODULES)}.")
    found: Harness = import_module(f"{__package__}.{MODULES[known]}").HARNESS
    return found


def harnesses() -> list[Harness]:
    """All of them."""
    return [harness(name) for name in MODULES]
