"""One call of a verb: its arguments, who calls, the post room, and where the output goes."""

from __future__ import annotations

import os
from argparse import Namespace

from postroom.cli import parsing
from postroom.cli.output import STDOUT, Output
from postroom.cli.parsing import Command
from postroom.cli.table import Verb
from postroom.config import identity
from postroom.core.errors import NeedsTerminal, PostroomError, StoreUnusable
from postroom.core.types import TYPE_CHECKING
from postroom.exchange.desk import Desk, open_desk, open_desk_of_human
from postroom.paths import default_home

if TYPE_CHECKING:
    from postroom.agent import Agent

INTERFACE = "cli"
STDIN = 0
LONE_WAL_PAGES = 256
"""While nobody is attached, each process that opens the store reads the whole WAL first: 1 ms for each MiB."""


def perform(verb: Verb, command: Command, arguments: list[str]) -> int:
    """Read the arguments of a verb and do it, or show its help."""
    made = parsing.parser(verb.name, command)
    if {"-h", "--help"} & set(arguments[: arguments.index("--")] if "--" in arguments else arguments):
        Output().write(made.format_help())
        return 0
    call = Call(parsing.read(made, arguments))
    try:
        return command.run(call) or 0
    finally:
        call.close()


class Call:
    """What a verb needs to do its work."""

    __slots__ = ("_desk", "args", "home", "json", "output")

    def __init__(self, args: Namespace) -> None:
        self.args = args
        self.json: bool = args.json
        self.home = checked_home(os.path.abspath(args.home) if args.home else default_home())
        self.output = Output()
        self._desk: Desk | None = None

    @property
    def named(self) -> bool:
        """Whether it was said who calls."""
        return bool(self.args.agent or os.environ.get("POSTROOM_AGENT"))

    def desk(self) -> Desk:
        """The desk of the agent that calls. Raises NoIdentity; NeedsTerminal for the human anywhere else than in a terminal."""
        if self._desk is None:
            if self.args.agent and self.args.agent.strip().lower() == "human":
                return self.desk_of_human("speak as 'human'")
            self._desk = open_desk(identity(self.args.agent), self.home, interface=INTERFACE)
        return self._desk

    def desk_of_human(self, act: str) -> Desk:
        """The desk of the person at this machine, who alone may do this. Raises NeedsTerminal."""
        if not (os.isatty(STDIN) and os.isatty(STDOUT)):
            raise NeedsTerminal(act=act)
        return self.any_desk()

    def any_desk(self) -> Desk:
        """A desk from which the whole store is seen: it belongs to this user. Nothing is said in anybody's name from here."""
        if self._desk is None:
            self._desk = open_desk_of_human(self.home, interface=INTERFACE)
        return self._desk

    def own_or_any_desk(self) -> tuple[Desk, bool]:
        """The desk of the agent that calls, or one that sees everything when nobody said who calls; and whether it is that."""
        return (self.desk(), False) if self.named else (self.any_desk(), True)

    def connected(self) -> Agent:
        """The agent that calls, attached, so that it can wait. It takes part until it is closed, also by SIGTERM."""
        from postroom.agent import Agent
        from postroom.cli.patience import stay

        stay()
        return Agent(self.desk())

    def emit(self, value: object) -> None:
        """Write a value as one line of JSON."""
        from postroom.cli.objects import as_json

        self.output.write(as_json(value) + "\n")

    def close(self) -> None:
        """Leave the desk, tidily."""
        if self._desk is not None and self._desk.open:
            try:
                tidy(self._desk)
            finally:
                self._desk.close()


def checked_home(home: str) -> str:
    """A directory whose name SQLite can take. Raises StoreUnusable."""
    try:
        home.encode()
    except UnicodeEncodeError:
        raise StoreUnusable(path=home, why="its path is not valid UTF-8.") from None
    return home


def tidy(desk: Desk) -> None:
    """Do what a process owes the others that does not stay: say who was found gone, and keep the WAL small. The verb itself is done."""
    if not desk.gone and desk.database.wal_pages < LONE_WAL_PAGES:
        return
    from postroom.cli.failure import warn
    from postroom.exchange import presence
    from postroom.store import agents
    from postroom.warden import Warden

    try:
        presence.bury(desk, desk.take_gone())
        if agents.all_attached(desk.database):
            Warden(desk).checkpoint_if_large(times=4)
        else:
            desk.database.empty_wal()
    except PostroomError as error:
        warn(f"postroom: done, but afterwards: {error}")
