"""Editing YAML as text, for one purpose: a block under a key of the top-level mapping comes in or goes out. What is unusual is refused.

No YAML library is a dependency of ours, so nothing is understood here but the plain shape that programs write.
"""

from __future__ import annotations

import json
import re

from postroom.core.types import NamedTuple
from postroom.harnesses.editing.values import Keys, Unreadable, Value, newline_of

TOP = re.compile(r"""(?:([A-Za-z0-9_.-]+)|"([^"\\]*)"|'([^']*)')[ \t]*:(?:[ \t]+(.*)|)$""")
CHILD = re.compile(r"""( +)(?:([A-Za-z0-9_.-]+)|"([^"\\]*)"|'([^']*)')[ \t]*:(?:[ \t].*|)$""")
NOTHING = re.compile(r"(?:\{\s*\}|null|~|)\s*(#.*)?$")
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
MARKS = ("---", "...", "%")


class Block(NamedTuple):
    """A key with the lines that belong to it: from `start` up to `end`; `inline` is what stands behind the colon."""

    key: str
    start: int
    end: int
    inline: str


def parse(text: str) -> dict[str, Value]:
    """The keys of the top-level mapping, each with the keys under it as far as they are understood. Raises Unreadable."""
    lines = text.removeprefix("\ufeff").splitlines()
    return {block.key: {child.key: "" for child in children(lines, block)[0]} for block in blocks(lines)}


def blocks(lines: list[str]) -> list[Block]:
    """The top-level keys. Raises Unreadable where a line is neither one nor belongs to one."""
    found: list[Block] = []
    for place, line in enumerate(lines):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if "\t" in line[: len(line) - len(line.lstrip())]:
            raise Unreadable(place + 1, "a tab indents it, which YAML does not allow")
        if line.startswith(MARKS):
            if found or line.strip() != "---":
                raise Unreadable(place + 1, "only one document is understood here")
        elif match := TOP.match(line):
            bare, double, single, inline = match.groups()
            found.append(Block(bare or double or single or "", place, place + 1, (inline or "").strip()))
            continue
        elif not found or not line.startswith((" ", "-")):
            raise Unreadable(place + 1, "a key with a colon is expected")
        if found:
            found[-1] = found[-1]._replace(end=place + 1)
    return found


def children(lines: list[str], block: Block) -> tuple[list[Block], str]:
    """The keys under a key, and their indent; none if they are not one per line."""
    found: list[Block] = []
    indent = ""
    for place in range(block.start + 1, block.end):
        match = CHILD.match(lines[place])
        if match and not indent:
            indent = match.group(1)
        if match and match.group(1) == indent:
            found.append(Block(match.group(2) or match.group(3) or match.group(4) or "", place, place + 1, ""))
        elif found and lines[place].strip():
            found[-1] = found[-1]._replace(end=place + 1)
    return found, indent


def put(text: str, keys: Keys, value: Value) -> str:
    """The text with a block under a top-level key, behind its neighbours. Raises Unreadable."""
    outer, inner = keys
    text = drop(text, keys)
    newline = newline_of(text)
    lines = text.splitlines(keepends=True)
    found = next((block for block in blocks([line.rstrip("\r\n").removeprefix("\ufeff") for line in lines]) if block.key == outer), None)
    if found is None:
        gap = newline if text.strip("\ufeff") and not text.endswith("\n") else ""
        return f"{text}{gap}{newline.join([f'{outer}:', *written(inner, value, '  ')])}{newline}"
    if found.inline and not found.inline.startswith("#"):
        nothing = NOTHING.match(found.inline)
        if not nothing or found.end > found.start + 1:
            raise Unreadable(found.start + 1, f"{outer!r} is not written as one key per line")
        lines[found.start] = lines[found.start].replace(found.inline, nothing.group(1) or "", 1).rstrip(" \t\r\n") + newline
    within, indent = children([line.rstrip("\r\n") for line in lines], found)
    if not within and any(line.strip() and not line.lstrip().startswith("#") for line in lines[found.start + 1 : found.end]):
        raise Unreadable(found.start + 2, f"what is under {outer!r} is not written as one key per line")
    last = within[-1].end if within else found.start + 1
    if not lines[last - 1].endswith("\n"):
        lines[last - 1] += newline
    block = newline.join(written(inner, value, indent or "  ")) + newline
    return "".join([*lines[:last], block, *lines[last:]])


def drop(text: str, keys: Keys) -> str:
    """The text without a block under a top-level key."""
    outer, inner = keys
    lines = text.splitlines(keepends=True)
    bare = [line.rstrip("\r\n").removeprefix("\ufeff") for line in lines]
    for block in blocks(bare):
        if block.key == outer:
            for child in children(bare, block)[0]:
                if child.key == inner:
                    return "".join([*lines[: child.start], *lines[child.end :]])
    return text


def drop_empty(text: str, outer: str) -> str:
    """The text without a top-level key under which there is nothing left, not even a comment."""
    lines = text.splitlines(keepends=True)
    for block in blocks([line.rstrip("\r\n").removeprefix("\ufeff") for line in lines]):
        if block.key == outer and not block.inline and not "".join(lines[block.start + 1 : block.end]).strip():
            return "".join([*lines[: block.start], *lines[block.start + 1 :]])
    return text


def written(key: str, value: Value, indent: str) -> list[str]:
    """A key with its value, as lines."""
    if isinstance(value, dict) and value:
        return [f"{indent}{scalar(key)}:", *(line for name, item in value.items() for line in written(name, item, indent + "  "))]
    if isinstance(value, list) and value:
        return [f"{indent}{scalar(key)}:", *(f"{indent}  - {scalar(item)}" for item in value)]
    return [f"{indent}{scalar(key)}: {scalar(value)}"]


def scalar(value: Value) -> str:
    """A value on one line. JSON is YAML; plain words go without quotes."""
    if isinstance(value, str) and PLAIN.fullmatch(value) and value.lower() not in WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)
