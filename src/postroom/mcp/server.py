"""The server: what comes in on standard input is answered on standard output, until the input ends or the process dies that started it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from threading import Timer
from time import monotonic, time_ns

from postroom import identity
from postroom.core.types import TYPE_CHECKING, NamedTuple
from postroom.mcp import protocol
from postroom.mcp.calls import Answer, Answering, Asked, Call, Gathering
from postroom.mcp.guest import Guest, House
from postroom.mcp.harness import guest_of, harness_of, has_threads
from postroom.mcp.jsonrpc import INVALID_PARAMS, INVALID_REQUEST, Batch, Fault, Id, Object, Request, fault_object, notification, read_line
from postroom.mcp.worker import Worker

if TYPE_CHECKING:
    from postroom.mcp.pipe import Line, Pipe
    from postroom.mcp.reply import Tool

SETTLED_S = 1.0
"""So long after the list of tools an agent comes in by itself. A program that only looks whether we are here has gone by then."""
END_S = 15.0
"""How long calls may take to end after the input has: longer than a store may be busy (the limit busy_ms)."""
CLOCK_NS = 2_000_000_000
"""The coarsest clock of a file system ticks every two seconds."""
LISTENERS_MAX = 100
THREADS_MAX = 100
"""So many agents one process may be."""


class Served(NamedTuple):
    """What is served: the tools by name, what models are told about them at the beginning, and in which post room."""

    tools: Mapping[str, Tool]
    instructions: str
    house: House


class Server:
    """One client's server."""

    def __init__(self, served: Served, pipe: Pipe) -> None:
        self._served = served
        self._pipe = pipe
        self._version: str | None = None
        self._client = ""
        self._workers: dict[str | None, Worker] = {}
        self._calls: dict[Id, Call] = {}
        self._listeners: set[Id] = set()
        self._timer: Timer | None = None
        self._adopted: set[str] = set()
        self._noted_ns = 0

    def serve(self) -> None:
        """Answer until the end."""
        try:
            for line in self._pipe.lines(self._look_around):
                self._take(line)
        finally:
            self._end()

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        until = monotonic() + END_S
        for worker in self._workers.values():
            worker.end()
        for worker in self._workers.values():
            worker.close(until)
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
        call = self._calls.pop(id, None)
        is_under_way = call is not None and call.cancel()
        for worker in self._workers.values():
            if is_under_way:
                worker.guest.stir()
            else:
                worker.guest.take_back(id)

    def _answer(self, request: Request, id: Id, came_ns: int, answering: Answering) -> Object | Fault | None:
        """The result of a request, why there is none, or None when it is answered later."""
        refusal = protocol.refusal(request, id, is_initialized=self._version is not None)
        if refusal is not None or request.method == "ping":
            return refusal or {}
        if request.method == "tools/call":
            return self._call(request, id, came_ns, answering)
        if request.method == "subscriptions/listen":
            return self._listen(id)
        return self._describe(request)

    def _describe(self, request: Request) -> Object:
        """What we are and have."""
        if request.method == "initialize":
            self._version, self._client = protocol.negotiated(request), protocol.client(request)
            return protocol.initialized(self._version, self._served.instructions)
        if request.method == "server/discover":
            return protocol.discovered(self._served.instructions)
        self._expect(request)
        return protocol.listed([tool.listed for tool in self._served.tools.values()], modern=protocol.is_modern(request))

    def _listen(self, id: Id) -> Fault | None:
        if len(self._listeners) >= LISTENERS_MAX or id in self._listeners:
            return Fault(id, INVALID_REQUEST, f"there are {len(self._listeners)} subscriptions already, or one with this id")
        self._listeners.add(id)
        self._write(Answering(self._pipe), notification("notifications/subscriptions/acknowledged", protocol.listening(id)))
        return None

    # Calls

    def _call(self, request: Request, id: Id, came_ns: int, answering: Answering) -> Fault | None:
        name, arguments = request.params.get("name"), request.params.get("arguments", {})
        if not isinstance(name, str) or name not in self._served.tools:
            return Fault(id, INVALID_PARAMS, f"there is no tool {str(name)[:100]!r}; there are {', '.join(self._served.tools)}")
        if arguments is not None and not isinstance(arguments, dict):
            return Fault(id, INVALID_PARAMS, "arguments is an object")
        if id in self._calls:
            return Fault(id, INVALID_REQUEST, "a call with this id is under way")
        worker = self._worker(request)
        if worker is None:
            return Fault(id, INVALID_REQUEST, f"this process is {THREADS_MAX} agents already")
        call = Call(Asked(id, name, arguments or {}, came_ns, protocol.is_modern(request)), answering)
        self._calls[id] = call
        worker.do(call)
        return None

    def _worker(self, request: Request) -> Worker | None:
        """The worker of the agent that calls: one for each thread of the client, where it says which one calls."""
        thread = protocol.thread(request)
        self._adopted.discard(thread or "")
        if thread not in self._workers:
            if len(self._workers) >= THREADS_MAX:
                return None
            self._begin(thread, guest_of(self._caller(request), os.environ, thread, protocol.meta(request)))
        return self._workers[thread]

    def _begin(self, thread: str | None, guest: identity.Guest) -> None:
        self._workers[thread] = Worker(Guest(self._served.house, guest), self._served.tools, self._forget)

    # Threads that have not called

    def _look_around(self) -> None:
        """See of which threads of the client hooks have told: before its first call nothing else tells of a thread."""
        harness, house = harness_of(self._client, os.environ), self._served.house
        if not harness.has_threads or house.name is not None:
            return
        noted_ns = identity.noted_ns(house.home)
        if noted_ns in {0, self._noted_ns}:
            return
        if time_ns() - noted_ns > CLOCK_NS:  # what is noted within one tick of that clock has the same time
            self._noted_ns = noted_ns
        try:
            self._let_go(harness.name)
            self._adopt(harness.name, os.getppid())
        except OSError:  # the home has gone, or the disk is full: whoever calls is told
            return

    def _adopt(self, harness: str, parent: int) -> None:
        """Let threads come in, so that they can be reached before their first call.

        Some programs start a server for each thread; whichever server is first takes a thread in, until the thread calls another one.
        """
        for thread in identity.begun_by(self._served.house.home, harness, parent):
            guest = identity.Guest(harness, "", thread)
            if thread in self._workers or len(self._workers) >= THREADS_MAX or not identity.claim(self._served.house.home, guest, parent):
                continue
            self._adopted.add(thread)
            self._begin(thread, guest)
            self._workers[thread].come_in()

    def _let_go(self, harness: str) -> None:
        """Let threads go that have ended, or that have called another server."""
        for thread in list(self._adopted):
            known = identity.remembered(self._served.house.home, identity.Guest(harness, "", thread))
            if known is None or known.pid != os.getpid():
                self._adopted.discard(thread)
                self._workers.pop(thread).close(monotonic() + END_S)

    def _caller(self, request: Request) -> str:
        """How the program at the other end calls itself."""
        return protocol.client(request) if protocol.is_modern(request) else self._client

    def _forget(self, id: Id) -> None:
        self._calls.pop(id, None)

    def _expect(self, request: Request) -> None:
        """Let the agent come in soon, so that it can be reached before its first call; where threads call, they come in as they call."""
        if self._timer is None and not has_threads(self._caller(request), os.environ):
            worker = self._worker(request)
            assert worker is not None, "the first one"
            self._timer = Timer(SETTLED_S, worker.come_in)
            self._timer.daemon = True
            self._timer.start()

    # Writing

    def _write(self, answering: Answering, response: Object) -> None:
        answering.answer(Answer(response, lambda _: None, lambda: None))
