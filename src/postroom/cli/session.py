"""`postroom session …`: sessions across processes. What the other side says in one comes to the inbox like everything else."""

from __future__ import annotations

from postroom.cli.call import Call
from postroom.cli.command import Command
from postroom.cli.parsing import Parser, duration
from postroom.cli.send import draft, show, text_arguments
from postroom.cli.showing import moment
from postroom.core.message import Draft
from postroom.core.render import counted, one_line
from postroom.core.session import LIVE, SessionView, in_words
from postroom.exchange import sessions


def open_arguments(parser: Parser) -> None:
    """The arguments of `session open`."""
    parser.add_argument("to", metavar="TO", help="the other agent")
    parser.add_argument("task", metavar="TASK", help="what the session is for")
    parser.add_argument("--timeout", metavar="SECONDS", type=duration, help="how long to wait; default: the limit handshake_ms")
    parser.add_argument("--no-wait", action="store_true", help="offer it and go; the answer comes to the inbox")


def id_argument(parser: Parser) -> None:
    """The session."""
    parser.add_argument("session", metavar="ID", help="the session")


def decline_arguments(parser: Parser) -> None:
    """The arguments of `session decline`."""
    id_argument(parser)
    parser.add_argument("reason", metavar="REASON", help="why, for the other side")


def send_arguments(parser: Parser) -> None:
    """The arguments of `session send`."""
    id_argument(parser)
    text_arguments(parser)


def list_arguments(parser: Parser) -> None:
    """The arguments of `session list`."""
    parser.add_argument("--live", action="store_true", help="only those that are not over")


def open_one(call: Call) -> None:
    """Offer a session."""
    args, desk = call.args, call.desk_of_sender()
    if args.no_wait:
        receipt = desk.do(sessions.open_session, Draft(args.to, args.task, reply_within=args.timeout))
        show_own(call, receipt.id)
        return
    with call.connected() as agent:
        session = agent.session(args.to, args.task, timeout=args.timeout)
        show_own(call, session.id)


def accept(call: Call) -> None:
    """Accept an offered session."""
    call.desk().do(sessions.accept, call.args.session)
    show_own(call, call.args.session)


def decline(call: Call) -> None:
    """Decline an offered session."""
    call.desk().do(sessions.decline, call.args.session, call.args.reason)
    show_own(call, call.args.session)


def send(call: Call) -> None:
    """Say something in a session."""
    show(call, call.desk().do(sessions.say, call.args.session, draft(call, call.desk(), [""])))


def close(call: Call) -> None:
    """Say FIN. The other side still reads everything before it."""
    call.desk().do(sessions.close, call.args.session)
    show_own(call, call.args.session)


def list_all(call: Call) -> None:
    """Those of the agent that calls, or all."""
    desk = call.viewing_desk()
    found = desk.do(sessions.list_sessions)
    found = [view for view in found if view.state in LIVE or not call.args.live]
    if not found:
        call.nothing("there are no sessions that go on" if call.args.live else "there are no sessions")
    for view in found:
        show_view(call, view, me=desk.agent.name if call.named else None)


def show_own(call: Call, id: str) -> None:
    """A session of the agent that calls."""
    show_view(call, call.desk().do(sessions.show, id), me=call.desk().agent.name)


def show_view(call: Call, view: SessionView, *, me: str | None) -> None:
    """A session on one line, as one of its sides sees it, or somebody else."""
    if call.json:
        call.emit(view)
        return
    paint = call.output.paint
    opener, peer = ("you" if name == me else name for name in (view.opener, view.peer))
    state = paint(f"{in_words(view.state, opener=opener, peer=peer):<20}", "green" if view.state in LIVE else "dim")
    numbers = f"{counted(view.messages, 'message')}, last {moment(view.active_ms)}"
    reason = f"  ({one_line(view.reason)})" if view.reason else ""
    call.output.write(f"{paint(view.id, 'bold')}  {state}  {view.opener} → {view.peer}  {one_line(view.task)}  {numbers}{reason}\n")


COMMANDS = {
    "session open": Command(
        open_arguments,
        open_one,
        "Offer a session with a task, and wait until the other side accepts or declines. The session outlives this command.",
        'postroom session open executor "review PR 42" --as analyst',
    ),
    "session accept": Command(id_argument, accept, "Accept an offered session.", "postroom session accept 12 --as executor"),
    "session decline": Command(
        decline_arguments,
        decline,
        "Decline an offered session, with a reason for the other side.",
        'postroom session decline 12 "no access to that repository" --as executor',
    ),
    "session send": Command(send_arguments, send, "Say something in an open session.", 'postroom session send 12 "see auth/" --as analyst'),
    "session close": Command(
        id_argument,
        close,
        "Close a session. What was said before still arrives; when the other side has read it, the session is closed.",
        "postroom session close 12 --as analyst",
    ),
    "session list": Command(
        list_arguments,
        list_all,
        "List your sessions, oldest first; for the person at a terminal those of everybody.",
        "postroom session list --live --as analyst",
    ),
}
