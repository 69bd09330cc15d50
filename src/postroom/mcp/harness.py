"""Which harness is at the other end, and which of its sessions: what each one tells us by itself, in the table below."""

from __future__ import annotations

import os
from collections.abc import Mapping

from postroom.core.types import NamedTuple
from postroom.identity import Guest, folded
from postroom.mcp.jsonrpc import Object


class Harness(NamedTuple):
    """A row: the name of a harness as `postroom install` has it, and by what it is known.

    `client` is part of how it calls itself in the protocol. The variables are those of the environment in which it starts us.
    """

    name: str
    client: str
    variable: str = ""
    session: str = ""
    directory: str = ""
    has_threads: bool = False


HARNESSES = (
    Harness("codex", "codex", has_threads=True),
    Harness("opencode", "opencode", variable="OPENCODE"),
    Harness("gemini-cli", "gemini", "GEMINI_CLI"),
    Harness("claude-code", "claude-code", "CLAUDECODE", "CLAUDE_CODE_SESSION_ID", "CLAUDE_PROJECT_DIR"),
    Harness("pi", "postroom for pi", session="PI_SESSION_ID"),
    Harness("cursor", "cursor"),
    Harness("vs-code", "visual studio code"),
    Harness("windsurf", "windsurf"),
    Harness("zed", "zed"),
    Harness("goose", "goose"),
    Harness("amp", "amp-"),
)


def harness_of(client: str, environ: Mapping[str, str]) -> Harness:
    """The harness at the other end. What it calls itself comes first: the environment may be that of a harness in which it was started."""
    known = client.lower()
    for row in HARNESSES:
        if row.client in known:
            return row
    for row in HARNESSES:
        if row.variable and environ.get(row.variable) and not known:
            return row
    return Harness(folded(client)[:40], client)


def has_threads(client: str, environ: Mapping[str, str]) -> bool:
    """Whether each call says for which thread it is made."""
    return harness_of(client, environ).has_threads


def guest_of(client: str, environ: Mapping[str, str], thread: str | None, meta: Object) -> Guest:
    """The session that calls."""
    row = harness_of(client, environ)
    directory = (environ.get(row.directory) if row.directory else None) or workspace(meta) or here()
    session = thread or (environ.get(row.session) if row.session else None) or None
    return Guest(row.name, directory, session)


def here() -> str:
    """The directory in which we were started; harnesses start us in that of the project."""
    try:
        return os.getcwd()
    except OSError:  # it has been removed
        return ""


def workspace(meta: Object) -> str:
    """The first directory that a call says it is about."""
    found = meta.get("workspaces")
    if not found:
        return ""
    from urllib.parse import unquote, urlsplit

    each = list(found) if isinstance(found, list | dict) else []
    for one in each:
        values = [one, *one.values()] if isinstance(one, dict) else [one]
        for value in values:
            text = unquote(urlsplit(value).path) if isinstance(value, str) and value.startswith("file://") else value
            if isinstance(text, str) and os.path.isabs(text) and "\0" not in text:
                return text
    return ""
