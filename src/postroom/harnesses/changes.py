"""Putting our entries into files of users and taking them out again. What cannot be read is left alone, and so is what is not ours."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Protocol

from postroom.core.refusals import ForeignFile
from postroom.harnesses import files
from postroom.harnesses.editing import json_text, toml_text, yaml_text
from postroom.harnesses.editing.values import Unreadable, Value, lookup, with_key
from postroom.harnesses.harness import FILE, ITEM, NAME, Entry, Harness, Place
from postroom.harnesses.ledger import Ledger, Record, digest, step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from postroom.harnesses.editing.values import Keys


OURS = re.compile(r"\bpostroom\b.* hook [A-Z][A-Za-z]+(;; esac)?$|/postroom\.js$")


class Editor(Protocol):
    """What the modules in editing/ have in common."""

    def parse(self, text: str) -> Value:
        """What a text holds. Raises Unreadable."""

    def put(self, text: str, keys: Keys, value: Value) -> str:
        """The text with a value under some keys. Raises Unreadable."""

    def drop(self, text: str, keys: Keys) -> str:
        """The text without what lies under some keys. Raises Unreadable."""


EDITORS: dict[str, Editor] = {".json": json_text, ".jsonc": json_text, ".toml": toml_text, ".yaml": yaml_text}


class Change(NamedTuple):
    """What is to become of one file (None: there is none), and what the ledger is to say of it afterwards."""

    path: str
    before: str | None
    after: str | None
    record: Record | None
    note: str = ""


def installing(harness: Harness, place: Place, ledger: Ledger) -> list[Change]:
    """What has to change so that a harness knows Postroom; empty when it does. Raises ForeignFile."""
    each = by_path(harness.entries(place)).items()
    return [change for path, entries in each if (change := put_in(harness.name, place, path, entries, ledger.records.get(path)))]


def by_path(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Entries by the file that they are in."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.path, []).append(entry)
    return found


@contextmanager
def readable(path: str) -> Iterator[None]:
    """Report what is unreadable in a file as that of the file: ForeignFile."""
    try:
        yield
    except Unreadable as error:
        raise ForeignFile(path=path, place=f", line {error.line}", why=f"{error.why}.") from error


def put_in(harness: str, place: Place, path: str, entries: list[Entry], record: Record | None) -> Change | None:
    """What has to change in one file, or None."""
    current = files.read(path)
    with readable(path):
        if current is not None and all(holds(current, entry) for entry in entries):
            return None
        base = current if current is None or record is None else taken_out(current, record, entries)
        texts = list(stages(base, entries))
        made = containers(base or "", entries)
    directories = record.directories if record else files.missing_directories(path)
    steps = [step(before, after) for before, after in pairwise([base or "", *texts])]
    return Change(
        path, current, texts[-1], Record(path, harness, place.scope, digest(texts[-1]), base is not None, steps, entries, made, directories)
    )


def stages(base: str | None, entries: list[Entry]) -> Iterator[str]:
    """How a text becomes one with our entries, one after the other. What an earlier installation left gives way. Raises Unreadable."""
    text = base or ""
    for entry in entries:
        if entry.kind == FILE and base is not None:
            raise Unreadable(1, "it is there already, and not as Postroom made it; move it away first")
        if entry.kind == ITEM and (cleared := without_entry(text, entry)) != text:
            yield (text := cleared)
        yield (text := with_entry(text, entry))


def removing(harness: Harness, place: Place, ledger: Ledger) -> dict[str, Change | ForeignFile]:
    """What has to change so that nothing of ours is left with a harness, by path; or why a file that may hold something is left alone."""
    known = {path: record.entries for path, record in ledger.records.items() if record.harness == harness.name and belongs(record, place)}
    found: dict[str, Change | ForeignFile] = {}
    for path, entries in (by_path(harness.entries(place)) | known).items():
        try:
            change = take_out(path, entries, ledger.records.get(path))
        except ForeignFile as error:
            if files.has(path, NAME):
                found[path] = error
            elif path in ledger.records:
                found[path] = Change(path, None, None, None, "nothing of Postroom is in it any more")
        else:
            found |= {} if change is None else {path: change}
    return found


def belongs(record: Record, place: Place) -> bool:
    """Whether a file is of the scope, and of the project, that is meant."""
    return record.scope == place.scope and (place.project is None or os.path.dirname(record.path).startswith(place.project))


def take_out(path: str, entries: list[Entry], record: Record | None) -> Change | None:
    """What has to change in one file, or None."""
    current = files.read(path)
    if current is None:
        return None if record is None else Change(path, None, None, None)
    with readable(path):
        after = taken_out(current, record, entries)
    if after == current and record is None:
        return None
    note = "it was edited since it was made, so it stays" if after == current and entries[0].kind == FILE else ""
    return Change(path, current, after, None, note)


def taken_out(current: str, record: Record | None, entries: list[Entry]) -> str | None:
    """A text without what is ours: as it was before, if nobody has edited it since; otherwise without our entries. None: no file."""
    if record is not None and record.is_of(current):
        return record.undone(current)
    if entries[0].kind == FILE:
        return None if current == entries[0].value else current
    text = current
    for entry in [*(record.entries if record else ()), *entries]:
        text = without_entry(text, entry)
    for keys in record.containers if record else ():
        text = without_empty(text, keys, entries[0].path)
    is_empty = record is not None and not record.existed and text.strip() in {"", "{}"}
    return None if is_empty else text


def with_entry(text: str, entry: Entry) -> str:
    """A text with one entry more, after making sure that it means just that. Raises Unreadable."""
    if entry.kind == FILE:
        return str(entry.value)
    editor = editor_of(entry.path)
    before = editor.parse(text)
    if entry.kind == ITEM:
        after = json_text.add(text, entry.keys, entry.value)
        there = lookup(before, entry.keys)
        expected = with_key(before, entry.keys, [*(there if isinstance(there, list) else []), entry.value])
    else:
        after = editor.put(text, entry.keys, entry.value)
        expected = with_key(before, entry.keys, "" if editor is yaml_text else entry.value)
    if meaning(editor, after) != expected:
        raise Unreadable(1, f"{'.'.join(entry.keys)} cannot be added to what is there; add it by hand")
    return after


def meaning(editor: Editor, text: str) -> Value:
    """What a text of ours holds; None if it is not even readable."""
    try:
        return editor.parse(text)
    except Unreadable:
        return None


def without_entry(text: str, entry: Entry) -> str:
    """A text without one entry. Raises Unreadable."""
    if entry.kind == ITEM:
        return json_text.drop_items(text, entry.keys, lambda value: value == entry.value or (is_ours(entry.value) and is_ours(value)))
    editor = editor_of(entry.path)
    after = editor.drop(text, entry.keys)
    if lookup(editor.parse(after), entry.keys) is not None:
        raise Unreadable(1, f"{'.'.join(entry.keys)} is written in a way that is not understood here; take it out by hand")
    return after


def without_empty(text: str, keys: Keys, path: str) -> str:
    """A text without an object or list that was made for our entries, if nothing else has come into it."""
    editor = editor_of(path)
    if editor is json_text:
        return json_text.drop_empty(text, keys)
    return yaml_text.drop_empty(text, keys[0]) if editor is yaml_text else text


def editor_of(path: str) -> Editor:
    """The module that edits such a file."""
    return EDITORS[os.path.splitext(path)[1]]


def holds(text: str, entry: Entry) -> bool:
    """Whether an entry is in a text already."""
    if entry.kind == FILE:
        return text == entry.value
    editor = editor_of(entry.path)
    if editor is yaml_text:
        return without_entry(text, entry) != text and with_entry(without_entry(text, entry), entry) == text
    found = lookup(editor.parse(text), entry.keys)
    return entry.value in found if entry.kind == ITEM and isinstance(found, list) else found == entry.value


def is_held(entry: Entry) -> bool:
    """Whether an entry is in its file now. Raises ForeignFile."""
    text = files.read(entry.path)
    with readable(entry.path):
        return text is not None and holds(text, entry)


def containers(text: str, entries: Iterable[Entry]) -> list[Keys]:
    """The objects and lists that entries need and that are not there, the innermost first."""
    found: list[Keys] = []
    for entry in entries:
        if entry.kind == FILE:
            continue
        there = editor_of(entry.path).parse(text)
        whole = entry.keys if entry.kind == ITEM else entry.keys[:-1]
        found += [whole[:depth] for depth in range(1, len(whole) + 1) if lookup(there, whole[:depth]) is None]
    return sorted(dict.fromkeys(found), key=len, reverse=True)


def is_ours(value: Value) -> bool:
    """Whether a value speaks of `postroom hook` or of a plugin of ours, of whatever version and wherever it lies."""
    match value:
        case str():
            return OURS.search(value) is not None
        case dict():
            return any(map(is_ours, value.values()))
        case list():
            return any(map(is_ours, value))
        case _:
            return False


def carry_out(changes: list[Change], ledger: Ledger) -> None:
    """Do what was planned. The ledger is written first: what it says too much is found out, what it forgot is not. Raises ForeignFile."""
    for change in changes:
        earlier = ledger.records.get(change.path)
        if change.record is not None:
            ledger.records[change.path] = change.record
            ledger.save()
        if change.before != change.after:
            files.replace(change.path, change.before, change.after)
        if change.record is None and earlier is not None:
            files.remove_directories(earlier.directories)
            del ledger.records[change.path]
            ledger.save()
