"""`postroom events`: what happened besides messages. What is printed counts as seen only after it was really written out."""

from __future__ import annotations

from postroom.cli.call import Call, catch_up
from postroom.cli.command import Command
from postroom.cli.parsing import Parser, count, seconds
from postroom.cli.showing import moment, name_of
from postroom.core.event import Event
from postroom.core.render import one_line
from postroom.exchange import events
from postroom.exchange.desk import Desk

WORDS = {
    "member_joined": "{agent} joined {room}",
    "member_left": "{agent} left {room}",
    "owner": "{room} is {agent}'s now",
    "described": "{agent} said what {room} is for: {text}",
    "policy": "{agent} made {room} {text}",
    "member_status": "{agent} is {text} in {room}",
    "room_members": "you are in {room}, with {text}",
    "renamed": "{text} is called {agent} now in {room}",
    "topic": "{agent} set the topic of {room}: {text}",
    "read": "{agent} read {message}",
    "answered": "{agent} answered {message}",
    "delivered": "{message} was delivered to {agent}",
    "expired": "{message} expired before {agent} read it",
    "refused": "{agent} did not take {message}: {text}",
    "discarded": "{message} to {agent} was discarded: {text}",
}
"""How events are told to people; others are told by their name."""


def arguments(parser: Parser) -> None:
    """The arguments of `events`."""
    parser.add_argument("--wait", metavar="SECONDS", type=seconds, help="wait so long for an event if there is none")
    parser.add_argument("--limit", metavar="N", type=count, default=100, help="at most so many events; default: 100")


def run(call: Call) -> None:
    """Print what happened since the last time."""
    desk = call.desk()
    limit = call.number("--limit", desk.config.limits.batch, "batch")
    if not isinstance(desk, Desk):
        wait(call, limit, otherwise="nothing has happened")
        return
    catch_up(desk)
    told = events.news(desk, limit=limit)
    for one in told:
        show(call, one.event)
    if told:
        events.seen(desk, told[-1].position)
    elif call.args.wait:
        wait(call, limit, otherwise="nothing happened")
    else:
        call.hint("nothing has happened")


def wait(call: Call, limit: int, *, otherwise: str) -> None:
    """Wait for something to happen, and print it."""
    from postroom import waiting

    with call.seat() as seat:
        told = seat.run(waiting.hearing(seat, waiting.deadline("wait", call.args.wait or 0)))[:limit]
        for one in told:
            show(call, one.event)
        if told:
            seat.seen(told[-1])
        else:
            call.hint(otherwise)


def show(call: Call, event: Event) -> None:
    """An event on one line."""
    if call.json:
        call.emit(event)
        return
    words = WORDS.get(event.what, f"{event.what.replace('_', ' ')} {{room}} {{agent}} {{text}}")
    if event.what == "member_left" and event.text:
        words += " ({text})"
    line = words.format(
        agent=name_of(call.output, event.agent),
        room=f"#{event.room}" if event.room else "a room that is no more",
        message=call.output.paint(event.message or "", "bold"),
        text=with_whom(event.text) if event.what == "room_members" else one_line(event.text),
    )
    call.output.write(f"{call.output.paint(moment(event.at_ms), 'dim')}  {line}\n")


def with_whom(text: str) -> str:
    """Who is in a room, with the status of each."""
    from json import loads

    return ", ".join(f"{name} ({status})" for name, status in loads(text).items()) or "nobody else"


COMMANDS = {
    "events": Command(
        arguments,
        run,
        "What happened since the last time: who came and went in your rooms, who read what you sent. Each event is shown once.",
        "postroom events --wait 30 --as analyst",
    )
}
