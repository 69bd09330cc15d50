"""No web page reaches the node: every way in which a browser, or a name that leads here, could be told to ask."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from postroom.testing import PostRoom
from tests.http.asking import Bus
from tests.node.nodes import RunningNode

PORT = "PORT"
HERE = f"127.0.0.1:{PORT}"


class Row(NamedTuple):
    """What a request says besides its token, and whether it is let in."""

    headers: tuple[tuple[str, str], ...]
    let_in: bool


def said(*headers: tuple[str, str], host: str | None = HERE) -> tuple[tuple[str, str], ...]:
    return (*([("Host", host)] if host is not None else []), *headers)


OURS = [HERE, f"localhost:{PORT}", f"LOCALHOST:{PORT}", f"[::1]:{PORT}"]
NOT_OURS = [
    "", "127.0.0.1", "localhost", "[::1]", "127.0.0.1:1", "localhost:80", "127.0.0.1:", f"127.0.0.1.:{PORT}", f"localhost.:{PORT}",
    f"127.evil.test:{PORT}", f"127.0.0.1.evil.test:{PORT}", f"localhost.evil.test:{PORT}", f"evil.test:{PORT}", "evil.test",
    f"7f000001.c0a80001.rbndr.us:{PORT}", f"make-127-0-0-1-rr.1u.ms:{PORT}", f"localtest.me:{PORT}", f"127.0.0.1.nip.io:{PORT}",
    f"0.0.0.0:{PORT}", f"127.0.0.2:{PORT}", f"127.1:{PORT}", f"2130706433:{PORT}", f"0x7f000001:{PORT}", f"0177.0.0.1:{PORT}",
    f"[::]:{PORT}", f"[::ffff:127.0.0.1]:{PORT}", f"[0:0:0:0:0:0:0:1]:{PORT}", f"::1:{PORT}", f"me@127.0.0.1:{PORT}",
    f"127.0.0.1:{PORT}@evil.test", f"127.0.0.1:{PORT}/evil.test", f"evil.test#127.0.0.1:{PORT}", f"127.0.0.1 :{PORT}", f"bus-server:{PORT}",
    f"lo\u0441alhost:{PORT}", f"ⓛocalhost:{PORT}", f"127.0.0.1:{PORT}, evil.test", f"127.0.0.1:0{PORT}9",
]  # fmt: skip
ORIGINS_NOT_OURS = [
    "null", "", "http://evil.test", "https://evil.test", f"http://evil.test:{PORT}", f"http://127.evil.test:{PORT}", f"https://{HERE}",
    "http://127.0.0.1", "http://127.0.0.1:1", f"http://localhost:{PORT}", "http://localhost:3000", f"http://[::1]:{PORT}", f"ws://{HERE}",
    f"http://{HERE}.evil.test", f"http://{HERE}@evil.test", f"http://evil.test/{HERE}", f"http://evil.test#{HERE}", f"HTTP://{HERE}",
    "file://", "chrome-extension://abcdefgh", "moz-extension://abcdefgh", "app://localhost", HERE, f"//{HERE}", f"http://{HERE}/",
    f"http://{HERE}, http://evil.test", f"http://0.0.0.0:{PORT}", f"http:///{HERE}", f"http://127.0.0.2:{PORT}", "about:blank",
]  # fmt: skip
SITES_NOT_OURS = [
    ("cross-site", "cors", "empty"), ("cross-site", "no-cors", "empty"), ("cross-site", "no-cors", "image"),
    ("cross-site", "no-cors", "script"),
    ("cross-site", "navigate", "document"), ("cross-site", "navigate", "iframe"), ("cross-site", "websocket", "websocket"),
    ("same-site", "cors", "empty"), ("same-site", "navigate", "document"), ("same-site", "no-cors", "image"),
    ("same-origin", "navigate", "iframe"), ("same-origin", "no-cors", "object"), ("same-origin", "no-cors", "worker"),
    ("Cross-Site", "cors", "empty"), ("", "cors", "empty"), ("whatever", "cors", "empty"),
]  # fmt: skip


def fetch(site: str, mode: str, dest: str) -> tuple[tuple[str, str], ...]:
    return (("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", mode), ("Sec-Fetch-Dest", dest))


ROWS = [
    *(Row(said(host=host), let_in=True) for host in OURS),
    *(Row(said(host=host), let_in=False) for host in NOT_OURS),
    Row(said(host=None), let_in=False),
    Row(said(("Host", "evil.test")), let_in=False),
    Row(said(("Host", HERE)), let_in=False),
    *(Row(said(("Origin", f"http://{host}"), host=host), let_in=True) for host in (HERE, f"localhost:{PORT}")),
    *(Row(said(("Origin", origin)), let_in=False) for origin in ORIGINS_NOT_OURS),
    Row(said(("Origin", f"http://{HERE}"), ("Origin", "http://evil.test")), let_in=False),
    *(Row(said(*fetch(*one)), let_in=False) for one in SITES_NOT_OURS),
    Row(said(*fetch("same-origin", "cors", "empty")), let_in=True),
    Row(said(*fetch("none", "navigate", "document")), let_in=True),
    Row(said(("Origin", "http://evil.test"), *fetch("same-origin", "cors", "empty")), let_in=False),
    Row(said(("Origin", f"http://{HERE}"), *fetch("cross-site", "cors", "empty")), let_in=False),
    Row(said(("Origin", f"http://evil.test:{PORT}"), host=f"evil.test:{PORT}"), let_in=False),
    Row(said(("X-Forwarded-Host", HERE), host="evil.test"), let_in=False),
    Row(said(("X-Forwarded-For", "127.0.0.1"), ("Forwarded", f"host={HERE}"), host="evil.test"), let_in=False),
]
WEBSOCKET = (
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
)
JSON = (("Content-Type", "application/json"), ("Content-Length", "2"), ("Connection", "close"))
METHODS = {
    "GET": ("GET /api/agents HTTP/1.1", (("Connection", "close"),), b"", 200),
    "POST": ("POST /api/profile HTTP/1.1", JSON, b"{}", 200),
    "WebSocket": ("GET /ws HTTP/1.1", WEBSOCKET, b"", 101),
}
REFUSALS = {400, 403, 421}


def test_the_table_is_long_enough():
    assert len(ROWS) * len(METHODS) >= 200


@pytest.mark.parametrize("method", METHODS)
def test_who_may_ask(bus, method):
    bus.client("joe")
    line, more, body, done = METHODS[method]
    wrong = []
    for row in ROWS:
        headers = [*row.headers, ("X-Bus-Token", bus.token("joe")), *more]
        status = ask(bus, line, headers, body)
        if row.let_in != (status == done) or (not row.let_in and status not in REFUSALS):
            wrong.append((row, status))
    assert not wrong


@pytest.mark.parametrize(
    "path", ["/", "/api/agents", "/api/live", "/openapi.json", "/docs", "/healthz", "/metrics", "/console/x", "/nowhere"]
)
def test_no_path_is_open_to_another_name(bus, path):
    assert ask(bus, f"GET {path} HTTP/1.1", [("Host", f"127.evil.test:{PORT}"), ("Connection", "close")]) == 421


@pytest.mark.parametrize("path", ["/api/agents", "/docs", "/console/x"])
def test_a_link_from_elsewhere_leads_to_the_page_and_nowhere_else(bus, path):
    link = [*said(*fetch("cross-site", "navigate", "document")), ("Connection", "close")]
    assert ask(bus, "GET / HTTP/1.1", link) == 200
    assert ask(bus, f"GET {path} HTTP/1.1", link) == 403
    assert ask(bus, "POST / HTTP/1.1", [*link, ("Content-Length", "0")]) == 403
    assert ask(bus, "GET / HTTP/1.1", [*said(*fetch("cross-site", "navigate", "iframe")), ("Connection", "close")]) == 403


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""])
def test_a_form_is_no_call(bus, kind):
    """What a page may send without asking first has one of these types."""
    reply = bus.client("joe").ask("POST", "/api/send", b'{"to": "joe", "body": "hi"}', Content_Type=kind)
    assert (reply.status, reply.error) == (415, "wrong-type")


def test_it_is_said_what_is_wrong(bus):
    joe = bus.client("joe")
    assert joe.get("/api/agents", Host="evil.test").error == "wrong-host"
    assert joe.get("/api/agents", Origin="http://evil.test").error == "wrong-origin"
    assert joe.get("/nowhere").error == "no-such-path"
    wrong = joe.ask("DELETE", "/api/profile")
    assert (wrong.status, wrong.error, wrong.headers["Allow"]) == (405, "wrong-method", "GET, HEAD, POST")


def test_nothing_is_allowed_to_other_origins(bus):
    for method in ("GET", "OPTIONS", "POST"):
        reply = bus.client("joe").ask(method, "/api/agents", Access_Control_Request_Method="POST")
        assert not [name for name in reply.headers if name.lower().startswith("access-control")]
    assert bus.client("joe").ask("OPTIONS", "/api/send").status == 405


def test_by_the_unix_socket_no_page_comes_at_all(bus):
    near = bus.near("joe")
    assert near.post("/api/profile").status == 200
    assert near.get("/api/agents", Origin=f"http://127.0.0.1:{bus.node.port}").status == 403
    assert near.get("/api/agents", Sec_Fetch_Site="cross-site").status == 403
    assert bus.near("human").get("/api/agents").status == 403


def test_who_does_not_say_who_it_is_is_told_by_which_header_to_say_it(bus):
    nobody = bus.near("")
    for asked in (nobody.get("/api/agents"), nobody.post("/api/send", {"to": "joe"})):
        assert (asked.status, asked.error, asked.json["message"]) == (
            401,
            "no-identity",
            "Who are you? Say it with the header X-Postroom-Agent: NAME.",
        )


def test_names_that_are_configured_are_ours_too(post: PostRoom, home):
    post.configure('[node]\nhosts = ["bus.internal", "gate.internal:443"]\n')
    with RunningNode(post.home, home) as node:
        bus = Bus(post, node)
        token = ("X-Bus-Token", bus.token("joe"))
        for host, status in (
            ("bus.internal", 200),
            ("bus.internal:99", 200),
            ("gate.internal:443", 200),
            ("gate.internal:1", 421),
            ("x.internal", 421),
        ):
            assert ask(bus, "GET /api/agents HTTP/1.1", [("Host", host), token, ("Connection", "close")]) == status


def ask(bus: Bus, line: str, headers, body: bytes = b"") -> int:
    """The status of what is answered."""
    text = "".join(f"{name}: {value}\r\n" for name, value in headers).replace(PORT, str(bus.node.port))
    with bus.raw() as opened:
        opened.sendall(f"{line}\r\n{text}\r\n".encode() + body)
        try:
            return int(opened.recv(64).split()[1])
        except (TimeoutError, ConnectionResetError, IndexError):
            return 0
