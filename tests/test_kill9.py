"""Processes that are killed with -9 at random moments lose nothing, double nothing, and keep the order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from time import monotonic

import pytest

import postroom
from postroom.core.message import State
from postroom.store import profiles
from postroom.store.agents import HUMAN
from tests.faults import worker
from tests.faults.carnage import SEED, Carnage, Worker, enough_s
from tests.faults.diary import accepted_in, mailbox
from tests.faults.worker import BATCH_MAX, MAILBOXES, draft

# The home fixture hides this variable from the programs under test, so it is read before.
KILLS = int(os.environ.get("POSTROOM_TEST_KILLS", "200"))
WITHIN_S = enough_s(KILLS)
SENDERS = tuple(f"sender-{number}" for number in range(1, 9))
SHARED = MAILBOXES[-1]  # two processes read it, one process each of the others
LIMITS = "[limits]\nsender_per_minute = 1000000\npair_per_minute = 1000000\nwaiting = 1000000\n"


@pytest.fixture
def workers(home: Path) -> list[Worker]:
    senders = [Worker(worker, "send", name, home, name) for name in SENDERS]
    return [*senders, *(Worker(worker, "read", name, home, name) for name in MAILBOXES), Worker(worker, "read", SHARED, home, "shared-too")]


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
