"""A node that dies while it answers: what it has said so far is no answer."""

from __future__ import annotations

import socket
from threading import Thread

import pytest

from postroom.core.refusals import Unreachable
from postroom.remote.bus import bus_at
from postroom.remote.wire import Request, Wire

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n"


@pytest.mark.parametrize("said", [b"", HEAD[:-2], HEAD, HEAD + b'{"id": "1", '])
def test_an_answer_that_breaks_off_is_none(said):
    listening = socket.create_server(("127.0.0.1", 0))

    def die() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(said)

    thread = Thread(target=die)
    thread.start()
    wire = Wire(bus_at(f"http://127.0.0.1:{listening.getsockname()[1]}"))
    try:
        with pytest.raises(Unreachable) as caught:
            wire.ask(Request("POST", "/api/send", {}, b"{}"), timeout_s=30)
    finally:
        thread.join()
        listening.close()
    assert caught.value.facts["sent"] is True
    assert not wire.is_connected
