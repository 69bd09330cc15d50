"""Text of others as models get it: data, never orders. All that they wrote stands behind a margin, which no line of theirs can leave.

What stands in the first column is ours: who wrote it, when, where, how it came in, and how to answer. Nothing here knows an interface.
"""

from __future__ import annotations

import re

from postroom.core.message import Kind, Message
from postroom.core.render import INVISIBLE
from postroom.core.types import NamedTuple

TAG = "peer-message"
MARGIN = "| "
KEPT = "\n\t"
LINE_BREAKS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
DELIMITER = re.compile(r"([<＜﹤‹〈⟨])(\s*[/／⁄∕]?\s*peer.?message)", re.IGNORECASE)  # noqa: RUF001  # what a reader could take for ours
UNSAFE = re.compile(r"[^A-Za-z0-9._:#@, +-]")
ELLIPSIS = "…"

SAID = {
    Kind.NOTICE: ("notice", "yes"),
    Kind.SYN: ("session", "offered"),
    Kind.SYN_ACK: ("session", "accepted"),
    Kind.SYN_NACK: ("session", "declined"),
    Kind.DATA: ("session", "open"),
    Kind.FIN: ("session", "closed"),
    Kind.FIN_ACK: ("session", "closed and all of it read"),
    Kind.LAPSE: ("session", "lapsed"),
}
"""How the opening line says what a message is for; nothing is said of the usual kind."""
NAMED_MAX = 5
MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400


class View(NamedTuple):
    """Who looks, when, and whether the sender is one that this agent never had to do with before."""

    me: str
    now_ms: int
    first: bool = False


class Shown(NamedTuple):
    """A message between its delimiters. `rest` is where in the body the part begins that was left out, in characters; 0: nothing was."""

    text: str
    rest: int


def cleaned(text: str) -> tuple[str, int]:
    """The text without what cannot be seen, and how many characters that were. Each kind of line break becomes the usual one."""
    if text.isascii() and text.isprintable():
        return text, 0
    broken = LINE_BREAKS.sub("\n", text)
    kept = "".join(map(seen, broken))
    return kept, len(broken) - len(kept)


def seen(character: str) -> str:
    """A character as it may be shown: itself, a blank for each kind of blank, nothing if it is invisible or moves what others see."""
    if character in KEPT:
        return character
    if character.isspace():
        return " "
    return character if character.isprintable() and ord(character) not in INVISIBLE else ""


def behind_margin(text: str) -> str:
    """A cleaned text as it stands between our delimiters: each line behind the margin, and nothing in it that looks like a delimiter."""
    return "\n".join(f"{MARGIN}{line}" for line in DELIMITER.sub(r"\1\\\2", text).split("\n"))


def quoted(text: str, most: int = 200) -> str:
    """A short text of others within a line of ours: on one line, cut, in quotation marks of which it has none itself."""
    kept = " ".join(DELIMITER.sub(r"\1\\\2", cleaned(text)[0]).replace('"', "'").split())
    return f'"{kept if len(kept) <= most else kept[: most - 1] + ELLIPSIS}"'


def attribute(name: str, value: str) -> str:
    """One fact of the opening line."""
    return f'{name}="{UNSAFE.sub("_", value)}"'


def age(ms: int) -> str:
    """How long ago something was, roughly."""
    seconds = max(ms, 0) // 1000
    for size, unit in ((DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def reference(message: Message) -> str:
    """How a message is called so that it is no other: by its number, or with its sender when that one chose the id."""
    return message.id if message.id.isdigit() else f"{message.sender}:{message.id}"


def stamp(message: Message, view: View, removed: int) -> str:
    """The opening line: what we know about a message, and not what it says about itself."""
    facts = [attribute("id", reference(message)), attribute("from", "you" if message.sender == view.me else message.sender)]
    if message.room is not None:
        facts.append(attribute("room", f"#{message.room}"))
    elif message.to != (view.me,):
        more = f" and {len(message.to) - NAMED_MAX} more" if len(message.to) > NAMED_MAX else ""
        facts.append(attribute("to", ", ".join(message.to[:NAMED_MAX]) + more))
    facts += [attribute("age", age(view.now_ms - message.sent_ms)), attribute("via", message.provenance.interface)]
    facts += [attribute(*SAID[message.kind])] if message.kind in SAID else []
    facts += [attribute("thread", message.thread)] if message.thread != message.id else []
    facts += [attribute("urgency", message.urgency)] if message.urgency != "next" else []
    facts += [attribute("expects-reply", "yes")] if message.expects_reply else []
    facts += [attribute("first-contact", "yes")] if view.first else []
    facts += [attribute("redelivered", "yes")] if message.redelivered else []
    facts += [attribute("invisible-characters-removed", str(removed))] if removed else []
    return f"<{TAG} {' '.join(facts)}>"


def fenced(message: Message, view: View, *, most: int = 8_000, start: int = 0) -> Shown:
    """A message for a model: its stamp, and behind the margin its subject, as much of its body as fits into `most` bytes, its files."""
    part, rest = portion(message.body, start, most)
    body, removed = cleaned(part)
    lines = [f"subject: {quoted(message.subject, 300)}"] if message.subject and not start else []
    lines += [body] if body else []
    lines += [f"file: {quoted(file.name, 300)} ({file.bytes:,} bytes)" for file in message.attachments if not rest]
    inside = f"{behind_margin(chr(10).join(lines))}\n" if lines else ""
    return Shown(f"{stamp(message, view, removed)}\n{inside}</{TAG}>", rest)


def portion(body: str, start: int, most: int) -> tuple[str, int]:
    """The part of a body from a character on that takes `most` bytes at the most with its margins, and where the rest begins, or 0."""
    used, place = len(MARGIN), start
    for place in range(start, len(body)):
        character = body[place]
        used += 1 if character.isascii() else 4
        used += len(MARGIN) if character == "\n" else 0
        if used > most and place > start:
            return body[start:place], place
    return body[start:], 0
