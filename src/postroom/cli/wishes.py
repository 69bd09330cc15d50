"""What a message asks its reader to do, as the command that does it: for people who read their mail at the command line."""

from __future__ import annotations

from postroom.cli.call import Call
from postroom.core.message import Kind, Message
from postroom.core.render import one_line
from postroom.core.session import SessionState
from postroom.exchange import sessions

ARROW = "  ↳ "


def wish_text(call: Call, message: Message) -> str:
    """The line below a message that wants something, or nothing."""
    commands = [f"postroom {command}{same_caller(call)}" for command in answers(call, message)]
    return f"{call.output.paint(ARROW + '   or   '.join(commands), 'dim')}\n" if commands else ""


def answers(call: Call, message: Message) -> list[str]:
    """The verbs with which to answer a message, if it is still to be answered."""
    reply_to = f" --reply-to {message.id}" if message.expects_reply else ""
    if message.kind is Kind.MESSAGE and reply_to:
        return [f'send {message.sender} "…"{reply_to}']
    if message.kind not in {Kind.SYN, Kind.DATA}:
        return []
    view = call.desk().do(sessions.show, message)
    match message.kind, view.state:
        case Kind.SYN, SessionState.OFFERED:
            return [f"session accept {view.id}", f'session decline {view.id} "why"']
        case Kind.DATA, SessionState.OPEN:
            return [f'session send {view.id} "…"{reply_to}']
        case _:
            return []


def same_caller(call: Call) -> str:
    """The options that say who calls and where, as far as this call needed them."""
    who = f" --as {call.desk().agent.name}" if call.args.agent else ""
    where = [(option, value) for option, value in (("--home", call.args.home), ("--url", call.args.url)) if value]
    if not where:
        return who
    from shlex import quote

    return who + "".join(f" {option} {one_line(quote(value))}" for option, value in where)
