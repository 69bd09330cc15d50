"""The gateway: verbs and messages over a WebSocket, which may break at any moment."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.http.asking import Bus
from tests.node.nodes import RunningNode
from tests.ports import free_port
from tests.waiting import SOON_S, until


class Line:
    """A client of the gateway."""

    def __init__(
        self, bus: Bus, name: str, *, hello: dict[str, Any] | None = None, port: int | None = None, path: str = "/ws", **more
    ) -> None:
        headers = more.pop("headers", {"X-Bus-Token": bus.token(name)})
        url = f"ws://127.0.0.1:{port or bus.node.port}{path}"
        self.socket: ClientConnection = connect(url, additional_headers=headers, proxy=None, open_timeout=SOON_S, **more).__enter__()
        self.say(**(hello or {}))
        self.hello = self.hear()
        self._calls = 0

    def say(self, **frame) -> None:
        self.socket.send(json.dumps(frame))

    def hear(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(self.socket.recv(timeout=SOON_S))
        return frame

    def call(self, verb: str, number: int | None = None, **args) -> dict[str, Any]:
        self._calls += 1
        self.say(call=number or self._calls, verb=verb, args=args)
        return self.hear()

    def cut(self) -> None:
        """Break the connection without a word."""
        self.socket.socket.close()

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def line(bus):
    """Makes clients that are closed in the end."""
    opened = []

    def make(name, **more):
        opened.append(Line(bus, name, **more))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def test_verbs_are_called_as_over_http(bus, line):
    bus.client("jack")
    joe = line("joe")
    reply = joe.call("send", to="jack", body="hi")
    assert (reply["call"], reply["result"]["state"]) == (1, "delivered")
    assert joe.call("status", id=1)["result"]["id"] == "1"
    assert joe.call("send", to="nobody", body="hi")["error"]["error"] == "no-such-agent"
    assert joe.call("nonsense")["error"]["error"] == "no-such-path"
    assert joe.call("send", to=7)["error"]["error"] == "bad-request"
    assert joe.call("pause", name="jack", reason="x")["error"]["error"] == "not-your-right"


def test_messages_are_pushed_and_read_when_the_client_says_so(bus, line):
    joe, jack = bus.client("joe"), line("jack")
    joe.post("/api/send", {"to": "jack", "body": "hi"})
    pushed = jack.hear()
    assert pushed["message"]["body"] == "hi"
    assert joe.get("/api/status?id=1").json["state"] == "handed"
    jack.say(read=[pushed["delivery"]])
    until(lambda: joe.get("/api/status?id=1").json["state"] == "read")


def test_one_that_is_cut_off_and_comes_back_loses_nothing_and_gets_nothing_twice_as_new(bus, line):
    joe = bus.client("joe")
    jack = line("jack", hello={})
    seat, new = jack.hello["seat"], []
    for number in range(10):
        joe.post("/api/send", {"to": "jack", "body": str(number)})
        pushed = jack.hear()
        new.append((pushed["message"]["body"], pushed.get("again", False)))
        jack.cut()
        jack = line("jack", hello={"resume": seat})
        assert jack.hello["seat"] == seat
        again = jack.hear()
        assert (again["message"]["body"], again["delivery"], again["again"]) == (str(number), pushed["delivery"], True)
        jack.say(read=[again["delivery"]])
    assert new == [(str(number), False) for number in range(10)]
    until(lambda: all(joe.get(f"/api/status?id={number}").json["state"] == "read" for number in range(1, 11)))


def test_a_call_that_is_repeated_after_a_break_is_done_once(bus, line):
    bus.client("jack")
    joe = line("joe")
    first = joe.call("send", number=7, to="jack", body="once")
    joe.cut()
    joe = line("joe", hello={"resume": joe.hello["seat"]})
    assert joe.call("send", number=7, to="jack", body="once") == first
    assert len(bus.client("jack").get("/api/inbox/jack").json) == 1


def test_no_more_is_pushed_than_the_client_can_take(bus, line):
    joe = bus.client("joe")
    bus.client("jack")
    drafts = [{"to": "jack", "body": str(number)} for number in range(150)]
    assert joe.post("/api/send-many", {"drafts": drafts}).status == 200
    jack = line("jack")
    pushed = [jack.hear() for _ in range(100)]
    assert jack.call("peek")["call"] == 1  # the next thing that comes is the answer: nothing more is pushed
    jack.say(read=[one["delivery"] for one in pushed])
    assert [jack.hear()["message"]["body"] for _ in range(50)] == [str(number) for number in range(100, 150)]


def test_the_first_frame_or_a_subprotocol_may_hold_the_token(bus, line):
    token = bus.token("joe")
    assert line("joe", headers={}, hello={"token": token}).hello["agent"] == "joe"
    by_protocol = line("joe", headers={}, subprotocols=["postroom", f"token.{token}"])
    assert by_protocol.hello["agent"] == "joe"
    assert by_protocol.socket.subprotocol == "postroom"


@pytest.mark.parametrize("headers", [{"X-Bus-Token": "pr_wrong"}, {"Authorization": "Basic x"}])
def test_who_has_no_token_is_not_let_in(bus, headers):
    with pytest.raises(InvalidStatus) as refused:
        Line(bus, "joe", headers=headers)
    assert refused.value.response.status_code == 401


def test_a_read_token_is_not_enough(bus):
    with pytest.raises(InvalidStatus) as refused:
        Line(bus, "joe", headers={"X-Bus-Token": bus.token("joe", "read")})
    assert refused.value.response.status_code == 403


def test_a_first_frame_without_a_token_ends_it(bus):
    joe = Line(bus, "joe", headers={}, hello={"token": "pr_wrong"})
    assert joe.hello["error"]["error"] == "bad-token"
    with pytest.raises(ConnectionClosed):
        joe.hear()


def test_a_seat_that_is_gone_is_said_to_be(bus):
    joe = Line(bus, "joe", hello={"resume": "a-seat-of-long-ago"})
    assert joe.hello["error"]["error"] == "seat-gone"


def test_a_revoked_token_ends_the_connection_and_nothing_is_pushed(bus, line):
    joe, jack = bus.client("joe"), line("jack")
    bus.revoke("jack")
    joe.post("/api/send", {"to": "jack", "body": "secret"})
    assert jack.hear()["error"]["error"] == "bad-token"
    with pytest.raises(ConnectionClosed):
        jack.hear()
    assert [one["body"] for one in bus.client("jack").get("/api/inbox/jack").json] == ["secret"]


def test_a_newer_connection_takes_the_seat(bus, line):
    first = line("jack")
    second = line("jack", hello={"resume": first.hello["seat"]})
    with pytest.raises(ConnectionClosed) as closed:
        first.hear()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4409
    assert second.call("agents")["call"] == 1


def test_half_a_surrogate_pair_is_called_by_its_name(line):
    joe = line("joe")
    joe.socket.send('{"call": 1, "verb": "\\ud83d"}')
    assert joe.hear()["error"]["message"] == "The request cannot be read: a text in it has half a surrogate pair."


@pytest.mark.parametrize("text", ["", "[]", "{", '{"call": "x"}', '{"what": 1}', b"\x00"])
def test_what_is_no_frame_ends_the_connection(bus, line, text):
    joe = line("joe")
    joe.socket.send(text)
    assert joe.hear()["error"]["error"] == "bad-request"
    with pytest.raises(ConnectionClosed):
        joe.hear()


def test_the_gateway_can_have_a_port_of_its_own(post, home):
    port = free_port()
    with RunningNode(post.home, home, arguments=("--gateway-port", str(port))) as node:
        bus = Bus(post, node)
        joe = Line(bus, "joe", port=port, path="/")
        assert joe.hello["agent"] == "joe"
        joe.close()
