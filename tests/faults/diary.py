"""What the processes of the kill -9 test have written down, and what it must add up to. Each broken promise is a sentence.

A reader that dies between a take and its line has been handed messages of which nobody knows. They may be nowhere but marked
as redelivered later, and there may be no more of them than the interrupted takes asked for. Everything else is exact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from math import inf
from operator import attrgetter
from pathlib import Path


@dataclass(slots=True)
class Life:
    """One process from its start to its end. Times are ns of the clock that all processes share."""

    name: str
    killed_ns: float = inf
    unseen_max: int = 0  # messages that its last take asked for, if it died in it


@dataclass(slots=True)
class Shown:
    """One message as one process was handed it. `read_ns`: its confirmation had returned."""

    id: str
    new: bool
    life: Life
    asked_ns: int
    taken_ns: int = 0
    read_ns: float = inf

    @property
    def sender(self) -> str:
        return self.id.rpartition("-")[0]

    @property
    def number(self) -> int:
        return int(self.id.rpartition("-")[2])


@dataclass(slots=True)
class Mailbox:
    """What all processes of one mailbox were shown, each in its order."""

    name: str
    lives: list[Life] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)

    def broken_promises(self) -> Iterator[str]:
        never_new = 0
        for id, group in groupby(sorted(self.shown, key=attrgetter("id", "taken_ns")), key=attrgetter("id")):
            showings = list(group)
            never_new += not showings[0].new
            if any(one.new for one in showings[1:]):
                yield f"{id} was new after it had been shown to {self.name}"
            for earlier, later in pairwise(showings):
                if earlier.read_ns < later.asked_ns:
                    yield f"{id} had been read by {earlier.life.name} and came again to {later.life.name}"
                if later.taken_ns < earlier.life.killed_ns:
                    yield f"{id} came to {later.life.name} while it was in the hands of {earlier.life.name}"
        unseen_max = sum(life.unseen_max for life in self.lives)
        if never_new > unseen_max:
            yield f"{self.name} saw {never_new} messages only as redelivered; its dead can have had {unseen_max} of them"

    def disorder(self) -> Iterator[str]:
        """One process after another read this mailbox: all of them together see each sender's messages in order."""
        seen: set[str] = set()
        last: dict[str, int] = defaultdict(lambda: -1)
        for one in self.shown:
            if one.id not in seen and one.number < last[one.sender]:
                yield f"{one.id} came to {one.life.name} after {one.sender}-{last[one.sender]}"
            last[one.sender] = max(one.number, last[one.sender])
            seen.add(one.id)

    def disorder_within_lives(self) -> Iterator[str]:
        """Several processes read this mailbox: each of them sees what is new in order."""
        last: dict[tuple[str, str], int] = defaultdict(lambda: -1)
        for one in self.shown:
            key = (one.life.name, one.sender)
            if one.new and one.number < last[key]:
                yield f"{one.id} came to {one.life.name} after {one.sender}-{last[key]}"
            last[key] = max(one.number, last[key])


def lines_of(path: Path) -> Iterator[list[str]]:
    """The words of the whole lines of a log."""
    for line in path.read_text(encoding="ascii").split("\n"):
        if line.endswith("."):
            yield line[:-1].split(" ")


def accepted_in(path: Path) -> list[str]:
    """The ids that a sender has a receipt for."""
    return [words[1] for words in lines_of(path) if words[0] == "accepted"]


def mailbox(name: str, paths: list[Path]) -> Mailbox:
    """What the logs of the processes of one mailbox say together."""
    found = Mailbox(name)
    for path in paths:
        _add(found, path)
    return found


def _add(found: Mailbox, path: Path) -> None:
    life, asked_ns, in_hand = Life(""), 0, dict[str, Shown]()
    for words in lines_of(path):
        match words:
            case ["life"]:
                life = Life(f"{path.stem}, life {1 + sum(one.name.startswith(f'{path.stem},') for one in found.lives)}")
                found.lives.append(life)
            case ["taking", limit, at]:
                life.unseen_max, asked_ns = int(limit), int(at)
            case ["new" | "again" as how, id, at]:
                in_hand[id] = Shown(id, how == "new", life, asked_ns, int(at))
                found.shown.append(in_hand[id])
            case ["taken"]:
                life.unseen_max = 0
            case ["read", id, at]:
                in_hand[id].read_ns = int(at)
            case ["killed", at]:
                life.killed_ns = min(life.killed_ns, int(at))  # the next one may die before its first line
            case _:
                raise ValueError(words)
