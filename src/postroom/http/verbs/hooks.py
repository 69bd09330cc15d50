"""What `postroom hook` asks a node for: to note what a session does, and to hand over what waits. Each call is of a process that ends."""

from __future__ import annotations

from typing import Annotated

import msgspec

from postroom.core.message import Message, Urgency
from postroom.core.plain import message_object
from postroom.core.profile import Profile
from postroom.exchange import handover, presence, tracing
from postroom.exchange.desk import Desk
from postroom.http.verb import Arguments, Verb, perform
from postroom.http.verbs.messages import by_office


class HookArguments(Arguments, frozen=True):
    """Whether the model saw what was handed over last (in a turn it may not have yet), how urgent mail must be, what the session does."""

    status: str
    was_read: bool = True
    in_turn: bool = False
    wanted: list[Urgency] = []
    limit: Annotated[int, msgspec.Meta(ge=1)] = 10
    status_with_mail: str | None = None
    harness: str | None = None
    directory: str | None = None


class UnseenArguments(Arguments, frozen=True):
    """What was handed over and not shown, each as `sender:id`."""

    messages: list[str]


def at_turn(desk: Desk, given: HookArguments) -> object:
    """Settle what the hook before handed over, and hand over what waits; those that come first from somebody are named."""
    handover.settle_earlier(desk, was_read=given.was_read, in_turn=given.in_turn)
    handed = handover.take(desk, given.wanted, limit=given.limit) if given.wanted else []
    status = (given.status_with_mail or given.status) if handed else given.status
    if desk.agent.status != status or desk.is_new:
        presence.set_profile(desk, Profile(status=status, harness=given.harness, directory=given.directory))
    first = [ref(one.message) for one in handed if tracing.is_first_contact(desk, one.message)]
    return {"agent": desk.agent.name, "messages": [message_object(one.message) for one in handed], "first": first}


def unseen(desk: Desk, given: UnseenArguments) -> object:
    """Put messages back that nobody can have seen."""
    handover.put_back_earlier(desk, lambda one: ref(one) in given.messages)
    return {}


def ref(message: Message) -> str:
    """What a message is called everywhere."""
    return f"{message.sender}:{message.id}"


VERBS: list[Verb] = [
    perform("hook", HookArguments, dict[str, object], by_office, "At a turn of a session: note what it does, and take what waits."),
    perform("hook-unseen", UnseenArguments, None, by_office, "Put back what a hook took and could not show: it comes as new."),
]
