"""Types as JSON Schema (2020-12): arguments by msgspec, values by their annotations, as core/plain.py turns them into JSON."""

from __future__ import annotations

import types
import typing
from collections.abc import Collection, Mapping, Sequence
from enum import Enum

import msgspec

from postroom.core.message import Receipt, State
from postroom.http.verb import Arguments

Schema = dict[str, object]
SIMPLE: dict[object, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    object: {},
}
COMPONENTS = "#/components/schemas/"


def of_arguments(kinds: Sequence[type[Arguments]]) -> dict[str, Schema]:
    """The schemas of arguments, by name, with those that they refer to."""
    _, found = msgspec.json.schema_components(kinds, ref_template=COMPONENTS + "{name}")
    return dict(found)


class Values:
    """The schemas of values; named tuples are collected as components."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def of(self, kind: object) -> Schema:
        """The schema of a type."""
        if kind is None:
            return {"type": "object"}
        if (simple := simple_schema(kind)) is not None:
            return dict(simple)
        if isinstance(kind, type) and issubclass(kind, tuple):
            return self._of_tuple(kind)
        return self._of_several(typing.get_origin(kind), typing.get_args(kind))

    def _of_several(self, origin: object, inside: tuple[object, ...]) -> Schema:
        if origin in {typing.Union, types.UnionType}:
            return {"anyOf": [self.of(one) for one in inside]}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.of(inside[1])}
        if origin in {list, tuple, Collection, Sequence}:
            return {"type": "array", "items": self.of(inside[0])}
        return {}

    def _of_tuple(self, kind: type) -> Schema:
        name = kind.__name__
        if name not in self.components:
            self.components[name] = {}  # it may hold itself
            fields = {field: self.of(hint) for field, hint in hints(kind).items()}
            if kind is Receipt:
                fields["state"] = self.of(State)
            self.components[name] = {
                "type": "object",
                "description": sentence_of(kind),
                "properties": fields,
                "required": list(fields),
            }
        return {"$ref": COMPONENTS + name}


def simple_schema(kind: object) -> Schema | None:
    """The schema of a type that holds no others."""
    if isinstance(kind, typing.NewType):
        return simple_schema(kind.__supertype__)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"type": "string", "enum": [str(one.value) for one in kind]}
    return SIMPLE.get(kind) if isinstance(kind, type) else None


def hints(kind: type) -> Mapping[str, object]:
    """The fields of a named tuple, with their types as far as they are known at run time."""
    fields: Sequence[str] = getattr(kind, "_fields", ())
    try:
        found: dict[str, object] = typing.get_type_hints(kind)
    except NameError:  # named for type checkers only
        found = {}
    return {field: found.get(field, object) for field in fields}


def sentence_of(kind: type) -> str:
    """What a type is."""
    return (kind.__doc__ or "").split("\n", 1)[0]
