"""What all editors share: the values that files hold, where something stands, and why a file is left alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"
Keys: TypeAlias = tuple[str, ...]
Wanted: TypeAlias = Callable[[Value], bool]
INDENTED = re.compile(r"^(\t|  +)[^\s]", re.MULTILINE)
TWO_SPACES = "  "


class Unreadable(Exception):
    """A text that its own program could not read either, or that cannot be edited here; with the line."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line = line
        self.why = why


def line_of(text: str, place: int) -> int:
    """The number of the line in which a place lies, from 1."""
    return text.count("\n", 0, place) + 1


def line_start(text: str, place: int) -> int:
    """Where the line begins in which a place lies."""
    return text.rfind("\n", 0, place) + 1


def indent_of(text: str, place: int) -> str:
    """The blanks with which the line of a place begins."""
    start = line_start(text, place)
    line = text[start:place].removeprefix("\ufeff")
    return line[: len(line) - len(line.lstrip(" \t"))]


def unit_of(text: str) -> str:
    """By how much this text indents."""
    found = INDENTED.search(text)
    return found.group(1) if found else TWO_SPACES


def newline_of(text: str) -> str:
    """How the lines of this text end."""
    end = text.find("\n")
    return "\r\n" if end > 0 and text[end - 1] == "\r" else "\n"


def lookup(value: Value, keys: Keys) -> Value | None:
    """What lies under some keys, or None."""
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return value


def with_key(value: Value, keys: Keys, new: Value) -> Value:
    """A copy of a value in which something lies under some keys."""
    if not keys:
        return new
    inner = value if isinstance(value, dict) else {}
    return {**inner, keys[0]: with_key(inner.get(keys[0]), keys[1:], new)}
