"""The disk must be able to find what it is for: missing durability. It runs here on plain tables, without the store."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import apsw
import pytest

from tests.faults.disk import Disk

LOSSES = 300
ROWS = 60


class Ledger:
    """A table of numbers, and how many events the disk had seen when each number was acknowledged."""

    def __init__(self, disk: Disk, *, synchronous: str, flush: bool) -> None:
        self.acknowledged: dict[int, int] = {}
        self._disk = disk
        self._flush = flush
        self._path = disk.root / "ledger.db"
        self._synchronous = synchronous
        self._connection = self._open()
        self._connection.execute("CREATE TABLE row(number INTEGER PRIMARY KEY, ballast BLOB) STRICT")
        self.checkpoint("PASSIVE")

    def _open(self) -> apsw.Connection:
        connection = apsw.Connection(str(self._path), vfs=self._disk.vfs)
        connection.execute("PRAGMA page_size=1024; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0").fetchall()
        connection.execute(f"PRAGMA synchronous={self._synchronous}")
        return connection

    def reopen(self) -> None:
        self._connection.close()
        self._connection = self._open()

    def add(self, number: int) -> None:
        self._connection.execute("INSERT INTO row VALUES (?, zeroblob(?))", (number, 100 + number * 37 % 900))
        if self._flush:
            self._flush_wal()
        self.acknowledged[number] = len(self._disk.events)

    def _flush_wal(self) -> None:
        descriptor = os.open(f"{self._path}-wal", os.O_RDWR)
        self._disk.flush(descriptor)
        os.close(descriptor)

    def checkpoint(self, mode: str) -> None:
        self._connection.execute(f"PRAGMA wal_checkpoint({mode})")

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    root = tmp_path / "disk"
    root.mkdir()
    with Disk(root) as made:
        yield made


def a_busy_life(ledger: Ledger) -> None:
    """Rows, with checkpoints and a close between them, so that every kind of event is in the history."""
    between: dict[int, Callable[[], None]] = {
        15: lambda: ledger.checkpoint("PASSIVE"),
        30: lambda: ledger.checkpoint("TRUNCATE"),
        40: ledger.reopen,
        50: lambda: ledger.checkpoint("RESTART"),
    }
    for number in range(ROWS):
        ledger.add(number)
        if number in between:
            between[number]()
    ledger.close()


def found_after_losses(disk: Disk, into: Path, ledger: Ledger, losses: int) -> tuple[int, int]:
    """How many acknowledged rows were gone, and how many databases were damaged, over so many losses."""
    random = Random(1)
    lost = damaged = 0
    for loss, moment in enumerate(sorted(random.choices(range(min(ledger.acknowledged.values()), len(disk.events) + 1), k=losses))):
        root = disk.lose_power(random, into / f"loss-{loss}", at=moment)
        connection = apsw.Connection(str(root / "ledger.db"))
        try:
            assert connection.pragma("integrity_check") == "ok"
            there = {number for (number,) in connection.execute("SELECT number FROM row")}
            lost += sum(at <= moment and number not in there for number, at in ledger.acknowledged.items())
        except (apsw.Error, AssertionError):
            damaged += 1
        connection.close()
    return lost, damaged


@pytest.mark.parametrize("reason", ["full", "normal and a flush"])
def test_nothing_acknowledged_is_lost_when_it_was_synced(disk, tmp_path, reason):
    ledger = Ledger(disk, synchronous="FULL", flush=False) if reason == "full" else Ledger(disk, synchronous="NORMAL", flush=True)
    a_busy_life(ledger)
    assert found_after_losses(disk, tmp_path, ledger, LOSSES) == (0, 0)


def test_normal_without_a_flush_loses_rows_but_damages_nothing(disk, tmp_path):
    ledger = Ledger(disk, synchronous="NORMAL", flush=False)
    a_busy_life(ledger)
    lost, damaged = found_after_losses(disk, tmp_path, ledger, LOSSES)
    assert lost > 0
    assert damaged == 0


def test_never_syncing_damages_databases(disk, tmp_path):
    ledger = Ledger(disk, synchronous="OFF", flush=False)
    a_busy_life(ledger)
    _, damaged = found_after_losses(disk, tmp_path, ledger, LOSSES)
    assert damaged > 0


def test_several_connections_work_on_one_disk(disk):
    ledger = Ledger(disk, synchronous="NORMAL", flush=False)
    other = apsw.Connection(str(disk.root / "ledger.db"), vfs=disk.vfs)
    ledger.add(1)
    with other:
        other.execute("INSERT INTO row VALUES (2, NULL)")
    ledger.add(3)
    assert other.execute("SELECT number FROM row").fetchall() == [(1,), (2,), (3,)]
    other.close()
    ledger.close()


def test_flushing_the_wal_of_yesterday_saves_nothing(disk, tmp_path):
    ledger = Ledger(disk, synchronous="NORMAL", flush=False)
    yesterday = os.open(disk.root / "ledger.db-wal", os.O_RDWR)
    ledger.reopen()
    for number in range(20):
        ledger.add(number)
        disk.flush(yesterday)
        ledger.acknowledged[number] = len(disk.events)
    lost, _ = found_after_losses(disk, tmp_path, ledger, 50)
    assert lost > 0
    os.close(yesterday)
    ledger.close()


def test_what_a_loss_left_can_be_lived_on_and_lost_again(disk, tmp_path):
    random = Random(2)
    ledger = Ledger(disk, synchronous="NORMAL", flush=True)
    ledger.add(1)
    ledger.close()
    root = disk.lose_power(random, tmp_path / "second")
    with Disk(root) as second:
        connection = apsw.Connection(str(root / "ledger.db"), vfs=second.vfs)
        connection.execute("INSERT INTO row VALUES (2, NULL)")
        connection.close()
        third = second.lose_power(random, tmp_path / "third")
    survivor = apsw.Connection(str(third / "ledger.db"))
    assert (1,) in survivor.execute("SELECT number FROM row").fetchall()
    survivor.close()


def test_files_that_sqlite_does_not_write_are_kept_and_shared_memory_is_not(disk, tmp_path):
    (disk.root / "files").mkdir()
    (disk.root / "files" / "one").write_text("kept")
    ledger = Ledger(disk, synchronous="FULL", flush=False)
    left = disk.lose_power(Random(3), tmp_path / "left")
    assert (left / "files" / "one").read_text() == "kept"
    assert (disk.root / "ledger.db-shm").exists()
    assert not (left / "ledger.db-shm").exists()
    ledger.close()
