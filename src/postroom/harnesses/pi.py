"""pi: it has no MCP. An extension of ours offers the tools of `postroom mcp` to it, and a skill says how to use them."""

from __future__ import annotations

import json

from postroom.harnesses.harness import FILE, NAME, Entry, Harness, Place
from postroom.harnesses.shipped import HERE, skill

LOADER = """// Made by `postroom install pi`; `postroom remove pi` takes it away.
import connect from {extension};

export default connect({program});
"""


def directory(place: Place) -> str:
    """Where its extensions are."""
    return place.named("PI_CODING_AGENT_DIR", ".pi", "agent") if place.project is None else place.here(".pi")


def entries(place: Place) -> list[Entry]:
    """What is put in."""
    loader = LOADER.format(extension=json.dumps(f"{HERE}/pi/postroom.js"), program=json.dumps(list(place.program)))
    return [
        Entry(f"{directory(place)}/extensions/{NAME}.js", (), loader, FILE),
        skill(f"{directory(place)}/skills"),
    ]


HARNESS = Harness(
    name="pi",
    title="pi",
    programs=("pi",),
    traces=lambda place: (place.named("PI_CODING_AGENT_DIR", ".pi", "agent"),),
    entries=entries,
)
