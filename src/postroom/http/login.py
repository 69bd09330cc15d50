"""How a person comes in: by an invitation that works once, for a cookie and a key of which only both together open anything.

Sessions are kept in a file, so that a node that is started anew knows them. A cookie is sent to every port of a host, so other servers of
this machine see it; the key stays in the storage of the page, where only pages of this very address can read it.
It goes with each call in a header, which no page of another origin can send along.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest
from json import dumps, loads
from secrets import token_urlsafe
from time import time
from typing import Final, NamedTuple

from postroom.store.place import note_down

SECRET_BYTES: Final = 32
INVITATION_S: Final = 300
"""So long an invitation may be used: enough for a slow browser to start."""
IDLE_S: Final = 12 * 3600
"""A session that was not used for so long is over: a night."""
SESSION_S: Final = 7 * 86_400
INVITATIONS_MAX: Final = 20
KEEP_S: Final = 600
"""So often it is written down at most that sessions are used: after a crash one may end so much too early."""
FILE: Final = "console.json"
SESSIONS_MAX: Final = 50
"""The oldest ones make room."""


class Entry(NamedTuple):
    """What a page gets: the value of its cookie, and its key."""

    cookie: str
    key: str


class Session(NamedTuple):
    """A page that is logged in."""

    key: str
    began: float
    used: float


class Doors:
    """The invitations that were not used yet, which end with the node, and the sessions; by the hashes of their secrets."""

    def __init__(self, path: str, clock: Callable[[], float] = time) -> None:
        self._path = path
        self._clock = clock  # seconds since 1970
        self._invitations: dict[str, float] = {}
        self._sessions = kept(path)
        self._kept = clock()

    def invite(self) -> str:
        """A secret that lets somebody in, once and soon."""
        secret = token_urlsafe(SECRET_BYTES)
        self._forget()
        self._invitations[digest(secret)] = self._clock()
        while len(self._invitations) > INVITATIONS_MAX:
            del self._invitations[next(iter(self._invitations))]
        return secret

    def enter(self, secret: str) -> Entry | None:
        """Let somebody in for an invitation; None when it was used, is too old, or never was."""
        self._forget()
        if self._invitations.pop(digest(secret), None) is None:
            return None
        entry = Entry(token_urlsafe(SECRET_BYTES), token_urlsafe(SECRET_BYTES))
        now = self._clock()
        self._sessions[digest(entry.cookie)] = Session(digest(entry.key), now, now)
        while len(self._sessions) > SESSIONS_MAX:
            del self._sessions[next(iter(self._sessions))]
        self._keep()
        return entry

    def may(self, cookie: str, key: str) -> bool:
        """Whether cookie and key are those of one session that is not over. Using it keeps it from being so."""
        self._forget()
        found = self._sessions.get(digest(cookie))
        if found is None or not compare_digest(found.key, digest(key)):
            return False
        self._sessions[digest(cookie)] = found._replace(used=self._clock())
        if self._clock() - self._kept >= KEEP_S:
            self._keep()
        return True

    def leave(self, cookie: str, key: str) -> None:
        """End a session."""
        if self.may(cookie, key):
            del self._sessions[digest(cookie)]
            self._keep()

    def _keep(self) -> None:
        """Write the sessions down."""
        self._kept = self._clock()
        note_down(self._path, dumps(self._sessions))

    def _forget(self) -> None:
        now = self._clock()
        self._invitations = {secret: made for secret, made in self._invitations.items() if now - made < INVITATION_S}
        self._sessions = {cookie: one for cookie, one in self._sessions.items() if now - one.used < IDLE_S and now - one.began < SESSION_S}


def kept(path: str) -> dict[str, Session]:
    """The sessions in a file. One that cannot be read holds none: people log in again."""
    try:
        with open(path, encoding="utf-8") as file:
            return {str(cookie): Session(str(key), float(began), float(used)) for cookie, (key, began, used) in loads(file.read()).items()}
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return {}


def digest(secret: str) -> str:
    """What is kept of a secret: who finds it has none."""
    return sha256(secret.encode(errors="surrogatepass")).hexdigest()
