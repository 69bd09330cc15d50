"""Sessions: a thread with a handshake. Every act is a message, allowed or not by the table in core/session.py."""

from __future__ import annotations

from collections.abc import Sequence

from postroom.core.address import Name
from postroom.core.errors import AmbiguousId, BadValue, NoSuchPeer, NoSuchRecipient, NoSuchSession, NotYourTurn
from postroom.core.message import Draft, Kind, Letter, MessageRef, Receipt, Seq, check_text, checked, id_text
from postroom.core.session import IMPOSSIBLE, SessionState, SessionView, Side, after, in_words
from postroom.core.types import NamedTuple
from postroom.exchange import notices, sending
from postroom.exchange.desk import HUMAN_AGENT, POSTROOM_PROVENANCE, Desk, Posting
from postroom.exchange.lookup import choices, own_id, resolve
from postroom.exchange.outbox import Author, Crowd, Mailbox, Outbox, Place
from postroom.store import agents, messages, waits
from postroom.store import sessions as stored
from postroom.store.database import Database
from postroom.store.deliveries import Handed
from postroom.store.sessions import Offer

OVER = " Open a new one: postroom session open."
ADVICE = {
    (SessionState.OFFERED, Side.OPENER): " The other side has not answered yet.",
    (SessionState.OFFERED, Side.PEER): " Accept it first: postroom session accept.",
    **{(state, side): OVER for state in (SessionState.DECLINED, SessionState.LAPSED, SessionState.CLOSED) for side in Side},
}


def open_session(desk: Desk, draft: Draft, *, claim: bool = False) -> Receipt:
    """Offer a session: SYN, whose body is the task and whose `reply_within` is the time for the handshake.

    The other side accepts, declines, is set to accept by itself, or lets the offer lapse. With `claim` the answer comes to this process.
    """
    limits = desk.config.limits
    letter = checked(draft, limits, now_ms=desk.now_ms(), kind=Kind.SYN)
    with desk.posting(safe=True) as posting:
        outbox = Outbox(posting)
        peers = [peer(outbox, address.name) for address in letter.to]
        if len(peers) > 1 or peers[0].agent == desk.agent.id:
            raise BadValue(name="to", value=draft.to, why="a session is with one other agent")
        if draft.id is not None and (receipt := sending.earlier(outbox, letter)):
            return receipt
        begun = sending.or_held(outbox, sending.unthreaded(outbox, Crowd("", peers), hidden=bool(outbox.ghost or peers[0].ghost)))
        sending.paced(outbox, peers, begun)
        receipt = outbox.put(outbox.author, letter._replace(reply_by_ms=None), peers, place=begun)
        root = outbox.last.seq
        if claim:
            waits.claim(posting.database, desk.agent.id, root, posting.provenance())
        place = Place(root, receipt.id, root, hidden=bool(outbox.last.hidden))
        if begun.held is None and accepts_by_itself(posting.database, peers[0].agent):
            accepted = Letter((), Draft(""), Kind.SYN_ACK)
            outbox.put(Author(peers[0].agent, POSTROOM_PROVENANCE), accepted, [outbox.mailbox(desk.agent.id)], place=place)
            watch_idleness(posting, root)
        else:
            lapses_ms = letter.reply_by_ms or posting.now_ms + limits.handshake_ms
            waits.set_timer(posting.database, waits.Timer(lapses_ms, "handshake", root))
        outbox.write()
    return receipt


def accepts_by_itself(database: Database, agent: int) -> bool:
    """Whether an agent has said that it accepts offers, and a human has not paused it."""
    from postroom.store import held  # costs a reader of mail time

    return bool(agents.by_id(database, agent).auto_accept) and held.why_paused(database, agent) is None


class Begun(NamedTuple):
    """A session that goes on with this process: the number by which its claim is known here, and how it stands."""

    root: int
    view: SessionView


def offer(desk: Desk, draft: Draft) -> Begun:
    """Offer a session whose answer comes to this process."""
    root = root_of(desk, open_session(desk, draft, claim=True))
    return Begun(root, show(desk, root))


def begin(desk: Desk, id: MessageRef) -> Begun:
    """Accept an offered session: what the other side says comes to this process."""
    accept(desk, id, claim=True)
    root = Seq(find(desk, id).root)
    return Begun(root, show(desk, root))


def resume(desk: Desk, id: MessageRef) -> Begun:
    """Go on with a session: what the other side says comes to this process."""
    root = Seq(find(desk, id).root)
    with desk.posting() as posting:
        waits.claim(posting.database, desk.agent.id, root, posting.provenance())
    return Begun(root, show(desk, root))


def peer(outbox: Outbox, name: Name) -> Mailbox:
    """The mailbox of the agent that a session is offered to. Raises NoSuchPeer with close names."""
    try:
        return sending.recipient(outbox, name, create=False)
    except NoSuchRecipient as error:
        raise NoSuchPeer(**error.facts) from None


def accept(desk: Desk, id: MessageRef, *, claim: bool = False) -> Receipt:
    """Accept an offered session. With `claim` what the other side says then comes to this process."""
    return act(desk, id, Kind.SYN_ACK, Draft(""), claim=claim)


def decline(desk: Desk, id: MessageRef, reason: str) -> Receipt:
    """Decline an offered session, with a reason for the other side."""
    check_text("reason", reason, desk.config.limits.body_bytes, "body_bytes")
    if not reason.strip():
        raise BadValue(name="reason", value=reason, why="the other side wants to know why")
    return act(desk, id, Kind.SYN_NACK, Draft("", reason))


def say(desk: Desk, id: MessageRef, draft: Draft) -> Receipt:
    """Send DATA in an open session. The draft's `to` and `thread` are those of the session."""
    return act(desk, id, Kind.DATA, draft)


def close(desk: Desk, id: MessageRef) -> Receipt:
    """Say FIN. The other side still reads what was sent before; when it has read the FIN, FIN-ACK comes back by itself."""
    return act(desk, id, Kind.FIN, Draft(""))


def act(desk: Desk, id: MessageRef, kind: Kind, draft: Draft, *, claim: bool = False) -> Receipt:
    """Send one message of a session. Raises NoSuchSession, and NotYourTurn when the state of the session does not allow it."""
    limits = desk.config.limits
    with desk.reading() as database:
        found = find(desk, id)
        other = agents.by_id(database, found.other(desk.agent.id))
    letter = checked(draft._replace(to=other.name), limits, now_ms=desk.now_ms(), kind=kind)
    letter = letter._replace(files=sending.keep_files(desk, draft))
    with desk.posting(safe=True) as posting:
        outbox = Outbox(posting)
        if draft.id is not None and (receipt := sending.earlier(outbox, letter)):
            return receipt
        check_turn(posting, found, kind)
        if kind is Kind.DATA:
            to = Crowd("", [outbox.mailbox(other.id)])
            answered = None if draft.reply_to is None else resolve(posting.database, draft.reply_to, desk.agent)
            place = sending.placed(outbox, draft._replace(thread=Seq(found.root)), answered, to, hidden=bool(found.hidden))
            receipt = sending.deliver(outbox, letter, to, place)
        else:
            receipt = control(outbox, found, letter)
        if claim:
            waits.claim(posting.database, desk.agent.id, found.root, posting.provenance())
        outbox.write()
    return receipt


def control(outbox: Outbox, found: Offer, letter: Letter) -> Receipt:
    """Put down a message that changes the state of a session. Not held or slowed by any budget: an end must always be possible.

    Raises Paused for an answer to an offer: that of a paused agent waits until it may speak, or lapses.
    """
    posting = outbox.posting
    answers = letter.kind in {Kind.SYN_ACK, Kind.SYN_NACK}
    if answers:
        from postroom.exchange.pausing import check_free  # costs a reader of mail time

        check_free(posting.database, posting.desk.agent.id)
        syn = messages.parent(posting.database, found.root)
        sending.note_answer(posting, syn, by=posting.desk.agent.id)
    if letter.kind is Kind.SYN_ACK:
        watch_idleness(posting, found.root)
    place = Place(found.root, found.id, found.root if answers else None, hidden=bool(found.hidden))
    other = outbox.mailbox(found.other(posting.desk.agent.id))
    return outbox.put(outbox.author, letter, [other], place=place)


def acknowledge(posting: Posting, handed: Sequence[Handed]) -> None:
    """Answer each FIN that was read with FIN-ACK, once, even if it was handed over twice and confirmed so."""
    roots = {one.root for one in handed if one.message.kind is Kind.FIN}
    if not roots:
        return
    outbox = Outbox(posting)
    for root in sorted(roots):
        found = stored.offer(posting.database, root)
        assert found is not None, "FIN is said in sessions only"
        if after(stored.state(posting.database, found), found.side(posting.desk.agent.id), Kind.FIN_ACK):
            control(outbox, found, Letter((), Draft(""), Kind.FIN_ACK))
    outbox.write()


def lapse(outbox: Outbox, found: Offer, what: str, **facts: str) -> Receipt:
    """End a session in the name of the post room, and tell both sides why."""
    view = stored.view(outbox.posting.database, found)
    body = notices.WORDS[what].format(id=found.id, opener=view.opener, peer=view.peer, **facts)
    sides = [outbox.mailbox(found.opener), outbox.mailbox(found.peer)]
    place = Place(found.root, found.id, reply_to=found.root, hidden=bool(found.hidden))
    return outbox.put(notices.POSTROOM, notices.letter(body, what, Kind.LAPSE), sides, place=place)


def check_turn(posting: Posting, found: Offer, kind: Kind) -> None:
    """Raise NotYourTurn unless the table allows this message now."""
    state, side = stored.state(posting.database, found), found.side(posting.desk.agent.id)
    if after(state, side, kind) is None:
        opener, peer = ("you", "the other side") if side is Side.OPENER else ("the other side", "you")
        standing = in_words(state, opener=opener, peer=peer)
        advice = ADVICE.get((state, side), "")
        raise NotYourTurn(session=found.id, state=state, standing=standing, act=kind, impossible=IMPOSSIBLE[kind], advice=advice)


def watch_idleness(posting: Posting, root: int) -> None:
    """Let the warden look whether a session has been forgotten."""
    waits.set_timer(posting.database, waits.Timer(posting.now_ms + posting.desk.config.limits.session_idle_ms, "idle", root))


def find(desk: Desk, id: MessageRef) -> Offer:
    """The session of the desk's agent with that id, or with a message of that id. Raises NoSuchSession, AmbiguousId."""
    referred = messages.referred(desk.database, id, desk.agent.id)
    offers = {parent.root: stored.offer(desk.database, parent.root) for parent in referred}
    found = [offer for offer in offers.values() if offer is not None and desk.agent.id in (offer.opener, offer.peer)]
    if not found:
        raise NoSuchSession(id=id_text(id), agent=desk.agent.name)
    if len(found) > 1:
        raise AmbiguousId(id=id_text(id), choices=choices(id, [stored.view(desk.database, offer).opener for offer in found]))
    return found[0]


def root_of(desk: Desk, receipt: Receipt) -> Seq:
    """The first message of the session that the desk's agent has just offered."""
    with desk.reading():
        return Seq(find(desk, own_id(desk.agent, receipt)).root)


def state(desk: Desk, root: int) -> SessionState:
    """Where the session stands that goes on here under a number."""
    with desk.reading() as database:
        found = stored.offer(database, root)
        assert found is not None, "who asks has the session"
        return stored.state(database, found)


def show(desk: Desk, id: MessageRef) -> SessionView:
    """How a session stands."""
    with desk.reading() as database:
        return stored.view(database, find(desk, id))


def list_sessions(desk: Desk) -> list[SessionView]:
    """The sessions of the desk's agent, oldest first; for the human those of everybody."""
    with desk.reading() as database:
        return [
            stored.view(database, offer) for offer in stored.of_agent(database, None if desk.agent.id == HUMAN_AGENT else desk.agent.id)
        ]
