"""Asking a node: a verb goes out as JSON, and its answer or its error comes back. What broke on the way is asked for once more.

Calls at a seat are numbered: a node that has done one answers it from memory. Elsewhere a verb may be done twice, which a message's id
makes harmless; of the others the row in verbs.py says how to tell.
"""

from __future__ import annotations

import json
import os
import sys
from urllib.parse import urlencode

from postroom.core.errors import PostroomError
from postroom.core.refusals import NodeStopped, NotThere, Unreachable
from postroom.core.types import NamedTuple
from postroom.remote.bus import Bus
from postroom.remote.values import Json, Object, failure
from postroom.remote.wire import Answer, Request, Wire

ANSWER_S = 30.0
"""So long a verb may take that is done at once: three times as long as it waits for the store."""
TRIES = 3
GATEWAYS = frozenset({502, 503, 504})
"""What a proxy answers when the node behind it is away."""


class Ask(NamedTuple):
    """What is asked for. What `looks` changes nothing. The node may wait for `waits_s` seconds, and then take `answer_s` to answer."""

    verb: str
    given: Object
    looks: bool = False
    waits_s: float = 0.0
    answer_s: float = ANSWER_S


class Caller:
    """An agent that asks a node. Not for several threads at once; `aside` gives one to another thread."""

    def __init__(self, bus: Bus, name: str | None) -> None:
        self.bus = bus
        self.name = name
        self.seat: str | None = None
        self.uncertain = False  # the call under way may have been done
        self._wire = Wire(bus)
        self._call = 0

    def aside(self) -> Caller:
        """The same agent at the same seat, on a connection of its own, whose calls have no numbers."""
        other = Caller(self.bus, self.name)
        other.seat = self.seat
        return other

    def sit(self, seat: str) -> None:
        """Make the calls that follow at another seat."""
        self.seat = seat
        self._call = 0

    def ask(self, asked: Ask, *, numbered: bool = True) -> Json:
        """Ask, and return the answer. Raises what the verb raises; Unreachable, SeatGone, NotThere."""
        number = None
        if self.seat is not None and numbered and not asked.looks:
            self._call += 1
            number = self._call
        self.uncertain = False
        for attempt in range(1, TRIES + 1):
            try:
                return self._once(asked, number)
            except Unreachable as error:
                self.uncertain = self.uncertain or bool(error.facts["sent"])
                if attempt == TRIES or not error.facts["sent"] or isinstance(error.__cause__, TimeoutError):
                    raise
        raise AssertionError

    def _once(self, asked: Ask, number: int | None) -> Json:
        path = f"/api/{asked.verb}"
        body = None
        if asked.looks:
            path += f"?{urlencode({name: plain(value) for name, value in asked.given.items()})}" if asked.given else ""
        else:
            body = json.dumps(asked.given).encode()
        headers = self.headers(number) | ({"Content-Type": "application/json"} if body is not None else {})
        answer = self._wire.ask(Request("GET" if asked.looks else "POST", path, headers, body), timeout_s=asked.answer_s + asked.waits_s)
        return self.read(answer)

    def headers(self, number: int | None = None) -> dict[str, str]:
        """Who calls."""
        found = {"User-Agent": program(), "Accept": "application/json"}
        if self.bus.token is not None:
            found["X-Bus-Token"] = self.bus.token
        elif self.name is not None:
            found["X-Postroom-Agent"] = self.name
        if self.seat is not None:
            found["X-Postroom-Seat"] = self.seat
        if number is not None:
            found["X-Postroom-Call"] = str(number)
        return found

    def read(self, answer: Answer) -> Json:
        """The value of an answer. Raises the error that it tells of."""
        found: Json = None
        if answer.type == "application/json":
            try:
                found = json.loads(answer.body)
            except ValueError:
                found = None
        if answer.status in range(200, 300) and found is not None:
            return found
        error = failure(found)
        if error is None:
            raise self._no_post_room(answer)
        if isinstance(error, NodeStopped):
            raise Unreachable(url=self.bus.url, why="it is being stopped", sent=False)
        raise error

    def _no_post_room(self, answer: Answer) -> PostroomError:
        if answer.status in GATEWAYS:
            return Unreachable(url=self.bus.url, why=f"what stands before it says {answer.status}", sent=True)
        return NotThere(url=self.bus.url, why=f"it answers {answer.status} {answer.type}")

    @property
    def wire(self) -> Wire:
        """The connection, for what is no verb: files."""
        return self._wire

    def cut(self) -> None:
        """Let the thread that waits for an answer look up."""
        self._wire.cut()

    def close(self) -> None:
        """Let go of the connection."""
        self._wire.close()


def plain(value: object) -> str:
    """A value in a query."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def program() -> str:
    """What this program is called, as the provenance of its messages says."""
    name = os.path.basename(sys.argv[0] or sys.executable or "python") if sys.argv else "python"
    return (
        "".join(character if character.isascii() and (character.isalnum() or character in "._-") else "-" for character in name) or "python"
    )
