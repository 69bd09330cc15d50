"""What was changed in whose files: one file in the post room, from which `postroom remove` restores them byte for byte."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from postroom.core.refusals import ForeignFile
from postroom.harnesses import files
from postroom.harnesses.editing.values import Value
from postroom.harnesses.harness import Entry
from postroom.store.place import check_directory, make_private, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from postroom.harnesses.editing.values import Keys

FILE = "installed.json"
VERSION = 1


class Step(NamedTuple):
    """One change of a text: at `start`, `removed` gave way to `inserted`."""

    start: int
    removed: str
    inserted: str


class Record(NamedTuple):
    """What was done to one file, and how it looked then."""

    path: str
    harness: str
    scope: str
    sha256: str
    existed: bool
    steps: list[Step]
    entries: list[Entry]
    containers: list[Keys]
    """Objects and lists that were made for our entries."""
    directories: list[str]
    """Directories that were made for the file."""

    def is_of(self, text: str | None) -> bool:
        """Whether a text is the one that was written then."""
        return text is not None and digest(text) == self.sha256

    def undone(self, text: str) -> str | None:
        """The text as it was before; None if there was no file."""
        for step in reversed(self.steps):
            text = text[: step.start] + step.removed + text[step.start + len(step.inserted) :]
        return text if self.existed else None


class Ledger:
    """The records of one post room, by path."""

    def __init__(self, home: str) -> None:
        self.path = os.path.join(home, FILE)
        self.home = home
        self._before = files.read(self.path)
        self.directories: list[str] = []
        self.records: dict[str, Record] = {}
        if self._before is not None:
            try:
                self._load(json.loads(self._before))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise ForeignFile(
                    path=self.path, place="", why="it is damaged; move it away, what can be done without it is done."
                ) from error

    def _load(self, stored: Mapping[str, list[Mapping[str, object]]]) -> None:
        self.directories = [str(path) for path in stored["directories"]]
        for row in stored["files"]:
            record = record_from(json.loads(json.dumps(row)))
            self.records[record.path] = record

    def save(self) -> None:
        """Write the records down; where there are none any more, nothing is left of them."""
        if not self.records:
            files.replace(self.path, self._before, None) if self._before is not None else None
            files.remove_directories(self.directories)
            self._before = None
            return
        if not os.path.isdir(self.home):
            self.directories = files.missing_directories(self.path)
            try:
                make_private(self.home)
            except OSError as error:
                raise refusal(error, self.home) from error
        check_directory(self.home)
        rows = [as_row(record) for record in self.records.values()]
        text = json.dumps({"version": VERSION, "directories": self.directories, "files": rows}, indent=1) + "\n"
        files.replace(self.path, self._before, text)
        self._before = text


def digest(text: str) -> str:
    """What tells a text from every other."""
    return sha256(text.encode()).hexdigest()


def step(before: str, after: str) -> Step:
    """The one change that leads from a text to another."""
    start = same_start(before, after)
    same = same_start(before[start:][::-1], after[start:][::-1])
    return Step(start, before[start : len(before) - same], after[start : len(after) - same])


def same_start(one: str, other: str) -> int:
    """How many characters at the beginning of two texts are the same."""
    most = min(len(one), len(other))
    return next((place for place in range(most) if one[place] != other[place]), most)


def as_row(record: Record) -> dict[str, Value]:
    """A record as JSON."""
    row: dict[str, Value] = json.loads(json.dumps(record._asdict()))
    return row


def record_from(row: Mapping[str, object]) -> Record:
    """A record from JSON."""
    record = Record(**row)  # type: ignore[arg-type]  # as as_row wrote it; what is missing raises TypeError
    return record._replace(
        steps=[Step(*one) for one in record.steps],
        entries=[Entry(path, tuple(keys), value, kind) for path, keys, value, kind in record.entries],
        containers=[tuple(keys) for keys in record.containers],
    )
