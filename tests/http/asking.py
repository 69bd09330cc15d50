"""Clients of a node, as small as they can be: one connection for each request, what comes back as it is."""

from __future__ import annotations

import http.client
import json
import socket
from typing import NamedTuple

from postroom.exchange import tokens
from postroom.exchange.desk import open_desk, open_desk_of_human
from postroom.testing import PostRoom
from tests.node.nodes import RunningNode

SECONDS = 60


class Reply(NamedTuple):
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self):
        """The body as a value."""
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The code of an error."""
        return str(self.json["error"])


class NearConnection(http.client.HTTPConnection):
    """A connection by a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("node", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        """Connect."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(SECONDS)
        self.sock.connect(self._path)


class Client:
    """Asks a node. `connect` makes a connection; the headers say who it is."""

    def __init__(self, connect, headers: dict[str, str]) -> None:
        self._connect = connect
        self.headers = headers

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """Make one request; `_` in the names of headers stands for `-`."""
        connection = self._connect()
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, {**self.headers, **named})
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        """Look."""
        return self.ask("GET", path, None, **headers)

    def post(self, path: str, value: object = None, **headers: str) -> Reply:
        """Do."""
        return self.ask("POST", path, json.dumps(value if value is not None else {}).encode(), Content_Type="application/json", **headers)

    def at(self, seat: str) -> Client:
        """The same client at a named seat, which it takes."""
        client = Client(self._connect, {**self.headers, "X-Postroom-Seat": seat})
        assert client.post("/api/seat-open").status == 200
        return client


class Bus:
    """A node, its post room, and clients."""

    def __init__(self, post: PostRoom, node: RunningNode) -> None:
        self.post = post
        self.node = node
        self._tokens: dict[tuple[str, str], str] = {}

    @property
    def home(self) -> str:
        """The post room."""
        return self.post.home

    @property
    def socket_path(self) -> str:
        """The Unix socket."""
        return next(one for one in self.node.addresses if one.startswith("unix:")).removeprefix("unix://")

    def token(self, name: str, scope: str = "agent") -> str:
        """A token of an agent, which is registered by it."""
        if (name, scope) not in self._tokens:
            desk = open_desk_of_human(self.home, interface="cli") if name == "human" else open_desk(name, self.home, interface="cli")
            self._tokens[name, scope] = tokens.create(desk, scope=scope).secret
            desk.close()
        return self._tokens[name, scope]

    def revoke(self, name: str, scope: str = "agent") -> None:
        """Revoke the token of an agent."""
        desk = open_desk_of_human(self.home, interface="cli")
        secret = self._tokens.pop((name, scope))
        found = tokens.check(desk.database, secret, now_ms=desk.now_ms())
        assert found is not None
        tokens.revoke(desk, found.id)
        desk.close()

    def connection(self) -> http.client.HTTPConnection:
        """A connection by TCP."""
        return http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=SECONDS)

    def client(self, name: str, scope: str = "agent") -> Client:
        """A client with a token."""
        return Client(self.connection, {"X-Bus-Token": self.token(name, scope)})

    def stranger(self) -> Client:
        """A client without one."""
        return Client(self.connection, {})

    def near(self, name: str) -> Client:
        """A client by the Unix socket."""
        return Client(lambda: NearConnection(self.socket_path), {"X-Postroom-Agent": name})

    def raw(self, *, receive_bytes: int | None = None) -> socket.socket:
        """A bare socket by TCP."""
        opened = socket.socket()
        if receive_bytes is not None:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        opened.settimeout(SECONDS)
        opened.connect(("127.0.0.1", self.node.port))
        return opened
