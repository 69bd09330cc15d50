"""Tokens: by which programs come in where the operating system does not say whose they are. Each is one agent's, and may do one of SCOPES.

A secret is shown once and kept nowhere; whether it is valid is looked up at each request, so a token that is revoked is dead at once.
"""

from __future__ import annotations

from hashlib import sha256
from secrets import token_urlsafe

from postroom.core.errors import BadValue, TooMany
from postroom.core.message import check_text
from postroom.core.refusals import BadToken, NoSuchToken
from postroom.core.types import NamedTuple
from postroom.exchange.desk import HUMAN_AGENT, Desk
from postroom.exchange.lookup import known
from postroom.store import agents
from postroom.store import tokens as stored
from postroom.store.database import Database
from postroom.store.tokens import Bearer as Bearer  # noqa: PLC0414  # for interfaces
from postroom.store.tokens import Token as Token  # noqa: PLC0414

SCOPES = {
    "agent": "acts as its agent",
    "read": "sees what its agent may see, and changes nothing",
    "admin": "is the human: sees everything, and may do what only a person may",
}
PREFIX = "pr_"
"""By which programs that look for secrets in files find ours."""
SECRET_BYTES = 32
DAY_MS = 86_400_000
DAYS = 90
"""A token that nobody renews is dead after a quarter of a year."""
DAYS_MAX = 36_525
USED_MS = 60_000
"""A use is noted at most once a minute: it is a write."""


class Created(NamedTuple):
    """A new token, and its secret, which nobody will see again."""

    secret: str
    token: Token


def create(
    desk: Desk, agent: str | None = None, *, scope: str = "agent", expires_days: float | None = DAYS, note: str = ""
) -> Created:  # fmt: skip
    """Make a token of an agent (default: the desk's own). `expires_days` is None for one that never expires.

    Raises BadValue, NoSuchAgent, TooMany.
    """
    check_text("note", note, desk.config.limits.description_bytes, "description_bytes")
    secret = PREFIX + token_urlsafe(SECRET_BYTES)
    with desk.posting(safe=True) as posting:
        database, now_ms = posting.database, posting.now_ms
        owner = agents.by_id(database, desk.agent.id if agent is None else known(database, agent, desk.agent.id))
        check_scope(scope, owner.kind)
        if stored.count(database, owner.id, now_ms=now_ms) >= desk.config.limits.tokens:
            raise TooMany(limit=desk.config.limits.tokens, things=f"tokens of {owner.name}", limit_name="tokens")
        fresh = Token(0, owner.name, scope, note, now_ms, expiry(expires_days, now_ms), None, None)
        id = stored.insert(database, hashed(secret), owner.id, fresh)
    return Created(secret, fresh._replace(id=id))


def check_scope(scope: str, kind: str) -> None:
    """Only the human's tokens are of the scope admin, and nobody speaks as the human with any other. Raises BadValue."""
    if scope not in SCOPES:
        raise BadValue(name="scope", value=scope, why=f"it is one of {', '.join(SCOPES)}")
    if scope == "admin" and kind != "human":
        raise BadValue(name="scope", value=scope, why="an admin is the human: make the token for human")
    if scope == "agent" and kind != "agent":
        raise BadValue(name="scope", value=scope, why="nobody acts as that one with a token; for the human there are admin and read")


def expiry(days: float | None, now_ms: int) -> int | None:
    """When a token expires. Raises BadValue."""
    if days is None:
        return None
    if not 0 < days <= DAYS_MAX:
        raise BadValue(name="expires_days", value=days, why=f"it is a number of days above 0 and at most {DAYS_MAX:,}, or None for never")
    return now_ms + round(days * DAY_MS)


def list_tokens(desk: Desk, *, gone: bool = False) -> list[Token]:
    """The tokens of the desk's agent that are valid; the human sees those of all. With `gone` also those that expired or were revoked."""
    with desk.reading() as database:
        return stored.listing(database, viewer=desk.agent.id, now_ms=desk.now_ms(), gone=gone)


def revoke(desk: Desk, id: int) -> Token:
    """Let a token of the desk's agent be valid no more, from the next request on; the human revokes any. Raises NoSuchToken."""
    with desk.posting(safe=True) as posting:
        if stored.one(posting.database, id, viewer=desk.agent.id) is None:
            raise NoSuchToken(id=id)
        stored.revoke(posting.database, id, now_ms=posting.now_ms)
        revoked = stored.one(posting.database, id, viewer=HUMAN_AGENT)
        assert revoked is not None, "rows of tokens stay"
    return revoked


def check(database: Database, secret: str, *, now_ms: int) -> Bearer | None:
    """Who comes in with a secret; None if it is no valid one. Found by its hash, so the time that this takes tells nothing of others."""
    if not secret.startswith(PREFIX):
        return None
    return stored.bearer(database, hashed(secret), now_ms=now_ms)


def checked(desk: Desk, secret: str) -> Bearer:
    """Who comes in with a secret. Raises BadToken, which does not say whether it was ever one."""
    with desk.reading() as database:
        found = check(database, secret, now_ms=desk.now_ms())
    if found is None:
        raise BadToken(why="it is unknown, has expired or was revoked")
    return found


def note_use(desk: Desk, bearer: Bearer) -> None:
    """Note that a token was used, unless that was noted within the last minute."""
    if bearer.used_ms is not None and desk.now_ms() - bearer.used_ms < USED_MS:
        return
    with desk.posting() as posting:
        stored.use(posting.database, bearer.id, now_ms=posting.now_ms)


def hashed(secret: str) -> str:
    """What is stored of a secret: it has 256 bits of chance, so one round of SHA-256 is as good as any."""
    return sha256(secret.encode(errors="replace")).hexdigest()
