"""The agents of one client: one for each of its threads, where it says which one calls. Loaded when something is asked that needs them."""

from __future__ import annotations

import os
from threading import Timer
from time import monotonic, time_ns

from postroom import identity
from postroom.core.types import TYPE_CHECKING
from postroom.mcp import protocol
from postroom.mcp.calls import Asked, Call
from postroom.mcp.guest import Guest, House
from postroom.mcp.harness import guest_of, harness_of, has_threads
from postroom.mcp.jsonrpc import INVALID_PARAMS, INVALID_REQUEST, Fault
from postroom.mcp.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from postroom.mcp.calls import Answering
    from postroom.mcp.jsonrpc import Id, Object, Request
    from postroom.mcp.reply import Tool

SETTLED_S = 1.0
"""So long after the list of tools an agent comes in by itself. A program that only looks whether we are here has gone by then."""
END_S = 15.0
"""How long calls may take to end after the input has: longer than a store may be busy (the limit busy_ms)."""
CLOCK_NS = 2_000_000_000
"""The coarsest clock of a file system ticks every two seconds."""
THREADS_MAX = 100
"""So many agents one process may be."""


class Guests:
    """The agents that come in here, and their calls of the tools. `client` is how the program at the other end calls itself."""

    def __init__(self, tools: Mapping[str, Tool], house: House) -> None:
        self._tools = tools
        self._house = house
        self._workers: dict[str | None, Worker] = {}
        self._calls: dict[Id, Call] = {}
        self._timer: Timer | None = None
        self._adopted: set[str] = set()
        self._noted_ns = 0

    @property
    def listed(self) -> list[Object]:
        """The tools, as `tools/list` lists them."""
        return [tool.listed for tool in self._tools.values()]

    def end(self) -> None:
        """Let all of them leave, when what came before is answered."""
        if self._timer is not None:
            self._timer.cancel()
        until = monotonic() + END_S
        for worker in self._workers.values():
            worker.end()
        for worker in self._workers.values():
            worker.close(until)

    # Calls

    def call(self, request: Request, client: str, came_ns: int, answering: Answering) -> Fault | None:
        """Call a tool. Its answer comes later, unless there is a reason why not."""
        assert request.id is not None, "notifications are not answered"
        id, name, arguments = request.id, request.params.get("name"), request.params.get("arguments", {})
        if not isinstance(name, str) or name not in self._tools:
            return Fault(id, INVALID_PARAMS, f"there is no tool {str(name)[:100]!r}; there are {', '.join(self._tools)}")
        if arguments is not None and not isinstance(arguments, dict):
            return Fault(id, INVALID_PARAMS, "arguments is an object")
        if id in self._calls:
            return Fault(id, INVALID_REQUEST, "a call with this id is under way")
        worker = self._worker(request, client)
        if worker is None:
            return Fault(id, INVALID_REQUEST, f"this process is {THREADS_MAX} agents already")
        call = Call(Asked(id, name, arguments or {}, came_ns, protocol.is_modern(request)), answering)
        self._calls[id] = call
        worker.do(call)
        return None

    def cancel(self, id: Id) -> None:
        """Nobody waits for an answer any more."""
        call = self._calls.pop(id, None)
        is_under_way = call is not None and call.cancel()
        for worker in self._workers.values():
            if is_under_way:
                worker.guest.stir()
            else:
                worker.guest.take_back(id)

    def _forget(self, id: Id) -> None:
        self._calls.pop(id, None)

    def _worker(self, request: Request, client: str) -> Worker | None:
        """The worker of the agent that calls."""
        thread = protocol.thread(request)
        self._adopted.discard(thread or "")
        if thread not in self._workers:
            if len(self._workers) >= THREADS_MAX:
                return None
            self._begin(thread, guest_of(client, os.environ, thread, protocol.meta(request)))
        return self._workers[thread]

    def _begin(self, thread: str | None, guest: identity.Guest) -> None:
        self._workers[thread] = Worker(Guest(self._house, guest), self._tools, self._forget)

    # Those that have not called

    def expect(self, request: Request, client: str) -> None:
        """Let the agent come in soon, so that it can be reached before its first call; where threads call, they come in as they call."""
        if self._timer is None and not has_threads(client, os.environ):
            worker = self._worker(request, client)
            assert worker is not None, "the first one"
            self._timer = Timer(SETTLED_S, worker.come_in)
            self._timer.daemon = True
            self._timer.start()

    def look_around(self, client: str) -> None:
        """See of which threads of the client hooks have told: before its first call nothing else tells of a thread."""
        harness, house = harness_of(client, os.environ), self._house
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
        for thread in identity.begun_by(self._house.home, harness, parent):
            guest = identity.Guest(harness, "", thread)
            if thread in self._workers or len(self._workers) >= THREADS_MAX or not identity.claim(self._house.home, guest, parent):
                continue
            self._adopted.add(thread)
            self._begin(thread, guest)
            self._workers[thread].come_in()

    def _let_go(self, harness: str) -> None:
        """Let threads go that have ended, or that have called another server."""
        for thread in list(self._adopted):
            known = identity.remembered(self._house.home, identity.Guest(harness, "", thread))
            if known is None or known.pid != os.getpid():
                self._adopted.discard(thread)
                self._workers.pop(thread).close(monotonic() + END_S)
