"""What waits for a person, who deals with it in any order: looks, decides about a request, or puts something aside as read."""

from __future__ import annotations

from collections.abc import Sequence

from postroom.core.decision import answer_of
from postroom.core.message import Draft, Kind, Message, MessageRef, Receipt, State
from postroom.core.types import NamedTuple
from postroom.exchange import reading, sending, sessions
from postroom.exchange.desk import Desk
from postroom.exchange.lookup import readable_room, resolve
from postroom.exchange.tracing import check_page, message
from postroom.store import attending as stored
from postroom.store import deliveries, messages

TALK = frozenset({Kind.SYN_ACK, Kind.DATA, Kind.FIN, Kind.FIN_ACK})


class Request(NamedTuple):
    """A message that waits for the desk's agent, and whether its sender still waits for an answer."""

    message: Message
    state: State
    awaited: bool


def requests(desk: Desk, *, limit: int = 200) -> list[Request]:
    """What waits for the desk's agent, newest first: unread messages, and questions that were read and not answered."""
    check_page(desk, limit)
    with desk.reading() as database:
        waiting = stored.waiting(database, desk.agent.id, limit=limit)
        shown = messages.messages(database, f"WHERE m.seq IN ({','.join(str(one.seq) for one in waiting)}) ORDER BY m.seq DESC", ())
        return [Request(what, State(one.state), one.awaited) for one, what in zip(waiting, shown, strict=True)]


def decide(desk: Desk, id: MessageRef, decision: str, *, text: str = "") -> Receipt:
    """Answer a request: `accept` it, `edit` it (what to do instead), `respond`, or `deny` it with a reason.

    The answer's subject says which: accepted, edited, answered, denied. The offer of a session is accepted or declined.
    Raises BadValue, NoSuchMessage, NotYourTurn.
    """
    subject, body = answer_of(decision, text)
    request = message(desk, id)
    match request.kind, subject:
        case Kind.SYN, "accepted":
            return sessions.accept(desk, id)
        case Kind.SYN, _:
            return sessions.decline(desk, id, body)
        case kind, _ if kind in TALK:
            return sessions.say(desk, id, Draft("", body, subject, reply_to=id))
        case _:
            return sending.send(desk, [Draft("", body, subject, reply_to=id)])[0]


def dismiss(desk: Desk, ids: Sequence[MessageRef] = (), *, room: str | None = None) -> int:
    """Put messages aside as read: single ones, or all of a room. Returns how many those were; what is read already is none of them."""
    with desk.posting() as posting:
        database, me, now_ms = posting.database, desk.agent, posting.now_ms
        handed = [one for id in ids for one in stored.of_message(database, me.id, resolve(database, id, me), now_ms=now_ms)]
        if room is not None:
            handed += stored.of_room(database, me.id, readable_room(database, room, me.id).id, now_ms=now_ms)
        handed = list({one.delivery: one for one in handed}.values())
        if handed:
            holder, lease_ms = posting.provenance(), now_ms + desk.config.limits.lease_ms
            deliveries.hand(database, handed, holder=holder, lease_ms=lease_ms, now_ms=now_ms)
            reading.settle(posting, handed)
    return len(handed)
