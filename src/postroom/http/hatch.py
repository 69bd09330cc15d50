"""The hatch: the two requests of the article's bus, when they come whole, by token and without a seat, served without a task for each.

It is only a shorter way for what is brief: what is not plain here, or is wrong, is left to the application, and nothing of it was done.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Final, NamedTuple

from postroom.core.address import NAME
from postroom.core.errors import PostroomError
from postroom.core.plain import receipt_object
from postroom.exchange.tokens import Bearer
from postroom.http import guard
from postroom.http.auth import ACT, Caller, Stale, check_right
from postroom.http.bus import Taken
from postroom.http.drafts import ALL, SendArguments, checked_sender, draft
from postroom.http.node import Node
from postroom.http.paths import CALL, FETCHED_MAX, INBOX, SEAT, letters
from postroom.http.refusal import refusal
from postroom.http.request import ALWAYS, JSON, Answer, Event, Request, Way, encode
from postroom.http.verb import read_json
from postroom.http.wire import Passing, head

SEND: Final = b"/api/send"
BEFORE_NAME: Final = INBOX.partition("{")[0]
MARKS: Final = b"mark_read=true"
OK: Final = head(200, [*JSON, *ALWAYS])

Count = Callable[[str, str, int, float], None]


class Known(NamedTuple):
    """What the head of a request says: whose it is, and which of the two it is."""

    caller: Caller
    bearer: Bearer
    sends: bool


class Serving(NamedTuple):
    """A request that is being served: whose it is, and since when."""

    passing: Passing
    caller: Caller
    began: float


class Hatch:
    """Serves what comes by one way."""

    def __init__(self, way: Way, node: Node, count: Count) -> None:
        self._way = way
        self._gate = node.gate
        self._bus = node.bus
        self._count = count

    @staticmethod
    def takes(method: bytes, path: bytes) -> bool:
        """Whether a request may be one of the two."""
        if method == b"POST":
            return path == SEND
        return method == b"GET" and path.startswith(BEFORE_NAME.encode()) and path.isascii() and b"%" not in path

    def serve(self, passing: Passing) -> bool:
        """Begin to serve a request; False, with nothing done, if it takes the long way."""
        try:
            known = passing.known or self._look(passing)
            if not isinstance(known, Known):
                return False
            passing.known = known
            self._gate.note_use(known.bearer)
            serving = Serving(passing, known.caller, perf_counter())
            return self._send(serving) if known.sends else self._fetch(serving)
        except PostroomError:
            return False  # and the long way says what is wrong

    def _look(self, passing: Passing) -> Known | None:
        """What the head of a request says; None if it takes the long way."""
        request = Request(dict(passing.scope), unread, self._way)
        guard.check(request)
        found = self._gate.known(request)
        if found is None:
            return None
        caller, bearer = found
        check_right(caller, ACT)
        sends = request.method == "POST"
        if sends:
            plain = not request.has(SEAT) and not request.has(CALL) and request.header(b"content-type") == "application/json"
        else:
            plain = request.scope["query_string"] == MARKS and request.path == BEFORE_NAME + caller.name
        return Known(caller, bearer, sends) if plain else None

    def _send(self, serving: Serving) -> bool:
        given = read_json(SendArguments, serving.passing.body)
        if given.files or given.claim or not to_one(given.to):
            return False
        checked_sender(given, serving.caller.name)

        def sent(value: object) -> Answer:
            assert isinstance(value, list)
            return Answer(body=encode(receipt_object(value[0])))

        self._bus.post(serving.caller, draft(given), lambda value: self._answer(serving, SEND.decode(), value, sent))
        return True

    def _fetch(self, serving: Serving) -> bool:
        if serving.passing.body:
            return False

        def fetched(value: object) -> Answer:
            assert value is None or isinstance(value, Taken)
            return Answer(body=b"[]" if value is None else letters(value))

        self._bus.fetch(serving.caller, FETCHED_MAX, lambda value: self._answer(serving, INBOX, value, fetched))
        return True

    def _answer(self, serving: Serving, row: str, value: object, said: Callable[[object], Answer]) -> None:
        passing, caller, began = serving
        if isinstance(value, Stale):
            self._gate.forget(caller)
            passing.go_on()
            return
        try:
            answer = refusal(value) if isinstance(value, Exception) else said(value)
        except Exception as error:  # noqa: BLE001  # a bug; the others who wait are told all the same
            answer = refusal(error)
        start = OK if answer.headers is JSON else head(answer.status, [*answer.headers, *ALWAYS])
        taken = value if isinstance(value, Taken) else None
        passing.answer(start, answer.body, None if taken is None else lambda read: self._bus.settle(taken, read=read))
        self._count("POST" if row != INBOX else "GET", row, answer.status, perf_counter() - began)


def to_one(to: str | list[str]) -> bool:
    """Whether a message goes to one agent that is named: a crowd takes time."""
    return isinstance(to, str) and NAME.fullmatch(to) is not None and to != ALL


async def unread() -> Event:
    """The body is there already."""
    raise AssertionError
