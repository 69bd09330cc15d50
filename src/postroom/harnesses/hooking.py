"""Hooks as Claude Code, Codex and Gemini CLI configure them: for each event a list of groups, each with a list of commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroom.harnesses.harness import ITEM, Entry, Place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postroom.harnesses.editing.values import Value

TIMEOUT_S = 10
"""A hook takes some 50 ms; a busy store makes it wait for 5 s at most (the limit busy_ms)."""
LAST_TIMEOUT_S = 3
"""The most that Codex allows for SessionEnd."""


def hook_groups(place: Place, path: str, events: Iterable[str], *, scale: int = 1) -> list[Entry]:
    """One group with one command for each event. `scale` is how many units of time a second has there."""
    return [hook_group(path, event, place.command("hook", event), scale=scale) for event in events]


def hook_group(path: str, event: str, command: str, *, scale: int = 1) -> Entry:
    """One group with one command."""
    seconds = LAST_TIMEOUT_S if event == "SessionEnd" else TIMEOUT_S
    group: Value = {"hooks": [{"type": "command", "command": command, "timeout": seconds * scale}]}
    return Entry(path, ("hooks", event), group, ITEM)
