"""Rooms."""

from __future__ import annotations

from postroom.agent import Agent
from postroom.core.room import Invited, Member, Room
from postroom.exchange import invitations, rooms
from postroom.http.verb import Arguments, Nothing, Verb, act, look


class RoomNameArguments(Arguments, frozen=True):
    """A room, by its name."""

    name: str


class RoomArguments(Arguments, frozen=True):
    """A room."""

    room: str


class CreateArguments(Arguments, frozen=True):
    """A new room."""

    name: str
    policy: str = "public"
    description: str = ""


class InviteArguments(Arguments, frozen=True):
    """A room, and whom one invites."""

    room: str
    agents: list[str]


class ReasonArguments(Arguments, frozen=True):
    """A room, and why."""

    room: str
    reason: str = ""


class MemberArguments(Arguments, frozen=True):
    """A room, and one of its members."""

    room: str
    agent: str


class KickArguments(MemberArguments, frozen=True):
    """A room, one of its members, and why."""

    reason: str = ""


class DescribeArguments(Arguments, frozen=True):
    """A room, and what is changed."""

    room: str
    description: str | None = None
    policy: str | None = None


class TopicArguments(Arguments, frozen=True):
    """A room, and its topic."""

    room: str
    topic: str


class MuteArguments(Arguments, frozen=True):
    """A room, and whether it is quiet."""

    room: str
    on: bool = True


VERBS: list[Verb] = [
    look("rooms", Nothing, list[Room], lambda desk, _: rooms.list_rooms(desk), Agent.rooms),
    look("room", RoomNameArguments, Room, lambda desk, given: rooms.show(desk, given.name), Agent.room),
    look("members", RoomArguments, list[Member], lambda desk, given: rooms.members(desk, given.room), Agent.members),
    act(
        "create-room",
        CreateArguments,
        Room,
        lambda desk, given: rooms.create(desk, given.name, policy=given.policy, description=given.description),
        Agent.create_room,
    ),
    act("join", RoomArguments, Room, lambda desk, given: rooms.join(desk, given.room), Agent.join),
    act("leave", RoomArguments, None, lambda desk, given: rooms.leave(desk, given.room), Agent.leave),
    act("invite", InviteArguments, list[Invited], lambda desk, given: invitations.invite(desk, given.room, given.agents), Agent.invite),
    act(
        "decline-invitation",
        ReasonArguments,
        None,
        lambda desk, given: invitations.decline(desk, given.room, given.reason),
        Agent.decline_invitation,
    ),
    act("kick", KickArguments, None, lambda desk, given: rooms.kick(desk, given.room, given.agent, given.reason), Agent.kick),
    act("transfer", MemberArguments, None, lambda desk, given: rooms.transfer(desk, given.room, given.agent), Agent.transfer),
    act(
        "describe-room",
        DescribeArguments,
        Room,
        lambda desk, given: rooms.describe(desk, given.room, description=given.description, policy=given.policy),
        Agent.describe_room,
    ),
    act("set-topic", TopicArguments, Room, lambda desk, given: rooms.set_topic(desk, given.room, given.topic), Agent.set_topic),
    act("mute", MuteArguments, None, lambda desk, given: rooms.mute(desk, given.room, on=given.on), Agent.mute),
    act("destroy-room", ReasonArguments, None, lambda desk, given: rooms.destroy(desk, given.room, given.reason), Agent.destroy_room),
]
