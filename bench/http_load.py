"""Clients of an HTTP bus, as cheap as they can be: one connection each, requests made beforehand, answers only measured."""

import json
import socket
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier

from bench.measure import percentile
from bench.peer import BODY_BYTES
from bench.process import FORK, Failed
from bench.server import LOOPBACK

CLIENTS = 8
BODY = "x" * BODY_BYTES
SECONDS_MAX = 30
Tokens = Mapping[str, str]


def load(port: int, seconds: float, tokens: Tokens, *, fetches: bool) -> tuple[float, float, float]:
    """Requests a second of all clients, and the p50 and p99 of one, in ms. Each sends to its own reader; or sends and fetches in turn."""
    start = FORK.Barrier(CLIENTS)
    running = []
    for number in range(CLIENTS):
        ours, theirs = FORK.Pipe(duplex=False)
        process = FORK.Process(target=client, args=(number, port, seconds, tokens, fetches, start, theirs))
        process.start()
        theirs.close()
        running.append((process, ours))
    took: list[int] = []
    for process, ours in running:
        try:
            took += ours.recv()
        except EOFError as error:
            raise Failed(process.name) from error
        finally:
            process.join()
    took.sort()
    return len(took) / seconds, percentile(took, 50) / 1e6, percentile(took, 99) / 1e6


def client(number: int, port: int, seconds: float, tokens: Tokens, fetches: bool, start: Barrier, pipe: Connection) -> None:  # noqa: FBT001, PLR0913, PLR0917
    """One client: how long each of its requests took, in ns."""
    sender, reader = f"sender{number}", f"reader{number}"
    body = json.dumps({"from": sender, "to": reader, "subject": "", "body": BODY}).encode()
    more = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    requests = [head("POST /api/send", port, tokens.get(sender), more) + body]
    if fetches:
        requests.append(head(f"GET /api/inbox/{reader}?mark_read=true", port, tokens.get(reader)))
    took: list[int] = []
    with socket.create_connection((LOOPBACK, port), timeout=SECONDS_MAX) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        start.wait()
        end = time.monotonic_ns() + seconds * 1e9
        while (began := time.monotonic_ns()) < end:
            connection.sendall(requests[len(took) % len(requests)])
            read(connection)
            took.append(time.monotonic_ns() - began)
    pipe.send(took)


def head(line: str, port: int, token: str | None, more: str = "") -> bytes:
    """The head of a request."""
    who = f"X-Bus-Token: {token}\r\n" if token else ""
    return f"{line} HTTP/1.1\r\nHost: {LOOPBACK}:{port}\r\n{who}{more}\r\n".encode()


def read(connection: socket.socket) -> None:
    """Read one answer, which must be 200."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += some(connection)
    before, _, body = got.partition(b"\r\n\r\n")
    if b" 200 " not in before[:16]:
        raise Failed(before.decode(errors="replace") + body.decode(errors="replace"))
    _, found, length = before.lower().partition(b"content-length: ")
    if found:
        left = int(length.split(b"\r\n")[0]) - len(body)
        while left > 0:
            left -= len(some(connection))
    else:
        while not body.endswith(b"0\r\n\r\n"):
            body += some(connection)


def some(connection: socket.socket) -> bytes:
    """What has come."""
    got = connection.recv(65_536)
    if not got:
        raise Failed(str(connection.getpeername()))
    return got
