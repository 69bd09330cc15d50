"""The tool `send`: messages to agents, rooms and everyone, answers, questions, and what is said in sessions and about them."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from postroom.core.errors import BadValue, NoSuchSession, PostroomError
from postroom.core.message import Draft, Progress, Receipt, State, Urgency
from postroom.core.render import counted
from postroom.core.session import LIVE, SessionState
from postroom.core.types import TYPE_CHECKING
from postroom.exchange import sessions, tracing
from postroom.mcp.reply import Reply
from postroom.waiting import taking

if TYPE_CHECKING:
    from postroom.core.session import SessionView
    from postroom.mcp.arguments import Arguments
    from postroom.mcp.guest import Guest
    from postroom.store.profiles import Listed
    from postroom.waiting import Steps

WAIT_S_MAX = 50.0
"""The strictest harness gives up on a call after 60 s."""
OFFER_S = 900.0
"""How long an offered session waits for its answer: the other side may be in the middle of a long turn."""
NAMED_MAX = 5
"""So many recipients are told apart by how they are."""
SLEEPERS = frozenset({"gemini-cli", "cursor", "vs-code", "windsurf", "zed", "goose", "amp"})
"""Harnesses in which nothing wakes an idle session."""
SESSIONS = ("open", "accept", "decline", "close")


def send(guest: Guest, given: Arguments) -> Reply | Steps[Reply]:
    """Send a message, or do something about a session."""
    act = given.choice("session", SESSIONS)
    if act:
        return SESSION_ACTS[act](guest, given)
    reply_to = given.id("reply_to")
    session = None if reply_to is None else open_session_of(guest, reply_to)
    if session is not None and "to" not in given:
        return say(guest, given, session)
    return post(guest, given)


def draft(given: Arguments) -> Draft:
    """What is to be sent."""
    to = given.several("to")
    wait = given.number("wait", 0, WAIT_S_MAX)
    if not to and "reply_to" not in given:
        raise BadValue(name="to", value="", why="say to whom: the name of an agent, #room or @all; or reply_to=ID to answer a message")
    body = given.needed("body", "say something")
    return Draft(
        to[0] if len(to) == 1 else tuple(to) if to else "", body, subject=given.text("subject"), reply_to=given.id("reply_to"),
        urgency=given.choice("urgency", tuple(Urgency), "next"), reply_within=wait or None,
    )  # fmt: skip


def post(guest: Guest, given: Arguments) -> Reply | Steps[Reply]:
    """Send a message; with `wait` also wait for an answer."""
    what, wait = following_up(guest, draft(given)), given.number("wait", 0, WAIT_S_MAX)
    if not wait:
        (receipt,) = guest.seat.send([what])
        return Reply(outcome(guest, receipt, what))
    receipt, seq = guest.seat.ask(what)
    return awaiting(guest, seq, wait, outcome(guest, receipt, what))


def following_up(guest: Guest, what: Draft) -> Draft:
    """Who answers a message of its own means those to whom it went."""
    if what.to or what.reply_to is None:
        return what
    with guest.seat.turn as desk:
        answered = desk.do(tracing.message, what.reply_to)
        if answered.sender != desk.agent.name:
            return what
    to = answered.to[0] if len(answered.to) == 1 else answered.to
    return what._replace(to=to, reply_to=None, thread=f"{answered.sender}:{answered.id}")


def awaiting(guest: Guest, seq: int, wait: float, sent: str) -> Steps[Reply]:
    """Wait for the answers that were claimed. A notice that there will be none ends it too."""
    try:
        taken = yield from taking(guest.seat, 1, monotonic() + wait, claim=seq)
    finally:
        guest.seat.let_go(seq)
    if taken:
        return Reply(sent, taken)
    return Reply(f"{sent}; no answer within {wait:g} s: it will come with a later result, inbox(wait=50) waits on")


# Sessions


def open_session_of(guest: Guest, id: str) -> SessionView | None:
    """The session that goes on and that a message belongs to; None if it belongs to none."""
    with guest.seat.turn as desk:
        try:
            view = desk.do(sessions.show, id)
        except NoSuchSession:
            return None
    return view if view.state is not SessionState.OFFERED and view.state in LIVE else None


def say(guest: Guest, given: Arguments, view: SessionView) -> Reply | Steps[Reply]:
    """Say something in a session; with `wait` also wait for what the other side says next."""
    what, wait, seat = draft(given), given.number("wait", 0, WAIT_S_MAX), guest.seat
    what, session = what._replace(reply_within=None), f"{view.opener}:{view.id}"
    if not wait:
        return Reply(said(seat.say(session, what), view))
    with seat.turn as desk:
        root = desk.do(sessions.resume, session).root
        try:
            receipt = seat.say(session, what)
        except PostroomError:
            seat.let_go(root)
            raise
    return awaiting(guest, root, wait, said(receipt, view))


def said(receipt: Receipt, view: SessionView) -> str:
    """What was said in which session."""
    return f"sent {receipt.id} to {receipt.deliveries[0].recipient} in session {view.id}"


def open_session(guest: Guest, given: Arguments) -> Reply | Steps[Reply]:
    """Offer a session; with `wait` also wait for the answer."""
    to, wait = given.needed("to", "the agent with whom you want a session"), given.number("wait", 0, WAIT_S_MAX)
    what = Draft(to, given.needed("body", "the task of the session"), reply_within=OFFER_S)
    with guest.seat.turn as desk:
        if not wait:
            id = desk.do(sessions.open_session, what).id
            guest.seat.after_sending()
            return Reply(f"offered session {id} to {to}; whether it is accepted comes with a later result")
        begun = desk.do(sessions.offer, what)
        guest.seat.after_sending()
    return awaiting(guest, begun.root, wait, f"offered session {begun.view.id} to {to}")


def accept(guest: Guest, given: Arguments) -> Reply:
    """Accept an offered session; what is given as body is the first thing said in it."""
    id = given.needed_id("reply_to", "the id of the offer")
    with guest.seat.turn as desk:
        desk.do(sessions.accept, id)
        view = desk.do(sessions.show, id)
        guest.seat.after_sending()
    if "body" in given:
        guest.seat.say(id, Draft("", given.text("body")))
    return Reply(f'session {view.id} with {view.opener} is open; talk with send(reply_to="{view.id}", body=...)')


def decline(guest: Guest, given: Arguments) -> Reply:
    """Decline an offered session."""
    id = given.needed_id("reply_to", "the id of the offer")
    with guest.seat.turn as desk:
        desk.do(sessions.decline, id, given.needed("body", "say why, the other side is told"))
        guest.seat.after_sending()
    return Reply(f"declined session {id}")


def close(guest: Guest, given: Arguments) -> Reply:
    """Close a session; what is given as body is the last thing said in it."""
    id = given.needed_id("reply_to", "the id of the session")
    if "body" in given:
        guest.seat.say(id, Draft("", given.text("body")))
    with guest.seat.turn as desk:
        desk.do(sessions.close, id)
        view = desk.do(sessions.show, id)
        guest.seat.after_sending()
    return Reply(f"closed session {view.id}; what was said in it still arrives")


SESSION_ACTS: dict[str, Callable[[Guest, Arguments], Reply | Steps[Reply]]] = {
    "open": open_session,
    "accept": accept,
    "decline": decline,
    "close": close,
}


# The outcome in words


def outcome(guest: Guest, receipt: Receipt, what: Draft) -> str:
    """What has been sent to whom, and when they will see it."""
    refused = [f"{one.recipient} did not take it: {one.reason}" for one in receipt.deliveries if one.state is State.REFUSED]
    taken = [one for one in receipt.deliveries if one.state is not State.REFUSED]
    if taken and all(one.state is State.HELD for one in taken):
        return f"{receipt.id} is held until a human has looked at it: {taken[0].reason}"
    if taken and all(one.state is State.ACCEPTED for one in taken):
        return f"{receipt.id} is kept here and goes on by itself later ({taken[0].reason})"
    crowd = crowd_of(guest, receipt, what)
    if crowd or len(taken) > NAMED_MAX:
        online = sum(one.online for one in taken)
        sent = f"sent {receipt.id} to {crowd or 'them'}: {counted(len(taken), 'agent')}, {online} online"
    else:
        listed = {one.name: one for one in guest.agent.agents()}
        told = [f"{one.recipient}, {standing(one, listed.get(one.recipient), what.urgency)}" for one in taken]
        sent = f"sent {receipt.id} to {', '.join(told)}"
    return "; ".join([sent, *refused])


def crowd_of(guest: Guest, receipt: Receipt, what: Draft) -> str:
    """The room, or everyone, to whom something went; "" for agents. An answer that names nobody goes where the message came from."""
    to = what.to
    if not to:
        with guest.seat.turn as desk:
            to = desk.do(tracing.message, f"{desk.agent.name}:{receipt.id}").to[0]
    return to if isinstance(to, str) and to.lstrip().startswith(("#", "@")) else ""


def standing(progress: Progress, listed: Listed | None, urgency: str) -> str:
    """How a recipient is, and when it will see the message. Hidden ones are not listed."""
    if not progress.online:
        return "who is offline: it waits in the mailbox"
    status, harness = (listed.status, listed.harness) if listed else ("online", "")
    if urgency == Urgency.INFO:
        return f"who is {status} and sees it with other mail"
    if status == "idle":
        return "who is idle and sees it in its next turn" if harness in SLEEPERS else "who is idle and will be woken"
    return f"who is {status} and sees it {'at its next step' if urgency == Urgency.NOW else 'soon'}"
