"""Amp: configuration only. Written as its documentation says; not run by our tests."""

from __future__ import annotations

from postroom.harnesses.harness import NAME, Entry, Harness, Place, server


def entries(place: Place) -> list[Entry]:
    """What is put in. The dot in the key is part of its name."""
    path = place.config("amp", "settings.json") if place.project is None else place.here(".amp", "settings.json")
    return [Entry(path, ("amp.mcpServers", NAME), server(place))]


HARNESS = Harness(
    name="amp",
    title="Amp",
    programs=("amp",),
    traces=lambda place: (place.config("amp"),),
    entries=entries,
)
