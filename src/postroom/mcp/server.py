"""The server: what comes in on standard input is answered on standard output, until the input ends or the process dies that started it.

Who we are is said at once. What takes part in the post room is loaded after that: it takes three times as long as the rest of the start.
"""

from __future__ import annotations

from postroom.core.types import TYPE_CHECKING
from postroom.mcp import protocol
from postroom.mcp.calls import Answer, Answering, Gathering
from postroom.mcp.jsonrpc import INVALID_REQUEST, Batch, Fault, Id, Object, Request, fault_object, notification, read_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroom.mcp.guests import Guests
    from postroom.mcp.pipe import Line, Pipe

LISTENERS_MAX = 100


class Server:
    """One client's server. `instructions` are what models are told at the beginning, `load` brings the agents and their tools."""

    def __init__(self, instructions: str, load: Callable[[], Guests], pipe: Pipe) -> None:
        self._instructions = instructions
        self._load = load
        self._loaded: Guests | None = None
        self._pipe = pipe
        self._version: str | None = None
        self._client = ""
        self._listeners: set[Id] = set()

    @property
    def _guests(self) -> Guests:
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    def serve(self) -> None:
        """Answer until the end."""
        try:
            for line in self._pipe.lines(lambda: self._guests.look_around(self._client)):
                self._take(line)
        finally:
            self._end()

    def _end(self) -> None:
        if self._loaded is not None:
            self._loaded.end()
        for id in self._listeners:
            self._write(Answering(self._pipe), {"jsonrpc": "2.0", "id": id, "result": protocol.listened(id)})

    # Reading

    def _take(self, line: Line) -> None:
        if line.content is None:
            self._write(Answering(self._pipe), fault_object(Fault(None, INVALID_REQUEST, "the line is too long")))
            return
        if not line.content.strip():
            return
        read = read_line(line.content)
        if isinstance(read, Batch):
            self._take_batch(read, line.came_ns)
        elif read is not None:
            self._do(read, line.came_ns, Answering(self._pipe))

    def _take_batch(self, batch: Batch, came_ns: int) -> None:
        if self._version != protocol.BATCHES:
            fault = Fault(None, INVALID_REQUEST, f"only revision {protocol.BATCHES} has batches: send one request in each line")
            self._write(Answering(self._pipe), fault_object(fault))
            return
        gathering = Gathering(self._pipe, sum(isinstance(item, Fault) or item.id is not None for item in batch.items))
        for item in batch.items:
            self._do(item, came_ns, gathering)

    def _do(self, item: Request | Fault, came_ns: int, answering: Answering) -> None:
        if isinstance(item, Fault):
            self._write(answering, fault_object(item))
        elif item.id is None:
            self._hear(item)
        else:
            done = self._answer(item, item.id, came_ns, answering)
            if isinstance(done, Fault):
                self._write(answering, fault_object(done))
            elif done is not None:
                self._write(answering, {"jsonrpc": "2.0", "id": item.id, "result": done})

    def _hear(self, notification: Request) -> None:
        """Only cancellations mean anything to us."""
        id = notification.params.get("requestId")
        if notification.method != "notifications/cancelled" or not isinstance(id, str | int):
            return
        self._listeners.discard(id)
        if self._loaded is not None:
            self._loaded.cancel(id)

    def _answer(self, request: Request, id: Id, came_ns: int, answering: Answering) -> Object | Fault | None:
        """The result of a request, why there is none, or None when it is answered later."""
        refusal = protocol.refusal(request, id, is_initialized=self._version is not None)
        if refusal is not None or request.method == "ping":
            return refusal or {}
        if request.method == "tools/call":
            return self._guests.call(request, self._caller(request), came_ns, answering)
        if request.method == "subscriptions/listen":
            return self._listen(id)
        return self._describe(request)

    def _describe(self, request: Request) -> Object:
        """What we are and have."""
        if request.method == "initialize":
            self._version, self._client = protocol.negotiated(request), protocol.client(request)
            return protocol.initialized(self._version, self._instructions)
        if request.method == "server/discover":
            return protocol.discovered(self._instructions)
        self._guests.expect(request, self._caller(request))
        return protocol.listed(self._guests.listed, modern=protocol.is_modern(request))

    def _listen(self, id: Id) -> Fault | None:
        if len(self._listeners) >= LISTENERS_MAX or id in self._listeners:
            return Fault(id, INVALID_REQUEST, f"there are {len(self._listeners)} subscriptions already, or one with this id")
        self._listeners.add(id)
        self._write(Answering(self._pipe), notification("notifications/subscriptions/acknowledged", protocol.listening(id)))
        return None

    def _caller(self, request: Request) -> str:
        """How the program at the other end calls itself."""
        return protocol.client(request) if protocol.is_modern(request) else self._client

    # Writing

    def _write(self, answering: Answering, response: Object) -> None:
        answering.answer(Answer(response, lambda _: None, lambda: None))
