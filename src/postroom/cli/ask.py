"""`postroom ask`: the answer is printed, and only then confirmed."""

from __future__ import annotations

from postroom import waiting
from postroom.cli.call import Call
from postroom.cli.command import Command
from postroom.cli.parsing import Parser, duration
from postroom.cli.send import draft, text_arguments
from postroom.core.message import Message
from postroom.core.render import visible


def arguments(parser: Parser) -> None:
    """The arguments of `ask`."""
    parser.add_argument("to", metavar="TO", help="the agent that is asked")
    text_arguments(parser)
    parser.add_argument("--thread", metavar="ID", help="the thread that it belongs to")
    parser.add_argument("--create", action="store_true", help="make a mailbox for a name that nobody has registered yet")
    parser.add_argument("--timeout", metavar="SECONDS", type=duration, default=60.0, help="how long to wait for the answer; default: 60")


def run(call: Call) -> None:
    """Ask, wait, print the answer."""
    args = call.args
    call.desk_of_sender()
    with call.seat() as seat:
        what = draft(call, call.desk(), [args.to])
        what = what._replace(thread=args.thread, create=args.create, reply_within=args.reply_within or args.timeout)
        taken = seat.run(waiting.asking(seat, what, args.timeout))
        show(call, taken[0].message)
        seat.confirm(taken)


def show(call: Call, answer: Message) -> None:
    """The answer alone: as it is for a program, made harmless for a terminal."""
    if call.json:
        call.emit(answer)
    else:
        call.output.write(f"{visible(answer.body) if call.output.terminal else answer.body}\n")


COMMANDS = {
    "ask": Command(
        arguments,
        run,
        "Send a question, wait for the answer and print it. A late answer comes to the inbox.",
        'postroom ask executor "which port?" --timeout 60 --as analyst',
    )
}
