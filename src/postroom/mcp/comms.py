"""The tool of another program, agent-comms: its actions, parameters and event lines, for prompts that were written for it.

Names are what it calls ids. What peers say stands behind our fence all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from json import JSONDecodeError, loads

from postroom.core.address import SYSTEM, fold_name
from postroom.core.errors import BadValue
from postroom.core.event import Event
from postroom.core.fence import quoted, reference
from postroom.core.message import Draft, Message, State, Urgency
from postroom.core.profile import STATUSES
from postroom.core.room import Policy
from postroom.core.visibility import SIGHTS
from postroom.mcp.advice import Calls
from postroom.mcp.arguments import Arguments
from postroom.mcp.digest import Style
from postroom.mcp.guest import Guest
from postroom.mcp.reading import BEFORE, agent_line, changed, page, whole
from postroom.mcp.reply import Reply, Tool
from postroom.mcp.rooms import NAME, room_line

BEHAVIOURS = {"steer": Urgency.NOW, "followUp": Urgency.NEXT, "info": Urgency.INFO}
READ_MAX = 50


# Event lines


LINES = {
    "room_members": "room_members: Room {room} members: {text}",
    "member_joined": "member_joined: {who} joined {room}",
    "member_left": "member_left: {who} left {room}",
    "member_status": "member_status: {who} is now {text} in {room}",
    "renamed": "name_changed: {text} is now known as {who}",
    "owner": "room_owner: {room} is now owned by {who}",
    "described": "room_description: {who} described {room}: {text}",
    "policy": "room_policy: {who} made {room} {text}",
    "topic": "room_topic: {who} set the topic of {room}: {text}",
}
DELIVERY = "delivery_status: Message {message} {what} by {who}"


def event_line(event: Event) -> str:
    """An event, with the name and the words under which that program told it."""
    text = {"room_members": members_of, "topic": quoted, "described": quoted}.get(event.what, str)(event.text)
    line = LINES.get(event.what, DELIVERY)
    return line.format(room=event.room, who=event.agent, text=text, message=event.message, what=event.what)


def members_of(text: str) -> str:
    """Who was in a room, from the text of an event of ours."""
    try:
        found = loads(text)
    except JSONDecodeError:
        return text
    return ", ".join(f"{name} ({status})" for name, status in found.items()) if isinstance(found, dict) else text


def heading(message: Message) -> str:
    """The line with which that program told of a message."""
    steer = {Urgency.NOW: "[STEER] ", Urgency.INFO: ""}.get(message.urgency, "")
    if message.sender == SYSTEM:
        return f"📬 {message.subject}"
    return f"📬 {steer}[{message.room}] {message.sender}:" if message.room else f"📬 {steer}DM from {message.sender}:"


def how_to_answer(message: Message) -> str:
    """The call that answers a message."""
    if message.sender == SYSTEM:
        return ""
    action, target = ("send", message.room) if message.room else ("dm", message.sender)
    return f'to answer: agent_comms(action="{action}", target="{target}", content=..., replyTo="{reference(message)}")'


CALLS: Calls = {
    "agents": 'agent_comms(action="list_agents")',
    "rooms": 'agent_comms(action="list_rooms")',
    "members": 'agent_comms(action="read_room", room="{members}")',
    "room": 'agent_comms(action="{act}_room", room="{room}")',
    "declined": 'agent_comms(action="decline_invite", room="{declined}", reason=why)',
    "visibility": 'agent_comms(action="update", visibility="{visibility}")',
    "history": 'agent_comms(action="read_room", room=...)',
    "session": 'agent_comms(action="dm", ...)',
    "part": 'agent_comms(action="read_message", id="{id}", offset={offset})',
}
STYLE = Style(event_line, heading, how_to_answer, CALLS)


# Actions


def register(guest: Guest, given: Arguments) -> str:
    """Take a name; one that this agent had in an earlier session is taken up again."""
    guest.become(given.needed("name", "the name under which others write to you"))
    return f"Registered as {update_profile(guest, given)}"


def update(guest: Guest, given: Arguments) -> str:
    """Change what others see."""
    if "name" in given and fold_name(given.text("name")) != guest.agent.name:
        guest.rename(given.text("name"))
    return f"Updated: {update_profile(guest, given)}"


def update_profile(guest: Guest, given: Arguments) -> str:
    """Change what others see, but the name."""
    mine = changed(guest, given)
    return f"{mine.name} (id: {mine.name}, {mine.status}, {mine.visibility})"


def whoami(guest: Guest, given: Arguments) -> str:  # noqa: ARG001  # all actions are called alike
    """Who this agent is, and in which rooms."""
    mine = guest.agent.profile()
    rooms = [room.name for room in guest.agent.rooms() if room.role in {"member", "owner"}]
    return f"You are {mine.name} (id: {mine.name}, {mine.status}, {mine.visibility}); rooms: {', '.join(rooms) or 'none'}"


def list_agents(guest: Guest, given: Arguments) -> str:  # noqa: ARG001
    """Who there is."""
    found = [one for one in guest.agent.agents() if one.kind == "agent"][:READ_MAX]
    return "\n".join(f"{agent_line(one)}{'  (you)' if one.name == guest.agent.name else ''}" for one in found)


def create_room(guest: Guest, given: Arguments) -> str:
    """Make a room."""
    made = guest.agent.create_room(
        given.needed("room", NAME), policy=given.choice("type", tuple(Policy), "public"), description=given.text("description")
    )
    return f"Created room {made.name} ({made.policy})"


def list_rooms(guest: Guest, given: Arguments) -> str:  # noqa: ARG001
    """Which rooms there are."""
    return "\n".join(room_line(one) for one in guest.agent.rooms()) or "No rooms."


def join_room(guest: Guest, given: Arguments) -> str:
    """Join; who is there follows as the event room_members."""
    return f"Joined room {guest.agent.join(given.needed('room', NAME)).name}"


def leave_room(guest: Guest, given: Arguments) -> str:
    """Leave."""
    guest.agent.leave(given.needed("room", NAME))
    return f"Left room {given.text('room')}"


def invite(guest: Guest, given: Arguments) -> str:
    """Invite an agent."""
    told_of = guest.agent.invite(given.needed("room", NAME), agent_in(given))
    return ", ".join(f"{one.agent}: {one.state}{f' ({one.reason})' if one.reason else ''}" for one in told_of)


def decline_invite(guest: Guest, given: Arguments) -> str:
    """Decline an invitation."""
    guest.agent.decline_invitation(given.needed("room", NAME), given.needed("reason", "why, for who invited you"))
    return f"Declined the invitation to {given.text('room')}"


def kick(guest: Guest, given: Arguments) -> str:
    """Remove a member."""
    guest.agent.kick(given.needed("room", NAME), agent_in(given), given.text("reason"))
    return f"Kicked {agent_in(given)} from {given.text('room')}"


def destroy_room(guest: Guest, given: Arguments) -> str:
    """End a room."""
    guest.agent.destroy_room(given.needed("room", NAME), given.text("reason"))
    return f"Destroyed room {given.text('room')}"


def agent_in(given: Arguments) -> str:
    """The agent that is meant."""
    return given.text("agent") or given.needed("target", "the name of an agent")


def send(guest: Guest, given: Arguments) -> str:
    """Say something in a room."""
    room = given.text("target") or given.needed("room", "the room to which you send; dm goes to one agent")
    return deliver(guest, given, f"#{room.removeprefix('#')}")


def dm(guest: Guest, given: Arguments) -> str:
    """Say something to one agent."""
    return deliver(guest, given, given.text("target") or given.needed("agent", "the name of an agent"))


def deliver(guest: Guest, given: Arguments, to: str) -> str:
    """Send, and tell whom it reached."""
    urgencies = {name.lower(): urgency for name, urgency in BEHAVIOURS.items()}
    urgency = urgencies[given.choice("streamingBehavior", urgencies, "followup")]
    what = Draft(to, given.needed("content", "say something"), reply_to=given.id("replyTo"), urgency=urgency)
    (receipt,) = guest.seat.send([what])
    lines = [f"Sent message {receipt.id} to {to}"]
    for one in receipt.deliveries:
        state = f"{one.state} ({one.reason})" if one.reason else str(one.state)
        lines.append(
            f"delivery_status: Message {receipt.id} {state if one.state is not State.ACCEPTED else 'delivered'} to {one.recipient}"
        )
    return "\n".join(lines[: READ_MAX + 1])


def read_room(guest: Guest, given: Arguments) -> str:
    """What was said in a room, the newest that fits into one result; since a message, or before one, if told."""
    room = given.needed("room", NAME).removeprefix("#")
    found = guest.agent.history(peer=f"#{room}", before=given.id("before"), limit=READ_MAX)
    is_full = len(found) == READ_MAX
    since = given.id("since")
    if since is not None:
        ids = [reference(one) for one in found]
        found, is_full = (found[ids.index(since) + 1 :], False) if since in ids else (found, is_full)
    if not found:
        return f"No messages in {room}."
    earlier = f'earlier: agent_comms(action="read_room", room={quoted(room)}, before={BEFORE})'
    return page(guest, found, STYLE, earlier=earlier, is_full=is_full)


def read_message(guest: Guest, given: Arguments) -> str:
    """One message in full. That program cut none, so it had no such action: results name it where it helps."""
    return whole(guest, given, STYLE)


ACTIONS: dict[str, Callable[[Guest, Arguments], str]] = {
    "register": register,
    "update": update,
    "whoami": whoami,
    "list_agents": list_agents,
    "create_room": create_room,
    "list_rooms": list_rooms,
    "join_room": join_room,
    "leave_room": leave_room,
    "invite": invite,
    "decline_invite": decline_invite,
    "kick": kick,
    "destroy_room": destroy_room,
    "send": send,
    "dm": dm,
    "read_room": read_room,
}
MORE: dict[str, Callable[[Guest, Arguments], str]] = {"read_message": read_message}
"""Not listed."""


def agent_comms(guest: Guest, given: Arguments) -> Reply:
    """Do what the action says."""
    action = given.choice("action", (*ACTIONS, *MORE))
    if not action:
        raise BadValue(name="action", value="", why=f"it is one of {', '.join(ACTIONS)}")
    return Reply((ACTIONS | MORE)[action](guest, given))


TEXT = {"type": "string"}
TOOL = Tool(
    "agent_comms",
    "Communicate with other agents on this machine: rooms, direct messages, presence. Results bring what others sent you.",
    {
        "action": {"type": "string", "enum": list(ACTIONS)},
        **dict.fromkeys(("name", "room", "description", "target", "content", "agent", "since", "replyTo", "reason"), TEXT),
        "visibility": {"type": "string", "enum": list(SIGHTS)},
        "tags": {"type": "array", "items": TEXT},
        "status": {"type": "string", "enum": list(STATUSES)},
        "type": {"type": "string", "enum": list(Policy)},
        "streamingBehavior": {"type": "string", "enum": list(BEHAVIOURS)},
    },
    agent_comms,
    STYLE,
    speaks=True,
    more=("id", "offset", "before"),
)
BY_NAME = {TOOL.name: TOOL}
