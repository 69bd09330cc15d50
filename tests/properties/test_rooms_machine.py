"""Rooms against a small model: four agents and the human make, join, leave, invite, remove, hand over, end; agents hide and become ghosts.

The model is written from the words of docs/rooms.md, not from the table of core/room.py, so that a wrong table is found too. After each
step everybody sees the rooms and members that the model shows them, and has heard the events and notices that the model sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from postroom.core import errors
from postroom.core.profile import Profile
from postroom.exchange import invitations, presence, reading, rooms
from postroom.exchange.desk import Desk, Options, open_desk, open_desk_of_human
from postroom.store import events
from postroom.testing import PostRoom
from tests.times import START_US

pytestmark = pytest.mark.timeout(3_600)  # for `HYPOTHESIS_PROFILE=long`
AGENTS = ("ann", "ben", "cat", "dot")
EVERYONE = (*AGENTS, "human")
NAMES = ("red", "red-2", "blue")
POLICIES = ("public", "private", "secret")

everyone = st.sampled_from(EVERYONE)
agents = st.sampled_from(AGENTS)
names = st.sampled_from(NAMES)
policies = st.sampled_from(POLICIES)


@dataclass
class Seat:
    """One agent in one room, and what it has heard there since it came."""

    agent: str
    heard: list[tuple[int, str, str]] = field(default_factory=list)


@dataclass
class Space:
    """A room."""

    name: str
    policy: str
    owner: str
    seats: list[Seat] = field(default_factory=list)  # in the order of coming
    invited: dict[str, str] = field(default_factory=dict)  # and by whom
    topic: str = ""

    @property
    def members(self) -> list[str]:
        return [seat.agent for seat in self.seats]


class Town:
    """All rooms, who hides, and what everybody was told."""

    def __init__(self) -> None:
        self.rooms: list[Space] = []
        self.visibility = dict.fromkeys(EVERYONE, "visible")
        self.told: dict[str, list[tuple[str, bool]]] = {name: [] for name in EVERYONE}  # notices, and whether they were hidden
        self.found: dict[str, list[tuple[int, str, str]]] = {name: [] for name in EVERYONE}  # events for this one only
        self.count = 0

    def ghost(self, name: str) -> bool:
        return self.visibility[name] == "ghost"

    def sees(self, who: str, room: Space) -> bool:
        return room.policy != "secret" or who == "human" or who in room.members or who in room.invited

    def sees_member(self, who: str, other: str, room: Space) -> bool:
        hides = self.visibility[other]
        return hides == "visible" or who in {"human", other} or (hides == "hidden" and who in room.members)

    def find(self, who: str, name: str) -> Space:
        for room in self.rooms:
            if room.name == name and self.sees(who, room):
                return room
        raise errors.NoSuchRoom

    def know(self, who: str, other: str) -> None:
        if self.ghost(other) and who not in {other, "human"}:
            raise errors.NoSuchAgent

    def in_charge(self, who: str, room: Space) -> None:
        if who not in {room.owner, "human"}:
            raise errors.NotTheOwner

    def inside(self, who: str, room: Space) -> None:
        if who not in room.members and who != "human":
            raise errors.NotAMember

    def hear(self, room: Space, what: str, about: str) -> None:
        self.count += 1
        for seat in room.seats:
            if seat.agent != about:
                seat.heard.append((self.count, what, about))

    def tell(self, by: str, to: str, room: Space, what: str) -> None:
        self.told[to].append((what, room.policy == "secret" or self.ghost(by) or self.ghost(to)))

    def heard_by(self, who: str) -> list[tuple[str, str]]:
        heard = [*self.found[who], *(one for room in self.rooms for seat in room.seats if seat.agent == who for one in seat.heard)]
        noticed = [(what, about) for _, what, about in sorted(heard) if about == who or what == "vanished" or not self.ghost(about)]
        return [("member_left" if what == "vanished" else what, about) for what, about in noticed]

    # What they do

    def create(self, who: str, name: str, policy: str) -> None:
        if self.ghost(who) and policy != "secret":
            raise errors.GhostsLeaveNoTrace
        if any(room.name == name and self.sees(who, room) for room in self.rooms):
            raise errors.RoomTaken
        self.make_way(who, name, ())
        self.rooms.append(Space(name, policy, who, [Seat(who)]))

    def make_way(self, who: str, name: str, leaving: tuple[str, ...]) -> None:
        for room in [room for room in self.rooms if room.name == name]:
            taken = {other.name for other in self.rooms if other.policy != "secret"} | {*leaving, name}
            free = next(new for new in (f"{name}-{number}" for number in range(2, 99)) if new not in taken)
            self.make_way(who, free, (*leaving, name))
            room.name = free
            for agent in {*room.members, *room.invited}:
                self.tell(who, agent, room, "room-renamed")

    def join(self, who: str, name: str) -> None:
        room = self.find(who, name)
        if who in room.members:
            return
        if room.policy != "public" and who not in room.invited and who != "human":
            raise errors.NotInvited
        room.invited.pop(who, None)
        self.count += 1
        self.found[who].append((self.count, "room_members", who))
        if not self.ghost(who):
            self.hear(room, "member_joined", who)
        room.seats.append(Seat(who))

    def leave(self, who: str, name: str) -> None:
        room = self.find(who, name)
        if who not in room.members:
            raise errors.NotAMember
        self.go(who, who, room)

    def go(self, by: str, who: str, room: Space) -> None:
        room.seats = [seat for seat in room.seats if seat.agent != who]
        if not self.ghost(who):
            self.hear(room, "member_left", who)
        if room.owner == who:
            self.pass_on(by, room)

    def pass_on(self, by: str, room: Space) -> None:
        heirs = [one for one in room.members if one != room.owner and not self.ghost(one)]
        if heirs:
            self.give_to(by, heirs[0], room)
        else:
            self.end(by, room)

    def give_to(self, by: str, who: str, room: Space) -> None:
        room.owner = who
        self.tell(by, who, room, "room-yours")
        self.hear(room, "owner", who)

    def end(self, by: str, room: Space) -> None:
        for agent in room.members:
            if agent != by:
                self.tell(by, agent, room, "room-ended")
        self.rooms.remove(room)

    def invite(self, who: str, name: str, other: str) -> None:
        room = self.find(who, name)
        if room.policy == "secret":
            self.in_charge(who, room)
        else:
            self.inside(who, room)
            if self.ghost(who):
                raise errors.GhostsLeaveNoTrace
        self.know(who, other)
        if other not in room.members and other not in room.invited:
            room.invited[other] = who
            self.tell(who, other, room, "invited")

    def decline(self, who: str, name: str) -> None:
        room = self.find(who, name)
        if who not in room.invited:
            raise errors.NotInvited
        by = room.invited.pop(who)
        if room.policy == "secret" or not self.ghost(who):
            self.tell(who, by, room, "invitation-declined")

    def kick(self, who: str, name: str, other: str) -> None:
        room = self.find(who, name)
        self.in_charge(who, room)
        self.know(who, other)
        if who == other:
            raise errors.BadValue
        if other in room.members:
            self.tell(who, other, room, "kicked")
            self.go(who, other, room)
        elif room.invited.pop(other, None):
            self.tell(who, other, room, "uninvited")
        else:
            raise errors.NotInRoom

    def transfer(self, who: str, name: str, other: str) -> None:
        room = self.find(who, name)
        self.in_charge(who, room)
        self.know(who, other)
        if other not in room.members:
            raise errors.NotInRoom
        if self.ghost(other) and room.policy != "secret":
            raise errors.BadValue
        if room.owner != other:
            self.give_to(who, other, room)

    def destroy(self, who: str, name: str) -> None:
        room = self.find(who, name)
        self.in_charge(who, room)
        self.end(who, room)

    def close_further(self, who: str, name: str, policy: str) -> None:
        room = self.find(who, name)
        self.in_charge(who, room)
        if self.ghost(who) and room.policy != "secret":
            raise errors.GhostsLeaveNoTrace
        if POLICIES.index(policy) < POLICIES.index(room.policy):
            raise errors.BadValue
        if policy != room.policy:
            self.hear(room, "policy", who)
        room.policy = policy

    def set_topic(self, who: str, name: str, topic: str) -> None:
        room = self.find(who, name)
        self.inside(who, room)
        if self.ghost(who) and room.policy != "secret":
            raise errors.GhostsLeaveNoTrace
        if room.topic != topic:
            room.topic = topic
            self.hear(room, "topic", who)

    def become(self, who: str, visibility: str) -> None:
        before, self.visibility[who] = self.visibility[who], visibility
        if visibility == before:
            return
        if visibility == "ghost":
            for room in [room for room in self.rooms if room.owner == who and room.policy != "secret"]:
                self.pass_on(who, room)
            for seat in [seat for room in self.rooms for seat in room.seats]:  # that it has left before is still known
                left = "member_left", who
                seat.heard = [(when, "vanished" if (what, about) == left else what, about) for when, what, about in seat.heard]
        for room in self.rooms:
            if who in room.members and "ghost" in {before, visibility}:
                self.hear(room, "vanished" if visibility == "ghost" else "member_joined", who)
                if before == "ghost":  # it is the newest one
                    room.seats.sort(key=lambda seat: seat.agent == who)


class RoomsMachine(RuleBasedStateMachine):
    """A town and the store beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.post = PostRoom()
        self.town = Town()
        self.now = START_US
        self.desks: dict[str, Desk] = {}

    def teardown(self) -> None:
        for desk in self.desks.values():
            desk.close()
        self.post.close()

    @initialize()
    def connect(self) -> None:
        for name in AGENTS:
            self.desks[name] = open_desk(name, self.post.home, interface="sdk", options=Options(clock=self.clock))
        self.desks["human"] = open_desk_of_human(self.post.home, interface="cli")
        self.desks["human"].clock = self.clock
        for who, name, policy in zip(AGENTS, NAMES, POLICIES, strict=False):
            self.town.create(who, name, policy)
            rooms.create(self.desks[who], name, policy=policy)
            for other in EVERYONE[:2]:
                self.town.invite(who, name, other)
                invitations.invite(self.desks[who], name, [other])

    def clock(self) -> int:
        self.now += 1_000_000  # so that nobody is too fast, and no two come at once
        return self.now

    @contextmanager
    def alike(self, predicted: Callable[[], None]) -> Iterator[None]:
        """What the model refuses is refused by the store for the same reason; what it allows is done."""
        refusal = None
        try:
            predicted()
        except errors.PostroomError as error:
            refusal = type(error)
        if refusal is None:
            yield
        else:
            with pytest.raises(refusal):
                yield

    def some(self, data) -> tuple[str, str]:
        """Somebody and a room: mostly one that has to do with it, else nearly everything would be refused."""
        name = data.draw(st.sampled_from([*(room.name for room in self.town.rooms), *NAMES]))
        near = [one for room in self.town.rooms if room.name == name for one in (room.owner, *room.members, *room.invited)]
        return data.draw(st.sampled_from([*near, *EVERYONE])), name

    @rule(who=everyone, name=names, policy=policies)
    def create(self, who, name, policy):
        with self.alike(lambda: self.town.create(who, name, policy)):
            rooms.create(self.desks[who], name, policy=policy)

    @rule(data=st.data())
    def join(self, data):
        who, name = self.some(data)
        with self.alike(lambda: self.town.join(who, name)):
            rooms.join(self.desks[who], name)

    @rule(data=st.data())
    def leave(self, data):
        who, name = self.some(data)
        with self.alike(lambda: self.town.leave(who, name)):
            rooms.leave(self.desks[who], name)

    @rule(data=st.data(), other=everyone)
    def invite(self, data, other):
        who, name = self.some(data)
        with self.alike(lambda: self.town.invite(who, name, other)):
            invitations.invite(self.desks[who], name, [other])

    @rule(data=st.data())
    def decline(self, data):
        who, name = self.some(data)
        with self.alike(lambda: self.town.decline(who, name)):
            invitations.decline(self.desks[who], name, "no")

    @rule(data=st.data())
    def kick(self, data):
        who, name = self.some(data)
        other, _ = self.some(data)
        with self.alike(lambda: self.town.kick(who, name, other)):
            rooms.kick(self.desks[who], name, other)

    @rule(data=st.data())
    def transfer(self, data):
        who, name = self.some(data)
        other, _ = self.some(data)
        with self.alike(lambda: self.town.transfer(who, name, other)):
            rooms.transfer(self.desks[who], name, other)

    @precondition(lambda self: len(self.town.rooms) > 2)
    @rule(data=st.data())
    def destroy(self, data):
        who, name = self.some(data)
        with self.alike(lambda: self.town.destroy(who, name)):
            rooms.destroy(self.desks[who], name)

    @rule(data=st.data(), policy=policies)
    def close_further(self, data, policy):
        who, name = self.some(data)
        with self.alike(lambda: self.town.close_further(who, name, policy)):
            rooms.describe(self.desks[who], name, policy=policy)

    @rule(data=st.data(), topic=st.sampled_from(["tea", "milk"]))
    def set_topic(self, data, topic):
        who, name = self.some(data)
        with self.alike(lambda: self.town.set_topic(who, name, topic)):
            rooms.set_topic(self.desks[who], name, topic)

    @rule(who=agents, visibility=st.sampled_from(["visible", "hidden", "ghost"]))
    def become(self, who, visibility):
        self.town.become(who, visibility)
        presence.set_profile(self.desks[who], Profile(visibility=visibility))

    @invariant()
    def everybody_sees_what_the_model_shows_them(self):
        for who, desk in self.desks.items():
            town = self.town
            seen = sorted((room for room in town.rooms if town.sees(who, room)), key=lambda room: room.name)
            shown = rooms.list_rooms(desk)
            assert [room.name for room in shown] == [room.name for room in seen]
            for room, view in zip(seen, shown, strict=True):
                inside = who in room.members or who == "human"
                knows = room.policy == "public" or inside
                members = [one for one in room.members if town.sees_member(who, one, room)]
                owner = room.owner if town.sees_member(who, room.owner, room) else None
                role = next(
                    (
                        role
                        for role, holds in {
                            "owner": who == room.owner,
                            "member": who in room.members,
                            "invited": who in room.invited,
                            "human": who == "human",
                        }.items()
                        if holds
                    ),
                    "outsider",
                )
                assert (view.policy, view.role) == (room.policy, role)
                assert (view.members, view.owner) == ((len(members), owner) if knows else (None, None))
                assert view.topic == (room.topic if knows or who in room.invited else "")
                if knows:
                    assert [member.name for member in rooms.members(desk, room.name)] == members
                else:
                    with pytest.raises(errors.NotAMember):
                        rooms.members(desk, room.name)

    @invariant()
    def everybody_has_heard_what_the_model_told_them(self):
        for who, desk in self.desks.items():
            told = reading.peek(desk, limit=1_000)
            assert [(message.subject.removeprefix("notice: "), message.number == 0) for message in told] == self.town.told[who]
            heard = [one.event for one in events.unseen(desk.database, desk.agent.id, limit=100)]
            assert [(event.what, event.agent) for event in heard] == self.town.heard_by(who)

    @invariant()
    def a_room_that_others_see_belongs_to_somebody_they_could_see(self):
        for room in self.town.rooms:
            assert room.owner in room.members
            assert room.policy == "secret" or not self.town.ghost(room.owner)


TestRooms = RoomsMachine.TestCase
TestRooms.settings = settings(max_examples=2 * settings().max_examples, stateful_step_count=50)
