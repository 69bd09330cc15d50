"""The program as a shell starts it: real processes with nothing in their environment but what it needs, in pipes or in a terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple, Self

SOON_S = 60
PROGRAM = [sys.executable, "-m", "postroom"]
# What the interpreter needs to find the package, and coverage to look on.
KEPT = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "COVERAGE_", "COV_")


class Result(NamedTuple):
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The JSON lines of the output."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def failure(self) -> dict[str, Any]:
        """The JSON error."""
        (line,) = self.err.splitlines()
        found = json.loads(line)
        assert isinstance(found, dict)
        return found


def environment(home: Path, **more: str) -> dict[str, str]:
    """The least that a process needs."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(KEPT)}
    return kept | {"PATH": os.defpath, "HOME": str(home), "POSTROOM_HOME": str(home / "postroom"), "LANG": "C.UTF-8"} | more


class Shell:
    """Runs commands in one home. With a keyboard, which is a terminal at which nobody types, a person is taken to be there."""

    def __init__(self, home: Path, *, keyboard: int | None = None) -> None:
        self.home = home
        self.keyboard = keyboard

    def __call__(self, *arguments: str | bytes, stdin: str | bytes = b"", **more: str) -> Result:
        """Run one command to its end."""
        text = stdin.encode() if isinstance(stdin, str) else stdin
        source: dict[str, Any] = {"input": text} if self.keyboard is None else {"stdin": self.keyboard}
        done = subprocess.run(
            [*PROGRAM, *arguments], **source, env=environment(self.home, **more), capture_output=True, timeout=SOON_S, check=False
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def ok(self, *arguments: str | bytes, stdin: str | bytes = b"", **more: str) -> str:
        """Run one command that must succeed and have nothing to complain about, and return its output."""
        done = self(*arguments, stdin=stdin, **more)
        assert (done.code, done.err) == (0, ""), done
        return done.out

    def objects(self, *arguments: str, **more: str) -> list[dict[str, Any]]:
        """The same with --json."""
        return [json.loads(line) for line in self.ok(*arguments, "--json", **more).splitlines()]

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[bytes]:
        """Start a command that stays."""
        return subprocess.Popen(
            [*PROGRAM, *arguments],
            env=environment(self.home, **more),
            stdin=subprocess.DEVNULL if self.keyboard is None else self.keyboard,
            stdout=subprocess.PIPE,
            bufsize=0,  # a line that was read ahead would not be seen by select
            stderr=subprocess.PIPE,
        )

    def terminal(self, *arguments: str, columns: int = 80, **more: str) -> Terminal:
        """Start a command in a terminal of its own."""
        return Terminal([*PROGRAM, *arguments], environment(self.home, TERM="xterm", **more), columns)


def line_of(process: subprocess.Popen[bytes]) -> str:
    """The next line that a command prints."""
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], SOON_S)
    assert readable, "it prints nothing"
    return process.stdout.readline().decode().rstrip("\n")


def end(process: subprocess.Popen[bytes], signal: int) -> int:
    """Send a signal and return the exit code."""
    process.send_signal(signal)
    _, errors = process.communicate(timeout=SOON_S)
    assert b"Traceback" not in errors, errors
    return process.returncode


class Terminal:
    """A command with a person before it."""

    def __init__(self, command: list[str], env: dict[str, str], columns: int) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self._process = subprocess.Popen(
            command,
            env=env,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509  # so that Ctrl-C reaches it; execs at once
        )
        os.close(slave)
        self.seen = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(SOON_S)
        os.close(self._master)

    def type(self, text: str) -> None:
        """Type on the keyboard."""
        os.write(self._master, text.encode())

    def read_until(self, text: str) -> str:
        """What is on the screen once a text has appeared."""
        deadline = monotonic() + SOON_S
        while text not in self.seen:
            readable, _, _ = select.select([self._master], [], [], max(0, deadline - monotonic()))
            assert readable, f"{text!r} does not appear, only {self.seen!r}"
            piece = self._read()
            assert piece, f"it ended with {self.seen!r}"
        return self.seen

    def end(self) -> tuple[int, str]:
        """The exit code, and all that was on the screen."""
        while self._read():
            pass
        return self._process.wait(SOON_S), self.seen

    def _read(self) -> str:
        try:
            piece = os.read(self._master, 65536).decode(errors="replace")
        except OSError:  # EIO: the other side of the terminal is closed
            piece = ""
        self.seen += piece
        return piece
