"""Zed: configuration only. Written as its documentation says; not run by our tests."""

from __future__ import annotations

from postroom.harnesses.harness import NAME, Entry, Harness, Place, server


def entries(place: Place) -> list[Entry]:
    """What is put in."""
    path = place.config("zed", "settings.json") if place.project is None else place.here(".zed", "settings.json")
    return [Entry(path, ("context_servers", NAME), {"source": "custom", **server(place), "env": {}})]


HARNESS = Harness(
    name="zed",
    title="Zed",
    programs=("zed", "zeditor"),
    traces=lambda place: (place.config("zed"),),
    entries=entries,
)
