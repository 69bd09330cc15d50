"""An HTTP message bus on SQLite (uvicorn, one worker): senders post, receivers poll their inbox without a pause."""

import http.client
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from bench.server import LOOPBACK, Server, free_port

HEADERS = {"Content-Type": "application/json"}


class HttpBus:
    name = "HTTP+SQLite bus, polled"
    promise = "process crash"

    def start(self, home: Path) -> None:
        port = free_port()
        application = Path(__file__).with_name("http_bus_app.py")
        command = [sys.executable, str(application), str(home / "bus.db"), str(port), "NORMAL"]
        self._server = Server(command, port, home)

    def stop(self) -> None:
        self._server.stop()

    def server_pid(self) -> int | None:
        return self._server.pid

    def send(self, link: int, bodies: Iterable[bytes]) -> None:
        connection = self._connect()
        for body in bodies:
            letter = json.dumps({"from": f"sender{link}", "to": f"reader{link}", "subject": "", "body": body.decode()})
            connection.request("POST", "/api/send", letter, HEADERS)
            connection.getresponse().read()

    def receive(self, link: int, ready: Callable[[], None], arrived: Callable[[bytes], bool]) -> None:
        connection = self._connect()
        ready()
        done = False
        while not done:
            connection.request("GET", f"/api/inbox/reader{link}?mark_read=true")
            letters = json.loads(connection.getresponse().read())
            done = any(arrived(letter["body"].encode()) for letter in letters)

    def _connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(LOOPBACK, self._server.port, timeout=10)
        connection.connect()
        return connection
