"""The verbs of a seat: what the SDK needs, when its seat is at this node, to be the same as in the store.

The place of a message among all others never leaves the node: what is claimed or was seen is called by handles, which mean nothing else.
"""

from __future__ import annotations

from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from postroom import __version__
from postroom.core.message import Draft, Receipt
from postroom.core.refusals import NoSuchHandle
from postroom.core.session import SessionView
from postroom.exchange import asking, sessions, settling, tracing
from postroom.exchange.desk import Desk
from postroom.exchange.lookup import resolve
from postroom.exchange.sessions import Begun
from postroom.http.drafts import Ref
from postroom.http.lodger import Lodger
from postroom.http.verb import Arguments, Nothing, Verb, act, look, perform
from postroom.http.verbs.messages import IdArguments, Seconds, as_dict
from postroom.places import AnySeat
from postroom.store.events import Told
from postroom.waiting import ROUND_S

if TYPE_CHECKING:
    from postroom.waiting import Steps


class BellArguments(Arguments, frozen=True):
    """How often the bell had rung, and how long one waits for it to ring again."""

    rings: int
    wait: Seconds = 0


class ClaimArguments(Arguments, frozen=True):
    """A claim, by its handle."""

    claim: str


class EventArguments(Arguments, frozen=True):
    """An event, by its handle."""

    event: str


class OnArguments(Arguments, frozen=True):
    """On or off."""

    on: bool


class OfferArguments(Arguments, frozen=True):
    """With whom, about what, within how many seconds it is to be answered, and an id that makes offering again harmless."""

    to: str
    task: str
    within: float | None = None
    id: str | None = None


class RefsArguments(Arguments, frozen=True):
    """Messages, each as `sender:id`."""

    messages: list[str]


async def open_seat(lodger: Lodger, _: Nothing) -> object:
    """Who sits here now."""
    desk = lodger.seat.desk
    return {
        "name": desk.agent.name, "kind": desk.agent.kind, "is_new": desk.is_new, "limits": desk.config.limits._asdict(),
        "version": __version__,
    }  # fmt: skip


def ringing(seat: AnySeat, rings: int, until: float) -> Steps[tuple[int, bool]]:
    """Wait until the bell has rung another number of times, or something waits all the same."""
    while seat.bell.rings == rings:
        left = until - monotonic()
        if left <= 0:
            return rings, False
        if not (yield min(left, ROUND_S)) and seat.look():
            return seat.bell.rings, True
    return seat.bell.rings, False


async def bell(lodger: Lodger, given: BellArguments) -> object:
    """Wait for the bell of the seat."""
    rings, looks = await lodger.go_through(ringing(lodger.seat, given.rings, monotonic() + given.wait))
    return {"rings": rings, "look": looks}


async def claim(lodger: Lodger, given: IdArguments) -> object:
    """Let the answers to a message, or what is said in a session, come to this seat only."""
    return {"claim": lodger.note(await lodger.at_desk(lambda desk: claimed(desk, given.id)))}


def claimed(desk: Desk, id: Ref) -> int:
    """The message that is claimed; for one of a session, its first."""
    with desk.reading() as database:
        parent = resolve(database, id, desk.agent)
    seq = int(parent.seq)
    asking.claim(desk, seq)
    return seq


async def let_go(lodger: Lodger, given: ClaimArguments) -> object:
    """Give a claim up."""
    seq = lodger.noted(given.claim)
    if not isinstance(seq, int):
        raise NoSuchHandle(handle=given.claim[:100])
    lodger.forget([given.claim])
    await lodger.clerk.do(partial(lodger.seat.let_go, seq))
    return None


async def seen(lodger: Lodger, given: EventArguments) -> object:
    """Note that an event was seen, and those before it."""
    told = lodger.noted(given.event)
    if not isinstance(told, Told):
        raise NoSuchHandle(handle=given.event[:100])
    lodger.forget([given.event])
    await lodger.clerk.do(partial(lodger.seat.seen, told))
    return None


async def listen(lodger: Lodger, given: OnArguments) -> object:
    """Let events ring the bell of this seat, or not any more."""
    await lodger.clerk.do(lambda: lodger.seat.listen(on=given.on))
    return None


async def offer(lodger: Lodger, given: OfferArguments) -> object:
    """Offer a session whose answer comes to this seat; do not wait for it."""
    return begun(lodger, await lodger.at_desk(lambda desk: sessions.offer(desk, offered(given))))


def offered(given: OfferArguments) -> Draft:
    """An offer as the exchange takes it."""
    return Draft(given.to, given.task, reply_within=given.within, id=given.id)


async def begin(lodger: Lodger, given: IdArguments) -> object:
    """Accept a session, whose messages come to this seat."""
    return begun(lodger, await lodger.at_desk(lambda desk: sessions.begin(desk, given.id)))


async def go_on(lodger: Lodger, given: IdArguments) -> object:
    """Go on with a session, whose messages come to this seat."""
    return begun(lodger, await lodger.at_desk(lambda desk: sessions.resume(desk, given.id)))


def begun(lodger: Lodger, session: Begun) -> object:
    """A session that goes on here, as the client gets it."""
    return {"claim": lodger.note(int(session.root)), "view": as_dict(session.view)}


VERBS: list[Verb] = [
    perform("seat-open", Nothing, dict[str, object], open_seat, "Take a seat: who it is, and the limits in force.", opens=True),
    perform("bell", BellArguments, dict[str, int | bool], bell, "Wait until something may have come to this seat."),
    perform("claim", IdArguments, dict[str, str], claim, claim),
    perform("let-go", ClaimArguments, None, let_go, let_go),
    perform("seen", EventArguments, None, seen, seen),
    perform("listen", OnArguments, None, listen, listen),
    perform("session-offer", OfferArguments, dict[str, object], offer, offer),
    perform("session-begin", IdArguments, dict[str, object], begin, begin),
    perform("session-go-on", IdArguments, dict[str, object], go_on, go_on),
    act(
        "session-open",
        OfferArguments,
        Receipt,
        lambda desk, given: sessions.open_session(desk, offered(given)),
        "Offer a session; the answer comes to the mailbox.",
    ),
    act(
        "accept-offer",
        IdArguments,
        Receipt,
        lambda desk, given: sessions.accept(desk, given.id),
        "Accept a session, whose messages come to the mailbox.",
    ),
    look("session-view", IdArguments, SessionView, lambda desk, given: sessions.show(desk, given.id), sessions.show),
    act("followed", IdArguments, None, lambda desk, given: tracing.follow(desk, given.id), tracing.follow),
    act(
        "settle", RefsArguments, dict[str, list[str]], lambda desk, given: settling.settle(desk, given.messages)._asdict(), settling.settle
    ),
]
