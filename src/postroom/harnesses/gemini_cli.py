"""Gemini CLI: its server entry, hooks and skill. `gemini mcp list` connects, in a folder that is trusted."""

from __future__ import annotations

from postroom.harnesses.harness import NAME, Entry, Harness, Outcome, Place, server
from postroom.harnesses.hooking import hook_groups
from postroom.harnesses.probing import listed, run
from postroom.harnesses.shipped import skill

TIMEOUT_MS = 60_000
"""For one call of a tool; a model may wait 50 s for mail."""


def directory(place: Place) -> str:
    """Where its settings are."""
    return f"{place.named('GEMINI_CLI_HOME')}/.gemini" if place.project is None else place.here(".gemini")


def entries(place: Place) -> list[Entry]:
    """What is put in."""
    settings = f"{directory(place)}/settings.json"
    return [
        Entry(settings, ("mcpServers", NAME), {**server(place), "timeout": TIMEOUT_MS, "trust": not place.asks}),
        *hook_groups(place, settings, ("SessionStart", "BeforeAgent", "AfterTool", "AfterAgent", "SessionEnd"), scale=1000),
        skill(f"{directory(place)}/skills"),
    ]


def probe(_place: Place, program: str) -> Outcome:
    """Let it connect."""
    return listed(run([program, "mcp", "list"]), advice="If it does not trust this folder: start `gemini` here once and trust it.")


HARNESS = Harness(
    name="gemini-cli",
    title="Gemini CLI",
    programs=("gemini",),
    traces=lambda place: (f"{place.named('GEMINI_CLI_HOME')}/.gemini",),
    entries=entries,
    probe=probe,
    advice=("It uses servers and hooks only in folders that you trust.",),
)
