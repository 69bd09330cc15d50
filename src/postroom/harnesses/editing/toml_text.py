"""Editing TOML as text: a table comes in at the end, or goes out with its lines; all else stays as it is. tomllib says what it means."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator

from postroom.core.types import NamedTuple
from postroom.harnesses.editing.values import Keys, Unreadable, Value, line_of, line_start, lookup, newline_of

BARE = re.compile(r"[A-Za-z0-9_-]+")
LINE = re.compile(r"line (\d+)")
STRINGS = ('"""', "'''", '"', "'")
PART = re.compile(r"""\s*(?:([A-Za-z0-9_-]+)|"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)')\s*(\.?)""")


class Statement(NamedTuple):
    """A header or an assignment: from `start` to `end`, about what lies under `keys`."""

    start: int
    end: int
    keys: Keys


def parse(text: str) -> Value:
    """What a text holds. Raises Unreadable."""
    try:
        found: Value = tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        where = LINE.search(str(error))
        line = int(where.group(1)) if where else line_of(text, len(text))
        raise Unreadable(line, str(error).partition(" (at")[0].lower()) from error
    except RecursionError as error:
        raise Unreadable(1, "it is nested too deeply") from error
    return found


def put(text: str, keys: Keys, value: Value) -> str:
    """The text with a table of its own, at the end, under some keys. Raises Unreadable."""
    if lookup(parse(text), keys) is not None:
        text = drop(text, keys)
    assert isinstance(value, dict), "tables are put in"
    newline = newline_of(text)
    gap = "" if not text.strip("\ufeff") else newline if text.endswith("\n") else newline * 2
    rows = [f"[{'.'.join(map(key_text, keys))}]", *(f"{key_text(key)} = {value_text(item)}" for key, item in value.items())]
    return f"{text}{gap}{newline.join(rows)}{newline}"


def drop(text: str, keys: Keys) -> str:
    """The text without what lies under some keys, and without one blank line before it."""
    parse(text)
    gone = [one for one in statements(text) if one.keys[: len(keys)] == keys]
    for one in reversed(gone):
        start, end = line_start(text, one.start), text.find("\n", one.end) + 1 or len(text)
        start = max(start, 1 if text.startswith("\ufeff") else 0)
        text = text[:start] + text[end:]
    return without_gap(text, gone[0].start) if gone else text


def without_gap(text: str, place: int) -> str:
    """The text without a blank line that now ends it, or that now is a second one."""
    start = line_start(text, place)
    before = text.rfind("\n", 0, start - 1) + 1
    blank_before = start > 0 and not text[before:start].strip()
    rest = text[start:]
    if blank_before and (not rest or rest.startswith(("\n", "\r\n"))):
        return text[:before] + rest
    return text


def statements(text: str) -> Iterator[Statement]:
    """The headers and assignments of a text that tomllib has read: what they are about, with the table that they stand in."""
    table: Keys = ()
    place = 1 if text.startswith("\ufeff") else 0
    while (place := skip_blank(text, place)) < len(text):
        start = place
        if text[place] == "[":
            brackets = 2 if text.startswith("[[", place) else 1
            table, place = read_keys(text, place + brackets)
            place += brackets
            yield Statement(start, place, table)
        else:
            keys, place = read_keys(text, place)
            place = skip_value(text, place + 1)
            yield Statement(start, place, table + keys)


def skip_blank(text: str, place: int) -> int:
    """Where something begins that is neither blank nor comment."""
    while place < len(text):
        if text[place] == "#":
            place = end_of_line(text, place)
        elif text[place] in " \t\r\n":
            place += 1
        else:
            break
    return place


def end_of_line(text: str, place: int) -> int:
    """Where the line ends, before its line break."""
    end = text.find("\n", place)
    return len(text) if end < 0 else end


def read_keys(text: str, place: int) -> tuple[Keys, int]:
    """The keys with dots between them that begin here, and where they end."""
    keys: list[str] = []
    while found := PART.match(text, place):
        bare, double, single, dot = found.groups()
        keys.append(bare or single or (json.loads(f'"{double}"') if double else ""))
        place = found.end()
        if not dot:
            break
    return tuple(keys), place


def skip_value(text: str, place: int) -> int:
    """Where the value ends that begins here: at the end of the line that no bracket or string carries on."""
    depth = 0
    while place < len(text) and (depth or text[place] not in "#\n"):
        quote = next((one for one in STRINGS if text.startswith(one, place)), None)
        if quote is not None:
            place = skip_string(text, place, quote)
        elif text[place] == "#":
            place = end_of_line(text, place)
        else:
            depth += (text[place] in "[{") - (text[place] in "]}")
            place += 1
    return place


def skip_string(text: str, place: int, quote: str) -> int:
    """Where the string ends that begins here."""
    place += len(quote)
    while not text.startswith(quote, place):
        place += 2 if quote[0] == '"' and text[place] == "\\" else 1
    place += len(quote)
    while len(quote) > 1 and text.startswith(quote[0], place):  # one or two quotes may stand before the three that end it
        place += 1
    return place


def key_text(key: str) -> str:
    """A key as it is written."""
    return key if BARE.fullmatch(key) else json.dumps(key)


def value_text(value: Value) -> str:
    """A value as it is written, on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key_text(key)} = {value_text(item)}" for key, item in value.items()) + " }" if value else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(map(value_text, value)) + "]"
    assert value is not None, "TOML has no null"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
