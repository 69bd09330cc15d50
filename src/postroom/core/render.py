"""Text of others as it may be shown to people: no character of it moves the cursor, hides, reverses or starts a line of its own."""

from __future__ import annotations

# Printable by Unicode's definition, and yet nothing is seen of them; some can smuggle text past a reader.
INVISIBLE = frozenset(
    [
        *range(0xFE00, 0xFE10),
        *range(0xE0100, 0xE01F0),
        *range(0x180B, 0x1810),
        0x34F,
        0x115F,
        0x1160,
        0x17B4,
        0x17B5,
        0x2800,
        0x3164,
        0xFFA0,
    ]
)
TAB = "    "


def visible(text: str) -> str:
    """The text with its line breaks, in which each control, bidi or invisible character is written out, as U+202E is."""
    if text.isascii() and text.isprintable():
        return text
    shown = text.replace("\r\n", "\n").replace("\t", TAB)
    return "\n".join(line if harmless(line) else "".join(map(plain, line)) for line in shown.split("\n"))


def harmless(line: str) -> bool:
    """Whether a line can be shown as it is."""
    return line.isprintable() and (line.isascii() or INVISIBLE.isdisjoint(map(ord, line)))


def one_line(text: str) -> str:
    """The text on one line: line breaks are written out too."""
    return visible(text.replace("\r\n", "\n").replace("\n", "\\n")) if "\n" in text else visible(text)


def plain(character: str) -> str:
    """One character, or how it is written out."""
    if character.isprintable() and ord(character) not in INVISIBLE:
        return character
    return character.encode("ascii", "backslashreplace").decode() if not character.isascii() else f"\\x{ord(character):02x}"


def counted(number: int, noun: str) -> str:
    """So many of a thing: 1 message, 2,000 deliveries."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun[:-1]}ies" if noun.endswith("y") else f"{number:,} {noun}s"


def went_back(number: int) -> str:
    """What one is told who has become a ghost, and for whom so many messages waited."""
    return f"{counted(number, 'message')} that you had not read went back: nobody sees you any more"


def indented(text: str, margin: str, *, width: int | None) -> str:
    """The text behind a margin on each line, so that no line of it can be taken for another's. With a width it is also broken there."""
    rows = visible(text).split("\n")
    if width is not None:
        room = max(width - len(margin), 8)
        rows = [piece for row in rows for piece in broken(row, room)]
    return "".join(f"{margin}{row}".rstrip() + "\n" for row in rows)


def broken(row: str, room: int) -> list[str]:
    """A row in pieces that fit into so many columns, broken at blanks where possible."""
    pieces, start = [], 0
    while (end := fitting(row, start, room)) < len(row):
        blank = row.rfind(" ", start + 1, end + 1)
        end = blank if blank > start else end
        pieces.append(row[start:end])
        start = end + (row[end] == " ")
    return [*pieces, row[start:]]


def fitting(row: str, start: int, room: int) -> int:
    """Where the characters end that fit into so many columns; there is at least one, if any is left."""
    used = 0
    for place in range(start, len(row)):
        used += columns(row[place])
        if used > room:
            return max(place, start + 1)
    return len(row)


def columns(character: str) -> int:
    """How many columns a character may take: rather too many, as a row that a terminal breaks by itself has no margin."""
    if character.isascii():
        return 1
    from unicodedata import category, east_asian_width

    return 2 if east_asian_width(character) in "WFA" or category(character) == "So" else 1
