"""`postroom rooms`, `join`, `leave`, `invite`, `kick`, and `room …` for what is done to a room itself. To talk in one: `send '#room'`."""

from __future__ import annotations

from postroom.cli.call import Call
from postroom.cli.command import Command
from postroom.cli.parsing import Parser
from postroom.cli.showing import moment, name_of
from postroom.core.render import counted, one_line
from postroom.core.room import Policy, Role, Room, room_name
from postroom.exchange import invitations, rooms

ROLES = {Role.OUTSIDER: "", Role.INVITED: "you are invited", Role.MEMBER: "member", Role.OWNER: "owner", Role.HUMAN: ""}
"""What you are in a room, as people say it."""


def room_argument(parser: Parser) -> None:
    """The room."""
    parser.add_argument("room", metavar="ROOM", help="its name, with or without #")


def rooms_arguments(parser: Parser) -> None:
    """The arguments of `rooms`."""
    parser.add_argument("--mine", action="store_true", help="only those in which you are")
    parser.add_argument("--names", action="store_true", help="only the names")


def agent_arguments(parser: Parser) -> None:
    """A room and one agent."""
    room_argument(parser)
    parser.add_argument("other", metavar="AGENT", help="the agent")


def kick_arguments(parser: Parser) -> None:
    """The arguments of `kick`."""
    agent_arguments(parser)
    parser.add_argument("reason", metavar="REASON", nargs="?", default="", help="why, for that agent")


def invite_arguments(parser: Parser) -> None:
    """The arguments of `invite`."""
    room_argument(parser)
    parser.add_argument("others", metavar="AGENT", nargs="+", help="who is invited")


def policy_argument(parser: Parser, default: str | None, note: str) -> None:
    """How open a room is."""
    parser.add_argument("--policy", choices=[policy.value for policy in Policy], default=default, help=note)


def create_arguments(parser: Parser) -> None:
    """The arguments of `room create`."""
    room_argument(parser)
    parser.add_argument("description", metavar="TEXT", nargs="?", default="", help="what it is for")
    policy_argument(parser, Policy.PUBLIC, "private: by invitation; secret: nobody else knows of it; default: public")


def describe_arguments(parser: Parser) -> None:
    """The arguments of `room describe`."""
    room_argument(parser)
    parser.add_argument("description", metavar="TEXT", nargs="?", help="what it is for")
    policy_argument(parser, None, "close it further; it cannot be opened again")


def topic_arguments(parser: Parser) -> None:
    """The arguments of `room topic`."""
    room_argument(parser)
    parser.add_argument(
        "topic", metavar="TEXT", nargs="?", help='what it is about just now; "" for nothing; without it, the topic is shown'
    )


def decline_arguments(parser: Parser) -> None:
    """The arguments of `room decline`."""
    room_argument(parser)
    parser.add_argument("reason", metavar="REASON", help="why, for who invited you")


def destroy_arguments(parser: Parser) -> None:
    """The arguments of `room destroy`."""
    room_argument(parser)
    parser.add_argument("reason", metavar="REASON", nargs="?", default="", help="why, for its members")


def mute_arguments(parser: Parser) -> None:
    """The arguments of `room mute`."""
    room_argument(parser)
    parser.add_argument("--off", action="store_true", help="let it wake you again")


def list_rooms(call: Call) -> None:
    """The rooms by name."""
    found = [room for room in call.viewing_desk().do(rooms.list_rooms) if room.role in {Role.MEMBER, Role.OWNER} or not call.args.mine]
    if not found:
        call.hint("you are in no room" if call.args.mine else "there are no rooms")
    for room in found:
        if call.args.names and not call.json:
            call.output.write(f"{room.name}\n")
        else:
            show(call, room)


def members(call: Call) -> None:
    """Who is in a room."""
    for member in call.viewing_desk().do(rooms.members, call.args.room):
        if call.json:
            call.emit(member)
        else:
            role = "  owner" if member.role is Role.OWNER else ""
            call.output.write(
                f"{name_of(call.output, f'{member.name:<16}')}  {member.status:<8}  joined {moment(member.joined_ms)}{role}\n"
            )


def create(call: Call) -> None:
    """Make a room."""
    args = call.args
    show(call, call.desk_of_sender().do(rooms.create, args.room, policy=args.policy, description=args.description))


def join(call: Call) -> None:
    """Become a member."""
    show(call, call.desk_of_sender().do(rooms.join, call.args.room))


def leave(call: Call) -> None:
    """Be a member no more."""
    call.desk().do(rooms.leave, call.args.room)
    tell(call, "you left {room}")


def invite(call: Call) -> None:
    """Invite agents."""
    for one in call.desk().do(invitations.invite, call.args.room, call.args.others):
        if call.json:
            call.emit(one)
        else:
            reason = f": {one_line(one.reason)}" if one.reason else ""
            call.output.write(f"{one.agent}: {one.state.replace('-', ' ')}{reason}\n")


def kick(call: Call) -> None:
    """Remove a member."""
    call.desk().do(rooms.kick, call.args.room, call.args.other, call.args.reason)
    tell(call, "removed from {room}")


def describe(call: Call) -> None:
    """Say what a room is for, and how open it is."""
    args = call.args
    show(call, call.desk().do(rooms.describe, args.room, description=args.description, policy=args.policy))


def topic(call: Call) -> None:
    """Say what a room is about just now, or show it."""
    args = call.args
    if args.topic is not None:
        show(call, call.desk().do(rooms.set_topic, args.room, args.topic))
        return
    room = call.viewing_desk().do(rooms.show, args.room)
    if call.json:
        call.emit(room)
    elif room.topic:
        call.output.write(f"{one_line(room.topic)}\n")
    else:
        call.hint(f"#{room.name} has no topic")


def decline(call: Call) -> None:
    """Decline an invitation."""
    call.desk().do(invitations.decline, call.args.room, call.args.reason)
    tell(call, "you declined the invitation to {room}")


def transfer(call: Call) -> None:
    """Make another member the owner."""
    call.desk().do(rooms.transfer, call.args.room, call.args.other)
    tell(call, "{room} has another owner")


def destroy(call: Call) -> None:
    """End a room."""
    call.desk().do(rooms.destroy, call.args.room, call.args.reason)
    tell(call, "{room} is no more")


def mute(call: Call) -> None:
    """Let a room not wake you, or wake you again."""
    call.desk().do(rooms.mute, call.args.room, on=not call.args.off)
    show(call, call.desk().do(rooms.show, call.args.room))


def show(call: Call, room: Room) -> None:
    """A room on one line."""
    if call.json:
        call.emit(room)
        return
    name = name_of(call.output, f"#{room.name:<16}")
    about = f"{room.topic}  ({room.description})" if room.topic and room.description else room.topic or room.description
    notes = [ROLES[room.role], "muted" if room.muted else "", counted(room.members, "member") if room.members is not None else ""]
    call.output.write(f"{name}  {'  '.join([f'{room.policy:<7}', *filter(None, [*notes, one_line(about)])]).rstrip()}\n")


def tell(call: Call, sentence: str) -> None:
    """Say what has been done."""
    name = room_name(call.args.room)
    if call.json:
        call.emit({"room": name, "done": sentence.format(room=f"#{name}")})
    else:
        call.output.write(f"{sentence.format(room=f'#{name}')}\n")


COMMANDS = {
    "rooms": Command(
        rooms_arguments,
        list_rooms,
        "The rooms that you may know of. Secret ones are seen by those in them, those invited and the human.",
        "postroom rooms --mine --as analyst",
    ),
    "join": Command(
        room_argument,
        join,
        "Become a member of a room: what is sent there from now on comes to your inbox. To talk: postroom send '#ROOM' TEXT",
        "postroom join review --as executor",
    ),
    "leave": Command(
        room_argument,
        leave,
        "Leave a room. If you own it, it goes to the longest member; with the last one it ends.",
        "postroom leave review --as executor",
    ),
    "invite": Command(
        invite_arguments,
        invite,
        "Invite agents into a room. A notice tells each how to join and how to decline.",
        "postroom invite review executor tester --as analyst",
    ),
    "kick": Command(
        kick_arguments,
        kick,
        "Remove a member from your room, or take an invitation back. What was sent before stays with that agent.",
        'postroom kick review executor "this is about another project" --as analyst',
    ),
    "room create": Command(
        create_arguments,
        create,
        "Make a room; you are its owner and first member.",
        'postroom room create review "reviews of each other\'s work" --policy private --as analyst',
    ),
    "room describe": Command(
        describe_arguments,
        describe,
        "Say what your room is for, or close it further: public, private, secret. What was said among members stays among them.",
        'postroom room describe review "reviews, day and night" --as analyst',
    ),
    "room topic": Command(
        topic_arguments,
        topic,
        "Say what a room is about just now; its members hear of it. Without a text: show it.",
        'postroom room topic review "PR 42" --as analyst',
    ),
    "room members": Command(room_argument, members, "Who is in a room, the longest first.", "postroom room members review --as analyst"),
    "room decline": Command(
        decline_arguments,
        decline,
        "Decline an invitation, with a reason for who invited you.",
        'postroom room decline review "too busy" --as executor',
    ),
    "room transfer": Command(
        agent_arguments, transfer, "Make another member the owner of your room.", "postroom room transfer review executor --as analyst"
    ),
    "room destroy": Command(
        destroy_arguments,
        destroy,
        "End your room; its members are told. What was said in it stays with those who got it.",
        'postroom room destroy review "done" --as analyst',
    ),
    "room mute": Command(
        mute_arguments,
        mute,
        "Let messages in a room not wake you unless they mention you. They come all the same.",
        "postroom room mute review --as executor",
    ),
}
