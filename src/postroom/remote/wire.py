"""One connection to a node: a request goes out, an answer comes in. Made when it is needed, and again when it broke; nothing is retried.

What broke is raised as Unreachable, whose fact `sent` says whether the node may have got the request.
"""

from __future__ import annotations

import socket
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection

from postroom.core.refusals import NotThere, Unreachable
from postroom.core.types import TYPE_CHECKING, NamedTuple
from postroom.remote.bus import Bus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CONNECT_S = 5.0
"""As long as curl's and most clients' users wait for a host that says nothing, on a network on which agents work together."""
BODY_BYTES_MAX = 64 * 1024 * 1024
"""An answer larger than this is none of a node's: a batch of 1,000 messages with whole bodies is asked for in parts."""


class Answer(NamedTuple):
    """What came back."""

    status: int
    type: str
    body: bytes


class Request(NamedTuple):
    """What goes out."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | Iterable[bytes] | None = None


class Wire:
    """A connection. Not for several threads at once."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self._connection: HTTPConnection | None = None

    @property
    def is_connected(self) -> bool:
        """Whether a connection is there that may still be good."""
        return self._connection is not None

    def ask(self, request: Request, *, timeout_s: float) -> Answer:
        """Send a request and read its answer. Raises Unreachable."""
        response = self.begin(request, timeout_s=timeout_s)
        try:
            body = response.read(BODY_BYTES_MAX + 1)
        except (OSError, HTTPException) as error:
            raise self._broken(error) from error
        if len(body) > BODY_BYTES_MAX:
            raise self._broken(HTTPException("its answer does not end"))
        if response.length:  # http.client takes the end of the connection for that of the answer
            raise self._broken(HTTPException("its answer breaks off"))
        return Answer(response.status, response.headers.get_content_type(), body)

    def begin(self, request: Request, *, timeout_s: float) -> HTTPResponse:
        """Send a request, and return the answer before its body was read. Raises Unreachable."""
        connection = self._connected()
        try:
            if connection.sock is not None:
                connection.sock.settimeout(timeout_s)
            connection.request(request.method, request.path, request.body, dict(request.headers))
            return connection.getresponse()
        except (OSError, HTTPException) as error:
            raise self._broken(error) from error

    def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def cut(self) -> None:
        """Let another thread, which waits for an answer here, look up at once."""
        connection = self._connection
        if connection is not None and connection.sock is not None:
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it is broken already

    def _connected(self) -> HTTPConnection:
        if self._connection is None:
            try:
                self._connection = connected(self.bus)
            except OSError as error:
                raise Unreachable(url=self.bus.url, why=reason(error), sent=False) from error
        return self._connection

    def _broken(self, error: Exception) -> Unreachable:
        self.close()
        return Unreachable(url=self.bus.url, why=reason(error), sent=True)


def connected(bus: Bus) -> HTTPConnection:
    """A new connection."""
    if bus.scheme == "unix":
        connection = HTTPConnection("localhost", timeout=CONNECT_S)
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.sock.settimeout(CONNECT_S)
            connection.sock.connect(bus.path)
        except BaseException:
            connection.close()
            raise
        return connection
    if bus.scheme == "https":
        connection = secured(bus)
    else:
        connection = HTTPConnection(bus.host, bus.port, timeout=CONNECT_S)
        connection.connect()
    assert isinstance(connection.sock, socket.socket)
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def secured(bus: Bus) -> HTTPSConnection:
    """A new connection by TLS. Raises NotThere if nobody vouches for the certificate: what does is set by $SSL_CERT_FILE."""
    from ssl import SSLCertVerificationError, create_default_context

    connection = HTTPSConnection(bus.host, bus.port, timeout=CONNECT_S, context=create_default_context())
    try:
        connection.connect()
    except SSLCertVerificationError as error:
        why = f"its certificate is not trusted ({error.verify_message}); SSL_CERT_FILE names those that are"
        raise NotThere(url=bus.url, why=why) from error
    return connection


def reason(error: Exception) -> str:
    """Why something broke, in a few words."""
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
