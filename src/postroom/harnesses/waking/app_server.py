"""One request to an app server of Codex: over the socket of the one that runs for this user, or to one that is started for it.

Nothing that is sent stands on a command line, where other users could read it.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from threading import Timer

from postroom.core.types import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import BinaryIO

SOCKET = ("app-server-control", "app-server-control.sock")
PATIENCE_S = 10.0
ANSWER_BYTES_MAX = 16 * 1024 * 1024
HELLO = {"clientInfo": {"name": "postroom", "version": "0"}, "capabilities": {"experimentalApi": True}}
UPGRADE = (
    "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
)
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
FINAL, MASKED = 0x80, 0x80
SHORT, MIDDLE, LONG = 125, 126, 127
MIDDLE_MAX = 0xFFFF


class Sent(NamedTuple):
    """A request."""

    method: str
    params: Mapping[str, object]


class Refused(Exception):
    """The app server did not do it."""

    def __init__(self, method: str, why: object) -> None:
        super().__init__(f"{method}: {why}")


def converse(write: Callable[[bytes], object], answers: Iterator[bytes], sent: Sent) -> None:
    """Introduce ourselves, ask, and wait for the answer. Raises Refused, EOFError, ValueError."""
    for id, one in enumerate((Sent("initialize", HELLO), sent), 1):
        write(json.dumps({"id": id, "method": one.method, "params": one.params}).encode())
        for line in answers:
            answer = json.loads(line)
            if answer.get("id") == id and "method" not in answer:
                break
        else:
            raise EOFError(one.method)
        if "error" in answer:
            raise Refused(one.method, answer["error"].get("message"))
        if id == 1:
            write(b'{"method":"initialized"}')


# The one that runs


def through_daemon(home: str, sent: Sent) -> None:
    """Ask the app server that runs for this user. Raises OSError when there is none."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE_S)
        connection.connect(os.path.join(home, *SOCKET))
        with connection.makefile("rb") as reading:
            upgrade(connection, reading)
            converse(lambda text: connection.sendall(frame(TEXT, text)), frames(connection, reading), sent)


def upgrade(connection: socket.socket, reading: BinaryIO) -> None:
    """Speak WebSocket from here on. Raises ConnectionError."""
    from base64 import b64encode

    connection.sendall(UPGRADE.format(key=b64encode(os.urandom(16)).decode()).encode())
    status = reading.readline()
    while reading.readline().strip():
        pass
    if b" 101 " not in status:
        raise ConnectionError(status.decode(errors="replace").strip() or "closed")


def frame(kind: int, content: bytes) -> bytes:
    """A frame of a client. It is masked with zeros: nothing lies between us and a socket of this user."""
    size = len(content)
    if size <= SHORT:
        head = bytes([FINAL | kind, MASKED | size])
    elif size <= MIDDLE_MAX:
        head = bytes([FINAL | kind, MASKED | MIDDLE]) + size.to_bytes(2)
    else:
        head = bytes([FINAL | kind, MASKED | LONG]) + size.to_bytes(8)
    return head + bytes(4) + content


def frames(connection: socket.socket, reading: BinaryIO) -> Iterator[bytes]:
    """The messages that come, until the other side closes."""
    whole = b""
    while head := reading.read(2):
        kind, size = head[0] & 0x0F, head[1] & ~MASKED
        if size > SHORT:
            size = int.from_bytes(reading.read(2 if size == MIDDLE else 8))
        if size + len(whole) > ANSWER_BYTES_MAX:
            raise ValueError(size)
        content = reading.read(size)
        if kind == CLOSE:
            return
        if kind == PING:
            connection.sendall(frame(PONG, content))
        elif kind != PONG:
            whole += content
            if head[0] & FINAL:
                yield whole
                whole = b""


# One of our own


def through_own(program: str, environ: Mapping[str, str], sent: Sent) -> None:
    """Start an app server, ask it, and end it. Raises OSError."""
    process = subprocess.Popen(  # noqa: S603  # the harness that has started us
        [program, "app-server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=dict(environ), bufsize=0
    )
    assert process.stdin is not None
    assert process.stdout is not None
    writing, patience = process.stdin, Timer(PATIENCE_S, process.kill)
    patience.start()
    try:
        with process.stdin, process.stdout:
            converse(lambda text: writing.write(text + b"\n"), iter(process.stdout.readline, b""), sent)
    finally:
        patience.cancel()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
