"""OpenCode: its server entry, the plugin that knows the session, and the skill. `opencode mcp list` really connects."""

from __future__ import annotations

import os

from postroom.harnesses.harness import ITEM, NAME, Entry, Harness, Outcome, Place
from postroom.harnesses.probing import listed, run
from postroom.harnesses.shipped import HERE, skill

TIMEOUT_MS = 60_000
"""OpenCode ends a call of a tool after 60 s in any case."""
NAMES = ("opencode.jsonc", "opencode.json")


def settings(place: Place) -> str:
    """The file that is there, or the usual one."""
    base = place.config("opencode") if place.project is None else place.project
    return next((path for name in NAMES if os.path.exists(path := os.path.join(base, name))), os.path.join(base, NAMES[-1]))


def entries(place: Place) -> list[Entry]:
    """What is put in. The plugin is named in the file, as a folder of plugins lets OpenCode install packages at each start."""
    path = settings(place)
    found = [
        Entry(path, ("mcp", NAME), {"type": "local", "command": [*place.program, "mcp"], "enabled": True, "timeout": TIMEOUT_MS}),
        Entry(path, ("plugin",), [f"file://{HERE}/opencode/postroom.js", {"program": list(place.program)}], ITEM),
    ]
    if place.asks:
        found.append(Entry(path, ("permission", f"{NAME}_*"), "ask"))
    return [*found, *([skill(place.config("opencode", "skills"))] if place.project is None else [])]


def probe(_place: Place, program: str) -> Outcome:
    """Let it connect."""
    return listed(run([program, "mcp", "list"]))


HARNESS = Harness(
    name="opencode",
    title="OpenCode",
    programs=("opencode",),
    traces=lambda place: (place.config("opencode"),),
    entries=entries,
    probe=probe,
)
