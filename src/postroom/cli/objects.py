"""Values as JSON. ASCII only: what others wrote cannot act upon a terminal, and no encoding matters."""

from __future__ import annotations

from json import dumps

from postroom.core.message import Receipt


def as_json(value: object) -> str:
    """A value on one line: named tuples become objects."""
    return dumps(plain(value), separators=(", ", ": "))


def plain(value: object) -> object:
    """A value as dicts, lists, texts and numbers."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        shown = {name: plain(part) for name, part in zip(value._fields, value, strict=True)}
        return shown | {"state": value.state} if isinstance(value, Receipt) else shown
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value
