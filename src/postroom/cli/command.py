"""What a verb's module says of a verb. Harnesses start some verbs all day, with hardly any argument: those are read without argparse."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

from postroom.core.types import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from postroom.cli.call import Call
    from postroom.cli.parsing import Parser

COMMON = {"--as": "agent", "--home": "home", "--url": "url"}


class Command(NamedTuple):
    """What a verb's module says of a verb: its arguments, what to do (returning an exit code or None for 0), what to know, an example.

    `words` are the names of what must be given, and `options` of what need not, of a verb that can be read plainly.
    """

    arguments: Callable[[Parser], None]
    run: Callable[[Call], int | None]
    about: str
    example: str
    words: tuple[str, ...] | None = None
    options: tuple[str, ...] = ()


def plain(command: Command, arguments: list[str]) -> SimpleNamespace | None:
    """The arguments, if there is nothing in them but who, where and the words; argparse would say the same, and takes 4 ms."""
    if command.words is None or not all(map(str.isascii, arguments)):
        return None
    given: dict[str, object] = {**dict.fromkeys([*COMMON.values(), *command.options]), "json": False}
    rest = list(arguments)
    while len(rest) > 1 and rest[0] in COMMON:
        option, value, *rest = rest
        given[COMMON[option]] = value
    values = [*rest, *(value for value in given.values() if isinstance(value, str))]
    if len(rest) != len(command.words) or any(value.startswith("-") for value in values):
        return None
    return SimpleNamespace(**given, **dict(zip(command.words, rest, strict=True)))
