"""Sending, taking, and finding messages again: the verbs of the SDK's Agent about messages."""

from __future__ import annotations

from asyncio import CancelledError
from functools import partial
from typing import Annotated

import msgspec

from postroom import waiting
from postroom.agent import Agent
from postroom.core.message import Message, Receipt
from postroom.core.plain import plain
from postroom.core.refusals import NoSuchHandle
from postroom.exchange import reading, tracing
from postroom.http.drafts import Options, Ref, SendArguments, SendManyArguments
from postroom.http.lodger import Lodger
from postroom.http.verb import Arguments, CloseSeatArguments, Verb, look, perform
from postroom.store.events import Told

WAIT_S_MAX = 300
"""Longer than any proxy keeps a silent connection; who waits longer asks again."""
Seconds = Annotated[float, msgspec.Meta(ge=0, le=WAIT_S_MAX)]
Timeout = Annotated[float, msgspec.Meta(gt=0, le=WAIT_S_MAX)]
Handles = list[str]


class Handed(Arguments, frozen=True):
    """Messages in hand, by their handles."""

    messages: Handles


class TakeArguments(Arguments, frozen=True):
    """How many messages are taken, and how long one waits for the first; what is confirmed before; the claim, if only its messages."""

    limit: int = 100
    wait: Seconds = 0
    confirm: Handles = []
    claim: str | None = None


class AskArguments(Options, frozen=True, kw_only=True):
    """A question."""

    to: str
    body: str
    timeout: Timeout = 60


class AnswerArguments(Options, frozen=True, kw_only=True):
    """An answer to a message."""

    message: Ref
    body: str


class IdArguments(Arguments, frozen=True):
    """A message."""

    id: Ref


class LimitArguments(Arguments, frozen=True):
    """How many at most."""

    limit: int = 100


class EventsArguments(Arguments, frozen=True):
    """How long one waits for something to happen, and what was seen, by its handle."""

    wait: Seconds = 0
    seen: str | None = None


class FollowArguments(Arguments, frozen=True):
    """A message, how far it is to come, and how long one waits for that."""

    id: Ref
    until: str = "read"
    timeout: Seconds = 60


class HistoryArguments(Arguments, frozen=True):
    """Which messages."""

    peer: str | None = None
    before: Ref | None = None
    since_ms: int = 0
    limit: int = 50


class SearchArguments(Arguments, frozen=True):
    """The words."""

    words: str
    limit: int = 20


async def take(lodger: Lodger, given: TakeArguments) -> object:
    """Confirm, and take."""
    confirm = lodger.in_hand(given.confirm)
    claim = None if given.claim is None else seq_of(lodger, given.claim)
    until = waiting.deadline("wait", given.wait)
    steps = waiting.taking(lodger.seat, given.limit, until, confirm=confirm, claim=claim)
    try:
        taken = await lodger.go_through(steps, undo=lodger.seat.give_back)
    except CancelledError:
        lodger.clerk.do_soon(partial(lodger.seat.confirm, confirm))
        raise
    finally:
        lodger.forget(given.confirm)
    return lodger.hand_out(taken)


def seq_of(lodger: Lodger, handle: str) -> int:
    """The message behind the handle of a claim."""
    seq = lodger.noted(handle)
    if not isinstance(seq, int):
        raise NoSuchHandle(handle=handle[:100])
    return seq


async def confirm(lodger: Lodger, given: Handed) -> object:
    """Confirm messages."""
    handed = lodger.in_hand(given.messages)
    lodger.forget(given.messages)
    await lodger.clerk.do(partial(lodger.seat.confirm, handed))
    return None


async def give_back(lodger: Lodger, given: Handed) -> object:
    """Put messages back."""
    handed = lodger.in_hand(given.messages)
    lodger.forget(given.messages)
    await lodger.clerk.do(partial(lodger.seat.give_back, handed))
    return None


async def events(lodger: Lodger, given: EventsArguments) -> object:
    """What happened since, each with the handle that says that it was seen."""
    if given.seen is not None:
        told = lodger.noted(given.seen)
        if not isinstance(told, Told):
            raise NoSuchHandle(handle=given.seen[:100])
        await lodger.clerk.do(partial(lodger.seat.seen, told))
        lodger.forget([given.seen])
    news = await lodger.go_through(waiting.hearing(lodger.seat, waiting.deadline("wait", given.wait)))
    return [{**as_dict(one.event), "handle": lodger.note(one)} for one in news]


async def follow(lodger: Lodger, given: FollowArguments) -> object:
    """Wait until a message is so far."""
    return await lodger.go_through(waiting.following(lodger.seat, given.id, given.until, max(given.timeout, 0.001)))


def as_dict(value: object) -> dict[str, object]:
    """A value that is an object in JSON."""
    shown = plain(value)
    assert isinstance(shown, dict)
    return shown


async def by_office(_lodger: Lodger, _given: Arguments) -> object:
    """Done by office.py, as it may go to the counter."""
    raise AssertionError


VERBS: list[Verb] = [
    perform("seat-close", CloseSeatArguments, None, by_office, "Leave the seat: what is in hand there goes back into the mailbox."),
    perform("send", SendArguments, Receipt, by_office, Agent.send),
    perform("send-many", SendManyArguments, list[Receipt], by_office, Agent.send_many),
    perform("ask", AskArguments, Message, by_office, Agent.ask),
    perform("answer", AnswerArguments, Receipt, by_office, Agent.answer),
    perform("take", TakeArguments, list[Message], take, Agent.take),
    perform("confirm", Handed, None, confirm, Agent.confirm),
    perform("give-back", Handed, None, give_back, Agent.give_back),
    perform("events", EventsArguments, list[dict[str, object]], events, Agent.events),
    perform("follow", FollowArguments, Receipt, follow, Agent.follow),
    look("peek", LimitArguments, list[Message], lambda desk, given: reading.peek(desk, limit=given.limit), Agent.peek),
    look("status", IdArguments, Receipt, lambda desk, given: tracing.status(desk, given.id), Agent.status),
    look("message", IdArguments, Message, lambda desk, given: tracing.message(desk, given.id), tracing.message),
    look("thread", IdArguments, list[Message], lambda desk, given: tracing.thread(desk, given.id), Agent.thread),
    look(
        "history",
        HistoryArguments,
        list[Message],
        lambda desk, given: tracing.history(desk, peer=given.peer, before=given.before, since_ms=given.since_ms, limit=given.limit),
        Agent.history,
    ),
    look("search", SearchArguments, list[Message], lambda desk, given: tracing.find(desk, given.words, limit=given.limit), Agent.search),
]
