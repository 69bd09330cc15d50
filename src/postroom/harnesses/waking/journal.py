"""What a harness writes down of a session, line by line as JSON, read as it grows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from json import loads

TAIL_BYTES = 512 * 1024
"""How much of what was written earlier is looked at, to see what the session does now."""
Record = dict[str, object]


class Journal:
    """A file to which a harness appends. Reading begins at a place, or so that what was written last is read."""

    def __init__(self, path: str, *, start: int | None = None) -> None:
        self.path = path
        size = size_of(path)
        self._place = max(size - TAIL_BYTES, 0) if start is None else start
        self._skips = start is None and self._place > 0

    def new(self) -> Iterator[Record]:
        """What has been appended since. A line that is not whole yet is left for the next time."""
        if size_of(self.path) < self._place:
            self._place = 0  # it was written anew
        try:
            with open(self.path, "rb") as file:
                file.seek(self._place)
                content = file.read()
        except OSError:
            return
        whole = content[: content.rfind(b"\n") + 1]
        self._place += len(whole)
        lines = whole.split(b"\n")
        if self._skips and whole:
            self._skips, lines = False, lines[1:]
        yield from filter(None, map(record, lines))


def record(line: bytes) -> Record | None:
    """A line, if it is an object."""
    try:
        found = loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def part(of: object, *keys: str) -> object:
    """What is found under keys, one within the other; None if it is not there."""
    for key in keys:
        of = of.get(key) if isinstance(of, dict) else None
    return of


def contains(value: object, text: str) -> bool:
    """Whether a text is in one of the texts of a value."""
    if isinstance(value, str):
        return text in value
    if isinstance(value, dict):
        return any(contains(one, text) for one in value.values())
    return isinstance(value, list) and any(contains(one, text) for one in value)


def size_of(path: str) -> int:
    """How large a file is; 0 if there is none."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def changed_s(path: str) -> float:
    """When a file was written last; 0 if there is none."""
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0
