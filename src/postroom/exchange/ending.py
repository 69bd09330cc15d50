"""Sessions as a person deals with them: offers one without waiting, and ends one, also between others."""

from __future__ import annotations

from postroom.core.errors import AmbiguousId, BadValue, NoSuchSession, NotYourTurn
from postroom.core.message import Draft, Kind, MessageRef, Receipt, Seq, check_text, id_text
from postroom.core.session import LIVE, in_words
from postroom.exchange import sessions
from postroom.exchange.desk import HUMAN_AGENT, Desk
from postroom.exchange.lookup import choices
from postroom.exchange.outbox import Outbox
from postroom.store import messages
from postroom.store import sessions as stored
from postroom.store.database import Database
from postroom.store.sessions import Offer


def offer(desk: Desk, to: str, task: str) -> Receipt:
    """Offer a session, and do not wait for the answer: it shows in the state of the session."""
    return sessions.open_session(desk, Draft(to, task))


def end(desk: Desk, id: MessageRef, reason: str = "") -> Receipt:
    """End a session at once, for the human: in the name of the post room, with a reason for both sides. One's own is closed by FIN.

    Raises NoSuchSession, AmbiguousId; NotYourTurn when it is over.
    """
    check_text("reason", reason, desk.config.limits.description_bytes, "description_bytes")
    with desk.reading() as database:
        found = session(database, desk, id)
    if desk.agent.id in (found.opener, found.peer):
        return sessions.close(desk, Seq(found.root))
    if not reason.strip():
        raise BadValue(name="reason", value=reason, why="both sides want to know why")
    with desk.posting(safe=True) as posting:
        outbox, view = Outbox(posting), stored.view(posting.database, found)
        if view.state not in LIVE:
            standing = in_words(view.state, opener=view.opener, peer=view.peer)
            raise NotYourTurn(
                session=found.id, state=view.state, standing=standing, act=Kind.LAPSE, impossible="it cannot be ended", advice=""
            )
        receipt = sessions.lapse(outbox, found, "session-ended", reason=reason)
        outbox.write()
    return receipt


def session(database: Database, desk: Desk, id: MessageRef) -> Offer:
    """The session with that id, or with a message of that id: for the human anybody's, for others their own."""
    roots = {parent.root: parent for parent in messages.referred(database, id, desk.agent.id)}
    found = [offered for root in roots if (offered := stored.offer(database, root)) is not None]
    if desk.agent.id != HUMAN_AGENT:
        found = [offered for offered in found if desk.agent.id in (offered.opener, offered.peer)]
    if not found:
        raise NoSuchSession(id=id_text(id), agent=desk.agent.name)
    if len(found) > 1:
        raise AmbiguousId(id=id_text(id), choices=choices(id, [stored.view(database, offered).opener for offered in found]))
    return found[0]
