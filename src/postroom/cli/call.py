"""One call of a verb: its arguments, who calls, the post room, and where the output goes."""

from __future__ import annotations

import os

from postroom.cli.command import COMMON, Command, plain
from postroom.cli.output import STDOUT, Output
from postroom.cli.table import Verb
from postroom.config import identity, named
from postroom.core.address import HUMAN
from postroom.core.errors import BadUsage, BadValue, CallerError, NeedsTerminal, NoIdentity, PostroomError, StoreReadOnly, StoreUnusable
from postroom.core.types import TYPE_CHECKING
from postroom.paths import default_home

if TYPE_CHECKING:
    from types import SimpleNamespace

    from typing_extensions import TypeIs

    from postroom.agent import Agent
    from postroom.exchange.desk import Desk
    from postroom.places import AnyDesk, AnySeat

INTERFACE = "cli"
STDIN = 0


def perform(verb: Verb, command: Command, arguments: list[str]) -> int:
    """Read the arguments of a verb and do it, or show its help."""
    args = plain(command, arguments)
    if args is None:
        from postroom.cli import parsing

        made = parsing.parser(verb.name, command)
        if {"-h", "--help"} & set(arguments[: arguments.index("--")] if "--" in arguments else arguments):
            Output().write(made.format_help())
            return 0
        args = parsing.read(made, arguments)
    call = Call(verb, args)
    try:
        if verb.only_here:
            call.check_is_here()
        return command.run(call) or 0
    except CallerError as error:
        if error.code == "only-here":  # the desk at a node knows its own name of a verb
            error.facts["verb"] = f"postroom {verb.name}"
        if call.registered is not None:
            error.add_note(f"{call.registered!r} is a new agent now, although this failed.")
        raise
    finally:
        call.close()


class Call:
    """What a verb needs to do its work."""

    __slots__ = ("_desk", "args", "home", "json", "output", "url", "verb")

    def __init__(self, verb: Verb, args: SimpleNamespace) -> None:
        self.verb = verb
        self.args = args
        self.json: bool = args.json
        for option, name in COMMON.items():
            if getattr(args, name) == "":
                raise BadUsage(why=f"{option} needs a value.", see=f"postroom {verb.name} --help")
        self.home = checked_home(os.path.abspath(args.home) if args.home else default_home())
        self.url: str | None = args.url or (None if args.home else os.environ.get("POSTROOM_URL")) or None
        self.output = Output()
        self._desk: AnyDesk | None = None

    @property
    def at_terminal(self) -> bool:
        """Whether a person can be asked."""
        return os.isatty(STDIN) and os.isatty(STDOUT)

    @property
    def named(self) -> bool:
        """Whether it was said who calls."""
        return bool(self.url) or named(self.args.agent) is not None

    @property
    def is_elsewhere(self) -> bool:
        """Whether the verb is done at a node, and not in the store."""
        return self.url is not None or (self._desk is not None and not is_here(self._desk))

    def desk(self) -> AnyDesk:
        """The desk of the agent that calls. Raises NoIdentity, NotRegistered; NeedsTerminal for the human out of a terminal."""
        return self._desk_by_name(registers=False)

    def desk_of_sender(self) -> AnyDesk:
        """The same, where a new name is registered: who says something has to be somebody."""
        desk = self._desk_by_name(registers=True)
        if desk.is_new:
            from postroom.cli.newcomer import introduce_sender

            introduce_sender(desk, as_json=self.json)
        return desk

    def desk_of_bearer(self) -> AnyDesk:
        """The same for one that is given a token."""
        desk = self._desk_by_name(registers=True)
        if desk.is_new:
            from postroom.cli.newcomer import introduce_bearer

            introduce_bearer(desk, as_json=self.json)
        return desk

    @property
    def registered(self) -> str | None:
        """The name that was registered by this call."""
        return self._desk.agent.name if self._desk is not None and self._desk.is_new else None

    def desk_of_reader(self) -> AnyDesk:
        """The same for one who may wait before anybody has written. That the name is new is told: else a mistyped one waits in vain."""
        desk = self._desk_by_name(registers=True)
        if desk.is_new:
            from postroom.cli.newcomer import introduce_reader

            introduce_reader(desk, as_json=self.json)
        catch_up(desk)
        return desk

    def _desk_by_name(self, *, registers: bool) -> AnyDesk:
        if self._desk is None:
            if self.url is not None:
                self._desk = self._desk_elsewhere(registers=registers)
                return self._desk
            try:
                name = identity(self.args.agent)
            except NoIdentity as error:
                if self.at_terminal:
                    error.add_note(f"You yourself, the person at this terminal, are --as {HUMAN}.")
                raise
            if name.strip().lower() == HUMAN:
                return self.desk_of_human("speak as 'human'")
            from postroom.exchange.desk import open_desk, open_desk_of_known

            try:
                self._desk = (open_desk if registers else open_desk_of_known)(name, self.home, interface=INTERFACE)
            except (StoreUnusable, StoreReadOnly) as error:
                self._desk = self._desk_beside(error, registers=registers)
        return self._desk

    def _desk_elsewhere(self, *, registers: bool) -> AnyDesk:
        """The desk at the node that was named."""
        from postroom.remote.finding import called_desk

        return called_desk(self.url, self.args.agent, self.home, registers=registers)

    def _desk_beside(self, error: PostroomError, *, registers: bool) -> AnyDesk:
        """The desk at the node beside a store that is shut to this program. Raises the error without one, OnlyHere if that is no help."""
        from postroom.remote.finding import bus_beside, desk_beside

        if self.verb.only_here and (bus := bus_beside(self.home)) is not None:
            raise self._only_here(bus.url)
        return desk_beside(error, self.args.agent, self.home, registers=registers)

    def desk_of_human(self, act: str) -> AnyDesk:
        """The desk of the person at this machine, who alone may do this. Raises NeedsTerminal."""
        if not self.at_terminal:
            raise NeedsTerminal(act=act)
        return self.desk() if self.url is not None else self.any_desk()

    def check_is_here(self) -> None:
        """Raise OnlyHere when a node was named: this is done on the machine of the post room only."""
        if self.url is not None:
            raise self._only_here(self.url)

    def _only_here(self, url: str) -> CallerError:
        from postroom.core.refusals import OnlyHere

        return OnlyHere(verb=f"postroom {self.verb.name}", url=url)

    def any_desk(self) -> Desk:
        """A desk from which the whole store is seen: it belongs to this user. Nothing is said in anybody's name from here."""
        self.check_is_here()
        if self._desk is None:
            from postroom.exchange.desk import open_desk_of_human

            self._desk = open_desk_of_human(self.home, interface=INTERFACE)
        assert is_here(self._desk), "nothing but the store was opened"
        return self._desk

    def viewing_desk(self) -> AnyDesk:
        """From where the caller may see what it may see: an agent, the person at a terminal everything, anybody else what strangers may."""
        if self._desk is None:
            self._desk = self.desk() if self.named else self._desk_of_nobody()
            catch_up(self._desk)
        return self._desk

    def _desk_of_nobody(self) -> AnyDesk:
        """The desk of one who did not say who it is. A node beside a store that is shut wants to know: raises NoIdentity."""
        try:
            if os.isatty(STDIN):
                return self.any_desk()
            from postroom.exchange.desk import open_desk_of_stranger

            return open_desk_of_stranger(self.home, interface=INTERFACE)
        except (StoreUnusable, StoreReadOnly) as error:
            try:
                return self._desk_beside(error, registers=False)
            except NoIdentity as unknown:
                unknown.add_note(f"The node beside the store asks that. {error}")
                raise unknown from error

    def connected(self) -> Agent:
        """The agent that calls, attached, so that it can wait. It takes part until it is closed, also by SIGTERM."""
        from postroom.agent import Agent

        return Agent(self.seat())

    def seat(self) -> AnySeat:
        """The same, for a verb that prints before it confirms."""
        from postroom.cli.patience import stay

        stay()
        desk = self.desk()
        if is_here(desk):
            from postroom.seat import Seat

            return Seat(desk)
        from postroom.remote.finding import seat_at

        return seat_at(desk, note=self.hint)

    def number(self, option: str, most: int, limit: str) -> int:
        """How many messages an option asks for. Raises BadValue when that is more than a limit allows."""
        value: int = getattr(self.args, option.removeprefix("--"))
        if value > most:
            raise BadValue(name=option, value=value, why=f"it is a number from 1 to {most} (limit {limit})")
        return value

    def hint(self, text: str) -> None:
        """Tell a person something that no program needs to know."""
        if self.output.terminal and not self.json:
            from postroom.cli.failure import note

            note(text, as_json=False)

    def nothing(self, text: str) -> None:
        """Tell a person that there is nothing to show. One who did not say who it is learns that there may be more."""
        from postroom.exchange.desk import NOBODY

        if self.viewing_desk().agent is not NOBODY:
            self.hint(text)
            return
        from postroom.cli.failure import note
        from postroom.exchange.lookup import ADVICE

        note(f"{text}.{ADVICE}", as_json=self.json)

    def emit(self, value: object) -> None:
        """Write a value as one line of JSON."""
        from postroom.cli.objects import as_json

        self.output.write(as_json(value) + "\n")

    def close(self) -> None:
        """Leave the desk, tidily."""
        if self._desk is not None and self._desk.open:
            try:
                if is_here(self._desk):
                    tidy(self._desk)
            finally:
                self._desk.close()


def is_here(desk: AnyDesk) -> TypeIs[Desk]:
    """Whether a desk is one at the store of this machine, and not at a node."""
    from postroom.exchange.desk import Desk

    return isinstance(desk, Desk)


def catch_up(desk: AnyDesk) -> None:
    """Do what is due, where no process stays to do it: who looks must see it. A stranger changes nothing, and a node does it itself."""
    from postroom.exchange.desk import NOBODY

    if not is_here(desk) or desk.agent is NOBODY:
        return
    from postroom import doorbell
    from postroom.store import agents, waits

    with desk.reading() as database:
        is_due = bool(waits.due(database, now_ms=desk.now_ms(), limit=1))
        is_due = is_due or not all(doorbell.alive(pid, "") for pid in agents.attached_pids(database))
    if is_due:
        from postroom.warden import Warden  # costs who only looks 6 ms

        Warden(desk).catch_up()


def checked_home(home: str) -> str:
    """A directory whose name SQLite can take. Raises StoreUnusable."""
    try:
        home.encode()
    except UnicodeEncodeError:
        raise StoreUnusable(path=home, why="its path is not valid UTF-8.") from None
    return home


def tidy(desk: Desk) -> None:
    """Do what a process owes the others that does not stay: say who was found gone, and keep the WAL small. The verb itself is done."""
    from postroom.store.database import LONE_WAL_PAGES

    if not desk.gone and desk.database.wal_pages < LONE_WAL_PAGES:
        return
    from postroom.cli.failure import warn
    from postroom.exchange import presence
    from postroom.warden import Warden

    try:
        presence.bury(desk, desk.take_gone())
        Warden(desk).leave()
    except PostroomError as error:
        warn(f"postroom: done, but afterwards: {error}")
