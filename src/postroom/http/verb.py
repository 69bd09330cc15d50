"""What a verb is to HTTP: a row with its name, who may do it, its arguments, and how it is done. The rows are in verbs/ and seats.py."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, TypeVar

import msgspec

from postroom.core.refusals import BadRequest
from postroom.exchange.desk import Desk
from postroom.http.auth import ACT, READ
from postroom.http.lodger import Lodger

LOOK, DO = "GET", "POST"


class Arguments(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What a verb is told. Its fields are the keywords of the SDK."""


class Nothing(Arguments, frozen=True):
    """No arguments."""


class CloseSeatArguments(Nothing, frozen=True):
    """The seat that is left is the one that the request names."""


Given = TypeVar("Given", bound=Arguments)
Look = Callable[[Desk, Arguments], object]
Perform = Callable[[Lodger, Arguments], Awaitable[object]]


class Verb(NamedTuple):
    """One row. It has either a `look`, done at any desk of the caller, or is performed at the caller's seat."""

    name: str
    scope: str
    arguments: type[Arguments]
    gives: object
    summary: str
    look: Look | None = None
    perform: Perform | None = None
    opens: bool = False  # the seat that the request names is taken by it

    @property
    def method(self) -> str:
        """How it is asked for."""
        return DO if self.look is None else LOOK


def look(
    name: str, arguments: type[Given], gives: object, how: Callable[[Desk, Given], object], says: object, *, scope: str = READ
) -> Verb:
    """A verb that changes nothing. `says` is the function whose docstring tells what it does, or the sentence itself."""

    def looking(desk: Desk, given: Arguments) -> object:
        assert isinstance(given, arguments)
        return how(desk, given)

    return Verb(name, scope, arguments, gives, sentence(says), look=looking)


def act(name: str, arguments: type[Given], gives: object, how: Callable[[Desk, Given], object], says: object, *, scope: str = ACT) -> Verb:
    """A verb that is done at once, at the desk of the caller's seat."""

    async def acting(lodger: Lodger, given: Arguments) -> object:
        assert isinstance(given, arguments)
        return await lodger.at_desk(lambda desk: how(desk, given))

    return Verb(name, scope, arguments, gives, sentence(says), perform=acting)


def perform(
    name: str,
    arguments: type[Given],
    gives: object,
    how: Callable[[Lodger, Given], Awaitable[object]],
    says: object,
    *,
    scope: str = ACT,
    opens: bool = False,
) -> Verb:
    """A verb that needs the caller's seat, or takes time."""

    async def performing(lodger: Lodger, given: Arguments) -> object:
        assert isinstance(given, arguments)
        return await how(lodger, given)

    return Verb(name, scope, arguments, gives, sentence(says), perform=performing, opens=opens)


def sentence(says: object) -> str:
    """The first sentence of a docstring, or the one that is given."""
    text = says if isinstance(says, str) else says.__doc__ or ""
    return text.split("\n", 1)[0].strip()


def read_json(kind: type[Given], body: bytes) -> Given:
    """Arguments from a body of JSON. Raises BadRequest."""
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(why=in_words(error, body)) from None


def in_words(error: Exception, text: bytes | str) -> str:
    """Why JSON cannot be read. Of half a surrogate pair msgspec says that the data was truncated."""
    if not (isinstance(error, msgspec.DecodeError) and "truncated" in str(error)):
        return str(error)
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return str(error)
    return "a text in it has half a surrogate pair"


def read_fields(kind: type[Given], fields: Mapping[str, object], *, texts: bool = True) -> Given:
    """Arguments from fields; those of a query are `texts`. Raises BadRequest."""
    try:
        return msgspec.convert(fields, kind, strict=not texts)
    except msgspec.MsgspecError as error:
        raise BadRequest(why=str(error)) from None
