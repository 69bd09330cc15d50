"""What the processes of the kill -9 test have written down, and what it must add up to. Each broken promise is a sentence.

A reader that dies between a take and its line has been handed messages of which nobody knows. They may be nowhere but marked
as redelivered later, and there may be no more of them than the interrupted takes asked for. Everything else is exact.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Shown:
    """One message as one process was handed it, in the take that began at `since_ns`. `read_ns`: its confirmation had returned."""

    id: str
    new: bool
    life: tuple[str, int]
    since_ns: int
    read_ns: int | None = None

    @property
    def sender(self) -> str:
        return self.id.rpartition("-")[0]

    @property
    def number(self) -> int:
        return int(self.id.rpartition("-")[2])


@dataclass(slots=True)
class Mailbox:
    """What all processes of one mailbox were shown, each in its order; and how many messages interrupted takes had asked for."""

    name: str
    shown: list[Shown] = field(default_factory=list)
    unseen_max: int = 0

    def broken_promises(self) -> Iterator[str]:
        yield from self._twice_as_new()
        yield from self._again_after_reading()
        yield from self._again_without_reason()

    def _twice_as_new(self) -> Iterator[str]:
        for id, times in Counter(one.id for one in self.shown if one.new).items():
            if times > 1:
                yield f"{id} was new {times} times for {self.name}"

    def _again_after_reading(self) -> Iterator[str]:
        read = {one.id: one.read_ns for one in self.shown if one.read_ns is not None}
        for one in self.shown:
            if one.id in read and one.since_ns > read[one.id]:
                yield f"{one.id} had been read by {self.name} and came again"
        for id, times in Counter(one.id for one in self.shown if one.read_ns is not None).items():
            if times > 1:
                yield f"{id} was read {times} times by {self.name}"

    def _again_without_reason(self) -> Iterator[str]:
        never_new = {one.id for one in self.shown} - {one.id for one in self.shown if one.new}
        if len(never_new) > self.unseen_max:
            yield f"{self.name} saw {len(never_new)} messages only as redelivered, of at most {self.unseen_max} that its dead can have had"

    def disorder(self) -> Iterator[str]:
        """One process after another read this mailbox: all of them together see each sender's messages in order."""
        seen: set[str] = set()
        last: dict[str, int] = defaultdict(lambda: -1)
        for one in self.shown:
            if one.id not in seen and one.number < last[one.sender]:
                yield f"{one.id} came to {self.name} after {one.sender}-{last[one.sender]}"
            last[one.sender] = max(one.number, last[one.sender])
            seen.add(one.id)

    def disorder_within_lives(self) -> Iterator[str]:
        """Several processes read this mailbox: each of them sees what is new to it in order."""
        last: dict[tuple[object, str], int] = defaultdict(lambda: -1)
        for one in self.shown:
            key = (one.life, one.sender)
            if one.new and one.number < last[key]:
                yield f"{one.id} came to {one.life} of {self.name} after {one.sender}-{last[key]}"
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
    life = since_ns = limit = 0
    newest: dict[str, Shown] = {}
    for words in [*lines_of(path), ["life"]]:
        match words:
            case ["life"]:
                found.unseen_max += limit
                life, limit = life + 1, 0
            case ["taking", asked, at]:
                limit, since_ns = int(asked), int(at)
            case ["taken"]:
                limit = 0
            case ["new" | "again" as how, id]:
                newest[id] = Shown(id, how == "new", (path.name, life), since_ns)
                found.shown.append(newest[id])
            case ["read", id, at]:
                newest[id].read_ns = int(at)
            case _:
                raise ValueError(words)
