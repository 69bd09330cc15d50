"""The failing disk must fail where it is told to, and show what was lost. It runs here on plain tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from tests.faults.failing import FAILURES, Act, FailingDisk, Failure

NUMBERS = range(5)
FULL = Failure(Act.WRITE, apsw.SQLITE_FULL)


@pytest.fixture
def disk() -> Iterator[FailingDisk]:
    with FailingDisk() as made:
        yield made


def opened(path: Path, vfs: str | None = None) -> apsw.Connection:
    connection = apsw.Connection(str(path), vfs=vfs)
    connection.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0").fetchall()
    return connection


def ledger(path: Path) -> Path:
    connection = opened(path)
    connection.execute("CREATE TABLE row(number INTEGER PRIMARY KEY) STRICT")
    connection.close()
    return path


def script(path: Path, disk: FailingDisk, acknowledged: list[int], *, honest: bool = True) -> None:
    connection = opened(path, disk.vfs)
    try:
        for number in NUMBERS:
            if not honest:
                acknowledged.append(number)
            connection.execute("INSERT INTO row VALUES (?)", (number,))
            acknowledged.append(number)
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    finally:
        connection.close()


def numbers_in(path: Path) -> list[int]:
    connection = opened(path)
    assert connection.pragma("integrity_check") == "ok"
    found = [number for (number,) in connection.execute("SELECT number FROM row ORDER BY number")]
    connection.close()
    return found


@pytest.mark.parametrize("failure", [failure for failure in FAILURES if failure.act is not Act.FLUSH], ids=str)
def test_a_failure_is_an_error_and_nothing_acknowledged_is_gone(disk, tmp_path, failure):
    failures = 0
    for nth in disk.every(failure):
        path = ledger(tmp_path / f"{nth}.db")
        acknowledged: list[int] = []
        try:
            script(path, disk, acknowledged)
        except type(apsw.exception_for(failure.code)):
            failures += 1
        disk.heal()
        assert set(numbers_in(path)) >= set(acknowledged)
    assert failures > 0


def test_who_acknowledges_before_the_commit_is_found(disk, tmp_path):
    gone: set[int] = set()
    for nth in disk.every(FULL):
        path = ledger(tmp_path / f"{nth}.db")
        acknowledged: list[int] = []
        try:
            script(path, disk, acknowledged, honest=False)
        except apsw.FullError:
            gone |= set(acknowledged) - set(numbers_in(path))
    assert gone == set(NUMBERS)


def test_the_failures_end_when_the_script_does_nothing_more(disk, tmp_path):
    tries = [nth for nth in disk.every(FULL) if disk.check(Act.OPEN) is None]
    assert tries == [1]


def test_a_full_disk_stays_full_until_it_is_healed(disk, tmp_path):
    path = ledger(tmp_path / "full.db")
    connection = opened(path, disk.vfs)
    disk.fail(Failure(Act.WRITE, apsw.SQLITE_FULL, lasting=True), 1)
    for _ in range(3):
        with pytest.raises(apsw.FullError):
            connection.execute("INSERT INTO row VALUES (1)")
    disk.heal()
    connection.execute("INSERT INTO row VALUES (1)")
    connection.close()
    assert numbers_in(path) == [1]


def test_a_flush_fails_like_an_operating_system(disk, tmp_path):
    with (tmp_path / "file").open("wb") as file:
        disk.fail(Failure(Act.FLUSH, 5), 2)
        disk.flush(file.fileno())
        with pytest.raises(OSError, match="Input/output error"):
            disk.flush(file.fileno())
        disk.flush(file.fileno())
