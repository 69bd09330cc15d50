"""Processes that are killed with -9 at random moments, and started again, each with its log."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from random import Random
from selectors import EVENT_READ, DefaultSelector
from time import monotonic, monotonic_ns
from types import ModuleType
from typing import IO, Self

# The home fixture hides this variable from the programs under test, so it is read before.
SEED = os.environ.get("POSTROOM_TEST_SEED") or os.urandom(4).hex()
QUIET_S = 0.2
SOON_S = 60
TOKENS = 3  # so many acts may a process be ahead of the test
TICKS_MAX = 60  # between two kills


def enough_s(kills: int) -> float:
    """In how many seconds so many kills are over, also where the machine has much else to do."""
    return 120 + 2 * kills


class Worker:
    """A process that is started again after each death, with the same log."""

    def __init__(self, program: ModuleType, role: str, agent: str, home: Path, label: str) -> None:
        self.role = role
        self.log = home / f"{label}.log"
        self.lives = 0
        self._errors = home / f"{label}.errors"
        self._arguments = [sys.executable, str(program.__file__), role, agent, str(self.log)]
        self._environment = {
            "HOME": str(home),
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "POSTROOM_HOME": str(home / "postroom"),
        }

    def start(self) -> None:
        self.lives += 1
        with self._errors.open("a") as errors:
            self._process = subprocess.Popen(
                [*self._arguments, f"{SEED} {self.log.name} {self.lives}"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, bufsize=0, env=self._environment,
            )  # fmt: skip
        self.give(TOKENS)

    @property
    def stdout(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    @property
    def stdin(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    def ticks(self) -> int:
        """How often it said that it is alive since the last look. A process that ended by itself has failed."""
        ticks = len(os.read(self.stdout.fileno(), 4096))
        assert ticks, f"{self.log.name} ended: {self._errors.read_text()}"
        return ticks

    def give(self, tokens: int) -> None:
        """Let it act so many times more, if it does so when told. If it has ended by itself, `ticks` will say so."""
        if self.role != "read":
            with suppress(BrokenPipeError):
                os.write(self.stdin.fileno(), b"." * tokens)

    def kill(self) -> None:
        """Kill -9, and write into its log when."""
        at_ns = monotonic_ns()
        self._process.kill()
        self._close()
        with self.log.open("a") as log:
            log.write(f"\nkilled {at_ns}.\n")

    def end(self) -> None:
        """Let it come to its end."""
        self.stdin.close()
        self._close()
        assert self._process.returncode == 0, self._errors.read_text()

    def _close(self) -> None:
        self._process.wait(SOON_S)
        self.stdin.close()
        self.stdout.close()


class Carnage:
    """All workers at work, and how they die."""

    def __init__(self, workers: list[Worker], random: Random, *, until: float) -> None:
        self._until = until
        self._workers = workers
        self._random = random
        self._selector = DefaultSelector()

    def __enter__(self) -> Self:
        for one in self._workers:
            self._start(one)
        return self

    def __exit__(self, *_: object) -> None:
        for key in list(self._selector.get_map().values()):
            self._kill(key.data)
        self._selector.close()

    def kill(self, kills: int) -> None:
        """Kill so many of them, each a random number of signs of life after the one before."""
        for _ in range(kills):
            left = self._random.choice((0, 1, self._random.randint(0, TICKS_MAX)))
            while left > 0:
                left -= self.watch()
            victim = self._random.choice(self._workers)
            self._kill(victim)
            self._start(victim)

    def watch(self) -> int:
        """Wait a moment for signs of life, give those something to do that wait for it, and count."""
        total = 0
        assert monotonic() < self._until, "the time is over"
        for key, _ in self._selector.select(QUIET_S):
            ticks = key.data.ticks()
            key.data.give(ticks)
            total += ticks
        return total

    def end(self, role: str) -> None:
        """Let those with this role come to their end."""
        for one in self._workers:
            if one.role == role:
                self._selector.unregister(one.stdout)
                one.end()

    def _start(self, one: Worker) -> None:
        one.start()
        self._selector.register(one.stdout, EVENT_READ, one)

    def _kill(self, one: Worker) -> None:
        self._selector.unregister(one.stdout)
        one.kill()
