"""Values as JSON. ASCII only: what others wrote cannot act upon a terminal, and no encoding matters."""

from __future__ import annotations

from json import dumps

from postroom.core.plain import plain


def as_json(value: object) -> str:
    """A value on one line: named tuples become objects."""
    return dumps(plain(value), separators=(", ", ": "))
