"""`postroom history`, `thread` and `search`: finding messages again. Consumes nothing. Who asks sees what it may see."""

from __future__ import annotations

from collections.abc import Sequence
from time import time

from postroom.cli.call import Call
from postroom.cli.command import Command
from postroom.cli.parsing import Parser, count, seconds
from postroom.cli.showing import message_text
from postroom.core.message import Message
from postroom.exchange import tracing


def history_arguments(parser: Parser) -> None:
    """The arguments of `history`."""
    parser.add_argument(
        "peer",
        metavar="AGENT",
        nargs="?",
        help="only what this agent sent or received, with you if you say who you are; or what was said in a #room",
    )
    parser.add_argument("--limit", metavar="N", type=count, default=20, help="how many; default: 20")
    parser.add_argument("--before", metavar="ID", help="only messages before this one")
    parser.add_argument("--since", metavar="SECONDS", type=seconds, help="only those of the last so many seconds")


def thread_arguments(parser: Parser) -> None:
    """The arguments of `thread`."""
    parser.add_argument("id", metavar="ID", help="any message of it")


def search_arguments(parser: Parser) -> None:
    """The arguments of `search`."""
    parser.add_argument("words", metavar="WORD", nargs="+", help='words, "quoted phrases", prefix*, AND, OR, NOT')
    parser.add_argument("--limit", metavar="N", type=count, default=20, help="how many; default: 20")


def history(call: Call) -> None:
    """The newest messages, oldest first."""
    args = call.args
    desk = call.viewing_desk()
    since_ms = 0 if args.since is None else round((time() - args.since) * 1000)
    limit = call.number("--limit", desk.config.limits.page, "page")
    show(
        call,
        desk.do(tracing.history, peer=args.peer, before=args.before, since_ms=since_ms, limit=limit),
        otherwise="there are no such messages",
    )


def thread(call: Call) -> None:
    """A conversation."""
    show(call, call.viewing_desk().do(tracing.thread, call.args.id))


def search(call: Call) -> None:
    """What matches, newest first."""
    desk = call.viewing_desk()
    limit = call.number("--limit", desk.config.limits.page, "page")
    show(call, desk.do(tracing.find, " ".join(call.args.words), limit=limit), otherwise="nothing matches")


def show(call: Call, messages: Sequence[Message], *, otherwise: str = "") -> None:
    """Write messages out, or tell a person why there are none."""
    if not messages:
        call.nothing(otherwise)
    for message in messages:
        if call.json:
            call.emit(message)
        else:
            call.output.write(message_text(message, call.output))


COMMANDS = {
    "history": Command(
        history_arguments,
        history,
        "The newest messages, oldest first: yours, or those of a room that you may read; for the person at a terminal those of everybody.",
        "postroom history executor --limit 5 --as analyst",
    ),
    "thread": Command(thread_arguments, thread, "One conversation from its beginning.", "postroom thread 41 --as analyst"),
    "search": Command(
        search_arguments,
        search,
        "Find messages by their words, newest first: yours, those of rooms that you may read; for the person at a terminal all.",
        "postroom search 'port AND 80*'",
    ),
}
