"""One post room in which everybody does what a script says, with one clock that stands still; and what can be seen there from outside.

`otto` and `olga` are outsiders, whom nobody lets into anything; `nobody` is a stranger. `ina`, `ivo` and the hidden `ida` are insiders of
the secret room, and `gus` is a ghost from some moment on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from postroom.agent import Agent
from postroom.core.errors import PostroomError
from postroom.core.message import Draft
from postroom.core.profile import Profile
from postroom.core.room import Policy
from postroom.exchange import (
    asking,
    attending,
    events,
    holding,
    invitations,
    keeping,
    naming,
    presence,
    reading,
    rooms,
    sending,
    sessions,
    tracing,
)
from postroom.exchange.desk import Desk, Options, open_desk, open_desk_of_human, open_desk_of_stranger
from postroom.exchange.watching import Feed, Sieve
from postroom.seat import Seat
from postroom.store import agents
from postroom.store.deliveries import Handed
from tests.inside import desk_of, seat_of
from tests.times import START_US

OUTSIDERS = ("otto", "olga")
INSIDERS = ("ina", "ivo", "ida")
GHOST = "gus"
AGENTS = (*OUTSIDERS, *INSIDERS, GHOST)
ROOM_NAMES = ("den", "den-2", "hall", "club")
AGENT_NAMES = (*AGENTS, "gus-2", "gil", "gil-2", "nell", "nils")
OWN_IDS = ("a1", "a2", "b1", "ina:a1", "gus:b1")
BECOMES_A_GHOST = {"visibility": "ghost"}
RANDOM_ID = re.compile(r"\+[0-9a-f]{10}\b")
"""Of a message that others may not notice; also outsiders get such notices, when a ghost leaves them its room for instance."""
NUMBERS = range(1, 33)


class Secret(int):
    """One of the secret rooms that there are just now, by its place among them. Others take its name now and then."""


class Act(NamedTuple):
    """What somebody does. What is done `inside` happens in one of the two runs only."""

    inside: bool
    who: str
    verb: str
    what: tuple[object, ...] = ()

    def __repr__(self) -> str:
        return f"{'    ' * self.inside}{self.who}.{self.verb}{self.what}"


class Town:
    """A post room while a script is run there."""

    def __init__(self, home: Path) -> None:
        self.now_us = START_US
        self.home = str(home)
        self.seen: list[str] = []
        self.desks: dict[str, Desk] = {}
        self.attached: dict[str, Agent] = {}
        self.hands: dict[str, list[Handed]] = {}
        self.feeds: dict[str, Feed] = {}
        for name in OUTSIDERS:
            self.attached[name] = agent = Agent(Seat(self.open(name)))
            self.desks[name] = desk_of(agent)
        for name in (*INSIDERS, GHOST):  # that somebody is back after a long time is no secret
            with self.desk(name).posting() as posting:
                posting.provenance()
        for name in (*OUTSIDERS, "nobody"):
            self.feeds[name] = Feed(self.watching(name), Sieve(), last=0)

    def clock(self) -> int:
        return self.now_us

    def open(self, name: str) -> Desk:
        interface = "cli" if name == "ivo" else "sdk"  # where the store remembers what was read
        return open_desk(name, self.home, interface=interface, options=Options("relaxed", self.clock))

    def desk(self, who: str) -> Desk:
        if who not in self.desks:
            if who == "nobody":
                desk = open_desk_of_stranger(self.home, interface="cli")
            else:
                desk = open_desk_of_human(self.home, interface="cli") if who == "human" else self.open(who)
            desk.clock = self.clock
            self.desks[who] = desk
        return self.desks[who]

    def watching(self, who: str) -> Desk:
        """A desk of its own, as `postroom watch` has."""
        self.desks[f"{who} watching"] = desk = self.desk(who) if who == "nobody" else self.open(who)
        return desk

    def close(self) -> None:
        for agent in self.attached.values():
            agent.close()
        for desk in self.desks.values():
            desk.close()

    def do(self, act: Act) -> None:
        """Do it. What an outsider gets for it is seen."""
        what = [self.named(one) for one in act.what]
        with told(self.seen if act.who in OUTSIDERS else [], str(act)) as tell:
            tell(VERBS[act.verb](self, act.who, *what))

    def named(self, word: object) -> object:
        """A word of a script; for a secret room what it is called."""
        if not isinstance(word, Secret):
            return word
        secret = [room.name for room in rooms.list_rooms(self.desk("human")) if room.policy is Policy.SECRET]
        return f"#{secret[word % len(secret)]}" if secret else "none"

    # Time and chores

    def pass_s(self, _: str, seconds: float) -> None:
        self.now_us += round(seconds * 1_000_000)
        seat_of(self.attached["otto"]).warden.tend()

    def keep_house(self, who: str, days: float) -> None:
        """What the warden does once an hour."""
        presence.archive(self.desk(who))
        for _ in keeping.prune_in_steps(self.desk("human"), older_than_days=days):
            pass

    # Reading

    def read(self, who: str) -> list[object]:
        """Everything that waits, whatever it is."""
        self.put_down(who)
        taken = reading.take(self.desk(who), limit=1_000)
        reading.confirm(self.desk(who), taken)
        return [one.message for one in taken]

    def read_hidden(self, who: str, confirm: bool) -> None:  # noqa: FBT001  # a word of a script
        """Everything that waits, if others may not notice any of it."""
        desk = self.desk(who)
        if self.all_hidden(who):
            taken = reading.take(desk, limit=1_000)
            (reading.confirm if confirm else reading.give_back)(desk, taken)

    def pick_up(self, who: str) -> list[object]:
        """Take everything into one's hands."""
        taken = reading.take(self.desk(who), limit=1_000)
        self.hands.setdefault(who, []).extend(taken)
        return [one.message for one in taken]

    def pick_up_hidden(self, who: str) -> None:
        if self.all_hidden(who):
            self.pick_up(who)

    def all_hidden(self, who: str) -> bool:
        """Whether something waits, and others may not notice any of it."""
        return {message.number for message in reading.peek(self.desk(who), limit=1_000)} == {0}

    def put_down_hidden(self, who: str) -> None:
        if not any(one.message.number for one in self.hands.get(who, [])):
            self.put_down(who)

    def put_down(self, who: str) -> None:
        """Confirm what one has in hands."""
        if who in self.hands:
            with suppress(PostroomError):  # the lease is over
                reading.confirm(self.desk(who), self.hands.pop(who))

    def hear(self, who: str) -> list[object]:
        """See all events."""
        heard: list[object] = []
        while told := events.news(self.desk(who)):
            heard += [one.event for one in told]
            events.seen(self.desk(who), told[-1].position)
        return heard

    # Being here

    def attach(self, who: str) -> None:
        if who not in self.attached:
            name = agents.by_id(self.desk(who).database, self.desk(who).agent.id).name  # it may have had to give its own up
            self.attached[who] = Agent(Seat(self.open(name)))

    def detach(self, who: str) -> None:
        if who in self.attached:
            self.attached.pop(who).close()

    def register(self, _: str, name: str) -> object:
        desk = self.open(name)
        desk.close()
        return desk.is_new

    # Speaking

    def send(self, who: str, to: object, body: str, options: dict[str, object]) -> object:
        return sending.send(self.desk(who), [Draft(to, body, **options)])[0]  # type: ignore[arg-type]

    def answer_hidden(self, who: str, place: int, to: str, body: str) -> None:
        """Answer something that others may not notice."""
        hidden = [message for message in tracing.history(self.desk(who), limit=1_000) if not message.number]
        if hidden:
            sending.send(self.desk(who), [Draft(to, body, reply_to=hidden[place % len(hidden)])])

    def with_hidden_session(self, who: str, act: Callable[[Desk, str], object]) -> None:
        """Do something with the newest session that others may not notice."""
        found = [view.id for view in sessions.list_sessions(self.desk(who)) if view.id.startswith("+")]
        if found:
            act(self.desk(who), found[-1])

    def with_open_session(self, who: str, act: Callable[[Desk, str], object]) -> object:
        """Do something with the newest session that others may notice, or might have noticed."""
        found = [view.id for view in sessions.list_sessions(self.desk(who)) if not view.id.startswith("+")]
        return act(self.desk(who), found[-1]) if found else None

    def answer_seen(self, who: str, place: int, body: str) -> None:
        """Answer something that an insider has said in the sight of others."""
        said = [one for one in tracing.history(self.desk(who), limit=1_000) if one.number and one.sender in (*INSIDERS, "human")]
        if said:
            sending.send(self.desk(who), [Draft("", body, reply_to=said[place % len(said)])])

    def answer_ghost(self, who: str, body: str) -> None:
        """Answer what a ghost has asked last before it was one, if it asked the one who answers."""
        desk = self.desk(who)
        ghost = agents.by_id(desk.database, self.desk(GHOST).agent.id).name
        said = [one for one in tracing.history(desk, limit=1_000) if one.sender == ghost and one.number and who in one.to]
        if said:
            sending.send(desk, [Draft(ghost, body, reply_to=said[-1])])

    def stop_asking(self, who: str) -> None:
        """Wait no more for any answer."""
        desk = self.desk(who)
        for (message,) in desk.database.execute("SELECT DISTINCT message FROM request WHERE asker = ?", (desk.agent.id,)).fetchall():
            asking.let_go(desk, message)

    def look(self, who: str, place: int) -> object:
        """One of the things that can be seen."""
        views = [*self.views(who)]
        return views[place % len(views)][1]()

    # Seeing

    def views(self, who: str) -> Iterator[tuple[str, Callable[[], object]]]:
        """Everything that an outsider can find out."""
        desk = self.desk(who)
        yield "agents", lambda: presence.list_agents(desk)
        yield "archived", lambda: presence.list_agents(desk, archived=True)
        yield "tagged", lambda: presence.list_agents(desk, tag="red")
        yield "rooms", lambda: rooms.list_rooms(desk)
        yield "history", lambda: tracing.history(desk, limit=100)
        yield "watch", self.feeds[who].news
        yield "held", lambda: holding.held(desk)
        yield "search", lambda: tracing.find(desk, "tea OR milk", limit=100)
        for name in ROOM_NAMES:
            yield f"room {name}", partial(rooms.show, desk, name)
            yield f"members {name}", partial(rooms.members, desk, name)
            yield f"history #{name}", partial(tracing.history, desk, peer=f"#{name}", limit=100)
        for name in AGENT_NAMES:
            yield f"history {name}", partial(tracing.history, desk, peer=name, limit=100)
        for id in (*NUMBERS, *OWN_IDS):
            yield f"status {id}", partial(tracing.status, desk, id)
        if who != "nobody":
            yield "sessions", lambda: sessions.list_sessions(desk)
            yield "mailbox", lambda: reading.peek(desk, limit=100)
            yield "requests", lambda: attending.requests(desk, limit=100)
            yield "events", lambda: self.hear(who)

    def look_around(self, hidden: list[str]) -> None:
        """Let everybody outside see everything, and guess the ids of what they may not see."""
        for who in (*OUTSIDERS, "nobody"):
            for label, view in self.views(who):
                with told(self.seen, f"{who} sees {label}") as tell:
                    tell(view())
            for id in hidden:
                with told(self.seen, f"{who} guesses {id}") as tell:
                    tell(tracing.thread(self.desk(who), id))

    def hidden(self) -> list[str]:
        """The ids of what outsiders may not see."""
        known = {message.id for who in OUTSIDERS for message in tracing.history(self.desk(who), limit=1_000)}
        every = tracing.history(self.desk("human"), limit=1_000)
        return [message.id for message in every if not message.number and message.id not in known]


class told:  # noqa: N801  # read as a verb
    """Writes down what comes of something, or the error."""

    def __init__(self, seen: list[str], label: str) -> None:
        self._seen = seen
        self._label = label

    def __enter__(self) -> Callable[[object], None]:
        return lambda found: self._seen.append(f"{self._label}: {RANDOM_ID.sub('+', repr(found))}")

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, PostroomError):
            self._seen.append(f"{self._label}: {type(error).__name__} {error} {error.facts}")
        return isinstance(error, PostroomError)


VERBS: dict[str, Callable[..., object]] = {
    "send": Town.send,
    "answer_hidden": Town.answer_hidden,
    "read": Town.read,
    "read_hidden": Town.read_hidden,
    "pick_up": Town.pick_up,
    "pick_up_hidden": Town.pick_up_hidden,
    "put_down": Town.put_down,
    "put_down_hidden": Town.put_down_hidden,
    "accept_hidden": lambda town, who: town.with_hidden_session(who, sessions.accept),
    "close_hidden": lambda town, who: town.with_hidden_session(who, sessions.close),
    "accept_open": lambda town, who: town.with_open_session(who, sessions.accept),
    "say_open": lambda town, who: town.with_open_session(who, lambda desk, id: sessions.say(desk, id, Draft("", "milk"))),
    "close_open": lambda town, who: town.with_open_session(who, sessions.close),
    "decline_open": lambda town, who: town.with_open_session(who, lambda desk, id: sessions.decline(desk, id, "no time")),
    "answer_seen": Town.answer_seen,
    "answer_ghost": Town.answer_ghost,
    "stop_asking": Town.stop_asking,
    "pause": lambda town, who, name: holding.pause(town.desk(who), name, "a moment"),
    "release": lambda town, who, id: holding.release(town.desk(who), id),
    "discard": lambda town, who, id: holding.discard(town.desk(who), id, "no more"),
    "hear": Town.hear,
    "look": Town.look,
    "attach": Town.attach,
    "detach": Town.detach,
    "register": Town.register,
    "pass_s": Town.pass_s,
    "keep_house": Town.keep_house,
    "create": lambda town, who, name, policy: rooms.create(town.desk(who), name, policy=policy, description="milk and tea"),
    "join": lambda town, who, name: rooms.join(town.desk(who), name),
    "leave": lambda town, who, name: rooms.leave(town.desk(who), name),
    "topic": lambda town, who, name, topic: rooms.set_topic(town.desk(who), name, topic),
    "describe": lambda town, who, name, policy: rooms.describe(town.desk(who), name, policy=policy, description="tea only"),
    "kick": lambda town, who, name, other: rooms.kick(town.desk(who), name, other, "why not"),
    "transfer": lambda town, who, name, other: rooms.transfer(town.desk(who), name, other),
    "destroy": lambda town, who, name: rooms.destroy(town.desk(who), name),
    "mute": lambda town, who, name: rooms.mute(town.desk(who), name),
    "invite": lambda town, who, name, other: invitations.invite(town.desk(who), name, [other]),
    "decline": lambda town, who, name: invitations.decline(town.desk(who), name, "no time"),
    "profile": lambda town, who, changes: presence.set_profile(town.desk(who), Profile(**changes)),
    "rename": lambda town, who, name: naming.rename(town.desk(who), name),
    "offer": lambda town, who, to: sessions.open_session(town.desk(who), Draft(to, "tea?")),
    "status": lambda town, who, id: tracing.status(town.desk(who), id),
    "accept": lambda town, who, id: sessions.accept(town.desk(who), id),
    "say": lambda town, who, id: sessions.say(town.desk(who), id, Draft("", "milk")),
    "close": lambda town, who, id: sessions.close(town.desk(who), id),
}
