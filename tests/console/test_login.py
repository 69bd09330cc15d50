"""Coming in: a link works once, a cookie alone opens nothing, nor does a key alone; and nobody else learns either."""

from __future__ import annotations

import http.client
import json
import stat
from pathlib import Path

import pytest

from postroom.cli.console import address, invitation
from postroom.http.login import IDLE_S, INVITATION_S, INVITATIONS_MAX, SESSION_S, SESSIONS_MAX, Doors
from tests.cli.shell import Shell, line_of
from tests.node.nodes import RunningNode
from tests.ports import free_port
from tests.waiting import until


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def doors(tmp_path, clock):
    return Doors(str(tmp_path / "console.json"), clock)


def test_an_invitation_works_once(doors):
    secret = doors.invite()
    assert doors.enter(secret) is not None
    assert doors.enter(secret) is None


@pytest.mark.parametrize("secret", ["", "x", "\udcff", "é" * 100])
def test_what_is_no_invitation_lets_nobody_in(doors, secret):
    doors.invite()
    assert doors.enter(secret) is None
    assert not doors.may(secret, secret)


def test_an_invitation_is_for_a_few_minutes(doors, clock):
    early, late = doors.invite(), doors.invite()
    clock.now += INVITATION_S - 1
    assert doors.enter(early) is not None
    clock.now += 1
    assert doors.enter(late) is None


def test_only_cookie_and_key_of_one_session_open(doors):
    one, other = doors.enter(doors.invite()), doors.enter(doors.invite())
    assert doors.may(one.cookie, one.key)
    assert not any(doors.may(*pair) for pair in [(one.cookie, other.key), (one.cookie, ""), ("", one.key), (one.key, one.cookie)])


def test_a_session_that_is_used_lasts_and_one_that_is_not_ends(doors, clock):
    used, unused = doors.enter(doors.invite()), doors.enter(doors.invite())
    for _ in range(3):
        clock.now += IDLE_S / 2
        assert doors.may(used.cookie, used.key)
    assert not doors.may(unused.cookie, unused.key)


def test_no_session_lasts_for_ever(doors, clock):
    entry, began = doors.enter(doors.invite()), clock.now
    while clock.now < began + SESSION_S - IDLE_S:
        clock.now += IDLE_S - 1
        assert doors.may(entry.cookie, entry.key)
    clock.now = began + SESSION_S
    assert not doors.may(entry.cookie, entry.key)


def test_who_leaves_is_out_at_once_and_alone(doors):
    one, other = doors.enter(doors.invite()), doors.enter(doors.invite())
    doors.leave(one.cookie, other.key)
    assert doors.may(one.cookie, one.key)
    doors.leave(one.cookie, one.key)
    assert not doors.may(one.cookie, one.key)
    assert doors.may(other.cookie, other.key)


def test_there_are_so_many_invitations_and_sessions_at_most(doors):
    first = doors.invite()
    rest = [doors.invite() for _ in range(INVITATIONS_MAX)]
    assert doors.enter(first) is None
    entries = [doors.enter(doors.invite()) for _ in range(SESSIONS_MAX + 1)]
    assert not doors.may(*entries[0])
    assert all(doors.may(*entry) for entry in entries[1:])
    assert len(rest) == INVITATIONS_MAX


def test_sessions_outlast_the_node_and_invitations_do_not(doors, tmp_path, clock):
    entry, gone, secret = doors.enter(doors.invite()), doors.enter(doors.invite()), doors.invite()
    doors.leave(*gone)
    again = Doors(str(tmp_path / "console.json"), clock)
    assert again.may(*entry)
    assert not again.may(*gone)
    assert again.enter(secret) is None


def test_what_is_kept_of_sessions_opens_nothing(doors, tmp_path):
    entry = doors.enter(doors.invite())
    file = tmp_path / "console.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not any(secret in file.read_text() for secret in entry)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"x": 1}', '{"x": [1]}'])
def test_a_file_of_sessions_that_cannot_be_read_lets_nobody_in(tmp_path, clock, text):
    (tmp_path / "console.json").write_text(text)
    doors = Doors(str(tmp_path / "console.json"), clock)
    assert not doors.may("x", "x")
    entry = doors.enter(doors.invite())
    assert entry is not None
    assert doors.may(*entry)


# Over HTTP


class Visitor:
    """Somebody who speaks HTTP to a node."""

    def __init__(self, url: str) -> None:
        self.place = url.removeprefix("http://")

    def __call__(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection(self.place, timeout=60)
        try:
            text = None if body is None else json.dumps(body)
            kind = {} if body is None else {"Content-Type": "application/json"}
            connection.request(method, path, text, kind | {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()


@pytest.fixture
def visitor(node):
    return Visitor(node.url)


@pytest.fixture
def entry(node, visitor):
    """Cookie and key of somebody who came in."""
    answer, body = visitor("POST", "/console/enter", {"secret": invitation(node.home)})
    assert answer.status == 200
    return answer.getheader("Set-Cookie").partition(";")[0], json.loads(body)["key"]


def test_cookie_and_key_together_are_the_human(visitor, entry):
    cookie, key = entry
    answer, body = visitor("GET", "/api/overview", Cookie=cookie, X_Postroom_Console=key)
    assert answer.status == 200
    assert json.loads(body)["figures"]["messages"] == 0


@pytest.mark.parametrize("what", ["cookie", "key", "another key", "nothing"])
def test_one_of_them_opens_nothing(visitor, entry, what):
    cookie, key = entry
    headers = {
        "cookie": {"Cookie": cookie},
        "key": {"X_Postroom_Console": key},
        "another key": {"Cookie": cookie, "X_Postroom_Console": key[::-1]},
        "nothing": {},
    }[what]
    for method, path, body in [("GET", "/api/agents", None), ("POST", "/api/pause", {"name": "bob", "reason": "x"})]:
        answer, text = visitor(method, path, body, **headers)
        assert (answer.status, json.loads(text)["error"]) == (401, "bad-token")


def test_the_cookie_is_for_this_page_only(node, visitor):
    answer, _ = visitor("POST", "/console/enter", {"secret": invitation(node.home)})
    name, *rest = answer.getheader("Set-Cookie").split("; ")
    assert name.startswith(f"postroom-{node.url.rpartition(':')[2]}=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(rest)
    assert answer.getheader("Cache-Control") == "no-store"


def test_cookies_of_other_servers_are_in_nobodys_way(visitor, entry):
    cookie, key = entry
    others = f'a="unclosed; =; b; c=\u00e9; {cookie}; postroom-1=x'
    answer, _ = visitor("GET", "/api/agents", Cookie=others.encode("latin-1"), X_Postroom_Console=key)
    assert answer.status == 200


def test_a_link_that_was_used_says_so(node, visitor):
    secret = invitation(node.home)
    assert visitor("POST", "/console/enter", {"secret": secret})[0].status == 200
    answer, body = visitor("POST", "/console/enter", {"secret": secret})
    assert (answer.status, json.loads(body)["error"]) == (401, "bad-token")


@pytest.mark.parametrize(
    "method, path, body, status",
    [
        ("POST", "/console/link", {}, 404),
        ("GET", "/console/enter", None, 405),
        ("GET", "/console/nothing.js", None, 404),
        ("GET", "/console/../../login.py", None, 404),
        ("GET", "/console/%2e%2e/%2e%2e/login.py", None, 404),
        ("POST", "/", {}, 405),
        ("POST", "/console/enter", [], 400),
        ("POST", "/console/enter", {"secret": 1}, 400),
        ("POST", "/console/enter", {"secret": "x" * 2000}, 413),
    ],
)
def test_what_is_not_for_strangers_is_refused(visitor, method, path, body, status):
    assert visitor(method, path, body)[0].status == status


def test_a_form_of_another_page_cannot_let_anybody_in(node):
    connection = http.client.HTTPConnection(node.url.removeprefix("http://"), timeout=60)
    text = json.dumps({"secret": invitation(node.home)})
    connection.request("POST", "/console/enter", text, {"Content-Type": "text/plain"})
    assert connection.getresponse().status == 415
    connection.close()


def test_who_leaves_is_out(visitor, entry):
    cookie, key = entry
    answer, _ = visitor("POST", "/console/leave", {}, Cookie=cookie, X_Postroom_Console=key)
    assert "Max-Age=0" in answer.getheader("Set-Cookie")
    assert visitor("GET", "/api/agents", Cookie=cookie, X_Postroom_Console=key)[0].status == 401


def test_the_page_allows_itself_nothing_from_elsewhere(visitor):
    answer, body = visitor("GET", "/")
    policy = answer.getheader("Content-Security-Policy")
    assert policy == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )
    assert answer.getheader("X-Frame-Options") == "DENY"
    assert answer.getheader("Referrer-Policy") == "no-referrer"
    assert b"<!doctype html>" in body
    again, nothing = visitor("GET", "/", If_None_Match=answer.getheader("ETag"))
    assert (again.status, nothing) == (304, b"")


# The command


def test_only_a_person_at_a_terminal_opens_the_console(node, home):
    done = Shell(home)("console", "--print", POSTROOM_HOME=node.home)
    assert (done.code, done.out) == (77, "")
    assert "from a terminal" in done.err


def test_the_link_is_printed_for_a_browser_elsewhere(node, home, visitor):
    with Shell(home).terminal("console", "--print", columns=300, POSTROOM_HOME=node.home) as terminal:
        code, shown = terminal.end()
    assert code == 0
    url, _, secret = shown.strip().partition("/#login=")
    assert url == node.url
    assert visitor("POST", "/console/enter", {"secret": secret})[0].status == 200


def test_without_a_node_it_says_how_to_start_one(post, home):
    post.agents("alice")
    with Shell(home).terminal("console", columns=300, POSTROOM_HOME=post.home) as terminal:
        code, shown = terminal.end()
    assert code == 69
    assert "postroom up" in shown


def test_a_node_that_no_browser_reaches_says_so(post, home):
    process = Shell(home).start("up", "--listen", "", POSTROOM_HOME=post.home)
    assert line_of(process).startswith("up: unix://")
    with Shell(home).terminal("console", "--json", columns=300, POSTROOM_HOME=post.home) as terminal:
        code, shown = terminal.end()
    process.terminate()
    process.communicate(timeout=60)
    assert code == 69
    assert '"error": "no-address"' in shown


def test_the_secret_is_in_no_argument_of_a_program(node, home: Path, visitor):
    said = home / "said"
    opener = home / "opener"
    opener.write_text(f'#!/bin/sh\nprintf "%s" "$*" > "{said}"\n')
    opener.chmod(0o755)
    with Shell(home).terminal("console", columns=300, POSTROOM_HOME=node.home, BROWSER=f"{opener} %s") as terminal:
        code, _ = terminal.end()
    assert code == 0
    url = until(lambda: said.read_text() if said.exists() else "")
    path = Path(url.removeprefix("file://"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    page = path.read_text()
    secret = page.partition("/#login=")[2].partition('"')[0]
    assert secret
    assert secret not in url
    assert visitor("POST", "/console/enter", {"secret": secret})[0].status == 200


def test_files_of_earlier_links_are_removed(node, home: Path):
    for _ in range(2):
        with Shell(home).terminal("console", columns=300, POSTROOM_HOME=node.home, BROWSER="true %s") as terminal:
            assert terminal.end()[0] == 0
    assert len(list((Path(node.home) / "run").glob("console-*.html"))) == 1


def test_the_secrets_are_in_no_log_of_the_node(post, home: Path):
    process = Shell(home).start("up", "--listen", "127.0.0.1:0", "--log", "debug", POSTROOM_HOME=post.home)
    line_of(process)
    visitor, secret = Visitor(address(post.home)), invitation(post.home)
    answer, body = visitor("POST", "/console/enter", {"secret": secret})
    cookie, key = answer.getheader("Set-Cookie").partition(";")[0], json.loads(body)["key"]
    assert visitor("GET", "/api/agents", Cookie=cookie, X_Postroom_Console=key)[0].status == 200
    assert visitor("GET", "/api/nothing", Cookie=cookie, X_Postroom_Console=key)[0].status == 404
    process.terminate()
    out, err = process.communicate(timeout=60)
    assert b'"up"' in out + err
    assert not [one for one in (secret, cookie.partition("=")[2], key) if one.encode() in out + err]


def test_a_restart_of_the_node_logs_nobody_out(post, home):
    port = free_port()
    with RunningNode(post.home, home, port=port) as node:
        answer, body = Visitor(node.url)("POST", "/console/enter", {"secret": invitation(post.home)})
        cookie, key = answer.getheader("Set-Cookie").partition(";")[0], json.loads(body)["key"]
        node.kill()
    with RunningNode(post.home, home, port=port) as node:
        visitor = Visitor(node.url)
        assert visitor("GET", "/api/overview", Cookie=cookie, X_Postroom_Console=key)[0].status == 200
        visitor("POST", "/console/leave", {}, Cookie=cookie, X_Postroom_Console=key)
    with RunningNode(post.home, home, port=port) as node:
        assert Visitor(node.url)("GET", "/api/overview", Cookie=cookie, X_Postroom_Console=key)[0].status == 401
