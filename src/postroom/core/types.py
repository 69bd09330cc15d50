"""What is used of the module typing, without loading it: typing costs 2 to 5 ms, and its named tuples 3 more, of a 20 ms `postroom send`.

To a type checker these are typing's own. And what makes thousands of such values quick.
"""

import gc
from itertools import repeat

TYPE_CHECKING = False
__all__ = [
    "TYPE_CHECKING", "Annotated", "Any", "AtRest", "Generic", "NamedTuple", "NewType", "Protocol", "Self", "TypeVar", "TypedDict", "Unpack",
    "made",
]  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType
    from typing import Annotated, Any, Generic, NamedTuple, NewType, Protocol, Self, TypedDict, TypeVar, Unpack

    Made = TypeVar("Made", bound=tuple[object, ...])
else:
    from collections import namedtuple

    class Record(type):
        """Makes each class that derives from NamedTuple a named tuple of its annotations, as typing's does."""

        def __new__(cls, name, bases, body):
            if not bases:
                return super().__new__(cls, name, bases, body)
            fields = body.get("__annotations__", {})
            defaults = [body.pop(field) for field in fields if field in body]
            made = namedtuple(name, fields, defaults=defaults, module=body["__module__"])
            for key, value in body.items():
                if key not in {"__module__", "__slots__"}:
                    setattr(made, key, value)
            return made

    class NamedTuple(metaclass=Record):
        """See typing.NamedTuple."""

    class TypedDict(dict):
        """See typing.TypedDict."""

        def __init_subclass__(cls, *, total=True):
            """Totality is the type checker's affair."""

    class Generic:
        """See typing.Generic."""

        def __class_getitem__(cls, of):
            """Of what it is, is the type checker's affair."""
            return cls

    def TypeVar(name):
        """See typing.TypeVar."""
        return name

    def NewType(name, kind):
        """See typing.NewType."""
        return kind

    Annotated = Any = Protocol = Self = Unpack = object


def made(kind: "type[Made]", rows: "Iterable[tuple[object, ...]]") -> "Iterator[Made]":
    """Named tuples of rows that hold each field in its order. Many: no code of Python runs for each, as it does in `_make`."""
    return map(tuple.__new__, repeat(kind), rows)


class AtRest:
    """Within this the cyclic collector does not run: it would look again and again through values that are all kept.

    In a listing of 10,000 agents that is 15 of 38 ms. Threads may rest at the same time: whoever found it running lets it run again.
    """

    __slots__ = ("_was_running",)

    def __enter__(self) -> None:
        self._was_running = gc.isenabled()
        gc.disable()

    def __exit__(self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None") -> None:
        if self._was_running:
            gc.enable()
