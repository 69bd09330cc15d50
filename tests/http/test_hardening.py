"""What is done to the node on purpose or by mistake: slow, many, large, malformed requests. It stays within bounds, others are served."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

import postroom.http.request
from postroom.core.refusals import BadRequest
from postroom.http.request import Request, Way
from tests.http.asking import Bus
from tests.http.test_bus import waiting
from tests.waiting import until

MIB = 2**20
DRIPPING = 1_000
POLLS = 10_000
POLL_KIB = 40
"""So much one waiting request may cost: a connection, three tasks, a parser."""


def descriptors(number: int) -> None:
    """Let this process have so many descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = number + 4_000  # what other tests of this process hold
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this system allows {hard} descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def resident_mib(bus: Bus) -> float:
    """The memory of the node."""
    text = Path(f"/proc/{bus.node.pid}/status").read_text(encoding="ascii")
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


@pytest.mark.slow
def test_slow_clients_are_let_go_and_others_are_served(bus):
    """A thousand clients that never come to the end of their heads, a byte at a time."""
    descriptors(DRIPPING + 500)
    joe = bus.client("joe")
    before = resident_mib(bus)
    with ExitStack() as stack:
        slow = [stack.enter_context(bus.raw()) for _ in range(DRIPPING)]
        for opened in slow:
            opened.sendall(b"GET /api/agents HTTP/1.1\r\nX-Slow: ")
        let_go = set[socket.socket]()
        served = 0

        def drip() -> bool:
            nonlocal served
            for opened in slow:
                if opened not in let_go and dripped(opened):
                    let_go.add(opened)
            assert joe.get("/api/agents").status == 200
            served += 1
            return len(let_go) == DRIPPING

        until(drip)
    assert served > 3
    assert resident_mib(bus) - before < 64


def dripped(opened: socket.socket) -> bool:
    """Send one more byte; whether the connection is over."""
    opened.settimeout(0)
    try:
        opened.send(b"x")
        return opened.recv(200)[:12] in {b"", b"HTTP/1.1 408"}
    except BlockingIOError:
        return False
    except OSError:
        return True


@pytest.mark.parametrize("pause_s, stall_s, why", [(0.0, 1.0, "slower than"), (60.0, 0.02, "nothing of the body came")])
def test_a_body_that_drips_or_stops_is_let_go(monkeypatch, pause_s, stall_s, why):
    monkeypatch.setattr(postroom.http.request, "STALL_S", stall_s)
    monkeypatch.setattr(postroom.http.request, "PACE_BYTES", 10**9)

    async def receive():
        await asyncio.sleep(pause_s)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def read():
        async for _ in Request({"path": "/", "headers": []}, receive, Way("unix", frozenset())).parts():
            pass

    with pytest.raises(BadRequest, match=why):
        asyncio.run(read())


@pytest.mark.slow
def test_ten_thousand_long_polls_wait_and_others_are_served(bus):
    descriptors(POLLS + 500)
    names = [f"agent{number}" for number in range(20)]
    requests = [head(bus, f"GET /api/inbox/{name}?mark_read=true&wait=300", name=name) for name in names]
    joe = bus.client("joe")
    before = resident_mib(bus)

    async def poll() -> None:
        streams = []
        for number in range(POLLS):
            reader, writer = await asyncio.open_connection("127.0.0.1", bus.node.port)
            writer.write(requests[number % len(names)])
            streams.append((reader, writer))
        await asyncio.to_thread(until, lambda: waiting(bus) == POLLS)
        assert (resident_mib(bus) - before) * 1024 < POLLS * POLL_KIB
        for name in names:
            reply = await asyncio.to_thread(joe.post, "/api/send", {"to": name, "body": name})
            assert reply.status == 200
        firsts = {asyncio.create_task(reader.readline()): None for reader, _ in streams}
        answered = 0
        while answered < len(names):
            done, _ = await asyncio.wait(firsts, return_when=asyncio.FIRST_COMPLETED)
            assert all(task.result().startswith(b"HTTP/1.1 200") for task in done)
            answered += len(done)
            for task in done:
                del firsts[task]
        for task in firsts:
            task.cancel()
        for _, writer in streams:
            writer.transport.abort()

    asyncio.run(poll())
    until(lambda: waiting(bus) == 0)
    assert [joe.get(f"/api/status?id={number}").json["state"] for number in (1, 20)] == ["read", "read"]


@pytest.mark.parametrize(
    "text, status",
    [
        (b"\r\n\r\n\0\0\0", 400),
        (b"GET /api/agents\r\n\r\n", 400),
        (b"GET /api/agents HTTP/9.9\r\n\r\n", 400),
        (b"GIVE /api/agents HTTP/1.1\r\n\r\n", 400),
        (b"GET /api/agents HTTP/1.1\r\nHost: HERE\r\nBad Header: x\r\n\r\n", 400),
        (b"GET /api/agents HTTP/1.1\r\nHost: HERE\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431),
        (b"GET /api/agents HTTP/1.1\r\nHost: HERE\r\n" + b"X: y\r\n" * 100 + b"\r\n", 431),
        (b"GET /api/" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: HERE\r\n\r\n", 431),
        (b"POST /api/send HTTP/1.1\r\nHost: HERE\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /api/send HTTP/1.1\r\nHost: HERE\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
        (b"POST /api/send HTTP/1.1\r\nHost: HERE\r\nContent-Length: -5\r\n\r\n", 400),
        (b"POST /api/send HTTP/1.1\r\nHost: HERE\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        (
            b"POST /api/send HTTP/1.1\r\nHost: HERE\r\nTOKEN\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
            400,
        ),
    ],
)
def test_what_is_no_request_is_refused(bus, text, status):
    here = f"127.0.0.1:{bus.node.port}".encode()
    with bus.raw() as opened:
        opened.sendall(text.replace(b"HERE", here).replace(b"TOKEN", f"X-Bus-Token: {bus.token('joe')}".encode()))
        assert int(opened.recv(64).split()[1]) == status
    assert bus.client("joe").get("/api/agents").status == 200


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(bus):
    with bus.raw() as opened:
        opened.sendall(head(bus, "POST /api/send", ("Content-Type", "application/json"), ("Content-Length", str(10**12))))
        assert opened.recv(64).startswith(b"HTTP/1.1 413")


def test_a_body_that_does_not_say_how_long_it_is_is_cut_off_at_the_limit(bus):
    before = resident_mib(bus)
    with bus.raw() as opened:
        opened.sendall(head(bus, "POST /api/send", ("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")))
        piece = b"%x\r\n%b\r\n" % (MIB, b"x" * MIB)
        try:
            for _ in range(64):
                opened.sendall(piece)
        except OSError:
            pass  # it was cut off
        else:
            assert opened.recv(64).startswith(b"HTTP/1.1 413")
    assert resident_mib(bus) - before < 64


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"to": 1, "body": "x"}',
        b'{"to": "a", "body": "\xff"}',
        b'{"nobody": 1}',
        b"[" * 100_000,
        b'{"to":"a","to":"b"',
    ],
)
def test_what_is_no_message_is_refused(bus, body):
    reply = bus.client("joe").ask("POST", "/api/send", body, Content_Type="application/json")
    assert reply.status == 400
    assert set(reply.json) == {"error", "type", "message", "exit_code", "retry", "facts"}


def test_a_message_that_is_too_large_is_refused_with_the_limit(bus):
    reply = bus.client("joe").post("/api/send", {"to": "joe", "body": "x" * (MIB + 1)})
    assert (reply.status, reply.error) == (413, "too-large")
    assert json.dumps(MIB) in json.dumps(reply.json["facts"])


def head(bus: Bus, line: str, *headers: tuple[str, str], name: str = "joe") -> bytes:
    """The head of a request."""
    more = "".join(f"{key}: {value}\r\n" for key, value in headers)
    return f"{line} HTTP/1.1\r\nHost: 127.0.0.1:{bus.node.port}\r\nX-Bus-Token: {bus.token(name)}\r\n{more}\r\n".encode()
