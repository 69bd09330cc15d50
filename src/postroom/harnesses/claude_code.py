"""Claude Code: its server entry, hooks and skill. `claude mcp list` really connects."""

from __future__ import annotations

from postroom.core.way import OPENING
from postroom.harnesses.harness import ITEM, NAME, Entry, Harness, Outcome, Place, server
from postroom.harnesses.hooking import hook_group, hook_groups
from postroom.harnesses.probing import listed, run
from postroom.harnesses.shipped import skill

PROMPT = f"""said=$(cat); case "$said" in *'"prompt":"{OPENING}'*) ;; *) printf %s "$said" | {{hook}};; esac"""
"""The hook at a prompt. For one that we brought in there is nothing to do, and Python takes longer to start than all the rest of waking."""


def directory(place: Place) -> str:
    """Where its settings are."""
    return place.named("CLAUDE_CONFIG_DIR", ".claude") if place.project is None else place.here(".claude")


def entries(place: Place) -> list[Entry]:
    """What is put in. Its tools would be hidden behind a search without `alwaysLoad`."""
    own = place.environ.get("CLAUDE_CONFIG_DIR")
    if place.project is not None:
        servers, settings = place.here(".mcp.json"), f"{directory(place)}/settings.local.json"
    else:
        servers, settings = (f"{own}/.claude.json" if own else place.home(".claude.json")), f"{directory(place)}/settings.json"
    found = [Entry(servers, ("mcpServers", NAME), {"type": "stdio", **server(place), "alwaysLoad": True})]
    found += hook_groups(place, settings, ("SessionStart", "PostToolUse", "Stop", "SessionEnd"))
    found.append(hook_group(settings, "UserPromptSubmit", PROMPT.format(hook=place.command("hook", "UserPromptSubmit"))))
    if place.project is not None:
        found.append(Entry(settings, ("enabledMcpjsonServers",), NAME, ITEM))
    if not place.asks:
        found.append(Entry(settings, ("permissions", "allow"), f"mcp__{NAME}", ITEM))
    return [*found, skill(f"{directory(place)}/skills")]


def probe(_place: Place, program: str) -> Outcome:
    """Let it connect."""
    return listed(run([program, "mcp", "list"]), advice="Start `claude` in this directory once and approve the server.")


HARNESS = Harness(
    name="claude-code",
    title="Claude Code",
    programs=("claude",),
    traces=lambda place: (place.named("CLAUDE_CONFIG_DIR", ".claude"), place.home(".claude.json")),
    entries=entries,
    probe=probe,
    advice=("Sessions that run already learn of it when they are started again.",),
)
