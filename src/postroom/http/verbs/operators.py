"""What only the person at this machine may do: looking at everything, deciding, pausing and releasing. The scope is admin."""

from __future__ import annotations

from postroom.core.message import Receipt
from postroom.exchange import attending, ending, holding, looking
from postroom.exchange.desk import Desk
from postroom.http.auth import ADMIN, READ
from postroom.http.drafts import Ref
from postroom.http.verb import Arguments, Nothing, Verb, act, look
from postroom.store.held import Held


class OverviewArguments(Arguments, frozen=True):
    """So many minutes back."""

    minutes: int = 60


class TracedArguments(Arguments, frozen=True):
    """Which messages, and how much of each."""

    peer: str | None = None
    before: Ref | None = None
    limit: int = 100
    body_chars: int = looking.BODY_CHARS


class ConversationArguments(Arguments, frozen=True):
    """A message of the thread, and how much of each message."""

    id: Ref
    body_chars: int = looking.BODY_CHARS


class RequestsArguments(Arguments, frozen=True):
    """How many at most."""

    limit: int = 200


class DecideArguments(Arguments, frozen=True):
    """A request, what is decided, and what is said about it."""

    id: Ref
    decision: str
    text: str = ""


class DismissArguments(Arguments, frozen=True):
    """Messages, or all of a room."""

    ids: list[Ref] = []
    room: str | None = None


class HumanOfferArguments(Arguments, frozen=True):
    """With whom, and about what."""

    to: str
    task: str


class EndSessionArguments(Arguments, frozen=True):
    """A session, and why it ends."""

    id: Ref
    reason: str = ""


class ReleaseArguments(Arguments, frozen=True):
    """A message of a held thread, or a paused agent."""

    id: str


class DiscardArguments(ReleaseArguments, frozen=True):
    """The same, and why."""

    reason: str


class PauseArguments(Arguments, frozen=True):
    """An agent, and why."""

    name: str
    reason: str


def pause(desk: Desk, given: PauseArguments) -> dict[str, str]:
    """Hold what an agent sends, and say so as the command line does."""
    holding.pause(desk, given.name, given.reason)
    return {"paused": given.name}


VERBS: list[Verb] = [
    look("limits", Nothing, dict[str, int], lambda desk, _: desk.config.limits._asdict(), "The limits in force.", scope=READ),
    look(
        "overview",
        OverviewArguments,
        looking.Overview,
        lambda desk, given: looking.overview(desk, minutes=given.minutes),
        looking.overview,
        scope=ADMIN,
    ),
    look(
        "traced",
        TracedArguments,
        list[looking.Traced],
        lambda desk, given: looking.traced(desk, peer=given.peer, before=given.before, limit=given.limit, body_chars=given.body_chars),
        looking.traced,
        scope=ADMIN,
    ),
    look(
        "conversation",
        ConversationArguments,
        list[looking.Traced],
        lambda desk, given: looking.conversation(desk, given.id, body_chars=given.body_chars),
        looking.conversation,
        scope=ADMIN,
    ),
    look(
        "requests",
        RequestsArguments,
        list[attending.Request],
        lambda desk, given: attending.requests(desk, limit=given.limit),
        attending.requests,
        scope=ADMIN,
    ),
    act(
        "decide",
        DecideArguments,
        Receipt,
        lambda desk, given: attending.decide(desk, given.id, given.decision, text=given.text),
        attending.decide,
        scope=ADMIN,
    ),
    act(
        "dismiss",
        DismissArguments,
        dict[str, int],
        lambda desk, given: {"dismissed": attending.dismiss(desk, given.ids, room=given.room)},
        attending.dismiss,
        scope=ADMIN,
    ),
    act("offer", HumanOfferArguments, Receipt, lambda desk, given: ending.offer(desk, given.to, given.task), ending.offer, scope=ADMIN),
    act("end-session", EndSessionArguments, Receipt, lambda desk, given: ending.end(desk, given.id, given.reason), ending.end, scope=ADMIN),
    look("held", Nothing, list[Held], lambda desk, _: holding.held(desk), holding.held),
    act(
        "release",
        ReleaseArguments,
        dict[str, int],
        lambda desk, given: {"released": holding.release(desk, given.id)},
        holding.release,
        scope=ADMIN,
    ),
    act(
        "discard",
        DiscardArguments,
        dict[str, int],
        lambda desk, given: {"discarded": holding.discard(desk, given.id, given.reason)},
        holding.discard,
        scope=ADMIN,
    ),
    act("pause", PauseArguments, dict[str, str], pause, holding.pause, scope=ADMIN),
]
