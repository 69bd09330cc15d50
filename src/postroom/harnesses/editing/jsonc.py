"""JSON as programs let people write it: with comments, trailing commas and a byte order mark. Read into values that know their place."""

from __future__ import annotations

import re
from json import JSONDecodeError, JSONDecoder

from postroom.core.types import NamedTuple
from postroom.harnesses.editing.values import Unreadable, Value, line_of

BLANK = re.compile(r"(?:[ \t\r\n]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
WORDS: dict[str, Value] = {"true": True, "false": False, "null": None}
STRINGS = JSONDecoder()
CLOSING = {"{": "}", "[": "]"}
DEPTH_MAX = 200
"""Deeper than any file of a person; the reader recurses."""


class Node(NamedTuple):
    """A value in a text: from `start` to `end`, with its members if it is an object or a list."""

    start: int
    end: int
    value: Value
    members: tuple[Member, ...] = ()


class Member(NamedTuple):
    """A member of an object or a list: where it starts (an object's: at the key), and where its comma is, or -1."""

    key: str
    start: int
    node: Node
    comma: int


def read(text: str) -> Node | None:
    """The value that a text holds; None when it holds nothing but blanks and comments. Raises Unreadable."""
    reader = Reader(text)
    place = reader.blank(1 if text.startswith("\ufeff") else 0)
    if place == len(text):
        return None
    node = reader.node(place, 0)
    if (rest := reader.blank(node.end)) < len(text):
        raise reader.fault(rest, "something follows after the end")
    return node


class Reader:
    """Reads one text."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def fault(self, place: int, why: str) -> Unreadable:
        """What is wrong, and in which line."""
        return Unreadable(line_of(self.text, place), why)

    def blank(self, place: int) -> int:
        """Where the blanks and comments end that begin here."""
        found = BLANK.match(self.text, place)
        end = found.end() if found else place
        if self.text.startswith("/*", end):
            raise self.fault(end, "a comment has no end")
        return end

    def node(self, place: int, depth: int) -> Node:
        """The value that begins here."""
        if depth > DEPTH_MAX:
            raise self.fault(place, "it is nested too deeply")
        first = self.text[place : place + 1]
        if first in CLOSING:
            return self.container(place, depth)
        if first == '"':
            value, end = self.string(place)
            return Node(place, end, value)
        for word, meaning in WORDS.items():
            if self.text.startswith(word, place):
                return Node(place, place + len(word), meaning)
        found = NUMBER.match(self.text, place)
        if not found:
            raise self.fault(place, f"{self.text[place : place + 1]!r} cannot stand here" if first else "the end comes too early")
        number = found.group()
        return Node(place, found.end(), int(number) if number.lstrip("-").isdigit() else float(number))

    def string(self, place: int) -> tuple[str, int]:
        """The text in quotes that begins here, and where it ends."""
        try:
            value, end = STRINGS.raw_decode(self.text, place)
        except JSONDecodeError as error:
            raise self.fault(place, f"a text in quotes is broken ({error.msg.lower()})") from error
        return str(value), end

    def container(self, start: int, depth: int) -> Node:
        """The object or list that begins here."""
        closing = CLOSING[self.text[start]]
        members: list[Member] = []
        place = self.blank(start + 1)
        while not self.text.startswith(closing, place):
            if members and members[-1].comma < 0:
                raise self.fault(place, f"a comma or {closing!r} is missing" if place < len(self.text) else f"{closing!r} is missing")
            key, value_at = self.key(place) if closing == "}" else ("", place)
            node = self.node(value_at, depth + 1)
            after = self.blank(node.end)
            comma = after if self.text.startswith(",", after) else -1
            members.append(Member(key, place, node, comma))
            place = self.blank(after + 1) if comma >= 0 else after
        values: Value = {one.key: one.node.value for one in members} if closing == "}" else [one.node.value for one in members]
        return Node(start, place + 1, values, tuple(members))

    def key(self, place: int) -> tuple[str, int]:
        """The key that begins here, and where its value begins."""
        if not self.text.startswith('"', place):
            raise self.fault(place, "a key in double quotes is missing" if place < len(self.text) else "'}' is missing")
        key, end = self.string(place)
        colon = self.blank(end)
        if not self.text.startswith(":", colon):
            raise self.fault(colon, f"a colon is missing after {key!r}")
        return key, self.blank(colon + 1)
