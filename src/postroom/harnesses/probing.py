"""Running the programs of harnesses to find out what works: with a time limit, without input, and ended with all that they started."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from threading import Timer
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from postroom.harnesses.harness import NAME, Harness, Outcome, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PATIENCE_S = 60.0
"""What a cold start of a program with several servers may take."""
VERSION_PATIENCE_S = 20.0
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
VERSION = re.compile(r"\d+\.\d+[\w.+-]*")
SIGNS = " ✔✓✗✘○●⏸!"
FAILED = ("disabled", "disconnected", "fail", "pending", "error")
UNASKED = ("disabled", "pending")
"""What a harness says of servers that its user has not agreed to yet."""


Answers: TypeAlias = "dict[str, dict[str, object]]"
Parameters: TypeAlias = "Callable[[Answers], dict[str, object]]"


class Ran(NamedTuple):
    """What came of a program: its exit code (None: it took too long), and what it printed."""

    code: int | None
    output: str


def found_program(harness: Harness, place: Place) -> str | None:
    """Where the program of a harness is, or None."""
    path = place.environ.get("PATH", os.defpath)
    return next((found for name in harness.programs if (found := shutil.which(name, path=path))), None)


def is_there(harness: Harness, place: Place) -> bool:
    """Whether a harness is installed, or was used here."""
    return found_program(harness, place) is not None or any(map(os.path.exists, harness.traces(place)))


def version(program: str) -> str:
    """What version a program says that it is."""
    ran = run([program, "--version"], patience_s=VERSION_PATIENCE_S)
    found = VERSION.search(ran.output) if ran.code == 0 else None
    return found.group() if found else ""


def run(command: list[str], *, stdin: str = "", patience_s: float = PATIENCE_S, environ: Mapping[str, str] | None = None) -> Ran:
    """Run a program to its end. It has a process group of its own, which ends with it."""
    process = subprocess.Popen(  # noqa: S603  # a program that the person has installed
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=None if environ is None else dict(environ),
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(stdin.encode(), timeout=patience_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return Ran(None, ESCAPES.sub("", output.decode(errors="replace")))
    return Ran(process.returncode, ESCAPES.sub("", output.decode(errors="replace")))


def converse(command: list[str], requests: list[tuple[str, Parameters]]) -> Answers:
    """Ask a program that speaks JSON-RPC by lines, one thing after the other, and return its results by method; what it owes is missing."""
    process = subprocess.Popen(  # noqa: S603  # as above
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    watchdog = Timer(PATIENCE_S, os.killpg, (process.pid, signal.SIGKILL))
    watchdog.start()
    answers: Answers = {}
    try:
        for number, (method, parameters) in enumerate(requests):
            line = {"id": number, "method": method, "params": parameters(answers)}
            process.stdin.write(json.dumps(line).encode() + b"\n")
            process.stdin.flush()
            found: dict[str, dict[str, object]] = next(
                (one for one in map(json.loads, process.stdout) if one.get("id") == number and "method" not in one), {}
            )
            answers[method] = found.get("result") or {}
    except (BrokenPipeError, ValueError):  # it ended, or does not speak JSON-RPC: what it owes is missing
        return answers
    finally:
        watchdog.cancel()
        process.stdin.close()
        process.stdout.close()
        end(process)
    return answers


def end(process: subprocess.Popen[bytes]) -> None:
    """Let a program end whose input has been closed."""
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def listed(ran: Ran, *, advice: str = "") -> Outcome:
    """What a list of servers says of ours, which each program words in its own way."""
    if ran.code is None:
        return Outcome(connected=False, detail=f"it did not answer within {PATIENCE_S:g} s")
    line = next((line for line in ran.output.splitlines() if re.search(rf"\b{NAME}\b", line)), None)
    if line is None:
        return Outcome(connected=False, detail="it does not know the server")
    said = line.partition(" - ")[2].strip(SIGNS) or line.strip(SIGNS)
    if not any(word in said.lower() for word in FAILED) and "connected" in said.lower():
        return Outcome(connected=True, detail="connected")
    unasked = any(word in said.lower() for word in UNASKED)
    return Outcome(connected=False, detail=f"it says: {said.rstrip('.')}. {advice if unasked else ''}".rstrip())
