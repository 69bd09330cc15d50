"""What outsiders see at the command line: in this process, with the clock of a town, or in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from postroom import cli
from postroom.exchange import desk as desks
from postroom.exchange.desk import Options
from tests.cli.shell import environment, line_of
from tests.properties.scripts import TIMES_S
from tests.properties.twins import AGENT_NAMES, RANDOM_ID, ROOM_NAMES, Act, Town
from tests.waiting import SOON_S

COMMANDS = (
    ["agents"],
    ["agents", "--names"],
    ["agents", "--archived", "--json"],
    ["agents", "--tag", "red"],
    ["rooms"],
    ["rooms", "--names"],
    ["rooms", "--json"],
    ["history"],
    ["history", "--json", "--limit", "100"],
    ["search", "tea"],
    ["held"],
    ["events", "--json"],
    ["session", "list"],
    *(["room", "members", name] for name in ROOM_NAMES),
    *(["history", f"#{name}"] for name in ROOM_NAMES),
    *(["history", name, "--json"] for name in AGENT_NAMES),
    *(["status", f"{id}", "--json"] for id in (1, 2, 3, 5, 8, 13, "a1", "ina:a1")),
)
WATCH = ["watch", "--json", "--last", "50"]


def look_at_screens(town: Town, hidden: list[str]) -> None:
    """Let an outsider and a stranger look at everything."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desks, "DEFAULTS", Options("relaxed", town.clock))
        for who in ([], ["--as", town.desks["otto"].agent.name]):
            for command in (*COMMANDS, *(["thread", id] for id in hidden[:5])):
                town.seen.append(f"{who} {command}: {RANDOM_ID.sub('+', printed([*command, *who, '--home', town.home]))}")


def printed(arguments: list[str]) -> str:
    """The exit code of a command, and what it prints."""
    with TemporaryFile() as screen, open(os.devnull, "rb") as nothing:
        with standing_for(nothing.fileno(), screen.fileno(), screen.fileno()):
            code = cli.run(arguments)
        screen.seek(0)
        return f"{code} {screen.read().decode()}"


@contextmanager
def standing_for(*descriptors: int) -> Iterator[None]:
    """Let these be standard input, output and error."""
    kept = [os.dup(number) for number in range(3)]
    try:
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
        yield
    finally:
        for number, descriptor in enumerate(kept):
            os.dup2(descriptor, number)
            os.close(descriptor)


def watch(town: Town, _: list[str]) -> None:
    """Let an outsider and a stranger watch, in processes of their own: what was there before, and what comes."""
    town.pass_s("", max(TIMES_S))  # no pace is too fast, and nothing will be due: the processes would do it at a time of their own
    town.do(Act(inside=False, who="human", verb="release", what=("otto",)))  # whoever is paused says no sign
    town.do(Act(inside=False, who="otto", verb="create", what=("square", "public")))
    say(town, "from here on")
    watching = [start([*WATCH, *who, "--home", town.home]) for who in ([], ["--as", town.desks["otto"].agent.name])]
    try:
        for process in watching:
            town.seen += lines_until("from here on", process)
        say(town, "that is all")
        for process in watching:
            town.seen += lines_until("that is all", process)
    finally:
        for process in watching:
            process.kill()
            process.communicate(timeout=SOON_S)


def say(town: Town, sign: str) -> None:
    """Let everybody who watches hear something."""
    town.do(Act(inside=False, who="otto", verb="send", what=("#square", sign, {})))


def lines_until(sign: str, process: subprocess.Popen[bytes]) -> list[str]:
    """What a process prints up to a sign. It does not name itself, nor those that came before it."""
    lines: list[str] = []
    while not lines or sign not in lines[-1]:
        lines.append(RANDOM_ID.sub("+", line_of(process)))
        assert lines[-1], "it ended"
    return lines


def start(arguments: list[str]) -> subprocess.Popen[bytes]:
    """Start a command that stays."""
    return subprocess.Popen(
        [sys.executable, "-m", "postroom", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        bufsize=0,
        stderr=subprocess.DEVNULL,
        env=environment(Path(os.environ["HOME"])),
    )
