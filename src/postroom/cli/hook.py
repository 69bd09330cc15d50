"""`postroom hook EVENT`: what harnesses call at the turns of a session. It must never be in the way: whatever fails, the session goes on.

It reads the harness's JSON from standard input, notes what the session does, and prints mail for the model as JSON. With no mail it writes
nothing and loads as little as `postroom send`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from json import dumps, loads

from postroom.cli.call import Call, tidy
from postroom.cli.command import Command
from postroom.config import named
from postroom.core.errors import BadUsage, PostroomError, StoreReadOnly, StoreUnusable
from postroom.core.message import Message, Urgency
from postroom.core.types import TYPE_CHECKING
from postroom.exchange import handover
from postroom.exchange.desk import Desk, open_desk, open_desk_of_stranger
from postroom.harnesses.calling import Caller, caller, name_of
from postroom.harnesses.moments import MOMENTS, Moment, output

if TYPE_CHECKING:
    from postroom.cli.parsing import Parser
    from postroom.places import AnyDesk

PAYLOAD_BYTES_MAX = 64 * 1024 * 1024
"""A harness hands over the whole result of a tool."""


def arguments(parser: Parser) -> None:
    """The argument of `hook`."""
    parser.add_argument("event", metavar="EVENT", help=", ".join(MOMENTS))


def run(call: Call) -> None:
    """Do what is to be done at this moment."""
    event = call.args.event
    if event not in MOMENTS:
        raise BadUsage(why=f"There is no event {event!r}.", see="postroom hook --help")
    payload = read_payload()
    one = caller(payload, os.environ)
    if one is None or (call.url is None and not os.path.isdir(call.home) and not one.names_itself):
        return
    moment = MOMENTS[event]
    if payload.get("stop_hook_active"):
        moment = moment._replace(hands_over=frozenset())
    if payload.get("agent_id"):  # a helper of the session: its tools are part of the turn, and its context is not where mail belongs
        return
    if call.url is not None:
        at_node(call, None, one, event, moment)
        return
    try:
        name = named(call.args.agent) or own_name(call, one)
        if name:
            with_desk(call, name, one, event, moment)
    except (StoreUnusable, StoreReadOnly) as error:
        at_node(call, error, one, event, moment)


def read_payload() -> Mapping[str, object]:
    """What the harness says. Raises BadUsage."""
    try:
        found = loads(sys.stdin.buffer.read(PAYLOAD_BYTES_MAX) or b"{}")
    except ValueError as error:
        raise BadUsage(why="Standard input is no JSON.", see="postroom hook --help") from error
    return found if isinstance(found, dict) else {}


def own_name(call: Call, one: Caller) -> str | None:
    """The name of the session that calls."""
    from postroom import identity

    if one.names_itself and (known := identity.going_on(call.home, one.guest)):
        return known.name
    desk = open_desk_of_stranger(call.home, interface=handover.INTERFACE)
    try:
        return name_of(desk, one)
    finally:
        desk.close()


def with_desk(call: Call, name: str, one: Caller, event: str, moment: Moment) -> None:
    """Note what the session does, and hand over what waits for it."""
    desk = open_desk(name, call.home, interface=handover.INTERFACE)
    try:
        handover.settle_earlier(desk, was_read=not moment.edge, in_turn=moment.in_turn)
        text = mail(desk, moment.hands_over) if moment.hands_over and not (moment.decision and is_woken(desk)) else ""
        note_status(desk, one, "busy" if text and moment.decision else moment.status)
        if text:
            call.output.write(dumps(output(event, moment, text)) + "\n")
        if event == "SessionEnd" and one.names_itself:
            from postroom import identity

            identity.remember(call.home, one.guest, desk.agent.name, pid=0)
        tidy(desk)
    finally:
        desk.close()


def is_woken(desk: Desk) -> bool:
    """Whether the server of the session brings mail in at the end of a turn. Claude Code shows twice what a hook says then."""
    return bool(os.environ.get("CLAUDE_CODE_MESSAGING_SOCKET")) and handover.is_served(desk, "claude-code")


def note_status(desk: Desk, one: Caller, status: str) -> None:
    """Note what the session does, if that is news; and once, where it lives."""
    if desk.agent.status == status and not desk.is_new:
        return
    from postroom.core.profile import Profile
    from postroom.exchange import presence

    presence.set_profile(desk, Profile(status=status, harness=one.guest.harness, directory=one.guest.directory))


# What only a session with mail needs


def mail(desk: Desk, wanted: Collection[Urgency]) -> str:
    """What waits, as a model reads it; empty if it is not urgent enough. What does not fit waits for the next time."""
    if not handover.anything_free(desk):
        return ""
    from postroom.exchange import tracing
    from postroom.mcp.digest import MESSAGES_MAX

    handed = handover.take(desk, wanted, limit=MESSAGES_MAX)
    text, shown = told(desk, [one.message for one in handed], lambda message: tracing.is_first_contact(desk, message))
    handover.put_back(desk, handed[shown:])
    return text


def told(desk: AnyDesk, messages: Sequence[Message], is_first: Callable[[Message], bool]) -> tuple[str, int]:
    """Messages as a model reads them, and how many of them fit."""
    from postroom.core.render import counted
    from postroom.mcp.digest import BYTES_MAX, HEADING, MESSAGES_MAX, NATIVE, ROOM_MIN, block

    blocks: list[str] = []
    left = BYTES_MAX
    for message in messages:
        if left < ROOM_MIN:
            break
        blocks.append(block(desk, message, NATIVE, left, first=is_first(message)))
        left -= len(blocks[-1].encode()) + 1
    more = ["There is more: call the tool inbox of postroom."] if len(blocks) < len(messages) or len(messages) == MESSAGES_MAX else []
    return "\n".join([HEADING.format(messages=counted(len(blocks), "message")), *blocks, *more]) if blocks else "", len(blocks)


# What only a session elsewhere needs


def at_node(call: Call, error: PostroomError | None, one: Caller, event: str, moment: Moment) -> None:
    """Do the same at the node that is named, or at the one beside a store that is shut. One that is away is not waited for."""
    from postroom.mcp.digest import MESSAGES_MAX
    from postroom.remote import hooks

    visit = hooks.visit(call.url, call.home, call.args.agent, one.guest, error)
    if visit is None:
        return
    served = bool(moment.decision) and bool(os.environ.get("CLAUDE_CODE_MESSAGING_SOCKET"))  # see is_woken
    with visit:
        noted: dict[str, object] = {
            "status": moment.status, "status_with_mail": "busy" if moment.decision else None,
            "was_read": not moment.edge, "in_turn": moment.in_turn,
        }  # fmt: skip
        messages, first = visit.turn(noted, [] if served else moment.hands_over, limit=MESSAGES_MAX)
        text, shown = told(visit.desk, messages, first.__contains__)
        visit.put_back(messages[shown:])
    if text:
        call.output.write(dumps(output(event, moment, text)) + "\n")


COMMANDS = {
    "hook": Command(
        arguments,
        run,
        "What a harness calls at the turns of a session, with JSON on standard input: it notes what the session does, and prints\n"
        "waiting mail as context for the model. `postroom install` configures it.",
        "postroom hook SessionStart < event.json",
        words=("event",),
    )
}
