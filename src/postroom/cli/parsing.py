"""How the arguments of a verb are read: argparse, with our errors, options anywhere among the words, and types for values."""

from __future__ import annotations

import argparse
from argparse import ArgumentTypeError
from types import SimpleNamespace

from postroom.cli.command import Command
from postroom.core.errors import BadText, BadUsage
from postroom.core.message import YEAR_S
from postroom.core.types import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NoReturn

DIGITS_MAX = 18  # what the store can number
COLUMNS = 88
DAY_S = 86_400
CENTURY_DAYS = 36_525
UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": DAY_S}

vars(argparse)["_"] = str  # all our texts are English; to look for translations of argparse's own costs 1 ms


class Parser(argparse.ArgumentParser):
    """argparse, whose errors are ours."""

    def error(self, message: str) -> NoReturn:
        """Raise BadUsage."""
        words = message.removeprefix("argument ").replace(" -- ", " ")
        unknown = words.partition("unrecognized arguments: ")[2]
        advice = "" if not unknown or unknown.startswith("-") else " A text of several words stands in quotes."
        raise BadUsage(why=f"{words[:1].upper()}{words[1:]}.{advice}", see=f"{self.prog} --help")


def parser(name: str, command: Command) -> Parser:
    """The parser of a verb."""
    made = Parser(
        prog=f"postroom {name}",
        description=command.about,
        epilog=f"example:\n  {command.example}",
        formatter_class=formatter,
        add_help=False,
        allow_abbrev=False,
    )
    command.arguments(made)
    common = made.add_argument_group("options of every verb")
    common.add_argument("--as", dest="agent", metavar="NAME", help="the agent that you are; default: $POSTROOM_AGENT")
    common.add_argument("--home", metavar="DIR", type=path, help="the directory of the post room; default: $POSTROOM_HOME")
    common.add_argument("--url", metavar="URL", help="the node of a post room elsewhere; default: $POSTROOM_URL")
    common.add_argument("--json", action="store_true", help="output and errors as JSON, one object per line")
    common.add_argument("-h", "--help", action="store_true", help="show this")
    return made


def formatter(prog: str) -> argparse.HelpFormatter:
    """How help is laid out. A width of its own: argparse would load shutil, for each argument, to ask for the terminal's."""
    return argparse.RawDescriptionHelpFormatter(prog, width=COLUMNS)


def read(made: Parser, arguments: list[str]) -> SimpleNamespace:
    """The arguments of a verb. Raises BadUsage, BadText."""
    parsed = made.parse_args(arranged(made, arguments), SimpleNamespace())
    for action in made._actions:  # noqa: SLF001  # argparse offers no other way to its table
        if action.type is not path:
            check_unicode(action.dest, getattr(parsed, action.dest))
    return parsed


def arranged(made: Parser, arguments: list[str]) -> list[str]:
    """The options first, then the words: argparse itself gives up on `TO --subject S BODY`."""
    options: list[str] = []
    words: list[str] = []
    table = made._option_string_actions  # noqa: SLF001  # as above
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            words += rest
        elif argument in table and table[argument].nargs is None:
            value = next(rest, None)
            options += [argument] if value is None else [f"{argument}={value}"] if argument.startswith("--") else [argument, value]
        elif is_option(argument):
            options.append(argument)
        else:
            words.append(argument)
    return [*options, "--", *words] if words else options


def is_option(argument: str) -> bool:
    """Whether an argument is meant as an option: it begins with a dash, and is neither a number nor a sentence."""
    if len(argument) < 2 or not argument.startswith("-"):  # noqa: PLR2004  # "-" is standard input
        return False
    return not (" " in argument or "\n" in argument or argument[1].isdigit())


def check_unicode(name: str, value: object) -> None:
    """Refuse what the shell gave us in no encoding that we know."""
    for text in value if isinstance(value, list) else [value]:
        if isinstance(text, str) and not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError:
                raise BadText(part=f"argument {name}", why="it is not valid UTF-8") from None


def path(text: str) -> str:
    """A path; its bytes need not be UTF-8."""
    return text


def names(text: str) -> list[str]:
    """Names separated by commas."""
    found = text.split(",")
    if not all(map(str.strip, found)):
        raise ArgumentTypeError(f"{text!r} has a name that is empty")  # noqa: TRY003  # as below
    return found


def seconds(text: str) -> float:
    """A time in seconds, up to a year."""
    return amount(text, "seconds", YEAR_S)


def duration(text: str) -> float:
    """A time in seconds that is not over at once."""
    if not (value := seconds(text)):
        raise ArgumentTypeError(f"{text!r} is no number of seconds above 0")  # noqa: TRY003  # as below
    return value


def lifetime(text: str) -> float | None:
    """A time like 90d, 12h, 30m or 45s in days; None for `never`."""
    if text == "never":
        return None
    unit = text[-1:]
    if unit not in UNITS_S:
        raise ArgumentTypeError(f"{text!r} is no time like 90d, 12h, 30m or 45s, nor `never`")  # noqa: TRY003  # as below
    return amount(text[:-1], f"{unit}, like 90d,", CENTURY_DAYS * DAY_S / UNITS_S[unit]) * UNITS_S[unit] / DAY_S


def amount(text: str, unit: str, most: float) -> float:
    """A number of something, 0 or more. Raises ArgumentTypeError, for argparse to tell."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= most:
        raise ArgumentTypeError(f"{text!r} is no number of {unit} between 0 and {most:,}")  # noqa: TRY003  # argparse words its errors so
    return value


def count(text: str) -> int:
    """How many, or which: the limits that are in force say how much is too much."""
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX and int(text)):
        raise ArgumentTypeError(f"{text!r} is no whole number above 0 of at most {DIGITS_MAX} digits")  # noqa: TRY003  # as above
    return int(text)
