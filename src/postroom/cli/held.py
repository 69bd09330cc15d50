"""`postroom held`, `release`, `discard`, `pause`: what waits for a human. No agent must release itself: these acts need a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from postroom.cli.call import Call
from postroom.cli.command import Command
from postroom.cli.parsing import Parser
from postroom.cli.showing import moment
from postroom.core.render import counted
from postroom.exchange import holding

NAMED = 20
"""So many senders are named, of those whose messages are held."""


def held_arguments(parser: Parser) -> None:
    """The arguments of `held`."""
    parser.add_argument("--ids", action="store_true", help="only what `release` takes")


def id_argument(parser: Parser) -> None:
    """The thread or the agent."""
    parser.add_argument("id", metavar="ID", help="any message of the thread; or the name of a paused agent")


def discard_arguments(parser: Parser) -> None:
    """The arguments of `discard`."""
    id_argument(parser)
    parser.add_argument("reason", metavar="REASON", help="why, for those who sent it")


def pause_arguments(parser: Parser) -> None:
    """The arguments of `pause`."""
    parser.add_argument("name", metavar="AGENT", help="whose messages are held from now on")
    parser.add_argument("reason", metavar="REASON", help="why, for the agent")


def held(call: Call) -> None:
    """The threads that are held, and the agents that are paused."""
    found = call.viewing_desk().do(holding.held)
    if not found:
        call.nothing("nothing is held")
    for thread in found:
        if call.args.ids:
            call.output.write(f"{thread.id}\n")
        elif call.json:
            call.emit(thread)
        else:
            since = "" if thread.since_ms is None else f" since {moment(thread.since_ms)}"
            facts = f"{counted(thread.messages, 'message')} of {some(thread.senders) or 'nobody yet'}{since}"
            call.output.write(f"{call.output.paint(thread.id, 'bold')}  {facts}  ({thread.reason})\n")


def some(names: Sequence[str]) -> str:
    """Names, and how many more there are if there are many."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def release(call: Call) -> None:
    """Deliver what is held."""
    tell(call, call.desk_of_human("release what is held").do(holding.release, call.args.id), "delivered", "it goes on")


def discard(call: Call) -> None:
    """Refuse what is held."""
    number = call.desk_of_human("discard what is held").do(holding.discard, call.args.id, call.args.reason)
    tell(call, number, "discarded", "those who sent it are told why")


def pause(call: Call) -> None:
    """Hold what an agent sends."""
    call.desk_of_human("pause an agent").do(holding.pause, call.args.name, call.args.reason)
    if call.json:
        call.emit({"paused": call.args.name})
    else:
        call.output.write(f"{call.args.name} is paused: what it sends is held. To go on: postroom release {call.args.name}\n")


def tell(call: Call, number: int, act: str, then: str) -> None:
    """Say how many."""
    if call.json:
        call.emit({act: number})
    else:
        call.output.write(f"{counted(number, 'message')} {act}; {then}\n")


COMMANDS = {
    "held": Command(
        held_arguments, held, "The threads that wait for a human, oldest first, and the agents that are paused.", "postroom held"
    ),
    "pause": Command(
        pause_arguments,
        pause,
        "Hold everything that an agent sends from now on; it is told why. Only from a terminal.",
        'postroom pause executor "you repeat yourself"',
    ),
    "release": Command(
        id_argument,
        release,
        "Deliver what is held in a thread, or of a paused agent, and let it go on. Only from a terminal.",
        "postroom release 41",
    ),
    "discard": Command(
        discard_arguments,
        discard,
        "Refuse what is held in a thread, or of a paused agent; its senders are told why. Only from a terminal.",
        'postroom discard 41 "you are repeating yourselves"',
    ),
}
