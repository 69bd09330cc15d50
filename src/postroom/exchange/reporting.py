"""How what happens becomes calls of webhooks, once each, and what follows from their outcomes.

The log is the queue: a webhook for which enough calls wait already reads no further in it, so an address that is away for long costs
little, and loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import random

from postroom.core import webhook as rules
from postroom.core.message import State
from postroom.core.plain import plain
from postroom.core.types import NamedTuple
from postroom.core.webhook import Outcome
from postroom.exchange import notices
from postroom.exchange.addressing import origin
from postroom.exchange.desk import Desk, Posting
from postroom.exchange.outbox import Outbox
from postroom.exchange.watching import Change
from postroom.exchange.webhooks import envelope, new_name
from postroom.store import events, messages
from postroom.store import webhooks as stored
from postroom.store.database import Database
from postroom.store.events import PLACES, EventRow
from postroom.store.webhooks import Call, Said, Target, WebhookRow

PAGE = 100
"""So many messages, or about as many events, become calls at once."""
REST = 3
"""After so many failures in a row a receiver is taken to be away: until one gets through only those calls are made again."""
STATES = {one: one for one in ("read", "answered", "expired", "refused", "delivered")} | {"discarded": "refused"}
"""The events that are changes of state, and of which."""


class Position(NamedTuple):
    """How far a webhook has read: the last message, and the position in the events from which on it has not."""

    message: int
    event: int


class Found(NamedTuple):
    """What there is to tell a webhook: the bodies of calls. Messages that are passed over, and those that no longer are; how far it is."""

    bodies: list[str]
    withheld: list[int]
    settled: list[int]
    position: Position
    more: bool


class Reporter:
    """Makes calls of what happens. How far it has looked in vain is remembered here only: that is looked at again after a restart."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._looked: dict[int, Position] = {}
        self.told = False  # whether there is anybody to tell

    def report(self) -> bool:
        """Note the calls that are to be made of what has happened. Says whether there is more."""
        desk, more = self._desk, False
        with desk.reading() as database:
            hooks = stored.active(database)
        self.told = bool(hooks)
        self._looked = {hook.id: self._looked[hook.id] for hook in hooks if hook.id in self._looked}
        for hook in hooks:
            if (room := desk.config.limits.webhook_calls - hook.waiting) > 0:
                more |= self._report_to(hook, min(room, PAGE))
        return more

    def _report_to(self, hook: WebhookRow, room: int) -> bool:
        start = Position(hook.message, hook.event)
        start = max(start, self._looked.get(hook.id, start))
        with self._desk.reading() as database:
            found = look(database, hook, start, room=room, limit_bytes=self._desk.config.limits.webhook_bytes)
        if found.bodies or found.withheld or found.settled:
            with self._desk.posting(safe=True) as posting:
                if stored.target(posting.database, hook.id) is None:
                    return False  # it has just been removed
                stored.insert_calls(posting.database, hook.id, [(new_name(), body) for body in found.bodies], now_ms=posting.now_ms)
                stored.note_withheld(posting.database, hook.id, found.withheld)
                stored.forget_withheld(posting.database, hook.id, found.settled)
                stored.advance(posting.database, hook.id, message=found.position.message, event=found.position.event)
        self._looked[hook.id] = found.position
        return found.more


def look(database: Database, hook: WebhookRow, start: Position, *, room: int, limit_bytes: int) -> Found:
    """What there is to tell a webhook from a position on, of so much at most. No event is told before the message that it is about."""
    kinds = hook.kinds.split(" ")
    last_event, last = (
        events.last(database),
        messages.last_seq(database),
    )  # in this order: a message is there before what becomes of it
    bodies, withheld, settled, message = [], list[int](), list[int](), last
    if "message" in kinds:
        passed = stored.withheld(database, start.message, last, viewer=hook.agent)  # before: one that is released now is told in any case
        said = stored.said(database, start.message, viewer=hook.agent, limit=room)
        if len(said) == room:
            message = said[-1].seq
        said = [one for one in said if one.seq <= message]
        withheld = [seq for seq in passed if seq <= message and seq not in {one.seq for one in said}]
        settled = stored.held_no_more(database, hook.id, limit=room)
        freed = [one for seq in settled if (one := stored.seen_at(database, seq, viewer=hook.agent))]
        bodies = [message_body(one, limit_bytes) for one in (*freed, *said)]
    if message < last:
        return Found(bodies, withheld, settled, Position(message, start.event), more=True)
    if kinds == ["message"]:
        return Found(bodies, withheld, settled, Position(message, start.event), more=len(settled) == room)
    position = start.event
    for place, body in happened(database, hook, start.event, last_event):
        bodies.append(body)
        position = place
        if len(bodies) >= room:
            return Found(bodies, withheld, settled, Position(message, position), more=True)
    return Found(bodies, withheld, settled, Position(message, max(position, (last_event + 1) * PLACES)), more=len(settled) == room)


def message_body(said: Said, limit_bytes: int) -> str:
    """The body of a call about a message. One that is too large for it is cut, and says by how many characters."""
    shown = plain(said.message)
    assert isinstance(shown, dict), "a message is an object"
    at_ms, whole = said.message.sent_ms, said.message.body
    body = envelope("message", at_ms, shown)
    if len(body.encode(errors="replace")) <= limit_bytes:
        return body
    kept, above = 0, len(whole)
    while above - kept > 1:
        middle = (kept + above) // 2
        cut = shown | {"body": whole[:middle], "left_out": len(whole) - middle}
        kept, above = (middle, above) if len(envelope("message", at_ms, cut).encode(errors="replace")) <= limit_bytes else (kept, middle)
    return envelope("message", at_ms, shown | {"body": whole[:kept], "left_out": len(whole) - kept})


def happened(database: Database, hook: WebhookRow, start: int, last: int) -> Iterator[tuple[int, str]]:
    """What has happened besides messages from a position on, up to an event: the position after it, and the body of the call."""
    kinds = hook.kinds.split(" ")
    id, place = divmod(start, PLACES)
    while rows := [row for row in stored.event_rows(database, id, viewer=hook.agent, limit=PAGE) if row.id <= last]:
        for row in rows:
            kind = "state" if row.what in STATES else "event"
            parts = list(parts_of(database, row, kind)) if kind in kinds else []
            seen = place if row.id * PLACES == start - place else 0
            for number, body in enumerate(parts[seen:], start=seen + 1):
                yield (row.id * PLACES + number if number < len(parts) else (row.id + 1) * PLACES), body
        id = rows[-1].id + 1


def parts_of(database: Database, row: EventRow, kind: str) -> Iterator[str]:
    """The bodies of the calls that one row makes: one for each message that was read."""
    if kind == "event":
        for event in events.told(database, row, {}):
            shown = plain(event)
            assert isinstance(shown, dict), "an event is an object"
            yield envelope(kind, row.at_ms, shown)
        return
    recipient = events.agent_of(database, row, {})
    about = events.messages_read(database, row.text) if row.what == events.READ else [row.message or 0]
    for one in messages.messages(database, f"WHERE m.seq IN ({','.join(map(str, about))}) ORDER BY m.seq", ()):
        reason = None if row.what == events.READ else row.text or None
        change = Change(one.id, recipient, State(STATES[row.what]), reason, row.at_ms, one.sender)
        yield envelope(kind, row.at_ms, change._asdict() | {"thread": one.thread})


# What comes of calls


def due(desk: Desk, *, busy: set[int], limit: int) -> list[tuple[Target, Call]]:
    """The next calls that are due, one of each webhook that is not busy with one."""
    found: list[tuple[Target, Call]] = []
    now_ms = desk.now_ms()
    with desk.reading() as database:
        for target in stored.targets(database):
            if len(found) == limit:
                break
            if target.id not in busy and (call := stored.due(database, target.id, now_ms=now_ms, fresh=target.failures < REST)):
                found.append((target, call))
    return found


def settle(desk: Desk, call: Call, outcome: Outcome) -> None:
    """Note what came of a call: it is forgotten, made again later, or given up. A webhook that is in vain is paused, and its owner told."""
    limits = desk.config.limits
    with desk.posting() as posting:
        target = stored.target(posting.database, call.webhook)
        if target is None:
            return
        if outcome.arrived:
            stored.arrived(posting.database, call, now_ms=posting.now_ms)
            if target.failures >= REST:
                stored.wake(posting.database, call.webhook, now_ms=posting.now_ms)
            return
        over = call.attempts + 1 >= limits.webhook_attempts
        wait_ms = rules.wait_ms(call.attempts + 1, limits.webhook_retry_ms, random())  # noqa: S311  # it only spreads calls out
        wait_ms = max(wait_ms, min(outcome.retry_after_s * 1000, rules.WAIT_MS_MAX))
        stored.failed(posting.database, call, next_ms=None if over else posting.now_ms + wait_ms, reason=outcome.said)
        if why := in_vain(posting, target, call, outcome, over=over):
            stored.pause(posting.database, target.id, why)
            tell_owner(posting, target, why)


def in_vain(posting: Posting, target: Target, call: Call, outcome: Outcome, *, over: bool) -> str | None:
    """Why there is no use in calling an address any more, if there is none."""
    if outcome.status == rules.GONE:
        return "it answered 410, gone"
    if not over:
        return None
    if target.worked_ms is None or target.worked_ms < call.made_ms:
        return f"none of {call.attempts + 1} attempts got through; the last time {outcome.said}"
    limit = posting.desk.config.limits.webhook_given_up
    if stored.listing(posting.database, viewer=target.agent, id=target.id)[0].given_up >= limit:
        return f"{limit:,} calls were given up; retry or forget them"
    return None


def tell_owner(posting: Posting, target: Target, why: str) -> None:
    """Tell the owner of a webhook that it is called no more."""
    outbox = Outbox(posting)
    facts = {"id": str(target.id), "address": origin(target.url), "why": why}
    notices.tell(outbox, target.agent, "webhook", hidden=True, **facts)  # hidden: it is nobody else's affair
    outbox.write()
