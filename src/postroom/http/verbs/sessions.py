"""Sessions. An open one is kept at the caller's seat: its messages come to `session-receive`, and not to `take`."""

from __future__ import annotations

from postroom.agent import Agent
from postroom.core.errors import TooMany
from postroom.core.message import Message, Receipt
from postroom.core.session import SessionState, SessionView
from postroom.exchange import sessions
from postroom.exchange.desk import Desk
from postroom.http.drafts import Options, Ref
from postroom.http.lodger import Lodger
from postroom.http.verb import Arguments, Nothing, Verb, act, look, perform
from postroom.http.verbs.messages import IdArguments, Seconds, Timeout, by_office
from postroom.line import Line, accepted, offering, resumed
from postroom.session import Session

LINES_MAX = 100


class OpenArguments(Arguments, frozen=True):
    """With whom, and about what."""

    to: str
    task: str
    timeout: Timeout | None = None


class DeclineArguments(Arguments, frozen=True):
    """Which offer, and why not."""

    id: Ref
    reason: str


class SayArguments(Options, frozen=True, kw_only=True):
    """What is said in a session."""

    session: Ref
    body: str


class ReceiveArguments(Arguments, frozen=True):
    """A session, and how long one waits for its next message."""

    session: str
    timeout: Seconds = 60


class CloseArguments(Arguments, frozen=True):
    """A session, and how long one waits for the other side to have read everything."""

    session: Ref
    timeout: Seconds = 5


class SessionArguments(Arguments, frozen=True):
    """A session."""

    session: Ref


async def open_session(lodger: Lodger, given: OpenArguments) -> object:
    """Offer a session, and wait."""
    check_number(lodger)
    return kept(lodger, await lodger.go_through(offering(lodger.seat, given.to, given.task, given.timeout), undo=Line.abandon))


async def accept(lodger: Lodger, given: IdArguments) -> object:
    """Accept an offer."""
    check_number(lodger)
    return kept(lodger, await lodger.clerk.do(lambda: accepted(lodger.seat, given.id), undo=Line.let_go))


async def resume(lodger: Lodger, given: IdArguments) -> object:
    """Go on with a session."""
    check_number(lodger)
    return kept(lodger, await lodger.clerk.do(lambda: resumed(lodger.seat, given.id), undo=Line.let_go))


def check_number(lodger: Lodger) -> None:
    """Raise TooMany if so many sessions are open at this seat that there is no room for another one."""
    if len(lodger.lines) >= LINES_MAX:
        raise TooMany(limit=LINES_MAX, things="sessions open at this seat", limit_name="of a seat")


def kept(lodger: Lodger, line: Line) -> object:
    """Keep an open session."""
    lodger.lines[line.id] = line
    return {"id": line.id, "task": line.task, "peer": line.peer}


async def line_of(lodger: Lodger, id: str) -> Line:
    """An open session; one that was opened at another seat goes on here."""
    if id not in lodger.lines:
        check_number(lodger)
        line = await lodger.clerk.do(lambda: resumed(lodger.seat, id), undo=Line.let_go)
        lodger.lines[id] = line
    return lodger.lines[id]


async def receive(lodger: Lodger, given: ReceiveArguments) -> object:
    """The next message of the other side; the one before is confirmed."""
    line = await line_of(lodger, given.session)
    taken = await lodger.go_through(line.receiving(given.timeout), undo=lodger.seat.give_back)
    return line.hold(taken, given.timeout).message


async def close(lodger: Lodger, given: CloseArguments) -> object:
    """Say FIN, and wait for FIN-ACK if the session is open here."""
    line = lodger.lines.pop(str(given.session), None)
    if line is not None:
        return {"closed": await lodger.go_through(line.closing(given.timeout))}
    await lodger.at_desk(lambda desk: sessions.close(desk, given.session))
    return {"closed": False}


def state(desk: Desk, given: SessionArguments) -> dict[str, SessionState]:
    """Where a session stands."""
    return {"state": sessions.show(desk, given.session).state}


VERBS: list[Verb] = [
    perform("session", OpenArguments, dict[str, str], open_session, Agent.session),
    perform("accept", IdArguments, dict[str, str], accept, Agent.accept),
    act("decline", DeclineArguments, Receipt, lambda desk, given: sessions.decline(desk, given.id, given.reason), Agent.decline),
    perform("resume", IdArguments, dict[str, str], resume, Agent.resume),
    look("sessions", Nothing, list[SessionView], lambda desk, _: sessions.list_sessions(desk), Agent.sessions),
    perform("session-send", SayArguments, Receipt, by_office, Session.send),
    perform("session-receive", ReceiveArguments, Message, receive, Session.receive),
    perform("session-close", CloseArguments, dict[str, bool], close, Session.close),
    look("session-state", SessionArguments, dict[str, SessionState], state, "Where a session stands now."),
]
