"""What happens at a node, as it happens: a stream, read by a thread. Where it breaks, it goes on after the last event that came."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from queue import Empty, SimpleQueue
from threading import Event, Thread
from urllib.parse import urlencode

from postroom.core.errors import CallerError, PostroomError
from postroom.core.message import Message
from postroom.core.refusals import NotThere, Unreachable
from postroom.exchange import tracing
from postroom.exchange.watching import Change, Sieve
from postroom.remote import values
from postroom.remote.caller import Caller
from postroom.remote.desk import RemoteDesk
from postroom.remote.wire import Answer, Request, reason

SILENCE_S = 60.0
"""So long nothing may come: a node writes something every 15 s."""
RETRY_S, RETRY_S_MAX = 0.1, 5.0


class RemoteFeed:
    """What happens from now on, or with the newest messages before. Look into it a few times a second. Raises as `Feed`."""

    def __init__(self, desk: RemoteDesk, sieve: Sieve, *, last: int) -> None:
        self._caller = desk.caller.aside()
        given = {name: value for name, value in sieve._asdict().items() if value is not None}
        self._path = f"/api/live?{urlencode(given)}" if given else "/api/live"
        self._id: str | None = None
        self._came: SimpleQueue[Message | Change | PostroomError] = SimpleQueue()
        stream = self._open()  # before the past is looked at: nothing that comes meanwhile is missed
        earlier = [one for one in desk.do(tracing.history, limit=last) if sieve.lets(one)] if last else []
        self._shown = {(one.sender, one.id) for one in earlier}
        for one in earlier:
            self._came.put(one)
        Thread(target=self._read, args=(stream,), name="postroom-feed", daemon=True).start()

    def news(self) -> list[Message | Change]:
        """The messages and changes that came since the last time. Raises what the node refuses to go on for."""
        found: list[Message | Change] = []
        while True:
            try:
                one = self._came.get_nowait()
            except Empty:
                return found
            if isinstance(one, PostroomError):
                raise one
            found.append(one)

    def _open(self) -> HTTPResponse:
        headers = self._caller.headers() | {"Accept": "text/event-stream"} | ({"Last-Event-ID": self._id} if self._id else {})
        response = self._caller.wire.begin(Request("GET", self._path, headers), timeout_s=SILENCE_S)
        if response.status != 200:  # noqa: PLR2004  # OK
            self._caller.read(Answer(response.status, response.headers.get_content_type(), response.read()))
            raise NotThere(url=self._caller.bus.url, why=f"it answers {response.status} to who would watch")
        return response

    def _read(self, stream: HTTPResponse) -> None:
        """Read until the node refuses to go on. In a thread of its own."""
        pause_s = RETRY_S
        response: HTTPResponse | None = stream
        while True:
            try:
                response = response or self._open()
                pause_s = RETRY_S
                for id, event, data in events_of(response):
                    self._id = id or self._id
                    self._tell(event, data)
            except CallerError as error:
                self._came.put(error)
                return
            except (PostroomError, OSError, HTTPException, ValueError):
                pause_s = min(2 * pause_s, RETRY_S_MAX)
            response = None
            self._caller.close()
            Event().wait(pause_s)

    def _tell(self, event: str, data: str) -> None:
        if event == "message":
            message = values.message(json.loads(data))
            if (message.sender, message.id) not in self._shown:
                self._came.put(message)
        elif event == "state":
            self._came.put(values.change(json.loads(data)))


def events_of(response: HTTPResponse) -> Iterator[tuple[str, str, str]]:
    """The events of a stream: id, name, data. See https://html.spec.whatwg.org/multipage/server-sent-events.html."""
    id = event = data = ""
    while line := response.readline():
        field, _, value = line.decode().rstrip("\r\n").partition(":")
        value = value.removeprefix(" ")
        match field:
            case "id":
                id = value
            case "event":
                event = value
            case "data":
                data += value
            case "" if not value and line in {b"\n", b"\r\n"}:
                if id or event or data:
                    yield id, event, data
                id = event = data = ""


def export(caller: Caller, *, agent: str | None = None, since_ms: int = 0) -> Iterator[str]:
    """Everything that a caller may see as JSON lines, without line ends. See keeping.export."""
    given = {name: value for name, value in (("agent", agent), ("since_ms", since_ms)) if value}
    response = caller.wire.begin(Request("GET", f"/api/export?{urlencode(given)}", caller.headers()), timeout_s=SILENCE_S)
    if response.status != 200:  # noqa: PLR2004  # OK
        caller.read(Answer(response.status, response.headers.get_content_type(), response.read()))
    try:
        while line := response.readline():
            yield line.decode().removesuffix("\n")
    except (OSError, HTTPException) as error:
        raise Unreachable(url=caller.bus.url, why=reason(error), sent=True) from error
