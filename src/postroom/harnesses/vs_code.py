"""VS Code: configuration only. Written as its documentation says; not run by our tests."""

from __future__ import annotations

import sys

from postroom.harnesses.harness import NAME, Entry, Harness, Place, server


def user_directory(place: Place) -> str:
    """Where a person's settings are."""
    if sys.platform == "darwin":
        return place.home("Library", "Application Support", "Code", "User")
    return place.config("Code", "User")


def entries(place: Place) -> list[Entry]:
    """What is put in."""
    path = f"{user_directory(place)}/mcp.json" if place.project is None else place.here(".vscode", "mcp.json")
    return [Entry(path, ("servers", NAME), {"type": "stdio", **server(place)})]


HARNESS = Harness(
    name="vs-code",
    title="VS Code",
    programs=("code",),
    traces=lambda place: (user_directory(place),),
    entries=entries,
    advice=("VS Code asks whether you trust the server when it starts it for the first time.",),
)
