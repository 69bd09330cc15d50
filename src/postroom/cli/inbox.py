"""`postroom inbox`: what is printed is confirmed only after it was really written out; what could not be written stays unread."""

from __future__ import annotations

from collections.abc import Sequence

from postroom.cli.call import Call
from postroom.cli.command import Command
from postroom.cli.parsing import Parser, count, seconds
from postroom.core.message import Message
from postroom.exchange import reading
from postroom.exchange.desk import Desk


def arguments(parser: Parser) -> None:
    """The arguments of `inbox`."""
    parser.add_argument("--wait", metavar="SECONDS", type=seconds, help="wait so long for a message if there is none")
    parser.add_argument("--follow", action="store_true", help="go on for ever, or until nothing has come for --wait seconds")
    parser.add_argument("--peek", action="store_true", help="look without marking anything as read")
    parser.add_argument("--limit", metavar="N", type=count, default=100, help="at most so many messages; default: 100")


def run(call: Call) -> None:
    """Print what waits, then confirm it."""
    desk = call.desk_of_reader()
    limits = desk.config.limits
    call.number("--limit", *((limits.page, "page") if call.args.peek else (limits.batch, "batch")))
    if call.args.peek:
        show(call, desk.do(reading.peek, limit=call.args.limit))
    elif call.args.follow:
        follow(call)
    elif not isinstance(desk, Desk):  # a node must know who has what in hand, to give it again if this process dies
        take_waiting(call, otherwise="nothing came" if call.args.wait else "nothing is waiting")
    elif not take_once(call, desk) and call.args.wait:
        take_waiting(call)


def take_once(call: Call, desk: Desk) -> bool:
    """Print and confirm what waits now. Says whether there was anything, or whether nobody wants to wait for it."""
    handed = reading.take(desk, limit=call.args.limit, lease_ms=reading.SHORT_LEASE_MS)
    if not handed and call.args.wait:
        return False
    try:
        show(call, [one.message for one in handed])
    except BaseException:
        reading.give_back(desk, handed)
        raise
    reading.confirm(desk, handed)
    tell_of_more(call, len(handed) == call.args.limit and reading.anything(desk))
    if not handed:
        call.hint("nothing is waiting")
    do_chores(desk)
    return True


def tell_of_more(call: Call, there_is: bool) -> None:  # noqa: FBT001  # what was just found out
    """Tell people and scripts that the limit left some for later."""
    if there_is:
        from postroom.cli.failure import note

        note("more is waiting: run it again", as_json=call.json)


def take_waiting(call: Call, otherwise: str = "nothing came") -> None:
    """Wait for messages; then print and confirm them."""
    with call.connected() as agent:
        batch = agent.take(call.args.limit, wait=call.args.wait or 0)
        show(call, batch)
        agent.confirm(batch)
        tell_of_more(call, len(batch) == call.args.limit and bool(agent.peek(1)))
    if not batch:
        call.hint(otherwise)


def follow(call: Call) -> None:
    """Print messages as they come. Each is confirmed when the next one is waited for."""
    with call.connected() as agent:
        for message in agent.inbox(wait=call.args.wait):
            show(call, [message])


def show(call: Call, messages: Sequence[Message]) -> None:
    """Write messages out."""
    if call.json:
        for message in messages:
            call.emit(message)
    elif messages:
        from postroom.cli.showing import message_text
        from postroom.cli.wishes import wish_text

        call.output.write("".join(message_text(message, call.output) + wish_text(call, message) for message in messages))


def do_chores(desk: Desk) -> None:
    """Do the warden's chores once: where no process stays, messages expire and askers are told all the same."""
    from postroom.warden import Warden

    Warden(desk).tend()


COMMANDS = {
    "inbox": Command(
        arguments,
        run,
        "Show what waits for you. What was written out is marked as read; if that fails, it stays unread.",
        "postroom inbox --wait 30 --as executor",
    )
}
