"""Windsurf: configuration only. Written as its documentation says; not run by our tests."""

from __future__ import annotations

from postroom.harnesses.harness import NAME, USER, Entry, Harness, Place, server


def entries(place: Place) -> list[Entry]:
    """What is put in."""
    return [Entry(place.home(".codeium", "windsurf", "mcp_config.json"), ("mcpServers", NAME), server(place))]


HARNESS = Harness(
    name="windsurf",
    title="Windsurf",
    programs=("windsurf",),
    traces=lambda place: (place.home(".codeium", "windsurf"),),
    entries=entries,
    scopes=(USER,),
    advice=("Refresh the list of servers in Windsurf.",),
)
