"""The connections: how much head, how slowly, how many; and whether an answer was really written out. No path is known here."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Event, TimerHandle, Transport, sleep
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from postroom.http.heads import Head, head_of

if TYPE_CHECKING:
    from uvicorn._types import HTTPScope

HEADERS_S: Final = 10.0
"""So long a client may take for the head of a request: as nginx's client_header_timeout in common hardening guides."""
KEPT_S: Final = 65
"""So long a connection may idle between two requests: longer than the 60 s after which most clients drop theirs."""
HEADERS_MAX: Final = 64
HEAD_BYTES_MAX: Final = 16_384
"""The request line and all headers: as Go's and nginx's defaults together, a browser with large cookies stays below."""
STALL_S: Final = 30.0
"""So long a client may read nothing of an answer."""
NAP_S, NAP_S_MAX = 0.001, 0.05
REPEATED_MAX: Final = 4
"""So many heads are remembered of a connection: who sends and fetches has two."""
REPEATED_BYTES_MAX: Final = 2_048
"""Longer heads are not remembered: there are thousands of connections."""
CONNECTIONS_MAX: Final = 12_000
"""So many at each address: 10,000 long polls and what else there is."""

WRITTEN, CUT = "postroom.written", "postroom.cut"
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


Headers = list[tuple[bytes, bytes]]
NOBODY_WAITS = Event()
"""Of what passes: uvicorn sets it when more of a request came, and there is nobody who could wait for that."""


class Passing:
    """A request that came whole and may be answered without a task of its own. To uvicorn it looks like one that is being answered.

    `known` is what the hatch has found out about its head, if it came before on this connection.
    """

    __slots__ = ("body", "disconnected", "keep_alive", "known", "message_event", "more_body", "response_complete", "scope", "wire")

    def __init__(self, wire: Wire, scope: HTTPScope, body: bytes = b"", *, keep_alive: bool, known: object = None) -> None:
        self.wire = wire
        self.scope = scope
        self.keep_alive = keep_alive
        self.known = known
        self.body = body
        self.more_body = True
        self.disconnected = self.response_complete = False
        self.message_event = NOBODY_WAITS

    def answer(self, head: bytes, body: bytes, after: Callable[[bool], object] | None = None) -> None:
        """Write the answer: its status line and headers, and its body. `after` is told whether it left this process whole."""
        self.response_complete = True
        if not self.disconnected:
            ending = b"" if self.keep_alive else b"connection: close\r\n"
            self.wire.transport.write(b"%scontent-length: %d\r\n%s\r\n%s" % (head, len(body), ending, body))
            if not self.keep_alive:
                self.wire.transport.close()
            self.wire.answered()
        if after is not None:
            self.wire.loop.call_soon(self._tell, after)  # uvloop writes at the end of each turn of the loop

    def _tell(self, after: Callable[[bool], object]) -> None:
        if self.wire.is_written():
            after(self.wire.is_whole(self))
        else:
            task = self.wire.loop.create_task(self._tell_later(after))
            task.add_done_callback(self.wire.tasks.discard)
            self.wire.tasks.add(task)

    async def _tell_later(self, after: Callable[[bool], object]) -> None:
        after(await self.wire.written(self))

    def go_on(self) -> None:
        """Let the application answer it after all."""
        self.response_complete = True
        self.wire.go_on(self)


class Repeated(NamedTuple):
    """A head that may come again, what uvicorn made of it, and what the hatch knows of it."""

    head: Head
    scope: HTTPScope
    known: object


class Hatch(Protocol):
    """Who answers what passes."""

    def takes(self, method: bytes, path: bytes) -> bool:
        """Whether a request may be one of those."""

    def serve(self, passing: Passing) -> bool:
        """Begin to answer. False, with nothing done, for what the application must answer."""


class Wire(HttpToolsProtocol):
    """One connection. uvicorn reads and writes it; what is added are the bounds, word of when an answer has left, and a short way."""

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, object], _loop: AbstractEventLoop | None = None
    ) -> None:
        super().__init__(config=config, server_state=server_state, app_state=app_state, _loop=_loop)
        self._hatch: Hatch | None = getattr(self.app, "hatch", None)
        self._lost = self._cut = False
        self._head_bytes, self._in_head = 0, True
        self._between, self._begun = True, 0  # whether a request may begin with the next byte; how many began in this piece
        self._passing: Passing | None = None
        self._taken: Passing | None = None  # the one in this piece that the hatch took last
        self._repeated: list[Repeated] = []
        self._used_s = 0.0
        self._late: TimerHandle | None = self.loop.call_later(HEADERS_S, self._too_slow)

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin; beyond the bound only to say so."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX:
            self._end(TOO_MANY)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note whether it broke: an end in order writes out everything first."""
        self._in_time()
        self._lost, self._cut = True, self._cut or exc is not None
        super().connection_lost(exc)
        self._unset_keepalive_if_required()  # which uvicorn leaves to data that comes, and the short way to nobody

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head was refused. What is to pass comes in one piece."""
        if self.transport.is_closing() or (self._repeated and self._repeats(data)):
            return
        alone, self._begun = self._between, 0
        super().data_received(data)
        if self._in_head and self._late is None:
            self._late = self.loop.call_later(HEADERS_S, self._too_slow)
        if self._passing is not None:
            passing, self._passing = self._passing, None
            passing.go_on()
        if self._taken is not None:
            taken, self._taken = self._taken, None
            if alone and self._between and self._begun == 1:
                self._remember(data, taken)

    def _remember(self, data: bytes, taken: Passing) -> None:
        """Remember the head of a request that came alone in one piece."""
        if taken.keep_alive and len(data) - len(taken.body) <= REPEATED_BYTES_MAX and (head := head_of(data, taken.body)):
            self._repeated = [*self._repeated[1 - REPEATED_MAX :], Repeated(head, taken.scope, taken.known)]

    def _repeats(self, data: bytes) -> bool:
        """Serve a request whose head came before, if this is one, whole, and nothing is under way before it."""
        if not self._between or not self.cycle.response_complete:
            return False
        for head, scope, known in self._repeated:
            if (body := head.body(data)) is not None:
                passing = Passing(self, scope, body, keep_alive=True, known=known)
                passing.more_body = False
                self.cycle = passing  # type: ignore[assignment]  # has what is asked of one
                if self._hatch is None or not self._hatch.serve(passing):
                    passing.go_on()
                return True
        return False

    def on_message_begin(self) -> None:
        """A request begins: its head must come soon."""
        super().on_message_begin()
        self._between, self._begun = False, self._begun + 1
        self._head_bytes, self._in_head = 0, True

    def on_url(self, url: bytes) -> None:
        """Count the request line."""
        super().on_url(url)
        self._head_bytes += len(url)
        if self._head_bytes > HEAD_BYTES_MAX:
            self._end(TOO_LARGE)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header."""
        super().on_header(name, value)
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > HEAD_BYTES_MAX or len(self.headers) > HEADERS_MAX:
            self._end(TOO_LARGE)

    def on_headers_complete(self) -> None:
        """The head is there: let the application answer, and know when that has left."""
        self._in_time()
        if self.transport.is_closing():
            return
        before = self.cycle
        if not self._may_pass(before):
            super().on_headers_complete()
            if (cycle := self.cycle) is not before:
                self._extend(self.scope, cycle)

    def _may_pass(self, before: RequestResponseCycle | None) -> bool:
        """Begin a request that may take the short way, if it is one and nothing is under way before it."""
        if self._hatch is None or self.expect_100_continue or (before is not None and not before.response_complete):
            return False
        method, (path, _, query) = self.parser.get_method(), self.url.partition(b"?")
        if not self._hatch.takes(method, path) or self.parser.get_http_version() != "1.1" or self.parser.should_upgrade():
            return False
        self.scope |= {"method": method.decode(), "path": path.decode(), "raw_path": path, "query_string": query}
        self._passing = Passing(self, self.scope, keep_alive=self.parser.should_keep_alive())
        self.cycle = self._passing  # type: ignore[assignment]  # has what is asked of one
        return True

    def _extend(self, scope: HTTPScope, cycle: RequestResponseCycle) -> None:
        async def written() -> bool:
            return await self.written(cycle)

        scope["extensions"] = {WRITTEN: written, CUT: self.transport.abort}  # type: ignore[dict-item]  # ours: a function

    def on_body(self, body: bytes) -> None:
        """Part of a body, unless its head was refused."""
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a request, unless its head was refused."""
        if self.transport.is_closing():
            return
        super().on_message_complete()
        self._between = True
        if (passing := self._passing) is not None:
            self._passing = None
            if self._hatch is not None and self._hatch.serve(passing):
                self._taken = passing
            else:
                passing.go_on()

    def go_on(self, passing: Passing) -> None:
        """Let the application answer what was to pass, and look at its head anew the next time."""
        self._repeated = []
        came = Event()
        came.set()  # there is something of it
        scope = passing.scope | {"state": self.app_state.copy()}  # the application writes into it
        if not passing.more_body:  # the head may be that of an earlier request, with a body of another length
            length = b"%d" % len(passing.body)
            scope["headers"] = [(name, length if name == b"content-length" else value) for name, value in scope["headers"]]
        cycle = RequestResponseCycle(
            scope, self.transport, self.flow, self.logger, self.access_logger, self.access_log, self.server_state.default_headers,
            came, expect_100_continue=False, keep_alive=passing.keep_alive, on_response=self.on_response_complete,
        )  # fmt: skip
        cycle.body, cycle.more_body, cycle.disconnected = bytearray(passing.body), passing.more_body, passing.disconnected
        if id(self.cycle) == id(passing):  # unless another request came after it
            self.cycle = cycle
        self._extend(scope, cycle)
        self._start_asgi_task(cycle, self.app)

    def answered(self) -> None:
        """What passed has been answered. The timer of an idle connection is set anew when it rings, and not for each answer."""
        self._used_s = self.loop.time()
        if self.pipeline or self.timeout_keep_alive_task is None:
            self.on_response_complete()
        else:
            self.server_state.total_requests += 1

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that has been idle for so long."""
        idle_s = self.loop.time() - self._used_s if self.cycle.response_complete else 0.0
        if idle_s < self.timeout_keep_alive:
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive - idle_s, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def is_written(self) -> bool:
        """Whether everything has been given to the kernel, or nothing will be any more."""
        return self._lost or not (self._left() or self.transport.is_closing())  # what is being closed may have thrown its rest away

    def is_whole(self, answered: RequestResponseCycle | Passing) -> bool:
        """Whether it was all of an answer that was given away."""
        return answered.response_complete and not answered.disconnected and not self._cut

    async def written(self, answered: RequestResponseCycle | Passing) -> bool:
        """Wait until everything has been given to the kernel; False when the client was gone before that, or reads no more."""
        left, since, nap_s = self._left(), self.loop.time(), NAP_S
        while not self.is_written():
            await sleep(nap_s)  # uvloop does not always tell when its buffer is empty
            before, left, nap_s = left, self._left(), min(nap_s * 2, NAP_S_MAX)
            if left < before:
                since = self.loop.time()
            elif self.loop.time() - since > STALL_S:
                self.transport.abort()
                return False
        return self.is_whole(answered)

    def _left(self) -> int:
        return 0 if self._lost else self.transport.get_write_buffer_size()

    def _in_time(self) -> None:
        self._in_head = False
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _too_slow(self) -> None:
        self._end(TOO_SLOW)

    def _end(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            self._cut = True  # what is still to be answered here will not be
            self.transport.write(answer)
            self.transport.close()


def head(status: int, headers: Headers) -> bytes:
    """The status line and headers of an answer that passes."""
    return STATUS_LINE[status] + b"".join([b"%s: %s\r\n" % header for header in headers])
