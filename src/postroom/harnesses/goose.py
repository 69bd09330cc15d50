"""Goose: configuration only, in YAML. Written as its documentation says; not run by our tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroom.harnesses.harness import NAME, USER, Entry, Harness, Place

if TYPE_CHECKING:
    from postroom.harnesses.editing.values import Value

TIMEOUT_S = 300
"""Goose's own default."""


def entries(place: Place) -> list[Entry]:
    """What is put in."""
    value: Value = {
        "enabled": True,
        "type": "stdio",
        "name": NAME,
        "description": "Messages to and from other agents",
        "cmd": place.program[0],
        "args": [*place.program[1:], "mcp"],
        "envs": {},
        "timeout": TIMEOUT_S,
    }
    return [Entry(place.config("goose", "config.yaml"), ("extensions", NAME), value)]


HARNESS = Harness(
    name="goose",
    title="Goose",
    programs=("goose",),
    traces=lambda place: (place.config("goose"),),
    entries=entries,
    scopes=(USER,),
)
