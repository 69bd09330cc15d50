"""Webhooks: addresses that the node calls when something happens. Each is one agent's, and is told what that agent may see.

How what happens becomes calls is in reporting.py; who makes them is in node/webhooks.py. A secret is shown once; afterwards neither it nor
an address is shown, as that may be a secret too.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import UTC, datetime
from secrets import token_bytes, token_urlsafe

from postroom.core import webhook as rules
from postroom.core.errors import TooMany
from postroom.core.message import check_text
from postroom.core.refusals import NoSuchWebhook
from postroom.core.types import NamedTuple
from postroom.exchange.addressing import checked_url, origin
from postroom.exchange.desk import Desk, Posting
from postroom.exchange.lookup import known
from postroom.store import agents
from postroom.store import webhooks as stored
from postroom.store.webhooks import Call as Call  # noqa: PLC0414  # for interfaces
from postroom.store.webhooks import Target as Target  # noqa: PLC0414
from postroom.store.webhooks import Webhook as Webhook  # noqa: PLC0414

CALLS = 1_000
"""So many calls are listed."""


class Added(NamedTuple):
    """A new webhook, and its secret, which nobody will see again."""

    secret: str
    webhook: Webhook


def add(desk: Desk, url: str, agent: str | None = None, *, kinds: Collection[str] = rules.DEFAULT, note: str = "") -> Added:
    """Let the node call an address when something happens that an agent (default: the desk's own) may see.

    Raises BadValue, NoSuchAgent, TooMany.
    """
    checked_url(url)
    told = " ".join(rules.checked_kinds(kinds))
    check_text("note", note, desk.config.limits.description_bytes, "description_bytes")
    secret = rules.secret_of(token_bytes(rules.SECRET_BYTES))
    with desk.posting(safe=True) as posting:
        database, viewer = posting.database, desk.agent.id
        owner = agents.by_id(database, viewer if agent is None else known(database, agent, viewer))
        if stored.count(database, owner.id) >= desk.config.limits.webhooks:
            raise TooMany(limit=desk.config.limits.webhooks, things=f"webhooks of {owner.name}", limit_name="webhooks")
        id = stored.insert(database, stored.NewWebhook(owner.id, url, secret, told, note, posting.now_ms))
        (made,) = stored.listing(database, viewer=owner.id, id=id)
    return Added(secret, shown(made))


def list_webhooks(desk: Desk) -> list[Webhook]:
    """The webhooks of the desk's agent; the human sees those of all."""
    with desk.reading() as database:
        return [shown(one) for one in stored.listing(database, viewer=desk.agent.id)]


def shown(webhook: Webhook) -> Webhook:
    """A webhook without what may be secret of its address."""
    return webhook._replace(address=origin(webhook.address))


def remove(desk: Desk, id: int) -> Webhook:
    """Call an address no more. What it was still to be told is forgotten. Raises NoSuchWebhook."""
    with desk.posting(safe=True) as posting:
        removed = owned(posting, id)
        stored.remove(posting.database, id)
    return removed


def retry(desk: Desk, id: int) -> int:
    """Call an address again that is paused, and make the calls again that were given up. Returns how many. Raises NoSuchWebhook."""
    with desk.posting(safe=True) as posting:
        owned(posting, id)
        return stored.retry(posting.database, id, now_ms=posting.now_ms)


def forget(desk: Desk, id: int) -> int:
    """Forget the calls that were given up. Returns how many. Raises NoSuchWebhook."""
    with desk.posting(safe=True) as posting:
        owned(posting, id)
        return stored.forget(posting.database, id)


def calls(desk: Desk, id: int) -> list[Call]:
    """The calls of a webhook that have not arrived yet, or were given up, oldest first. Raises NoSuchWebhook."""
    with desk.reading() as database:
        if not stored.listing(database, viewer=desk.agent.id, id=id):
            raise NoSuchWebhook(id=id)
        return stored.calls(database, id, limit=CALLS)


def owned(posting: Posting, id: int) -> Webhook:
    """A webhook of the desk's agent; any for the human. Raises NoSuchWebhook."""
    for found in stored.listing(posting.database, viewer=posting.desk.agent.id, id=id):
        return shown(found)
    raise NoSuchWebhook(id=id)


def trial(desk: Desk, id: int) -> tuple[Target, Call]:
    """A call that says that it is a test; it is kept nowhere. Raises NoSuchWebhook."""
    with desk.reading() as database:
        target = stored.target(database, id)
        if target is None or not stored.listing(database, viewer=desk.agent.id, id=id):
            raise NoSuchWebhook(id=id)
    now_ms = desk.now_ms()
    return target, Call(0, id, new_name(), envelope("test", now_ms, {"webhook": id}), now_ms, 0, now_ms, "")


def envelope(kind: str, at_ms: int, data: dict[str, object]) -> str:
    """The body of a call."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"type": kind, "timestamp": at, "data": data}, ensure_ascii=False, separators=(",", ":"))


def new_name() -> str:
    """A name by which a receiver knows a call again. It is made of chance: a number would tell how much others do."""
    return f"msg_{token_urlsafe(18)}"
