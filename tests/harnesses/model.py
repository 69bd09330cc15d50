"""A scripted model: an HTTP server on loopback that speaks as the real programs need it, and keeps what each of them asked.

Whoever asks is known by the first part of the path: a program that is given `model.url("alice")` asks as `alice`, and gets what the script
of `alice` says. How each protocol looks on the wire is in wire.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from time import monotonic
from types import TracebackType
from typing import Any, Self, TypeAlias

from tests.harnesses.wire import PROTOCOLS, Asked, Calls, Protocol, Says

Output: TypeAlias = Says | Calls
Script: TypeAlias = Callable[[Asked], Output]
SOON_S = 240


def say(text: str = "ok") -> Script:
    """A model that says the same each time."""
    return lambda _asked: Says(text)


def answering(asked: Asked) -> Output:
    """A model that answers each message which asks for it: 'please answer X'. Codex escapes what its hook says at the end of a turn."""
    found = re.search(r'peer-message id="([^"]+)"[^|]*\n\| please answer (\w+)', asked.new)
    return Calls("send", {"reply_to": found[1], "body": f"here is {found[2]}"}) if found else Says("done")


class Model:
    """The server. `scripts` says what each program gets; who has no script gets `ok`. A script may wait: each request has its thread."""

    def __init__(self) -> None:
        self.scripts: dict[str, Script] = {}
        self.faults: list[str] = []
        self._asked: list[Asked] = []
        self._changed = Condition()
        handler = type("Handler", (Handler,), {"model": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="scripted-model", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        assert kind is not None or not self.faults, f"the scripted model could not answer: {self.faults}"

    def url(self, who: str) -> str:
        """Where a program asks as `who`."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/{who}"

    def asked(self, who: str) -> list[Asked]:
        """What a program has asked so far."""
        with self._changed:
            return [one for one in self._asked if one.who == who]

    def until(self, who: str, found: Callable[[Asked], bool], within: float = SOON_S) -> Asked:
        """Wait until a program has asked something, and return it."""
        deadline = monotonic() + within
        with self._changed:
            while not (matching := [one for one in self._asked if one.who == who and found(one)]):
                left = deadline - monotonic()
                assert left > 0, f"{who} did not ask that; last: {self._asked[-1].text[-2000:] if self._asked else 'nothing'}"
                self._changed.wait(left)
            return matching[0]

    def until_said(self, who: str, text: str, within: float = SOON_S) -> Asked:
        """Wait until a text has reached the model of a program."""
        return self.until(who, lambda asked: text in asked.text, within)

    def answer(self, asked: Asked) -> Output:
        """Note what was asked, and what the script says to it. A test that fails shows both."""
        with self._changed:
            self._asked.append(asked)
            self._changed.notify_all()
        output = self.scripts.get(asked.who, say())(asked)
        print(f"{asked.who} asked at {asked.at_s:.3f}, new since turn {asked.turn}: {asked.new[-2000:]!r}\nand got {output}")  # noqa: T201
        return output


class Handler(BaseHTTPRequestHandler):
    """One connection of a program."""

    protocol_version = "HTTP/1.1"
    model: Model

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name in the standard library
        """Nothing is logged."""

    def do_HEAD(self) -> None:
        self._send(b"", "text/plain")

    def do_GET(self) -> None:
        self._send(b"{}", "application/json", 404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        who, _, path = self.path.lstrip("/").partition("/")
        protocol = next((one for one in PROTOCOLS if one.speaks(path)), None)
        if protocol is None:
            self._send(b"{}", "application/json", 404)
            return
        try:
            self._answer(protocol, who, json.loads(body), path)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the program was interrupted, or has ended
        except Exception as error:
            self.model.faults.append(f"{who}: {error!r}")
            raise

    def _answer(self, protocol: Protocol, who: str, request: dict[str, Any], path: str) -> None:
        asked = protocol.read(who, request)._replace(at_s=monotonic())
        output = self.model.answer(asked) if asked.tools else Says("ok")  # without tools: a title, a summary
        if protocol.streams(request, path):
            self._send(protocol.stream(asked, output), "text/event-stream")
        else:
            self._send(protocol.whole(asked, output), "application/json")

    def _send(self, body: bytes, kind: str, code: int = 200) -> None:
        self.send_response(code)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
