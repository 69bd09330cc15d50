"""Names and addresses: what may be a name, what is reserved, how an address is read. No other file decides about names."""

from __future__ import annotations

import re

from postroom.core.errors import BadAddress, BadName, ReservedName
from postroom.core.types import NamedTuple, NewType

Name = NewType("Name", str)

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}", re.ASCII)
HUMAN = Name("human")  # the person at this machine
SYSTEM = Name("postroom")  # signs notices
RESERVED = frozenset({"human", "system", "all", "postroom"})
EVERYONE = "@all"


class Address(NamedTuple):
    """Where a message goes: an agent, a room, or everyone; here (`node` is None) or on another node."""

    kind: str  # "agent", "room" or "everyone"
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


def claimable(text: str) -> Name:
    """Fold a name that somebody wants to act under. Raises ReservedName for the names that belong to the post room and to people."""
    name = fold_name(text)
    if name in RESERVED:
        raise ReservedName(name=text)
    return name


def read_address(text: str) -> Address:
    """Read `bob`, `bob@laptop`, `#room`, `#room@laptop` or `@all` (also `ALL`). Raises BadAddress or BadName."""
    if not text.strip():
        raise BadAddress(address=text)
    stripped = text.strip()
    if stripped.lower() in (EVERYONE, "all"):
        return Address("everyone", Name("all"))
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
