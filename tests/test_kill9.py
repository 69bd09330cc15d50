"""Processes that are killed with -9 at random moments lose nothing, double nothing, and keep the order."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from selectors import EVENT_READ, DefaultSelector
from time import monotonic, monotonic_ns
from typing import IO, Self

import pytest

import postroom
from postroom.core.message import State
from postroom.store import profiles
from postroom.store.agents import HUMAN
from tests.faults import worker
from tests.faults.diary import accepted_in, mailbox
from tests.faults.worker import BATCH_MAX, MAILBOXES, draft

# The home fixture hides these variables from the programs under test, so they are read before.
KILLS = int(os.environ.get("POSTROOM_TEST_KILLS", "200"))
SEED = os.environ.get("POSTROOM_TEST_SEED") or os.urandom(4).hex()
WITHIN_S = 30 + 0.3 * KILLS
QUIET_S = 0.2
SENDERS = tuple(f"sender-{number}" for number in range(1, 9))
SHARED = MAILBOXES[-1]  # two processes read it, one process each of the others
TOKENS = 3  # so many sends may a sender be ahead of the test
TICKS_MAX = 60  # between two kills
LIMITS = "[limits]\nsender_per_minute = 1000000\npair_per_minute = 1000000\nwaiting = 1000000\n"


class Worker:
    """A process that is started again after each death, with the same log."""

    def __init__(self, role: str, agent: str, home: Path, label: str) -> None:
        self.role = role
        self.log = home / f"{label}.log"
        self.lives = 0
        self._errors = home / f"{label}.errors"
        self._arguments = [sys.executable, worker.__file__, role, agent, str(self.log)]
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
        """Let a sender send so many times more. If it has ended by itself, `ticks` will say so."""
        if self.role == "send":
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
        self._process.wait(WITHIN_S)
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
        """Wait a moment for signs of life, give the senders something to do, and count."""
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


@pytest.fixture
def workers(home: Path) -> list[Worker]:
    senders = [Worker("send", name, home, name) for name in SENDERS]
    return [*senders, *(Worker("read", name, home, name) for name in MAILBOXES), Worker("read", SHARED, home, "shared-too")]


@pytest.fixture
def observer(home: Path) -> Iterator[postroom.Agent]:
    (home / "postroom").mkdir(mode=0o700)
    (home / "postroom" / "config.toml").write_text(LIMITS)
    for name in MAILBOXES:
        postroom.connect(name).close()
    with postroom.connect("observer") as agent:
        yield agent


@pytest.mark.slow
@pytest.mark.timeout(WITHIN_S + 30)
def test_killed_processes_lose_nothing_double_nothing_and_keep_the_order(home, workers, observer):
    print(f"POSTROOM_TEST_SEED={SEED} POSTROOM_TEST_KILLS={KILLS}")  # noqa: T201  # shown when the test fails
    with Carnage(workers, Random(SEED), until=monotonic() + WITHIN_S) as carnage:
        carnage.kill(KILLS)
        carnage.end("send")
        while any(listed.waiting for listed in profiles.listing(observer._seat.desk.database, viewer=HUMAN)):
            carnage.watch()
        carnage.end("read")
    assert list(broken_promises(workers)) == []
    assert list(wrong_states(workers)) == []
    database = observer._seat.desk.database
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert database.execute("PRAGMA foreign_key_check").fetchall() == []


def broken_promises(workers: list[Worker]) -> Iterator[str]:
    accepted = {one.log.stem: accepted_in(one.log) for one in workers if one.role == "send"}
    for sender, ids in accepted.items():
        if ids != [f"{sender}-{number}" for number in range(len(ids))]:
            yield f"{sender} has no receipt for each message, in their order"
    for name in MAILBOXES:
        logs = [one.log for one in workers if one.role == "read" and one.log.stem.startswith(name)]
        found = mailbox(name, logs)
        yield from found.broken_promises()
        yield from found.disorder_within_lives() if name == SHARED else found.disorder()
        shown = {one.id for one in found.shown}
        due = {id for sender, ids in accepted.items() for number, id in enumerate(ids) if name in draft(sender, number).to}
        yield from (f"{id} never came to {name}" for id in due - shown)
        for id in shown - due:
            sender, _, number = id.rpartition("-")
            if not len(accepted[sender]) <= int(number) < len(accepted[sender]) + BATCH_MAX:
                yield f"{id} came to {name}, but {sender} never had it in doubt"


def wrong_states(workers: list[Worker]) -> Iterator[str]:
    """What the senders can find out agrees: everything with a receipt has been read by all."""
    for one in workers:
        if one.role == "send":
            with postroom.connect(one.log.stem) as sender:
                for id in accepted_in(one.log):
                    if (state := sender.status(id).state) is not State.READ:
                        yield f"{id} is {state}"
