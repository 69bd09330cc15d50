"""`postroom watch`: what happens, as it happens. Shows messages and what becomes of them; consumes nothing."""

from __future__ import annotations

from time import time

from postroom.cli.call import Call
from postroom.cli.command import Command
from postroom.cli.failure import note
from postroom.cli.output import STDOUT
from postroom.cli.parsing import Parser, count
from postroom.cli.patience import stay
from postroom.cli.showing import STATE_COLOURS, message_text, moment, name_of
from postroom.core.message import Kind, Message, State
from postroom.core.render import one_line
from postroom.core.types import TYPE_CHECKING
from postroom.exchange.desk import NOBODY, Desk
from postroom.exchange.watching import Change, Feed, Sieve

if TYPE_CHECKING:
    from postroom.places import AnyDesk
    from postroom.remote.feed import RemoteFeed

POLL_MS = 200
"""How often the store is asked whether anything changed, by a number that costs 3 µs to read."""


def arguments(parser: Parser) -> None:
    """The arguments of `watch`."""
    parser.add_argument("--agent", dest="only", metavar="NAME", help="only what this agent sends or gets")
    parser.add_argument("--thread", metavar="ID", help="only this thread")
    parser.add_argument("--kind", choices=[kind.value for kind in Kind], help="only messages of this kind")
    parser.add_argument("--last", metavar="N", type=count, help="begin with the newest N messages")


def run(call: Call) -> None:
    """Show what happens until nobody looks any more."""
    args = call.args
    desk = call.viewing_desk()
    last = call.number("--last", desk.config.limits.page, "page") if args.last is not None else 0
    feed = feed_of(desk, Sieve(args.only, args.thread, args.kind), last)
    if desk.agent is NOBODY:
        note("only what is said in public rooms is shown: say who you are with --as NAME, or watch from a terminal", as_json=call.json)
    stay()
    while True:
        for news in feed.news():
            show(call, news)
        wait()


def feed_of(desk: AnyDesk, sieve: Sieve, last: int) -> Feed | RemoteFeed:
    """What happens in the store, or at a node."""
    if isinstance(desk, Desk):
        return Feed(desk, sieve, last=last)
    from postroom.remote.finding import feed_at

    return feed_at(desk, sieve, last=last)


def show(call: Call, news: Message | Change) -> None:
    """A message, or a change of its state."""
    if isinstance(news, Message):
        if call.json:
            call.emit({"event": "message", "message": news})
        else:
            call.output.write(message_text(news, call.output))
        return
    if call.json:
        call.emit({"event": "state"} | news._asdict())
        return
    state = call.output.paint(news.state, STATE_COLOURS.get(State(news.state), "dim"))
    reason = f" ({one_line(news.reason)})" if news.reason else ""
    at = moment(round(time() * 1000) if news.at_ms is None else news.at_ms)
    call.output.write(
        f"{call.output.paint(news.id, 'bold')}  {name_of(call.output, news.recipient)}: {state}{reason}  {call.output.paint(at, 'dim')}\n"
    )


def wait() -> None:
    """Let a moment pass. Raises BrokenPipeError when nobody reads our output any more."""
    from select import POLLERR, poll

    poller = poll()
    poller.register(STDOUT, 0)
    if any(events & POLLERR for _, events in poller.poll(POLL_MS)):
        raise BrokenPipeError


COMMANDS = {
    "watch": Command(
        arguments,
        run,
        "A live feed of what is sent and read: yours, that of public rooms; for the person at a terminal all. Ends with Ctrl-C.",
        "postroom watch --agent executor --last 10",
    )
}
