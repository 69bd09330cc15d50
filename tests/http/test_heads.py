"""A head that comes again is known by its bytes: whatever is taken for one, a parser of HTTP would read the same way."""

from __future__ import annotations

import httptools
from hypothesis import assume, example, given
from hypothesis import strategies as st

from postroom.http.heads import Head, head_of

BODIES = st.binary(max_size=120)
VALUES = st.sampled_from(["x", "application/json", "content-length: 5", "a b", "", "5"])
NAMES = st.sampled_from(["Host", "X-Bus-Token", "Content-Type", "X-Content-Length", "Accept"])
LENGTHS = st.sampled_from(["Content-Length: {}", "content-length:{}", "CONTENT-LENGTH:  {} ", "Content-Length: 0{}"])


def known_head(request: bytes, body: bytes) -> Head:
    """The head of a request, where one can be remembered."""
    head = head_of(request, body)
    assume(head is not None)
    assert head is not None
    return head


class Reader:
    """What httptools reads."""

    def __init__(self, request: bytes) -> None:
        self.url = self.body = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.begun = self.ended = 0
        parser = httptools.HttpRequestParser(self)
        parser.feed_data(request)
        self.method = parser.get_method()
        self.keeps = parser.should_keep_alive()

    def on_message_begin(self) -> None:
        self.begun += 1

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.ended += 1

    @property
    def head(self):
        return self.method, self.url, self.keeps, [header for header in self.headers if header[0] != b"content-length"]


@st.composite
def heads(draw):
    """A head with a place for the length of its body, and one that has none."""
    lines = [f"{name}: {value}" for name, value in draw(st.lists(st.tuples(NAMES, VALUES), max_size=4))]
    place = draw(st.integers(0, len(lines)))
    length = draw(LENGTHS)

    def request(body: bytes) -> bytes:
        full = [*lines[:place], length.format(len(body)), *lines[place:]]
        return "\r\n".join(["POST /api/send HTTP/1.1", *full, "", ""]).encode() + body

    return request


@given(heads(), BODIES, BODIES)
def test_a_head_is_known_again_whatever_its_body(request, first, second):
    head = known_head(request(first), first)
    assume(not head.after.startswith(b" "))
    assert head.body(request(second)) == second


def test_a_request_without_a_body_is_known_again():
    request = b"GET /api/inbox/jack HTTP/1.1\r\nHost: a\r\n\r\n"
    head = head_of(request, b"")
    assert head is not None
    assert head.body(request) == b""
    assert head.body(request + request) is None
    assert head.body(request[:-1]) is None


@given(heads(), BODIES, BODIES, st.data())
@example(lambda body: b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body), b"abc", b"\r\n\r\n", None)
def test_what_is_taken_for_a_known_head_is_read_the_same_way_by_a_parser(request, first, second, data):
    head = known_head(request(first), first)
    text = bytearray(request(second))
    if data is not None:
        place = data.draw(st.integers(0, len(text)))
        text[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    body = head.body(bytes(text))
    if body is not None:
        known, again = Reader(request(first)), Reader(bytes(text))
        assert (again.head, again.body) == (known.head, body)
        assert (again.begun, again.ended) == (1, 1)


def test_a_body_of_unknown_length_is_not_remembered():
    assert head_of(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nabc", b"abc") is None
