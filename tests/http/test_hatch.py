"""The short way of the two requests of the bus: whoever comes by it gets what everybody gets, and no more."""

from __future__ import annotations

import json
import socket
import struct
from contextlib import closing, contextmanager

import pytest

from tests.http.asking import Bus
from tests.waiting import until

MIB = 2**20


class Speaker:
    """One connection that says each request in one piece, as the short way wants it."""

    def __init__(self, bus: Bus, name: str, scope: str = "agent") -> None:
        self._head = f"Host: 127.0.0.1:{bus.node.port}\r\nX-Bus-Token: {bus.token(name, scope)}\r\n"
        self.socket = bus.raw()
        self._file = self.socket.makefile("rb")

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self.socket.close()

    def sending(self, to: str, body: str, **more: str) -> bytes:
        """The text of a request."""
        text = json.dumps({"to": to, "body": body, **more}).encode()
        head = f"POST /api/send HTTP/1.1\r\n{self._head}Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
        return head.encode() + text

    def fetching(self, name: str) -> bytes:
        """The text of a request."""
        return f"GET /api/inbox/{name}?mark_read=true HTTP/1.1\r\n{self._head}\r\n".encode()

    def answer(self):
        """The next answer: its status, and its value."""
        status = int(self._file.readline().split()[1])
        length = 0
        while (line := self._file.readline()) not in {b"\r\n", b""}:
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return status, json.loads(self._file.read(length))

    def ask(self, *texts: bytes):
        """Say something, in so many pieces."""
        for text in texts:
            self.socket.sendall(text)
        return self.answer()


@contextmanager
def known(bus: Bus, name: str):
    """One whose token was looked up once already."""
    speaker = Speaker(bus, name)
    try:
        assert speaker.ask(speaker.fetching(name)) == (200, [])
        yield speaker
    finally:
        speaker.close()


@pytest.fixture
def joe(bus):
    with known(bus, "joe") as speaker:
        yield speaker


@pytest.fixture
def jack(bus):
    with known(bus, "jack") as speaker:
        yield speaker


def test_what_is_sent_again_and_again_arrives_once_each_and_in_order(joe, jack):
    for number in range(20):
        status, receipt = joe.ask(joe.sending("jack", f"message {number}"))
        assert (status, receipt["state"], receipt["deliveries"][0]["recipient"]) == (200, "delivered", "jack")
    status, letters = jack.ask(jack.fetching("jack"))
    assert [letter["body"] for letter in letters] == [f"message {number}" for number in range(20)]
    assert {letter["from"] for letter in letters} == {"joe"}
    assert jack.ask(jack.fetching("jack")) == (200, [])


def test_a_connection_that_says_the_same_again_is_served_whatever_the_length_of_the_body(joe):
    bodies = ["x" * length for length in (1, 9, 10, 200, 99_999, 3)]
    for body in bodies:
        assert joe.ask(joe.sending("joe", body))[1]["state"] == "delivered"
        assert [letter["body"] for letter in joe.ask(joe.fetching("joe"))[1]] == [body]


@pytest.mark.parametrize("cut", [20, -1])
def test_a_known_request_that_comes_in_pieces_or_with_another_is_answered_once_and_in_order(joe, jack, cut):
    for _ in range(2):
        assert joe.ask(joe.sending("jack", "known"))[0] == 200
    text = joe.sending("jack", "in pieces")
    assert joe.ask(text[:cut], text[cut:])[0] == 200
    joe.socket.sendall(joe.sending("jack", "first") + joe.sending("jack", "second"))
    assert [joe.answer()[0] for _ in range(2)] == [200, 200]
    bodies = [letter["body"] for letter in jack.ask(jack.fetching("jack"))[1]]
    assert bodies == ["known", "known", "in pieces", "first", "second"]


def test_both_ways_give_the_same(bus, joe, jack):
    short = joe.ask(joe.sending("jack", "one"))[1]
    long = bus.client("joe").post("/api/send", {"to": "jack", "body": "one"}).json
    assert {**short, "id": "", "number": 0, "thread": "", "sent_ms": 0}.keys() == long.keys()
    assert short["deliveries"][0].keys() == long["deliveries"][0].keys()
    (one,) = jack.ask(jack.fetching("jack"))[1][:1]
    joe.ask(joe.sending("jack", "two"))
    (two,) = bus.client("jack").get("/api/inbox/jack?mark_read=true").json
    assert one.keys() == two.keys()


def test_a_token_that_is_revoked_is_dead_at_once(bus, joe, jack):
    assert joe.ask(joe.sending("jack", "one"))[0] == 200
    bus.revoke("joe")
    assert joe.ask(joe.sending("jack", "two"))[0] == 401
    assert joe.ask(joe.sending("jack", "three"))[0] == 401
    assert [letter["body"] for letter in jack.ask(jack.fetching("jack"))[1]] == ["one"]


def test_who_is_renamed_goes_on_under_the_new_name_only(bus, joe, jack):
    joe.ask(joe.sending("jack", "one"))
    assert bus.client("joe").post("/api/rename", {"name": "joseph"}).status == 200
    assert joe.ask(joe.sending("jack", "two"))[0] == 200
    assert joe.ask(joe.fetching("joe"))[0] == 403
    assert joe.ask(joe.fetching("joseph")) == (200, [])
    assert [letter["from"] for letter in jack.ask(jack.fetching("jack"))[1]][-1] == "joseph"


@pytest.mark.parametrize("more", [{"from": "jill"}, {"nonsense": "x"}])
def test_what_is_wrong_is_refused_as_everywhere(joe, jack, more):
    status, error = joe.ask(joe.sending("jack", "hi", **more))
    assert status in {400, 403, 422}, error
    assert jack.ask(jack.fetching("jack")) == (200, [])


def test_nobody_reads_the_mail_of_another(joe, jack):
    joe.ask(joe.sending("jack", "hi"))
    assert joe.ask(joe.fetching("jack"))[0] == 403
    assert len(jack.ask(jack.fetching("jack"))[1]) == 1


def test_an_unknown_name_is_an_error_that_names_close_ones(joe, jack):
    status, error = joe.ask(joe.sending("jock", "hi"))
    assert (status, error["error"]) == (404, "no-such-agent")
    assert "jack" in json.dumps(error)


def test_a_read_token_takes_nothing_away(bus, joe, jack):
    joe.ask(joe.sending("jack", "hi"))
    with closing(Speaker(bus, "jack", "read")) as reader:
        for _ in range(2):
            assert reader.ask(reader.fetching("jack"))[0] == 403
    assert len(jack.ask(jack.fetching("jack"))[1]) == 1


def test_requests_that_come_all_at_once_are_answered_in_order(joe):
    texts = [joe.sending("joe", "one"), joe.fetching("joe"), b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", joe.fetching("joe")]
    joe.socket.sendall(b"".join(texts))
    answers = [joe.answer() for _ in texts]
    assert answers[0][1]["state"] == "delivered"
    assert [letter["body"] for letter in answers[1][1]] == ["one"]
    assert answers[2][1].get("error") or answers[2][1].get("status")
    assert answers[3] == (200, [])


@pytest.mark.parametrize("cut", [10, -1, -30])
def test_a_request_in_two_pieces_is_answered_once(joe, jack, cut):
    text = joe.sending("jack", "in two pieces")
    assert joe.ask(text[:cut], text[cut:])[0] == 200
    assert len(jack.ask(jack.fetching("jack"))[1]) == 1


def test_what_could_not_be_written_out_is_not_read(bus, joe, jack):
    for _ in range(10):
        bus.client("joe").post("/api/send", {"to": "jack", "body": "x" * (MIB - 100)})
    dying = bus.raw(receive_bytes=4096)
    dying.sendall(jack.fetching("jack"))
    assert dying.recv(100).startswith(b"HTTP/1.1 200")
    dying.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    dying.close()
    again = until(lambda: jack.ask(jack.fetching("jack"))[1])
    assert len(again) == 10
    assert all(letter["redelivered"] for letter in again)


def test_what_is_fetched_before_a_request_that_ends_the_connection_is_not_lost(bus, joe, jack):
    """The answer may be written out or not; in either case the message is read or comes again."""
    joe.ask(joe.sending("jack", "precious"))
    jack.socket.sendall(jack.fetching("jack") + b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100 + b"\r\n")
    said = b"".join(iter(lambda: jack.socket.recv(65_536), b""))
    if b"precious" not in said:
        again = until(lambda: bus.client("jack").get("/api/inbox/jack?mark_read=true").json)
        assert [letter["body"] for letter in again] == ["precious"]
    assert b"431" in said


def test_what_waits_for_a_room_or_for_all_goes_the_long_way(bus, joe, jack):
    assert bus.client("jack").post("/api/create-room", {"name": "dev"}).status == 200
    assert bus.client("joe").post("/api/join", {"room": "dev"}).status == 200
    assert joe.ask(joe.sending("#dev", "to the room"))[0] == 200
    assert joe.ask(joe.sending("ALL", "to all"))[0] == 200
    assert [letter["body"] for letter in jack.ask(jack.fetching("jack"))[1]] == ["to the room", "to all"]


def test_a_token_that_is_revoked_is_dead_at_once_also_for_who_has_no_mail(bus, jack):
    assert jack.ask(jack.fetching("jack")) == (200, [])
    bus.revoke("jack")
    assert jack.ask(jack.fetching("jack"))[0] == 401
    assert jack.ask(jack.fetching("jack"))[0] == 401
