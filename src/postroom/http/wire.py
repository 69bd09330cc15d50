"""The connections: how much head, how slowly, how many; and whether an answer was really written out. No path is known here."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Transport, sleep
from typing import Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

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
CONNECTIONS_MAX: Final = 12_000
"""So many at each address: 10,000 long polls and what else there is."""

WRITTEN, CUT = "postroom.written", "postroom.cut"
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Wire(HttpToolsProtocol):
    """One connection. uvicorn reads and writes it; what is added are the bounds, and word of when an answer has left."""

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, object], _loop: AbstractEventLoop | None = None
    ) -> None:
        super().__init__(config=config, server_state=server_state, app_state=app_state, _loop=_loop)
        self._lost = self._cut = False
        self._head_bytes = self._head_lines = 0
        self._late = self.loop.call_later(HEADERS_S, self._too_slow)

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin; beyond the bound only to say so."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX:
            self._end(TOO_MANY)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note whether it broke: an end in order writes out everything first."""
        self._late.cancel()
        self._lost, self._cut = True, exc is not None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head was refused."""
        if not self.transport.is_closing():
            super().data_received(data)

    def on_message_begin(self) -> None:
        """A request begins: its head must come soon."""
        super().on_message_begin()
        self._head_bytes = self._head_lines = 0
        self._late.cancel()
        self._late = self.loop.call_later(HEADERS_S, self._too_slow)

    def on_url(self, url: bytes) -> None:
        """Count the request line."""
        super().on_url(url)
        self._count(len(url), 0)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header."""
        super().on_header(name, value)
        self._count(len(name) + len(value), 1)

    def _count(self, size: int, lines: int) -> None:
        self._head_bytes += size
        self._head_lines += lines
        if self._head_bytes > HEAD_BYTES_MAX or self._head_lines > HEADERS_MAX:
            self._end(TOO_LARGE)

    def on_headers_complete(self) -> None:
        """The head is there: let the application answer, and know when that has left."""
        self._late.cancel()
        if self.transport.is_closing():
            return
        before = self.cycle
        super().on_headers_complete()
        if (cycle := self.cycle) is not before:

            async def written() -> bool:
                return await self._written(cycle)

            self.scope["extensions"] = {WRITTEN: written, CUT: self.transport.abort}  # type: ignore[dict-item]  # ours: a function

    def on_body(self, body: bytes) -> None:
        """Part of a body, unless its head was refused."""
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a request, unless its head was refused."""
        if not self.transport.is_closing():
            super().on_message_complete()

    async def _written(self, cycle: RequestResponseCycle) -> bool:
        """Wait until everything has been given to the kernel; False when the client was gone before that, or reads no more."""
        left, since, nap_s = self._left(), self.loop.time(), NAP_S
        while not self._lost and (left or self.transport.is_closing()):  # what is being closed may have thrown its rest away
            await sleep(nap_s)  # uvloop does not always tell when its buffer is empty
            before, left, nap_s = left, self._left(), min(nap_s * 2, NAP_S_MAX)
            if left < before:
                since = self.loop.time()
            elif self.loop.time() - since > STALL_S:
                self.transport.abort()
                return False
        return cycle.response_complete and not cycle.disconnected and not self._cut

    def _left(self) -> int:
        return 0 if self._lost else self.transport.get_write_buffer_size()

    def _too_slow(self) -> None:
        self._end(TOO_SLOW)

    def _end(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()
