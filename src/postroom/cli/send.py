"""`postroom send`. As a whole process at most 3 times `python -c pass`: tests/cli/test_imports.py lists what may be imported."""

from __future__ import annotations

from postroom.cli.call import STDIN, Call
from postroom.cli.command import Command
from postroom.cli.parsing import Parser, duration, names, path
from postroom.core.address import read_address
from postroom.core.errors import BadText, BadUsage, NotWritten, TooLarge
from postroom.core.message import Draft, Progress, Receipt, State
from postroom.core.types import TYPE_CHECKING
from postroom.exchange import sending

if TYPE_CHECKING:
    from postroom.places import AnyDesk

MANY = 20
UNWANTED = 1
"""The exit code when a person was asked and said no."""
URGENCIES = ("now", "next", "info")


def arguments(parser: Parser) -> None:
    """The arguments of `send`."""
    parser.add_argument("to", metavar="TO", type=names, help="one name, or several separated by commas; '#ROOM', @all or @tag:TAG")
    text_arguments(parser)
    parser.add_argument("--thread", metavar="ID", help="the thread that it belongs to")
    parser.add_argument("--create", action="store_true", help="make a mailbox for a name that nobody has registered yet")
    parser.add_argument("--follow", action="store_true", help="wake me at each change of its state")
    parser.add_argument("--yes", action="store_true", help=f"at a terminal: do not ask before sending to more than {MANY}")


def text_arguments(parser: Parser) -> None:
    """The arguments of everything that is said."""
    parser.add_argument("body", metavar="TEXT", nargs="?", help="what to say; - reads it from standard input, without its last line end")
    parser.add_argument("--subject", metavar="TEXT", default="", help="what it is about")
    parser.add_argument("--reply-to", metavar="ID", help="the message that it answers")
    parser.add_argument("--urgency", choices=URGENCIES, default="next", help="when to look at it; default: next")
    parser.add_argument("--reply-within", metavar="SECONDS", type=duration, help="an answer is expected by then, or a notice comes")
    parser.add_argument("--expires", metavar="SECONDS", type=duration, help="take it back if it is not read by then")
    parser.add_argument("--file", metavar="PATH", type=path, action="append", default=[], help="attach a file; may be repeated")
    parser.add_argument("--id", metavar="ID", help="an id of your own: sending again with it changes nothing")


def draft(call: Call, desk: AnyDesk, to: list[str]) -> Draft:
    """The draft that the arguments describe."""
    args = call.args
    if args.body is None and not args.file and not args.subject:
        raise BadUsage(why="Say what to send: a text, or - for standard input.", see="postroom send --help")
    return Draft(
        to=to[0] if len(to) == 1 else tuple(to),
        body=standard_input(desk.config.limits.body_bytes) if args.body == "-" else args.body or "",
        subject=args.subject,
        reply_to=args.reply_to,
        urgency=args.urgency,
        reply_within=args.reply_within,
        expires_in=args.expires,
        files=tuple(args.file),
        id=args.id,
    )


def standard_input(limit: int) -> str:
    """The text on standard input. Raises BadText, TooLarge."""
    import os

    pieces, size = [], 0
    while piece := os.read(STDIN, 1 << 20):
        pieces.append(piece)
        size += len(piece)
        if size > limit + 1:
            facts = {"part": "body", "size": f"more than {limit}", "unit": "bytes", "advice": "Send it as a file instead."}
            raise TooLarge(limit_name="body_bytes", limit=limit, **facts)
    try:
        return b"".join(pieces).decode().removesuffix("\n")
    except UnicodeDecodeError as error:
        raise BadText(part="body", why=f"byte {error.start} is not valid UTF-8") from None


def run(call: Call) -> int:
    """Send it, and say how far it is. 1 when the person was asked, and did not want it."""
    desk = call.desk_of_sender()
    what = draft(call, desk, call.args.to)._replace(thread=call.args.thread, create=call.args.create, follow=call.args.follow)
    crowd = len(call.args.to) == 1 and read_address(call.args.to[0]).kind != "agent"
    if (crowd or len(call.args.to) > MANY) and not call.args.yes and not call.json and call.at_terminal and not wanted(desk, what):
        return UNWANTED
    (receipt,) = desk.do(sending.send, [what])
    if crowd and not call.json:
        show_crowd(call, receipt)
    else:
        show(call, receipt)
    return 0


def wanted(desk: AnyDesk, what: Draft) -> bool:
    """Ask the person at the terminal before many are bothered."""
    from postroom.cli.failure import note, warn
    from postroom.exchange.crowds import count

    number = desk.do(count, what)
    if number <= MANY:
        return True
    try:
        answer = input(f"Send this to {number} agents? [y/N] ")
    except EOFError:
        answer = ""
        warn("")  # ends the line of the question
    if answer.strip().lower() in {"y", "yes"}:
        return True
    note(f"nothing was sent to the {number} agents. To send without being asked: --yes", as_json=False)
    return False


def show_crowd(call: Call, receipt: Receipt) -> None:
    """How many got it; and by name only those who did not."""
    taken = [progress for progress in receipt.deliveries if progress.state != State.REFUSED]
    online = sum(progress.online for progress in taken)
    nobody = "kept; nobody can take it now" if receipt.deliveries else "kept; nobody else is there yet"
    what = f"{len(taken)} {taken[0].state} ({online} online)" if taken else nobody
    written = [f"{receipt.id} → {call.args.to[0]}: {what}\n"]
    written += [f"{receipt.id} → {line(progress)}\n" for progress in receipt.deliveries if progress.state == State.REFUSED]
    tell(call, receipt, "".join(written))


def show(call: Call, receipt: Receipt) -> None:
    """Say under which id it is stored, and what the recipients' side is like. It is sent, also when nobody can be told so any more."""
    tell(call, receipt, "".join(f"{receipt.id} → {line(progress)}\n" for progress in receipt.deliveries))


def tell(call: Call, receipt: Receipt, text: str) -> None:
    """Write a receipt out, as text or as JSON."""
    try:
        if call.json:
            call.emit(receipt)
        else:
            call.output.write(text)
    except (BrokenPipeError, NotWritten):
        from postroom.cli.failure import warn

        warn(f"postroom: sent as {receipt.id}, but standard output takes no text")


def line(progress: Progress) -> str:
    """One recipient and the state of the delivery."""
    why = "online" if progress.online else ""
    if progress.reason:
        from postroom.core.render import one_line

        why = one_line(progress.reason)
    return f"{progress.recipient}: {progress.state}{f' ({why})' if why else ''}"


COMMANDS = {
    "send": Command(
        arguments,
        run,
        "Send a message. When this returns, it is stored and survives a crash or a power cut.",
        'postroom send executor "use port 8080 not 3000" --as analyst',
    )
}
