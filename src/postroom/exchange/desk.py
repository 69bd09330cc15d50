"""An agent's desk: its connection to the store, its name, and how it came in. Every verb is done at a desk, each write in a `Posting`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from time import time_ns
from types import TracebackType

from postroom import doorbell
from postroom.config import RELAXED, Config, checked_durability, read_config
from postroom.core.address import HUMAN, Name, claimable, close_names
from postroom.core.errors import Closed, NotRegistered, TooMany
from postroom.core.limits import Limits
from postroom.core.message import Provenance
from postroom.core.types import TYPE_CHECKING, NamedTuple, Self
from postroom.store import agents
from postroom.store.agents import AgentRow, AttachedRow
from postroom.store.database import Database, open_database

if TYPE_CHECKING:
    from typing import Concatenate, ParamSpec, TypeVar

    Given = ParamSpec("Given")
    Result = TypeVar("Result")

POSTROOM_AGENT = 1
HUMAN_AGENT = 2
POSTROOM_PROVENANCE = 1
NOBODY = AgentRow(id=0, name=Name(""), kind="stranger", status="active", auto_accept=0)
"""Who only looks on, and may see what any agent may see."""


def now_us() -> int:
    """The time, in µs since 1970."""
    return time_ns() // 1000


class Options(NamedTuple):
    """How a desk is opened: against which losses, with which clock (µs since 1970), over which SQLite VFS."""

    durability: str | None = None
    clock: Callable[[], int] = now_us
    vfs: str | None = None


DEFAULTS = Options()


class Desk:
    """Where one agent, through one interface, does its verbs. Not for several threads at once."""

    __slots__ = (
        "agent", "clock", "config", "database", "gone", "in_hand", "interface", "is_new", "open", "program", "provenance", "put_down",
        "safe",
    )  # fmt: skip

    def __init__(self, database: Database, agent: AgentRow, config: Config, *, interface: str, clock: Callable[[], int]) -> None:
        self.database = database
        self.agent = agent
        self.config = config
        self.interface = interface
        self.clock = clock  # µs since 1970
        self.safe = config.durability != RELAXED
        self.program = os.path.basename(sys.argv[0] or sys.executable or "python") if sys.argv else "python"
        self.provenance = 0  # written with the first posting that needs it
        self.gone: list[AttachedRow] = []
        self.in_hand: dict[int, tuple[int, bool]] = {}  # the hops of what was taken here last, and whether it is hidden: see causes.py
        self.put_down: list[int] = []  # what of it is settled
        self.open = True
        self.is_new = False  # its name was registered when this desk was opened

    def posting(self, *, safe: bool = False) -> Posting:
        """Start one write transaction. With `safe` it also survives a power cut, unless the config relaxes that."""
        if not self.open:
            raise Closed
        return Posting(self, safe=safe and self.safe)

    def reading(self) -> Reading:
        """Look at the store without changing it. Each statement sees one moment."""
        if not self.open:
            raise Closed
        return Reading(self.database)

    def do(self, verb: Callable[Concatenate[Desk, Given], Result], *given: Given.args, **options: Given.kwargs) -> Result:
        """Do a verb. A desk elsewhere has it done there, see places.py."""
        return verb(self, *given, **options)

    @property
    def home(self) -> str:
        """The directory of the post room."""
        return self.database.home

    def now_ms(self) -> int:
        """The time, in ms since 1970."""
        return self.clock() // 1000

    def take_gone(self) -> list[AttachedRow]:
        """The processes whose bells were found dead since the last time."""
        gone, self.gone = self.gone, []
        return gone

    def close(self) -> None:
        """Leave the desk."""
        if self.open:
            self.open = False
            self.database.close()


class Reading:
    """Reads from the store; its errors come out in the words of the post room."""

    __slots__ = ("database",)

    def __init__(self, database: Database) -> None:
        self.database = database

    def __enter__(self) -> Database:
        return self.database

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None:
            undone = self.database.undone(error)
            if undone is not error:
                raise undone from error


class Posting:
    """One write transaction: seen by all at its end, or by nobody. Whoever must know is woken after the commit."""

    __slots__ = ("bells", "database", "desk", "introduced", "now_ms", "now_us", "safe")

    def __init__(self, desk: Desk, *, safe: bool) -> None:
        self.desk = desk
        self.database = desk.database
        self.safe = safe
        self.bells: dict[int, list[AttachedRow]] = {}
        self.introduced = False
        self.now_us = self.now_ms = 0

    def __enter__(self) -> Self:
        self.database.begin()
        try:
            self.now_us = self.desk.clock()  # after the wait for the lock: the order of the times is the order of the messages
            self.now_ms = self.now_us // 1000
        except BaseException:
            self.database.rollback()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None:
            self.forget()
            undone = self.database.undone(error)
            if undone is not error:
                raise undone from error
            return
        try:
            self.database.commit()
        except BaseException:
            self.forget()
            raise
        if (group := self.database.group) is not None:
            group.afterwards.append(self.ring)
        else:
            self.ring()
        if self.safe:
            self.database.flush()

    def ring(self) -> None:
        """Wake those who must know."""
        for rows in self.bells.values():
            for row in rows:
                if row.socket is not None and doorbell.ring(row.socket) is False:
                    self.desk.gone.append(row)

    def wake(self, agent: int) -> bool:
        """Wake an agent after the commit. False when no process of it is attached: the message waits."""
        if agent not in self.bells:
            self.bells[agent] = agents.attached_to(self.database, agent)
        return bool(self.bells[agent])

    def provenance(self) -> int:
        """How this agent came in, written down once for each desk."""
        desk = self.desk
        if not desk.provenance:
            came = Provenance(desk.interface, os.getpid(), desk.program)
            desk.provenance = agents.insert_provenance(self.database, desk.agent.id, came, now_ms=self.now_ms)
            agents.came(self.database, desk.agent.id, now_ms=self.now_ms)
            self.introduced = True
        return desk.provenance

    def forget(self) -> None:
        """What was written down here about this agent is undone: another one will get that number."""
        if self.introduced:
            self.desk.provenance = 0


def open_desk(name: str, home: str, *, interface: str, options: Options = DEFAULTS) -> Desk:
    """Open the store in `home` as the agent `name`, registering it if it is new. Raises ReservedName, BadName, StoreUnusable …"""
    return _open(claimable(name), home, interface, options)


def open_desk_of_known(name: str, home: str, *, interface: str) -> Desk:
    """Open the store in `home` as an agent that is registered. Raises NotRegistered with close names."""
    return _open(claimable(name), home, interface, DEFAULTS, admits=False)


def open_desk_of_stranger(home: str, *, interface: str) -> Desk:
    """Open the store as nobody: what any agent may see is seen from here, and nothing can be said."""
    return _open(None, home, interface, DEFAULTS)


def open_desk_of_human(home: str, *, interface: str) -> Desk:
    """Open the store as the person at this machine. Only for interfaces that know that a person is there."""
    return _open(HUMAN, home, interface, DEFAULTS)


def _open(name: Name | None, home: str, interface: str, options: Options, *, admits: bool = True) -> Desk:
    config = read_config(home)
    if options.durability is not None:
        config = config._replace(durability=checked_durability(options.durability))
    now_ms = options.clock() // 1000
    database = open_database(home, busy_ms=config.limits.busy_ms, vfs=options.vfs, now_ms=now_ms)
    try:
        agent, is_new = (NOBODY, False) if name is None else _who(database, name, config.limits, now_ms, admits=admits)
    except BaseException:
        database.close()
        raise
    desk = Desk(database, agent, config, interface=interface, clock=options.clock)
    desk.is_new = is_new
    return desk


def _who(database: Database, name: Name, limits: Limits, now_ms: int, *, admits: bool) -> tuple[AgentRow, bool]:
    """The agent of that name, and whether it has just been registered."""
    with Reading(database):
        found = agents.by_name(database, name) if admits else registered(database, name)
    return (found, False) if found else (register(database, name, limits, now_ms=now_ms), True)


def registered(database: Database, name: Name) -> AgentRow:
    """The agent of that name. Raises NotRegistered with close names."""
    found = agents.by_name(database, name)
    if found is None:
        raise NotRegistered(name=name, close=close_names(name, agents.listed_names(database, viewer=NOBODY.id)))
    return found


def register(database: Database, name: str, limits: Limits, *, now_ms: int) -> AgentRow:
    """Give a new name its mailbox, in a transaction of its own."""
    database.begin()
    try:
        agent = agents.by_name(database, name) or admit(database, name, limits, now_ms=now_ms)
        database.commit()
    except BaseException as error:
        raise database.undone(error) from error
    database.flush()
    return agent


def admit(database: Database, name: str, limits: Limits, *, now_ms: int) -> AgentRow:
    """Insert a name that is free, within a write transaction. Raises TooMany. What to do when a ghost has it is in naming.py."""
    if agents.count(database) >= limits.agents:
        raise TooMany(limit=limits.agents, things="names", limit_name="agents")
    return agents.insert(database, name, kind="agent", now_ms=now_ms)
