"""Names and addresses: what may be a name, what is reserved, how an address is read. No other file decides about names."""

from __future__ import annotations

import re

from postroom.core.errors import BadAddress, BadName, ReservedName
from postroom.core.types import NamedTuple, NewType

Name = NewType("Name", str)

NAME_MAX = 63
NAME = re.compile(rf"[a-z0-9][a-z0-9._-]{{0,{NAME_MAX - 1}}}", re.ASCII)
HUMAN = Name("human")  # the person at this machine
SYSTEM = Name("postroom")  # signs notices
RESERVED = frozenset({"human", "system", "all", "postroom"})
EVERYONE = "@all"
TAGGED = "@tag:"
SIGNS = {"agent": "", "room": "#", "everyone": "@", "tag": TAGGED}
MENTION = re.compile(r"(?<![\w@.#/-])@([a-z0-9][a-z0-9._-]*)", re.ASCII | re.IGNORECASE)


class Address(NamedTuple):
    """Where a message goes: an agent, a room, everyone, or everyone with a tag; here (`node` is None) or on another node."""

    kind: str  # "agent", "room", "everyone" or "tag"
    name: Name
    node: Name | None = None


def fold_name(text: str) -> Name:
    """Fold a name to the one spelling under which it is known: NFKC, lower case. Raises BadName."""
    if not isinstance(text, str):
        raise BadName(name=text)
    folded = text
    if not text.isascii():
        from unicodedata import normalize

        folded = normalize("NFKC", text)
    folded = folded.strip().lower()
    if not NAME.fullmatch(folded):
        raise BadName(name=text)
    return Name(folded)


def written(address: Address) -> str:
    """An address in its one spelling."""
    return f"{SIGNS[address.kind]}{address.name}{f'@{address.node}' if address.node else ''}"


def mentions(text: str) -> frozenset[str]:
    """The names that a text mentions, as `@bob`. A full stop or hyphen at the end is the sentence's."""
    return frozenset(name.rstrip(".-_").lower() for name in MENTION.findall(text)) if "@" in text else frozenset()


def claimable(text: str) -> Name:
    """Fold a name that somebody wants to act under. Raises ReservedName for the names that belong to the post room and to people."""
    name = fold_name(text)
    if name in RESERVED:
        raise ReservedName(name=text)
    return name


def read_address(text: str) -> Address:
    """Read `bob`, `bob@laptop`, `#room`, `#room@laptop`, `@all` (also `ALL`) or `@tag:x`. Raises BadAddress or BadName."""
    stripped = text.strip()
    if not stripped:
        raise BadAddress(address=text)
    if stripped.lower() in (EVERYONE, "all"):
        return Address("everyone", Name("all"))
    if stripped.lower().startswith(TAGGED):
        return Address("tag", fold_name(stripped[len(TAGGED) :]))
    kind, rest = ("room", stripped[1:]) if stripped.startswith("#") else ("agent", stripped)
    name, at, node = rest.partition("@")
    if (at and not node) or not name:
        raise BadAddress(address=text)
    return Address(kind, fold_name(name), fold_name(node) if at else None)


def close_names(name: str, known: list[str]) -> str:
    """Say which known names look like this one: `" Did you mean bob or rob?"`, or nothing."""
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(close)}?" if close else ""
