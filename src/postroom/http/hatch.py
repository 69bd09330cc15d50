"""The hatch: the two requests of the article's bus, when they come whole, by token and without a seat, served without a task for each.

It is only a shorter way for what is brief: what is not plain here, or is wrong, is left to the application, and nothing of it was done.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Final, NamedTuple

from postroom.core.errors import PostroomError
from postroom.core.plain import receipt_object
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
        request = Request(dict(passing.scope), unread, self._way)
        try:
            guard.check(request)
            caller = self._gate.known(request)
            if caller is None:
                return False
            check_right(caller, ACT)
            serving = Serving(passing, caller, perf_counter())
            return self._send(request, serving) if request.method == "POST" else self._fetch(request, serving)
        except PostroomError:
            return False  # and the long way says what is wrong

    def _send(self, request: Request, serving: Serving) -> bool:
        if request.has(SEAT) or request.has(CALL) or request.header(b"content-type") != "application/json":
            return False
        given = read_json(SendArguments, bytes(serving.passing.body))
        if given.files or given.claim or not to_one(given.to):
            return False
        checked_sender(given, serving.caller.name)

        def sent(value: object) -> Answer:
            assert isinstance(value, list)
            return Answer(body=encode(receipt_object(value[0])))

        self._bus.post(serving.caller, draft(given), lambda value: self._answer(serving, SEND.decode(), value, sent))
        return True

    def _fetch(self, request: Request, serving: Serving) -> bool:
        if request.scope["query_string"] != MARKS or request.path != BEFORE_NAME + serving.caller.name or serving.passing.body:
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
    return isinstance(to, str) and to.isalnum() and to.lower() != ALL


async def unread() -> Event:
    """The body is there already."""
    raise AssertionError
