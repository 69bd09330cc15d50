"""A wire between an agent and its node that breaks when a test says so: the request arrives, the answer does not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self


class Wires:
    """Listens at a port of its own, and passes everything on to the node, until it is told to lose answers."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._lose = 0
        self.lost = 0
        self.cut_at: int | None = None
        self.when_lost: Callable[[], None] = lambda: None
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._listener.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def lose(self, number: int) -> None:
        """Lose so many answers to requests that change something."""
        with self._lock:
            self._lose = number

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._port))
            except ConnectionRefusedError:
                client.close()
                continue
            threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        """Pass requests on one after the other, with their answers."""
        with client, server, suppress(ConnectionError):
            while request := received(client):
                server.sendall(request.replace(self.url.removeprefix("http://").encode(), b"127.0.0.1:%d" % self._port, 1))
                answer = received(server)
                with self._lock:
                    loses = self._lose > 0 and request.startswith(b"POST") and b"/api/bell" not in request.partition(b"\r\n")[0]
                    self._lose -= loses
                    self.lost += loses
                if loses:
                    self.when_lost()
                if loses and self.cut_at is not None:
                    head, _, body = answer.partition(b"\r\n\r\n")
                    client.sendall(head + b"\r\n\r\n" + body[: self.cut_at])
                if loses or not answer:
                    return
                client.sendall(answer)


def received(client: socket.socket) -> bytes:
    """One request or answer with its body; nothing when there are no more."""
    found = b""
    while b"\r\n\r\n" not in found:
        more = client.recv(1 << 16)
        if not more:
            return b""
        found += more
    head, _, body = found.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        more = client.recv(1 << 16)
        if not more:
            return b""
        body += more
    return head + b"\r\n\r\n" + body
