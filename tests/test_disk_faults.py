"""Every n-th write, sync, open … of a script fails: the error is one of ours, nothing accepted is lost, and trying again works."""

from __future__ import annotations

import math
import shutil
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TypeVar

import apsw
import pytest

from postroom.agent import Agent
from postroom.core.errors import DiskFull, NoSuchMessage, NotFlushed, PostroomError, StoreFailed, StoreReadOnly, StoreUnusable
from postroom.core.message import Draft, State
from postroom.delivery import Delivery
from postroom.doorbell import Doorbell
from postroom.exchange import reading, sending, tracing
from postroom.exchange.desk import Desk, Options, now_us, open_desk
from postroom.seat import Seat
from postroom.store import database
from tests.faults.failing import FAILURES, Act, FailingDisk, Failure
from tests.inside import desk_of, seat_of

Result = TypeVar("Result")
HOUR_US = 3_600_000_000
BATCH = [f"b{number}" for number in range(5)]
CALLED = {
    apsw.SQLITE_FULL: (DiskFull,),
    apsw.SQLITE_IOERR: (StoreFailed,),
    apsw.SQLITE_CANTOPEN: (StoreFailed, StoreReadOnly, StoreUnusable),
}


class Script:
    """What two agents do in a post room on a failing disk, step by step. A step that fails is tried once more, when the disk is well."""

    def __init__(self, home: Path, disk: FailingDisk) -> None:
        self._home = str(home)
        self._disk = disk
        self.accepted: list[str] = []
        self.shown: set[str] = set()
        self.errors: list[PostroomError] = []

    def run(self) -> None:
        ann, ben = self._try(lambda: self._connect("ann")), self._try(lambda: self._connect("ben"))
        self._try(lambda: ben.profile(auto_accept=True))
        for id in ("a1", "a2", "a3"):
            self._send(ann, [id])
        self._send(ann, BATCH)
        self._try(lambda: self._take(ben))
        self._try(lambda: self._read_on(ben))
        self._try(lambda: self._talk(ann))
        self._try(lambda: ann.search("body"))
        self._try(seat_of(ann).warden.tend)
        self._send(ann, ["c1"])
        self._try(lambda: desk_of(ben).database.checkpoint(all_of_it=True))
        self._send(ann, ["c2"])
        self._try(lambda: self._take(ben))
        self._try(ann.close)
        self._try(ben.close)

    def _try(self, step: Callable[[], Result]) -> Result:
        try:
            return step()
        except PostroomError as error:
            self._get_well(error)
        return step()

    def _get_well(self, error: PostroomError) -> None:
        self._disk.heal()
        self.errors.append(error)

    def _connect(self, name: str) -> Agent:
        return Agent(Seat(open_desk(name, self._home, interface="sdk", options=Options(vfs=self._disk.vfs))))

    def _send(self, sender: Agent, ids: list[str]) -> None:
        """An error means that nothing was changed, unless it is NotFlushed. Sending again is always right."""
        drafts = [Draft("ben", f"body of {id}", id=id) for id in ids]
        try:
            sender.send_many(drafts)
        except NotFlushed as error:
            self._get_well(error)
        except PostroomError as error:
            self._get_well(error)
            with pytest.raises(NoSuchMessage):
                sender.status(ids[0])
        if self._disk.is_well:
            sender.send_many(drafts)
        self.accepted += ids

    def _take(self, reader: Agent) -> None:
        taken = reader.take(limit=3)
        self._show(taken)
        reader.confirm(taken)

    def _read_on(self, reader: Agent) -> None:
        inbox = reader.inbox()
        for _ in range(2):
            self._show([next(inbox)])
        assert isinstance(inbox, Generator)
        inbox.close()

    def _talk(self, opener: Agent) -> None:
        session = opener.session("ben", "a task")
        session.send("body of d1", id="d1")
        self.accepted.append("d1")
        session.close(timeout=0)

    def _show(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            assert delivery.redelivered == (delivery.id in self.shown), "new is new once"
            self.shown.add(delivery.id)


def check(home: Path, script: Script) -> None:
    """With a disk that is well, an hour later: the store is whole, and everything accepted is read or comes now, once."""
    ann, ben = (open_desk(name, str(home), interface="sdk", options=Options(clock=an_hour_later)) for name in ("ann", "ben"))
    assert ann.database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert ann.database.execute("PRAGMA foreign_key_check").fetchall() == []
    read = {id for id in script.accepted if tracing.status(ann, id).state is State.READ}
    assert read <= script.shown
    drained = list(drain(ben))
    assert Counter(id for id, _ in drained if id in script.accepted) == Counter(set(script.accepted) - read)
    assert {id for id, redelivered in drained if redelivered} <= script.shown
    ann.close()
    ben.close()


def an_hour_later() -> int:
    return now_us() + HOUR_US


def drain(desk: Desk) -> Iterator[tuple[str, bool]]:
    while taken := reading.take(desk, limit=10):
        yield from ((one.message.id, one.message.redelivered) for one in taken)
        reading.confirm(desk, taken)


@pytest.mark.parametrize("failure", FAILURES, ids=str)
def test_whatever_fails_is_said_and_nothing_accepted_is_lost(home, monkeypatch, failure):
    expected = (NotFlushed,) if failure.act is Act.FLUSH else CALLED[failure.code & 0xFF]
    errors: list[PostroomError] = []
    with FailingDisk() as disk:
        monkeypatch.setattr(database, "fdatasync", disk.flush)
        for nth in disk.every(failure):
            place = home / str(nth)
            script = Script(place, disk)
            script.run()
            disk.heal()
            check(place, script)
            assert all(isinstance(error, expected) and str(error) for error in script.errors), (nth, script.errors)
            errors += script.errors
            shutil.rmtree(place)
    assert errors, "this act never failed"


@pytest.fixture
def disk(monkeypatch) -> Iterator[FailingDisk]:
    with FailingDisk() as made:
        monkeypatch.setattr(database, "fdatasync", made.flush)
        yield made


FULL = Failure(Act.WRITE, apsw.SQLITE_FULL)
UNSYNCED = Failure(Act.SYNC, apsw.SQLITE_IOERR_FSYNC)


def test_what_is_sent_after_a_first_send_that_failed_arrives(home, disk):
    ben = open_desk("ben", str(home / "store"), interface="sdk")
    ann = open_desk("ann", str(home / "store"), interface="cli", options=Options(vfs=disk.vfs))
    disk.fail(FULL, 1)
    with pytest.raises(DiskFull):
        sending.send(ann, [Draft("ben", "hi")])
    disk.heal()
    sending.send(ann, [Draft("ben", "hi")])
    assert [(one.message.body, one.message.provenance.interface) for one in reading.take(ben, limit=5)] == [("hi", "cli")]
    ann.close()
    ben.close()


def test_a_chore_that_fails_takes_no_message_away(home, disk):
    with Agent(Seat(open_desk("ben", str(home / "store"), interface="sdk", options=Options(vfs=disk.vfs)))) as ben:
        sender = open_desk("ann", str(home / "store"), interface="sdk")
        sending.send(sender, [Draft("ben", "hi")])
        sender.close()
        seat_of(ben)._tended = -math.inf  # the chores are due
        disk.fail(UNSYNCED, 1)
        with pytest.raises(StoreFailed):
            ben.take()
        disk.heal()
        assert [(delivery.body, delivery.redelivered) for delivery in ben.take()] == [("hi", False)]


def test_a_chore_that_fails_after_a_send_does_not_deny_it(home, disk):
    with Agent(Seat(open_desk("ann", str(home / "store"), interface="sdk", options=Options(vfs=disk.vfs)))) as ann:
        for nth in disk.every(FULL):
            with Agent(Seat(open_desk("ben", str(home / "store"), interface="sdk"))) as ben:
                assert isinstance(ben._seat.bell, Doorbell)
                ben._seat.bell._socket.close()  # nobody answers it any more, as after kill -9
                try:
                    ann.send("ben", "hi", id=f"m{nth}")
                except DiskFull:
                    disk.heal()
                    with pytest.raises(NoSuchMessage):
                        ann.status(f"m{nth}")
