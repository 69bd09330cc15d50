"""`postroom status`: what became of a message."""

from __future__ import annotations

from postroom.cli.call import Call
from postroom.cli.command import Command
from postroom.cli.parsing import Parser, seconds
from postroom.cli.showing import moment, progress_text, reason_of
from postroom.core.errors import CameBack, NotYet
from postroom.core.message import Receipt, State
from postroom.exchange import tracing

WAITABLE = ("handed", "read", "answered")
GONE = (State.EXPIRED, State.REFUSED)


def arguments(parser: Parser) -> None:
    """The arguments of `status`."""
    parser.add_argument("id", metavar="ID", help="the message")
    parser.add_argument("--wait", metavar="STATE", choices=WAITABLE, help="wait until every recipient is as far: handed, read or answered")
    parser.add_argument("--timeout", metavar="SECONDS", type=seconds, default=60.0, help="how long to wait; default: 60")


def run(call: Call) -> None:
    """Show it, and wait for it to change if that is wanted."""
    args = call.args
    if args.wait:
        with call.connected() as agent:
            receipt = agent.follow(args.id, until=State(args.wait), timeout=args.timeout)
    else:
        receipt = call.viewing_desk().do(tracing.status, args.id)
    show(call, receipt)
    if args.wait:
        check(receipt, State(args.wait), args.timeout)


def check(receipt: Receipt, wanted: State, seconds: float) -> None:
    """Raise NotYet or CameBack unless every recipient is as far as wanted."""
    for progress in receipt.deliveries:
        if progress.state in GONE:
            raise CameBack(id=receipt.id, state=progress.state, wanted=wanted, reason=reason_of(progress))
    if not receipt.has_come_to(wanted):
        raise NotYet(id=receipt.id, state=receipt.state, seconds=seconds, wanted=wanted)


def show(call: Call, receipt: Receipt) -> None:
    """The message and each recipient."""
    if call.json:
        call.emit(receipt)
        return
    paint = call.output.paint
    heading = f"{paint(receipt.id, 'bold')}  sent {moment(receipt.sent_ms)}  thread {receipt.thread}\n"
    call.output.write(heading + "".join(progress_text(progress, call.output) for progress in receipt.deliveries))


COMMANDS = {
    "status": Command(
        arguments,
        run,
        "What became of a message that you sent or received; for the person at a terminal: of any message.",
        "postroom status 41 --wait read --timeout 30 --as analyst",
    )
}
