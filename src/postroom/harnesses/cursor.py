"""Cursor: configuration only. Written as its documentation says; not run by our tests."""

from __future__ import annotations

from postroom.harnesses.harness import NAME, Entry, Harness, Place, server


def entries(place: Place) -> list[Entry]:
    """What is put in."""
    path = place.home(".cursor", "mcp.json") if place.project is None else place.here(".cursor", "mcp.json")
    return [Entry(path, ("mcpServers", NAME), server(place))]


HARNESS = Harness(
    name="cursor",
    title="Cursor",
    programs=("cursor", "cursor-agent"),
    traces=lambda place: (place.home(".cursor"),),
    entries=entries,
    advice=("Enable the server in Cursor's settings, under MCP.",),
)
