"""Who a request is from: by a token, by the Unix socket that only this user reaches, or by the console. Never by what a message says."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import inf
from time import monotonic
from typing import NamedTuple

from postroom.core.address import HUMAN, claimable
from postroom.core.refusals import BadToken, NoName, NotYourRight
from postroom.exchange import tokens
from postroom.exchange.desk import HUMAN_AGENT, now_us
from postroom.exchange.tokens import Bearer
from postroom.http.request import Request
from postroom.store import agents
from postroom.store.database import Database, Group

TOKEN, AUTHORIZATION, AGENT, USER_AGENT = b"x-bus-token", b"authorization", b"x-postroom-agent", b"user-agent"
PROGRAM = re.compile(r"[A-Za-z0-9._-]{1,32}")
READ, ACT, ADMIN = "read", "agent", "admin"
CONSOLE = "console"
"""The program of a person who is logged in at a page."""
RIGHTS = {READ: {READ}, ACT: {READ, ACT}, ADMIN: {READ, ACT, ADMIN}}
"""What each scope may do."""
NOTED_S = 60.0
KNOWN_MAX = 1_000


class Caller(NamedTuple):
    """Who calls. `agent` is 0 for a name that may not be registered yet."""

    agent: int
    name: str
    scope: str
    program: str
    secret: str = ""

    @property
    def is_human(self) -> bool:
        """Whether it is the person."""
        return self.name == HUMAN


class Gate:
    """Looks at who comes in. Its connection is used in the event loop: a look at one row of a table that is always in memory."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[int, float] = {}
        self._known: dict[tuple[str, str], tuple[Caller, Bearer]] = {}  # by token and program
        self.noting: Callable[[Bearer], object] = id
        """What writes down that a token was used."""
        self.pages: list[Callable[[Request], bool]] = []
        """What says that a request comes from a page in which a person has logged in."""

    def caller(self, request: Request) -> Caller:
        """Who a request is from. Raises BadToken, NoName, ReservedName, BadName."""
        program = program_of(request)
        secret = secret_of(request)
        if secret is not None:
            return self.by_token(secret, program)
        if any(page(request) for page in self.pages):
            return Caller(HUMAN_AGENT, HUMAN, ADMIN, CONSOLE)
        if not request.way.same_user:
            raise BadToken(why="the request has none. Send one as X-Bus-Token, or as Authorization: Bearer")
        name = request.header(AGENT)
        if not name:
            raise NoName
        found = agents.by_name(self._database, claimable(name))
        return Caller(found.id if found else 0, claimable(name), ACT, program)

    def known(self, request: Request) -> tuple[Caller, Bearer] | None:
        """Who a request is from, if its token was valid the last time; whether it is still must be looked at."""
        secret = secret_of(request)
        return None if secret is None else self._known.get((secret, program_of(request)))

    def forget(self, caller: Caller) -> None:
        """Look at a token again before anything else."""
        self._known = {key: found for key, found in self._known.items() if found[0].secret != caller.secret}

    def bearer(self, secret: str) -> Bearer | None:
        """Whose a token is, at this moment."""
        return tokens.check(self._database, secret, now_ms=now_us() // 1000)

    def still(self, caller: Caller) -> bool:
        """Whether one who came in earlier may still be here: tokens expire, and are revoked."""
        if not caller.secret:
            return True
        found = self.bearer(caller.secret)
        return found is not None and (found.agent, found.scope) == (caller.agent, caller.scope)

    def by_token(self, secret: str, program: str) -> Caller:
        """Who comes in with a token. Raises BadToken."""
        found = self.bearer(secret)
        if found is None:
            raise BadToken(why="it is unknown, has expired or was revoked")
        self.note_use(found)
        caller = Caller(found.agent, found.name, found.scope, program, secret)
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        self._known[secret, program] = caller, found
        return caller

    def note_use(self, bearer: Bearer) -> None:
        """Let the use of a token be noted, about once a minute."""
        now = monotonic()
        if now - self._noted.get(bearer.id, -inf) >= NOTED_S:
            self._noted[bearer.id] = now
            self.noting(bearer)

    def close(self) -> None:
        """Close the connection."""
        self._database.close()


class Stale(Exception):
    """What was known of a caller is not so any more: its token, its name."""


class Valid:
    """Whose tokens are valid, as of the version of the store that one connection sees. For what is done together in one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._until_ms: dict[Caller, float] = {}
        self._version = 0
        self._looked: Group | None = None

    def check(self, caller: Caller, *, now_ms: int) -> None:
        """Raise Stale unless a caller's token is valid, is that agent's still, and of that scope."""
        group = self._database.group
        if group is None or group is not self._looked:  # once in a transaction: meanwhile nobody else writes
            self._looked = group
            ((version,),) = self._database.execute("PRAGMA data_version")
            if version != self._version or len(self._until_ms) >= KNOWN_MAX:
                self._version = version
                self._until_ms.clear()
        until_ms = self._until_ms.get(caller)
        if until_ms is None:
            until_ms = self._until_ms[caller] = self._look(caller, now_ms)
        if until_ms <= now_ms:
            raise Stale

    def _look(self, caller: Caller, now_ms: int) -> float:
        found = tokens.check(self._database, caller.secret, now_ms=now_ms)
        if found is None or (found.agent, found.name, found.scope) != (caller.agent, caller.name, caller.scope):
            raise Stale
        return inf if found.expires_ms is None else found.expires_ms


def check_right(caller: Caller, wanted: str) -> None:
    """Raise NotYourRight unless the caller's scope allows something."""
    if wanted not in RIGHTS[caller.scope]:
        raise NotYourRight(wanted=wanted, found=caller.scope)


def secret_of(request: Request) -> str | None:
    """The token that a request carries. Raises BadToken for a header that is none."""
    secret = request.header(TOKEN)
    bearer = request.header(AUTHORIZATION)
    if bearer is not None:
        scheme, _, rest = bearer.partition(" ")
        if scheme.lower() != "bearer" or (secret is not None and rest != secret):
            raise BadToken(why="Authorization is not `Bearer TOKEN`")
        secret = rest
    return secret


def program_of(request: Request) -> str:
    """The program at the other end, as it calls itself: a word, as of any program that came in."""
    values = request.all(USER_AGENT)
    found = PROGRAM.match(values[0].decode("latin-1")) if values else None
    return found.group() if found else "http"
