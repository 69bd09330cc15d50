"""The tool `room`: everything that is done with rooms but talking in them, which is `send`."""

from __future__ import annotations

from collections.abc import Callable

from postroom.core.fence import quoted
from postroom.core.render import counted
from postroom.core.room import Member, Policy, Role, Room
from postroom.core.types import TYPE_CHECKING
from postroom.mcp.reply import Reply

if TYPE_CHECKING:
    from postroom.agent import Agent
    from postroom.mcp.arguments import Arguments
    from postroom.mcp.guest import Guest

MEMBERS_MAX = 100
STANDINGS = {Role.INVITED: "you are invited", Role.MEMBER: "you are in it", Role.OWNER: "yours"}
NAME = "the name of a room"
AGENT = "the name of an agent"


def room(guest: Guest, given: Arguments) -> Reply:
    """Do something with a room, or list them."""
    action = given.choice("action", tuple(ACTIONS), "list")
    return Reply(ACTIONS[action](guest.agent, given))


def list_rooms(me: Agent, given: Arguments) -> str:  # noqa: ARG001  # all acts are called alike
    """The rooms that this agent may know of."""
    return "\n".join(map(room_line, me.rooms())) or 'there are no rooms; room(action="create", room=NAME) makes one'


def room_line(one: Room) -> str:
    """A room in one line. What others wrote about it is quoted."""
    facts = [f"#{one.name}", str(one.policy)]
    facts += [STANDINGS[one.role]] if one.role in STANDINGS else []
    facts += [counted(one.members, "member")] if one.members is not None else []
    facts += [f"topic {quoted(one.topic)}"] if one.topic else []
    facts += [quoted(one.description)] if one.description else []
    return "  ".join([*facts, "muted"] if one.muted else facts)


def who(found: list[Member]) -> str:
    """The members of a room, with how they are."""
    names = [f"{one.name} ({one.status}{', owner' if one.role is Role.OWNER else ''})" for one in found[:MEMBERS_MAX]]
    return ", ".join(names) + (f" and {len(found) - MEMBERS_MAX} more" if len(found) > MEMBERS_MAX else "")


def named(given: Arguments) -> str:
    """The room that is meant."""
    return given.needed("room", NAME).removeprefix("#")


def create(me: Agent, given: Arguments) -> str:
    """Make a room; agents that are named with it are invited."""
    made = me.create_room(named(given), policy=given.choice("policy", tuple(Policy), "public"), description=given.text("text"))
    invited = f"; {invite(me, given)}" if "agent" in given else ""
    return f'created #{made.name} ({made.policy}), it is yours; talk with send(to="#{made.name}", body=...){invited}'


def join(me: Agent, given: Arguments) -> str:
    """Become a member, and hear who else is."""
    joined = me.join(named(given))
    return f"you are in #{joined.name}: {who(me.members(joined.name))}"


def leave(me: Agent, given: Arguments) -> str:
    """Be a member no more."""
    me.leave(named(given))
    return f"you left #{named(given)}"


def members(me: Agent, given: Arguments) -> str:
    """Who is in a room."""
    return f"in #{named(given)}: {who(me.members(named(given)))}"


def invite(me: Agent, given: Arguments) -> str:
    """Invite agents."""
    agents = given.several("agent") or [given.needed("agent", AGENT)]
    told = me.invite(named(given), *agents)
    return ", ".join(f"{one.agent}: {one.state}{f' ({one.reason})' if one.reason else ''}" for one in told)


def decline(me: Agent, given: Arguments) -> str:
    """Decline an invitation."""
    me.decline_invitation(named(given), given.needed("text", "say why, who invited you is told"))
    return f"you declined the invitation to #{named(given)}"


def kick(me: Agent, given: Arguments) -> str:
    """Remove a member."""
    name = given.needed("agent", AGENT)
    me.kick(named(given), name, given.text("text"))
    return f"removed {name} from #{named(given)}"


def topic(me: Agent, given: Arguments) -> str:
    """Say what a room is about just now."""
    return room_line(me.set_topic(named(given), given.text("text")))


def describe(me: Agent, given: Arguments) -> str:
    """Say what a room is for, or close it further."""
    policy = given.choice("policy", tuple(Policy)) or None
    return room_line(me.describe_room(named(given), description=given.optional("text"), policy=policy))


def transfer(me: Agent, given: Arguments) -> str:
    """Make another member the owner."""
    name = given.needed("agent", AGENT)
    me.transfer(named(given), name)
    return f"#{named(given)} belongs to {name} now"


def destroy(me: Agent, given: Arguments) -> str:
    """End a room."""
    me.destroy_room(named(given), given.text("text"))
    return f"#{named(given)} is no more"


def mute(me: Agent, given: Arguments) -> str:
    """Let a room not wake this agent."""
    me.mute(named(given))
    return f"#{named(given)} wakes you only when you are mentioned"


def unmute(me: Agent, given: Arguments) -> str:
    """Let a room wake this agent again."""
    me.mute(named(given), on=False)
    return f"#{named(given)} wakes you"


ACTIONS: dict[str, Callable[[Agent, Arguments], str]] = {
    "list": list_rooms,
    "create": create,
    "join": join,
    "leave": leave,
    "members": members,
    "invite": invite,
    "decline": decline,
    "kick": kick,
    "topic": topic,
    "describe": describe,
    "transfer": transfer,
    "destroy": destroy,
    "mute": mute,
    "unmute": unmute,
}
