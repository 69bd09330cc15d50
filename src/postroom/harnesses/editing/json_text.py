"""Editing JSON with comments as text: one member of an object, or one item of a list, comes in or goes out; all else stays as it is."""

from __future__ import annotations

import json

from postroom.core.types import NamedTuple
from postroom.harnesses.editing import jsonc
from postroom.harnesses.editing.jsonc import Member, Node
from postroom.harnesses.editing.values import Keys, Unreadable, Value, Wanted, indent_of, line_of, line_start, newline_of, unit_of

BLANKS = " \t"


class Splice(NamedTuple):
    """A part of a text, and what comes in its place."""

    start: int
    end: int
    new: str


def parse(text: str) -> Value:
    """What a text holds; an empty one holds an empty object. Raises Unreadable."""
    node = jsonc.read(text)
    return {} if node is None else node.value


def put(text: str, keys: Keys, value: Value) -> str:
    """The text with a value under some keys: instead of what was there, or behind the last of its neighbours. Raises Unreadable."""
    node = jsonc.read(text)
    if node is None:
        return begun(text, nested(keys, value))
    for depth, key in enumerate(keys):
        found = member(text, node, key)
        if found is None:
            return inserted(text, node, key, nested(keys[depth + 1 :], value))
        node = found.node
    lines = rendered(text, value, indent_of(text, node.start), flat="\n" not in text)
    return spliced(text, [Splice(node.start, node.end, lines)])


def add(text: str, keys: Keys, value: Value) -> str:
    """The text with one more item in the list under some keys. Raises Unreadable."""
    node = jsonc.read(text)
    for key in keys:
        found = None if node is None else member(text, node, key)
        if found is None:
            return put(text, keys, [value])
        node = found.node
    assert node is not None, "a list has a key"
    if not isinstance(node.value, list):
        raise Unreadable(line_of(text, node.start), f"{keys[-1]!r} is not a list")
    return inserted(text, node, None, value)


def drop(text: str, keys: Keys) -> str:
    """The text without what lies under some keys."""
    owner = container(text, keys[:-1])
    if owner is None or not isinstance(owner.value, dict):
        return text
    for place in range(len(owner.members) - 1, -1, -1):
        if owner.members[place].key == keys[-1]:
            return without(text, owner, place)
    return text


def drop_items(text: str, keys: Keys, wanted: Wanted) -> str:
    """The text without those items of a list that are wanted."""
    while (owner := container(text, keys)) is not None and isinstance(owner.value, list):
        places = [place for place, one in enumerate(owner.members) if wanted(one.node.value)]
        if not places:
            break
        text = without(text, owner, places[-1])
    return text


def drop_empty(text: str, keys: Keys) -> str:
    """The text without an object or list that has become empty, if there is not even a comment in it."""
    found = container(text, keys)
    if found is None or found.members or text[found.start + 1 : found.end - 1].strip():
        return text
    return drop(text, keys)


def container(text: str, keys: Keys) -> Node | None:
    """What lies under some keys, with its place."""
    node = jsonc.read(text)
    for key in keys:
        if node is None or not isinstance(node.value, dict):
            return None
        found = member(text, node, key)
        node = None if found is None else found.node
    return node


def member(text: str, node: Node, key: str) -> Member | None:
    """The member with a key: the last, if there are several. Raises Unreadable where there can be no members."""
    if not isinstance(node.value, dict):
        raise Unreadable(line_of(text, node.start), f"an object is needed here, for {key!r}")
    return next((one for one in reversed(node.members) if one.key == key), None)


def nested(keys: Keys, value: Value) -> Value:
    """A value in as many objects as there are keys."""
    for key in reversed(keys):
        value = {key: value}
    return value


def begun(text: str, value: Value) -> str:
    """A text that holds nothing yet, with a value."""
    newline = newline_of(text)
    gap = newline if text.strip("\ufeff") and not text.endswith("\n") else ""
    return f"{text}{gap}{rendered(text, value, '', flat=False)}{newline}"


def inserted(text: str, node: Node, key: str | None, value: Value) -> str:
    """The text with one more member at the end of an object or list."""
    closing = node.end - 1
    own_line = line_start(text, closing)
    apart = own_line > node.start and not text[own_line:closing].strip()
    last = node.members[-1] if node.members else None
    name = "" if key is None else f"{quoted(key)}: "
    comma = "," if last is not None and last.comma >= 0 else ""
    newline = newline_of(text)
    if apart or last is None:
        indent = indent_of(text, last.start) if last is not None else indent_of(text, node.start) + unit_of(text)
        line = indent + name + rendered(text, value, indent, flat=False) + comma
        if apart:
            new = [Splice(own_line, own_line, line + newline)]
        else:
            before = text[node.start + 1 : closing].rstrip(BLANKS)
            new = [Splice(node.start + 1 + len(before), closing, newline + line + newline + indent_of(text, node.start))]
        return spliced(text, [*missing_comma(last), *new])
    flat = "\n" not in text[node.start : node.end]
    indent = indent_of(text, last.start)
    shown = name + rendered(text, value, indent, flat=flat)
    if last.comma >= 0:
        return spliced(text, [Splice(last.comma + 1, last.comma + 1, f" {shown},")])
    return spliced(text, [Splice(last.node.end, last.node.end, f", {shown}")])


def missing_comma(last: Member | None) -> list[Splice]:
    """The comma that a last member lacks when it is the last no more."""
    return [Splice(last.node.end, last.node.end, ",")] if last is not None and last.comma < 0 else []


def without(text: str, node: Node, place: int) -> str:
    """The text without a member, its comma, and its line if nothing else is on it."""
    gone, cuts = node.members[place], []
    start, end = gone.start, gone.node.end
    if gone.comma >= 0:
        end = gone.comma + 1
    elif place:
        before = node.members[place - 1].comma
        cuts.append(Splice(before, before + 1, ""))
    start_of_line, end_of_line = line_start(text, start), text.find("\n", end) + 1 or len(text)
    if not text[start_of_line:start].strip() and not text[end:end_of_line].strip() and start_of_line > node.start:
        start, end = start_of_line, min(end_of_line, node.end - 1)
    else:
        while text[start - 1] in BLANKS and start_of_line < start - 1:
            start -= 1
    floor = cuts[0].end if cuts else 0
    return spliced(text, [*cuts, Splice(max(start, floor), end, "")])


def rendered(text: str, value: Value, indent: str, *, flat: bool) -> str:
    """A value as the rest of the text is written, its later lines behind an indent."""
    if flat:
        return json.dumps(value, ensure_ascii=False)
    lines = json.dumps(value, ensure_ascii=False, indent=unit_of(text)).split("\n")
    return f"{newline_of(text)}{indent}".join(lines)


def quoted(key: str) -> str:
    """A key as it is written."""
    return json.dumps(key, ensure_ascii=False)


def spliced(text: str, splices: list[Splice]) -> str:
    """The text with other parts; the splices are in order and do not overlap."""
    for one in reversed(splices):
        text = text[: one.start] + one.new + text[one.end :]
    return text
