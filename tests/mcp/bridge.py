"""A bridge from HTTP to the standard input and output of a server: the official conformance tool speaks nothing but HTTP.

What the transport over HTTP adds (statuses, nothing else) is added here; every word of JSON-RPC is the server's own.
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self

from tests.mcp.serving import Served

STATUSES = {-32601: 404, -32602: 400, -32600: 400, -32700: 400, -32022: 400, -32021: 400}
"""With which status the transport over HTTP carries an error of the modern era."""


class Bridge:
    """An address at which a server can be reached by HTTP."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._lock = Lock()
        bridge = self

        class Requests(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                bridge.forward(self, body)

            def do_GET(self) -> None:
                reply(self, 405, None)

            def do_DELETE(self) -> None:
                reply(self, 405, None)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
        self._http.daemon_threads = True
        self._thread = Thread(target=self._http.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/mcp"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def forward(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        """Pass one message on, and its answer back. Ids of different connections may be the same, so one is under way at a time."""
        message = json.loads(body)
        with self._lock:
            self._served.put(message)
            if "id" not in message or "method" not in message:
                reply(request, 202, None)
                return
            answer = self._served.line()
        modern = (
            "io.modelcontextprotocol/protocolVersion" in message.get("params", {}).get("_meta", {})
            or message["method"] == "server/discover"
        )
        reply(request, STATUSES.get(answer.get("error", {}).get("code"), 200) if modern else 200, answer)


def reply(request: BaseHTTPRequestHandler, status: int, value: dict[str, Any] | None) -> None:
    """Answer over HTTP."""
    body = b"" if value is None else json.dumps(value).encode()
    request.send_response(status)
    if body:
        request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
