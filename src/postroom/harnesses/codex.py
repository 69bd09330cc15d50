"""Codex: its server entry, hooks and skill. Its list of servers does not connect; its app server does."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from postroom.harnesses.harness import NAME, Entry, Harness, Outcome, Place, server
from postroom.harnesses.hooking import hook_groups
from postroom.harnesses.probing import converse
from postroom.harnesses.shipped import skill

if TYPE_CHECKING:
    from collections.abc import Mapping

    from postroom.harnesses.editing.values import Value
    from postroom.harnesses.probing import Answers, Parameters

EVENTS = ("SessionStart", "UserPromptSubmit", "PostToolUse", "Stop", "SessionEnd")
TOOL_TIMEOUT_S = 60
TRUST = "Its hooks do nothing until you trust them: type /hooks in Codex."


def directory(place: Place) -> str:
    """Where its settings are."""
    return place.named("CODEX_HOME", ".codex") if place.project is None else place.here(".codex")


def entries(place: Place) -> list[Entry]:
    """What is put in. It hands its servers no variable of the environment that is not named."""
    own: dict[str, Value] = {
        **server(place),
        "env_vars": ["POSTROOM_AGENT", "POSTROOM_HOME", "CODEX_HOME"],
        "tool_timeout_sec": TOOL_TIMEOUT_S,
    }
    if not place.asks:
        own["default_tools_approval_mode"] = "approve"
    return [
        Entry(f"{directory(place)}/config.toml", ("mcp_servers", NAME), own),
        *hook_groups(place, f"{directory(place)}/hooks.json", EVENTS),
        skill(f"{directory(place)}/skills"),
    ]


def probe(place: Place, program: str) -> Outcome:
    """Let its app server connect, and ask it whether our hooks are trusted. It starts the servers of a project with a thread there."""
    requests = [("initialize", always({"clientInfo": {"name": NAME, "version": "0"}}))]
    if place.project is not None:
        requests.append(("thread/start", always({"cwd": place.project, "ephemeral": True})))
    requests += [("mcpServerStatus/list", in_thread), ("hooks/list", always({"cwds": [place.project or os.getcwd()]}))]
    answers = converse([program, "app-server"], requests)
    ours = next((one for one in rows(answers, "mcpServerStatus/list") if one.get("name") == NAME), None)
    if ours is None:
        return Outcome(connected=False, detail="it does not know the server")
    if not ours.get("serverInfo"):
        return Outcome(connected=False, detail=f"it cannot connect: {ours.get('toolsError') or 'no answer'}")
    untrusted = [hook for one in rows(answers, "hooks/list") for hook in rows(one, "hooks") if is_ours(hook) and not is_trusted(hook)]
    return Outcome(connected=True, detail=f"connected. {TRUST}" if untrusted else "connected")


def always(parameters: dict[str, object]) -> Parameters:
    """The parameters of a request that depends on no other."""
    return lambda _: parameters


def in_thread(answers: Answers) -> dict[str, object]:
    """Ask about the thread that was started, if one was."""
    thread = answers.get("thread/start", {}).get("thread")
    return {"threadId": thread["id"]} if isinstance(thread, dict) else {}


def rows(answers: Mapping[str, object], key: str) -> list[dict[str, object]]:
    """A list of objects in an answer, or in the `data` of one."""
    found = answers.get(key)
    inner = found.get("data") if isinstance(found, dict) else found
    return [one for one in inner if isinstance(one, dict)] if isinstance(inner, list) else []


def is_ours(hook: Mapping[str, object]) -> bool:
    """Whether a hook calls `postroom hook`."""
    command = str(hook.get("command"))
    return NAME in command and " hook " in command


def is_trusted(hook: Mapping[str, object]) -> bool:
    """Whether Codex would run a hook."""
    return hook.get("trustStatus") in {"trusted", "managed"}


HARNESS = Harness(
    name="codex",
    title="Codex",
    programs=("codex",),
    traces=lambda place: (place.named("CODEX_HOME", ".codex"),),
    entries=entries,
    probe=probe,
    advice=(TRUST,),
)
