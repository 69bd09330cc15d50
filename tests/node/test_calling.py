"""One call to a receiver that answers wrongly, slowly or not at all: what came of it is said in words that hold no part of the address."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from postroom.core.webhook import Outcome
from postroom.node.calling import post
from tests.certificates import certify

BODY = b'{"type": "test"}'
KEY = "key-in-the-path"


@contextmanager
def answering(*pieces: bytes, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A receiver that reads a request and says what it is told, then closes. Gives its port."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            try:
                spoken = connection if context is None else context.wrap_socket(connection, server_side=True)
                spoken.recv(65_536)
                for piece in pieces:
                    spoken.sendall(piece)
                if pieces and pieces[-1] == b"":
                    spoken.recv(65_536)  # until the other side has had enough
            except OSError:
                return

    thread = Thread(target=serve)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        thread.join()
        listening.close()


def called(port: int, *, scheme: str = "http", timeout_s: float = 30) -> Outcome:
    return asyncio.run(post(f"{scheme}://127.0.0.1:{port}/{KEY}", {}, BODY, timeout_s=timeout_s))


@pytest.mark.parametrize(
    "pieces, said",
    [
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], "it answered 204"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n"], "it answered 200"),
        ([b"HTTP/1.1 20", b"1 Created\r\nX: 1\r\n", b"\r\nendless" * 1000], "it answered 201"),
        ([b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\n\r\n"], "it answered 307, and redirects are not followed"),
        ([b"HTTP/1.1 503\r\nRetry-After: 120\r\n\r\n"], "it answered 503"),
        ([b""], "there was no answer within 0.2 s"),
        ([b"HTTP/1.1 2", b""], "there was no answer within 0.2 s"),
        ([], "its answer is not HTTP"),
        ([b"SSH-2.0-OpenSSH_9.2\r\n\r\n"], "its answer is not HTTP"),
        ([b"HTTP/1.1 999999 Much\r\n\r\n"], "its answer is not HTTP"),
        ([b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000 + b"\r\n"], "its answer is not HTTP"),
    ],
)
def test_what_came_of_a_call_is_said(pieces, said):
    with answering(*pieces) as port:
        outcome = called(port, timeout_s=0.2 if b"" in pieces else 30)
    assert outcome.said == said
    assert outcome.arrived == (said in {"it answered 200", "it answered 201", "it answered 204"})
    assert outcome.retry_after_s == (120 if "503" in said else 0)


def test_nobody_there_and_no_such_host_are_said(home):
    assert called(1).said == "connection refused"
    for host in ("no-such-host.invalid", "a" * 70 + ".invalid"):
        assert asyncio.run(post(f"http://{host}/{KEY}", {}, BODY, timeout_s=30)).said == "its host is not known"


@pytest.fixture
def certificate(home):
    """A certificate that nobody vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certify(home))
    return context


def test_a_certificate_that_nobody_vouches_for_is_refused(certificate):
    with answering(b"HTTP/1.1 204 No Content\r\n\r\n", context=certificate) as port:
        outcome = called(port, scheme="https")
    assert outcome.status is None
    assert outcome.said == "its certificate is not valid (code 18)"


def test_what_speaks_no_tls_is_said():
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert called(port, scheme="https").said.startswith("TLS failed (")
