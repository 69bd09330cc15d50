"""What `send` has acknowledged survives a power cut, over a disk that forgets, tears and reorders whatever was not flushed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from postroom.store import database
from tests.faults.aftermath import Aftermath
from tests.faults.disk import Disk
from tests.faults.life import Life

LIVES = range(24)
ACTS = 80
LOSSES = 25  # of each life: 600 in all
LOSSES_DURING_RECOVERY = 5


@pytest.fixture
def disk(home: Path) -> Iterator[Disk]:
    root = home / "before"
    root.mkdir(mode=0o700)
    with Disk(root) as made:
        yield made


def lived(disk: Disk, monkeypatch: pytest.MonkeyPatch, *, seed: int, durability: str = "safe") -> Life:
    """A life on this disk. The store's own fdatasync, and the directory's fsync, reach it."""
    life = Life(disk, Random(seed), durability=durability)
    monkeypatch.setattr(database, "fdatasync", life.flush)
    monkeypatch.setattr(os, "fsync", disk.flush)
    life.begin()
    life.go_on(ACTS)
    life.end()
    return life


def broken_by_losses(life: Life, home: Path, *, seed: int, losses: int = LOSSES) -> list[str]:
    """The promises that so many losses, each at some moment of this life, have broken."""
    random = Random(f"losses {seed}")
    broken = []
    for number, moment in enumerate(sorted(random.choices(range(len(life.disk.events) + 1), k=losses))):
        left = life.disk.lose_power(random, home / f"after-{number}", at=moment)
        broken += [f"loss {number} at {moment}: {sentence}" for sentence in Aftermath(life.promises, left, at=moment).broken_promises()]
    return broken


@pytest.mark.parametrize("seed", LIVES)
def test_a_power_cut_breaks_no_promise(disk, home, monkeypatch, seed):
    life = lived(disk, monkeypatch, seed=seed)
    assert broken_by_losses(life, home, seed=seed) == []


@pytest.mark.parametrize("seed", LIVES)
def test_a_power_cut_while_recovering_from_one_breaks_no_promise_either(disk, home, monkeypatch, seed):
    life, random = lived(disk, monkeypatch, seed=seed), Random(f"twice {seed}")
    for number in range(LOSSES_DURING_RECOVERY):
        moment = random.randrange(len(disk.events) + 1)
        left = disk.lose_power(random, home / f"after-{number}", at=moment)
        with Disk(left) as second:
            monkeypatch.setattr(database, "fdatasync", second.flush)
            monkeypatch.setattr(os, "fsync", second.flush)
            assert Aftermath(life.promises, left, at=moment, vfs=second.vfs).broken_promises() == []
            left = second.lose_power(random, home / f"again-{number}", at=random.randrange(len(second.events) + 1))
        assert Aftermath(life.promises.once_all_may_be_read(), left, at=moment, hours=2).broken_promises() == []


def test_without_the_flush_acknowledged_messages_are_lost(disk, home, monkeypatch):
    life = lived(disk, monkeypatch, seed=0, durability="relaxed")
    broken = broken_by_losses(life, home, seed=0, losses=50)
    assert any("lost: " in sentence for sentence in broken)
    assert not any("damage: " in sentence or "dangling " in sentence for sentence in broken)
