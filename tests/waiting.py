"""Waiting for what the test sees from outside: a condition with a deadline, a process that has stopped, a thread that waits for a bell."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from threading import Event
from time import monotonic
from typing import TypeVar

from postroom.agent import Agent
from postroom.doorbell import Doorbell
from tests.programs import Program

Found = TypeVar("Found")
SOON_S = float(os.environ.get("POSTROOM_TEST_SOON_S", "120"))
"""How long a test waits for what must come about; shorter where a fault was planted, so that it probably never does."""


def until(condition: Callable[[], Found], within: float = SOON_S) -> Found:
    """Wait until the condition holds, and return what it found."""
    deadline, pause = monotonic() + within, Event()
    while not (found := condition()):
        assert monotonic() < deadline, "it did not come about"
        pause.wait(0.005)
    return found


def until_it_waits(agent: Agent) -> None:
    """Wait until a thread of this process listens to the agent's bell."""
    bell = agent._seat.bell
    assert isinstance(bell, Doorbell)
    until(lambda: bell._listening)


def until_online(agent: Agent, name: str, *, online: bool = True) -> None:
    """Wait until an agent is seen as attached, or not, doing chores meanwhile."""

    def seen() -> bool:
        agent._seat.look()
        return online in [one.online for one in agent.agents() if one.name == name]

    until(seen)


def until_asleep(program: Program) -> None:
    """Wait until a program waits for something."""

    def state() -> str:
        with open(f"/proc/{program.pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(") ")[2][0]

    until(lambda: state() == "S")


def until_stopped(program: Program) -> None:
    """Wait until a program that is about to stop itself does nothing any more."""
    _, status = os.waitpid(program.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), "it ended"


def stop(program: Program) -> None:
    """Stop a program in its tracks, but not while it holds what the others would wait for. Killing it still works."""

    def in_nobody_s_way() -> bool:
        os.kill(program.pid, signal.SIGSTOP)
        until_stopped(program)
        if not holds_a_lock(program):
            return True
        go_on(program)
        return False

    until(in_nobody_s_way)


def holds_a_lock(program: Program) -> bool:
    """Whether a program holds a lock that keeps others out, as far as the system tells."""
    if not os.path.exists("/proc/locks"):
        return False
    with open("/proc/locks", encoding="ascii") as locks:
        return any(line.split()[-5:-3] == ["WRITE", str(program.pid)] for line in locks)


def go_on(program: Program) -> None:
    """Let a stopped program run again."""
    os.kill(program.pid, signal.SIGCONT)


def tell(program: Program, line: str = "") -> None:
    """Write a line to a program's standard input."""
    assert program._process.stdin is not None
    program._process.stdin.write(f"{line}\n".encode())
