"""Which session of which harness calls a hook, and which agent that is: the same one as the session's MCP server, by the same rule.

A session that says its id to its servers (Claude Code, Codex, pi) is remembered under it, see identity.py. Elsewhere the agent is the one
whose server was started by the same process as the hook; before that one comes in, the one that it is going to be.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from postroom import identity
from postroom.core.types import NamedTuple
from postroom.exchange.desk import Desk
from postroom.identity import Guest
from postroom.store import handover

GENERATIONS_MAX = 16
SHELLS = {"sh", "bash", "dash", "zsh", "fish"}


class Caller(NamedTuple):
    """A session, and whether its harness tells its servers the same id. `has_threads`: one server serves several sessions."""

    guest: Guest
    names_itself: bool
    has_threads: bool


def caller(payload: Mapping[str, object], environ: Mapping[str, str]) -> Caller | None:
    """Who calls, from what a hook is given; None if it does not say which session it is about."""
    session, directory = payload.get("session_id"), payload.get("cwd")
    if not isinstance(session, str) or not session:
        return None
    harness = harness_of(payload, session, environ)
    if harness == "claude-code":
        directory = environ.get("CLAUDE_PROJECT_DIR") or directory
    place = directory if isinstance(directory, str) else os.getcwd()
    guest = Guest(harness, place, session)
    return Caller(guest, harness in {"claude-code", "codex", "pi"}, harness == "codex")


def harness_of(payload: Mapping[str, object], session: str, environ: Mapping[str, str]) -> str:
    """Which harness it is. Variables of the environment may be those of a harness in which it was started, so the session must fit."""
    named = payload.get("harness")
    if isinstance(named, str):
        return named
    if session == environ.get("CLAUDE_CODE_SESSION_ID"):
        return "claude-code"
    return "gemini-cli" if "timestamp" in payload else "codex"


def name_of(desk: Desk, one: Caller) -> str:
    """The agent of a session, seen from a desk that may be anybody's. A session that has none yet gets one."""
    home, guest = desk.database.home, one.guest
    if not one.has_threads and (name := beside(desk, guest.harness)):
        if one.names_itself:
            identity.remember(home, guest, name, pid=program_pid())
        return name
    with identity.choosing(home):
        if not one.names_itself:  # its server knows nothing of the session either, and chooses as this does
            return identity.chosen(desk, guest._replace(session=None))
        name = identity.chosen(desk, guest)
        identity.remember(home, guest, name, pid=program_pid())
    return name


def beside(desk: Desk, harness: str) -> str | None:
    """The agent in that harness whose server was started by the process that started this hook; the nearest, where one runs in another."""
    with desk.reading() as database:
        starters = {parent(pid): name for pid, name in handover.servers(database, harness)}
    return next((starters[pid] for pid in ancestors(os.getpid()) if pid in starters), None) if starters else None


def ancestors(pid: int) -> Iterator[int]:
    """The processes from which a process comes, the nearest first."""
    for _ in range(GENERATIONS_MAX):
        pid = parent(pid)
        if pid <= 1:
            return
        yield pid


def parent(pid: int) -> int:
    """The process that started a process; 0 if that is not known."""
    known = facts(pid)
    return int(known[1]) if known else 0


def program_pid() -> int:
    """The process of the harness: what started this one, or the shell in between."""
    pid = os.getppid()
    known = facts(pid)
    return int(known[1]) if known and known[0] in SHELLS else pid


def facts(pid: int) -> tuple[str, str] | None:
    """The name of a process, and which one started it; None where the kernel does not say."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            before, _, after = file.read().rpartition(")")
    except OSError:
        return None
    return before.partition("(")[2], after.split()[1]
