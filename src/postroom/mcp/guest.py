"""An agent of this process: how it comes in, and what it has in hand. What an answer handed over is read when the next call comes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from threading import Event as Moment
from threading import Lock, Thread

from postroom import identity
from postroom.agent import Agent
from postroom.core.address import fold_name
from postroom.core.errors import Closed, LeaseLost, NameTaken, PostroomError, StoreReadOnly, StoreUnusable
from postroom.core.event import Event
from postroom.core.profile import Profile
from postroom.core.types import TYPE_CHECKING, NamedTuple
from postroom.doorbell import ring
from postroom.exchange import handover, presence, tracing
from postroom.exchange.desk import open_desk, open_desk_of_stranger
from postroom.mcp.calls import HandedOver
from postroom.seat import Seat
from postroom.store.deliveries import Handed
from postroom.store.events import Told

if TYPE_CHECKING:
    from postroom.core.message import Message
    from postroom.mcp.jsonrpc import Id
    from postroom.places import AnyBell, AnySeat

INTERFACE = "mcp"
NOTHING = Event("", 0, None, "")
"""Stands for an event of which only the position is known."""
LOOK_S = 5.0
"""How often an agent for which nothing is called looks whether it is still attached, and does the chores that are due."""


class House(NamedTuple):
    """Which post room it is, the name that was given for whoever comes from here, if one was, and what wakes those who have come in."""

    home: str
    name: str | None
    wake: Callable[[Guest], None] | None = None
    url: str | None = None


class Inside(NamedTuple):
    """An agent that has come in, and its seat."""

    agent: Agent
    seat: AnySeat


class Guest:
    """An agent, from its first call on. Nothing is opened before: who only asks which tools there are leaves no trace."""

    def __init__(self, house: House, guest: identity.Guest) -> None:
        self.guest = guest
        self._house = house
        self._inside: Inside | None = None
        self._lock = Lock()
        self._over: list[HandedOver] = []
        self._known: set[str] = set()
        self._told = 0
        self._ended = False
        self._left = Moment()

    # Coming and going

    @property
    def agent(self) -> Agent:
        """The agent, which comes in when it is needed first."""
        return self._come_in().agent

    @property
    def seat(self) -> AnySeat:
        """Where it takes part."""
        return self._come_in().seat

    def _come_in(self) -> Inside:
        with self._lock:
            if self._ended:
                raise Closed
            if self._inside is None:
                self._inside = self._come()
                Thread(target=self._stay, name="postroom-stay", daemon=True).start()
                if self._house.wake is not None:
                    Thread(target=self._house.wake, args=(self,), name="postroom-wake", daemon=True).start()
            return self._inside

    def _come(self) -> Inside:
        home, url = self._house.home, self._house.url
        if url is not None:
            return self._come_from_afar(url)
        if self._house.name is not None:
            return self._sit(self._house.name)
        try:
            with closing(open_desk_of_stranger(home, interface=INTERFACE)) as looking, identity.choosing(home):
                inside = self._sit(identity.chosen(looking, self.guest))
                self._remember(inside.agent.name)
        except (StoreUnusable, StoreReadOnly) as error:
            return self._come_from_afar(beside(home, error))
        return inside

    def _come_from_afar(self, url: str, name: str | None = None) -> Inside:
        """Come in at a node, as the store is shut to this program or the node was named."""
        from postroom.mcp.afar import seat_afar

        inside = self._seated(seat_afar(url, self._house, self.guest, name))
        self._remember(inside.agent.name)
        return inside

    def _sit(self, name: str) -> Inside:
        if self._house.url is not None:
            return self._come_from_afar(self._house.url, name)
        try:
            return self._seated(Seat(open_desk(name, self._house.home, interface=INTERFACE)))
        except (StoreUnusable, StoreReadOnly) as error:
            return self._come_from_afar(beside(self._house.home, error), name)

    def _seated(self, seat: AnySeat) -> Inside:
        with seat.turn as desk:
            desk.do(presence.set_profile, Profile(harness=self.guest.harness, directory=self.guest.directory or None))
        return Inside(Agent(seat), seat)

    def _remember(self, name: str) -> None:
        """Note the name of the session, for the next time that it goes on; where nothing can be written it gets another one then."""
        with suppress(OSError):
            identity.remember(self._house.home, self.guest, name)

    def _stay(self) -> None:
        """Do what an attached process owes the others, also while nothing is called; and note when it was renamed by somebody else."""
        while self._inside is not None and not self._left.wait(LOOK_S):
            agent, seat = self._inside
            try:
                seat.look()
                self._note_name(agent.name)
            except PostroomError:
                continue  # the store is busy, or gone: whoever calls is told

    def _note_name(self, name: str) -> None:
        """Remember another name. Whose the session is does not change by that."""
        known = identity.remembered(self._house.home, self.guest)
        if known is not None and known.name != name:
            with suppress(OSError):
                identity.remember(self._house.home, self.guest, name, pid=known.pid)

    def rename(self, name: str) -> None:
        """Take another name."""
        self.agent.rename(name)
        self._remember(self.agent.name)

    def become(self, name: str) -> None:
        """Take another name, or be the agent again that had it, unless somebody lives under it. Raises NameTaken."""
        try:
            self.rename(name)
        except NameTaken:
            with self.seat.turn as desk:
                if desk.do(identity.lives, fold_name(name)):
                    raise
            with self._lock:
                assert self._inside is not None, "it has just been asked"
                left, self._inside, self._over = self._inside, self._sit(name), []
            left.agent.close()
            self._remember(name)

    def leave(self) -> None:
        """Go. What was handed over and not answered for comes again."""
        with self._lock:
            self._ended = True
            inside = self._inside
        self._left.set()
        if inside is not None:
            inside.agent.close()

    def stir(self) -> None:
        """Let the threads that wait here look up."""
        if self._inside is not None:
            stir(self._inside.seat.bell)

    # What was handed over

    def hand_over(self, over: HandedOver) -> None:
        """Note what an answer is about to hand over."""
        if over.handed or over.seen:
            with self._lock:
                self._over.append(over)

    def settle(self, came_ns: int) -> None:
        """Confirm what was written before a call came in. If that fails now, the next call does it."""
        for over in self._take_over(lambda over: over.at_ns < came_ns):
            try:
                self._confirm(over)
            except PostroomError:
                self.hand_over(over)

    def take_back(self, call: Id) -> None:
        """Put back what the answer to a call handed over: it was cancelled, or nobody listens, so nobody may have seen it."""
        for over in self._take_over(lambda over: over.call == call):
            self.give_back(over.handed)

    def give_back(self, handed: list[Handed]) -> None:
        """Put messages back that may have been seen."""
        self.seat.give_back(handed)

    def put_back(self, handed: list[Handed]) -> None:
        """Put messages back that nobody can have seen. Leaving has put back all there was."""
        self.seat.put_back(handed)

    def _take_over(self, which: Callable[[HandedOver], bool]) -> list[HandedOver]:
        with self._lock:
            found = [over for over in self._over if which(over)]
            self._over = [over for over in self._over if not which(over)]
        return found

    def _confirm(self, over: HandedOver) -> None:
        try:
            self.seat.confirm(over.handed)
        except LeaseLost:
            for one in over.handed:
                self._confirm_one(one)
        if over.seen:
            self.seat.seen(Told(over.seen, NOTHING))

    def _confirm_one(self, handed: Handed) -> None:
        try:
            self.seat.confirm([handed])
        except LeaseLost:  # another reader of this mailbox has it by now, and confirms it
            self.seat.give_back([handed])

    # What is new

    def next_message(self) -> Handed | None:
        """The next message that waits, or None. Does not wait, and writes nothing when nothing is there."""
        with self.seat.turn as desk:
            if not desk.do(handover.anything_free):
                return None
        taken = self.seat.take(1)
        return taken[0] if taken else None

    def waiting(self, besides: int) -> int:
        """How many messages wait, besides those that are being handed over and those that have been."""
        in_hand = sum(len(over.handed) for over in self._over)
        return max((self.agent.profile().waiting or 0) - in_hand - besides, 0)

    def news(self) -> list[Told]:
        """The events that were not told yet."""
        found = [told for told in self.seat.news() if told.position > self._told]
        if found:
            self._told = found[-1].position
        return found

    def is_first_contact(self, message: Message) -> bool:
        """Whether the sender of a message has never had anything to do with this agent before."""
        if message.sender in self._known:
            return False
        self._known.add(message.sender)
        with self.seat.turn as desk:
            return desk.do(tracing.is_first_contact, message)


def beside(home: str, error: PostroomError) -> str:
    """Where the node is beside a store that is shut to this program. Raises the error without one."""
    from postroom.remote.finding import bus_beside

    bus = bus_beside(home)
    if bus is None:
        raise error
    return bus.url


def stir(bell: AnyBell) -> None:
    """Let those who wait for a bell look up."""
    if bell.path is not None:
        ring(bell.path)
        return
    from postroom.remote.bell import RemoteBell

    if isinstance(bell, RemoteBell):
        bell.ring()
