"""A receiver of webhooks and alerts in a process of its own: it writes down each request, and answers as its path says."""

from __future__ import annotations

import json
import subprocess
import sys
from select import select
from types import TracebackType
from typing import Any, NamedTuple, Self

SOON_S = 60
PROGRAM = r"""
import json, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

answers = {}  # path: the statuses that are still to be answered there, before 204
lock = threading.Lock()

class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode("utf-8", "replace")
        with lock:
            print(json.dumps({"path": self.path, "headers": dict(self.headers), "body": body}), flush=True)
            status = (answers.get(self.path) or [204]).pop(0) if answers.get(self.path) else 204
        if status == 0:       # never answer
            held.wait()
            return
        self.send_response(status)
        if status in (301, 302, 307, 308):
            self.send_header("Location", "/elsewhere")
        if status == 429:
            self.send_header("Retry-After", "0")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_):
        pass

held = threading.Event()
server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
server.daemon_threads = True
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
for line in sys.stdin:
    path, statuses = json.loads(line)
    with lock:
        answers[path] = statuses
    print(json.dumps({"told": path}), flush=True)
"""


class Received(NamedTuple):
    """A request that came."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def object(self) -> dict[str, Any]:
        """The body as JSON."""
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found

    @property
    def id(self) -> str:
        """By which a call is known again."""
        return self.headers["webhook-id"]


class Receiver:
    """Receives at a port of its own."""

    def __init__(self, port: int = 0) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env={}
        )
        self._said = b""
        self._received: list[Received] = []
        self.port = int(self._line())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def url(self, path: str) -> str:
        """The address of a path here."""
        return f"http://127.0.0.1:{self.port}{path}"

    def answers(self, path: str, *statuses: int) -> None:
        """Answer the next requests there with these statuses, 0 for never; then with 204."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([path, statuses]).encode() + b"\n")
        while "told" not in (said := json.loads(self._line())):
            self._received.append(Received(**said))

    def next(self, within: float = SOON_S) -> Received:
        """The next request."""
        return self._received.pop(0) if self._received else Received(**json.loads(self._line(within)))

    def nothing_came(self) -> bool:
        """Whether there is no request that was not looked at."""
        if self._received or b"\n" in self._said:
            return False
        assert self._process.stdout is not None
        return not select([self._process.stdout], [], [], 0)[0]

    def close(self) -> None:
        """End it."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(SOON_S)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def _line(self, within: float = SOON_S) -> str:
        assert self._process.stdout is not None
        while b"\n" not in self._said:
            readable, _, _ = select([self._process.stdout], [], [], within)
            assert readable, "nothing came"
            more = self._process.stdout.read(65_536)
            assert more, "the receiver has ended"
            self._said += more
        line, _, self._said = self._said.partition(b"\n")
        return line.decode()
