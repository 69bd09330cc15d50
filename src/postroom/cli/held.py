"""`postroom held`, `release`, `discard`: what waits for a human. No agent must release itself: the two acts need a terminal."""

from __future__ import annotations

from postroom.cli.call import Call
from postroom.cli.parsing import Command, Parser
from postroom.cli.showing import moment
from postroom.core.render import counted
from postroom.exchange import holding


def no_arguments(parser: Parser) -> None:
    """`held` takes none."""


def id_argument(parser: Parser) -> None:
    """The thread."""
    parser.add_argument("id", metavar="ID", help="any message of the thread")


def discard_arguments(parser: Parser) -> None:
    """The arguments of `discard`."""
    id_argument(parser)
    parser.add_argument("reason", metavar="REASON", help="why, for those who sent it")


def held(call: Call) -> None:
    """The threads that are held."""
    found = holding.held(call.any_desk())
    if not found:
        call.hint("nothing is held")
    for thread in found:
        if call.json:
            call.emit(thread)
        else:
            facts = f"{counted(thread.messages, 'message')} of {thread.senders or 'nobody yet'} since {moment(thread.since_ms)}"
            call.output.write(f"{call.output.paint(thread.id, 'bold')}  {facts}  ({thread.reason})\n")


def release(call: Call) -> None:
    """Deliver what is held."""
    tell(call, holding.release(call.desk_of_human("release what is held"), call.args.id), "delivered")


def discard(call: Call) -> None:
    """Refuse what is held."""
    tell(call, holding.discard(call.desk_of_human("discard what is held"), call.args.id, call.args.reason), "discarded")


def tell(call: Call, number: int, act: str) -> None:
    """Say how many."""
    if call.json:
        call.emit({act: number})
    else:
        call.output.write(f"{counted(number, 'message')} {act}; the thread goes on\n")


COMMANDS = {
    "held": Command(no_arguments, held, "The threads that wait for a human, oldest first.", "postroom held"),
    "release": Command(
        id_argument, release, "Deliver what is held in a thread and let it go on. Only from a terminal.", "postroom release 41"
    ),
    "discard": Command(
        discard_arguments,
        discard,
        "Refuse what is held in a thread; its senders are told why. Only from a terminal.",
        'postroom discard 41 "you are repeating yourselves"',
    ),
}
