"""The command line over a node: each verb prints what it prints in the store."""

from __future__ import annotations

import http.server
import json
import re
import subprocess
import threading

import pytest

from postroom import connect
from postroom.core import refusals
from tests.cli.shell import PROGRAM, SOON_S, Shell, environment, line_of
from tests.remote.elsewhere import Elsewhere
from tests.waiting import until

ID = re.compile(r"\b(?:[a-z2-7]{16}|\d+)\b")
TIME = re.compile(r"\d\d:\d\d:\d\d|\d{4}-\d\d-\d\d")
VERBS: list[tuple[str, list[str]]] = [
    ("jack", ["send", "bob", "use port 8080", "--id", "one", "--subject", "port"]),
    ("jack", ["send", "bob", "use port 8080", "--id", "one", "--subject", "port"]),
    ("jack", ["send", "bbo", "x"]),
    ("jack", ["send", "bob"]),
    ("jack", ["send", "carol", "in advance", "--create"]),
    ("bob", ["inbox", "--peek"]),
    ("bob", ["inbox", "--json"]),
    ("bob", ["inbox"]),
    ("jack", ["status", "one"]),
    ("jack", ["status", "one", "--wait", "read", "--timeout", "5"]),
    ("jack", ["status", "one", "--wait", "answered", "--timeout", "0.01"]),
    ("jack", ["status", "two"]),
    ("bob", ["send", "jack", "done", "--reply-to", "jack:one"]),
    ("jack", ["inbox", "--wait", "5"]),
    ("jack", ["events"]),
    ("jack", ["events"]),
    ("jack", ["history", "bob"]),
    ("jack", ["history", "--limit", "1"]),
    ("jack", ["history", "nobody"]),
    ("jack", ["thread", "one"]),
    ("jack", ["search", "port"]),
    ("jack", ["search", "nothing"]),
    ("jack", ["agents", "--names"]),
    ("jack", ["agents", "--addresses"]),
    ("jack", ["profile", "--status", "busy", "--tag", "web", "--description", "the shop"]),
    ("bob", ["agents", "--tag", "web", "--names"]),
    ("jack", ["room", "create", "web", "the shop"]),
    ("jack", ["room", "create", "web"]),
    ("bob", ["join", "web"]),
    ("bob", ["rooms"]),
    ("bob", ["room", "topic", "web", "today"]),
    ("bob", ["room", "topic", "web"]),
    ("bob", ["room", "mute", "web"]),
    ("bob", ["kick", "web", "jack"]),
    ("jack", ["invite", "web", "carol", "nobody"]),
    ("jack", ["room", "describe", "web", "more", "--policy", "private"]),
    ("jack", ["send", "#web", "hello all", "--yes"]),
    ("bob", ["inbox"]),
    ("jack", ["kick", "web", "bob", "too loud"]),
    ("jack", ["room", "destroy", "web", "done"]),
    ("jack", ["leave", "web"]),
    ("jack", ["session", "open", "bob", "review", "--no-wait", "--json"]),
    ("bob", ["session", "list"]),
    ("bob", ["session", "accept", "SESSION"]),
    ("jack", ["session", "send", "SESSION", "see auth/"]),
    ("bob", ["inbox", "--limit", "1"]),
    ("jack", ["session", "close", "SESSION"]),
    ("bob", ["session", "decline", "SESSION", "no"]),
    ("bob", ["inbox"]),
    ("jack", ["session", "list", "--live"]),
    ("jack", ["ask", "bob", "quick?", "--timeout", "0.01", "--reply-within", "600"]),
    ("jack", ["held"]),
    ("jack", ["pause", "bob", "why"]),
    ("jack", ["rename", "bob"]),
    ("jack", ["rename", "jacques"]),
]


def told(shell: Shell, who: dict[str, dict[str, str]]) -> list[object]:
    """What each verb prints and ends with, without ids and times."""
    outcomes, session = list[object](), ""
    for name, arguments in VERBS:
        done = shell(*[session if word == "SESSION" else word for word in arguments], **who[name])
        if "--no-wait" in arguments:
            session = json.loads(done.out)["id"]
        out = ID.sub("N", TIME.sub("T", done.out)).replace('"interface": "http"', '"interface": "cli"')
        outcomes.append((arguments, done.code, *(re.sub(r" +", " ", text) for text in (out, ID.sub("N", done.err)))))
    return outcomes


def test_each_verb_prints_and_ends_alike(room, shell, home, stack):
    for name in ("bob", "jack"):  # one of each is there, so that both are online all the time
        room.here(name)
        stack.enter_context(connect(name, home=str(home / "near")))
    near = {name: {"POSTROOM_HOME": str(home / "near"), "POSTROOM_AGENT": name} for name in ("bob", "jack")}
    far = {name: room.environment(POSTROOM_TOKEN=room.token(name)) for name in ("bob", "jack")}
    differences = [(here, there) for here, there in zip(told(shell, near), told(shell, far), strict=True) if here != there]
    assert not differences, "\n".join(f"here  {here}\nthere {there}" for here, there in differences)


@pytest.fixture
def jack(room) -> dict[str, str]:
    """Jack's environment, far from the post room."""
    found: dict[str, str] = room.environment(POSTROOM_TOKEN=room.token("jack"))
    return found


def test_the_option_names_the_node_as_the_variable_does(room, shell):
    token = room.token("jack")
    (mine,) = shell.objects("profile", "--url", room.url, POSTROOM_TOKEN=token)
    assert mine["name"] == "jack"
    assert shell.objects("--url", room.url, "profile", POSTROOM_TOKEN=token)[0]["name"] == "jack"
    by_socket = shell.objects("profile", "--url", f"unix://{room.home}/run/node.sock", "--as", "carol")
    assert by_socket[0]["name"] == "carol"


def test_what_is_to_be_typed_names_the_node_if_it_was_named(room, shell):
    url = f"unix://{room.home}/run/node.sock"
    room.here("alice").send("bob", "which port?", create=True, reply_within=60)
    said = shell.ok("inbox", "--url", url, "--as", "bob")
    assert said.endswith(f'postroom send alice "…" --reply-to 1 --as bob --url {url}\n')


def test_a_directory_that_is_named_is_meant_whatever_the_variable_says(room, shell, jack):
    shell.ok("send", "bob", "here", "--create", "--as", "alice", "--home", room.home, **jack)
    assert [message["sender"] for message in shell.objects("inbox", "--as", "bob", "--home", room.home, **jack)] == ["alice"]


def test_a_token_may_be_in_a_file_that_nobody_else_reads(room, shell, home):
    path = home / "jack.token"
    path.write_text(f"{room.token('jack')}\n", encoding="ascii")
    path.chmod(0o600)
    known = room.environment(POSTROOM_TOKEN_FILE=str(path))
    assert shell.objects("profile", **known)[0]["name"] == "jack"
    path.chmod(0o640)
    done = shell("profile", **known)
    assert (done.code, "Run: chmod 600" in done.err) == (77, True)


@pytest.mark.parametrize(
    "url, why",
    [
        ("127.0.0.1:8091", "it begins with"),
        ("ftp://somewhere", "it begins with"),
        ("http://", "it names no host"),
        ("http://me:secret@bus:8091", "a secret does not belong into a URL"),
        ("http://bus:99999", "Port out of range"),
        ("http://bus?x=1", "nothing follows"),
        ("http://bus:8091/foo", "it has a path"),
        ("https://bus/api/", "it has a path"),
        ("unix://node.sock", "by its whole path"),
    ],
)
def test_a_url_that_names_no_node_is_an_error(shell, url, why):
    done = shell("profile", "--url", url, POSTROOM_TOKEN="pr_x")
    assert (done.code, done.err.count("\n")) == (64, 1), done
    assert why in done.err
    assert "secret@" not in done.err
    with pytest.raises(refusals.BadUrl, match=why):
        connect("jack", url=url)


def test_a_token_that_is_none_lets_nobody_in(room, shell):
    done = shell("profile", **room.environment(POSTROOM_TOKEN="pr_nonsense"))
    assert (done.code, "This token lets nobody in" in done.err) == (77, True)
    assert "pr_nonsense" not in done.err


@pytest.mark.parametrize("arguments", [["agents"], ["agents", "--as", "jack"], ["send", "bob", "hi", "--as", "jack"]])
def test_who_has_no_token_is_told_where_to_give_one(shell, arguments):
    done = shell(*arguments, "--url", "http://127.0.0.1:1")
    assert (done.code, done.err.count("\n")) == (77, 1), done
    assert "POSTROOM_TOKEN or POSTROOM_TOKEN_FILE" in done.err
    assert "X-Bus-Token" not in done.err
    with pytest.raises(refusals.BadToken, match="token= in connect"):
        connect("jack", url="http://127.0.0.1:1")


def test_a_token_says_who_one_is_and_nobody_speaks_as_another(room, shell, jack):
    room.here("bob")
    done = shell("send", "bob", "x", "--as", "bob", **jack)
    assert (done.code, done.err) == (77, "postroom: You are 'jack' and cannot speak as 'bob'.\n")


def test_a_token_that_only_looks_changes_nothing(room, shell):
    bob = room.here("bob")
    bob.send("jack", "hello", create=True)
    known = room.environment(POSTROOM_TOKEN=room.token("jack", "read"))
    assert "hello" in shell.ok("history", **known)
    assert "hello" in shell.ok("inbox", "--peek", **known)
    for arguments in (["send", "bob", "x"], ["inbox"], ["profile", "--status", "busy"], ["room", "create", "web"]):
        done = shell(*arguments, **known)
        assert (done.code, "needs a token of the scope agent; yours is read" in done.err) == (77, True), done


def test_a_revoked_token_is_dead_at_the_next_call(room, shell, jack):
    shell.ok("profile", **jack)
    shell.ok("token", "revoke", "1", "--as", "jack", "--home", room.home)
    done = shell("profile", **jack)
    assert (done.code, "lets nobody in" in done.err) == (77, True)


def test_what_no_node_is_says_so(shell):
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>")

        do_POST = do_GET  # noqa: N815  # the name there

        def log_message(self, format, *args):  # noqa: A002  # the name there
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = shell("profile", "--url", f"http://127.0.0.1:{server.server_address[1]}", POSTROOM_TOKEN="pr_x")
        with pytest.raises(refusals.NotThere):
            connect("jack", url=f"http://127.0.0.1:{server.server_address[1]}", token="pr_x")
        server.shutdown()
    assert (done.code, "is no post room" in done.err) == (69, True), done


def test_what_is_not_written_out_stays_unread_there_too(room, shell, jack):
    bob = room.here("bob")
    receipt = bob.send("jack", "precious", create=True)
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*PROGRAM, "inbox"], stdout=full, env=environment(room.user, **jack), stderr=subprocess.PIPE, timeout=SOON_S, check=False
        )
    assert done.returncode == 74
    assert bob.status(receipt.id).state == "delivered"
    assert [message["redelivered"] for message in shell.objects("inbox", **jack)] == [True]


def test_waiting_at_the_command_line_is_woken(room, shell, jack):
    bob = room.here("bob")
    waiting = shell.start("inbox", "--wait", "60", "--json", **jack)
    until(lambda: [one for one in bob.agents() if one.name == "jack" and one.online])
    bob.send("jack", "wake up")
    assert json.loads(line_of(waiting))["body"] == "wake up"
    assert waiting.communicate(timeout=60)[1] == b""


def test_a_question_is_answered(room, shell, jack):
    bob = room.here("bob")
    asking = shell.start("ask", "bob", "which port?", **jack)
    bob.take(wait=60)[0].reply("8080")
    assert asking.communicate(timeout=60) == (b"8080\n", b"")


def test_a_file_is_sent_and_saved(room, shell, jack, home):
    room.here("bob")
    (home / "notes.txt").write_text("noted\n")
    shell.ok("send", "bob", "see", "--file", str(home / "notes.txt"), "--id", "file", **jack)
    bob = room.environment(POSTROOM_TOKEN=room.token("bob"))
    (home / "saved").mkdir()
    assert shell.ok("files", "jack:file", "--save", str(home / "saved"), **bob) == "  file notes.txt (6 bytes)\n"
    assert (home / "saved" / "notes.txt").read_text() == "noted\n"


def test_the_feed_begins_with_the_past_and_goes_on_when_the_node_was_killed(room, shell, jack):
    bob = room.here("bob")
    bob.send("jack", "before", create=True)
    watching = shell.start("watch", "--last", "5", "--json", **jack)
    try:
        assert json.loads(line_of(watching))["message"]["body"] == "before"
        bob.send("jack", "now")
        assert json.loads(line_of(watching))["message"]["body"] == "now"
        room.kill_node()
        bob.send("jack", "while away")
        room.start_node()
        bob.send("jack", "after")
        seen = []
        while "after" not in seen:
            line = json.loads(line_of(watching))
            seen += [line["message"]["body"]] if line["event"] == "message" else []
        assert seen == ["while away", "after"]
    finally:
        watching.kill()
        watching.communicate(timeout=60)


def test_an_export_is_what_one_took_part_in(room, shell, jack):
    bob = room.here("bob")
    bob.send("jack", "for jack", create=True)
    bob.send("carol", "not for jack", create=True)
    lines = [json.loads(line) for line in shell.ok("export", **jack).splitlines()]
    assert [line["body"] for line in lines if line["type"] == "message"] == ["for jack"]


def test_an_admin_is_the_human_but_decides_at_a_terminal_only(room, shell):
    room.here("bob").send("jack", "hello", create=True)
    known = room.environment(POSTROOM_TOKEN=room.token("human", "admin"))
    assert "hello" in shell.ok("history", **known)
    assert shell("pause", "bob", "enough", **known).code == 77
    with shell.terminal("pause", "bob", "enough", **known) as terminal:
        assert terminal.end()[0] == 0
    assert "bob" in shell.ok("held", **known)


AT_THE_MACHINE = [
    ["token", "list"],
    ["token", "create", "jack"],
    ["webhook", "list"],
    ["alert", "test"],
    ["backup", "copy"],
    ["restore", "copy"],
    ["prune", "--older-than", "1"],
    ["up"],
    ["console"],
    ["limits"],
    ["install"],
    ["remove"],
]


def test_what_belongs_to_the_machine_of_the_post_room_says_so(shell, home):
    url = "http://127.0.0.1:1"  # nobody is asked
    for arguments in AT_THE_MACHINE:
        verb = " ".join(["postroom", *(word for word in arguments if word not in {"jack", "copy", "--older-than", "1"})])
        for named in ({"POSTROOM_URL": url}, {}):
            done = shell(*arguments, *(() if named else ("--url", url)), **named)
            assert done.code == 69, done
            assert done.err == f"postroom: `{verb}` works on the machine of the post room only, not over {url}.\n"
        assert shell(*arguments, "--json", "--url", url).failure["error"] == "only-here"
    assert not (home / "postroom").exists(), "nothing is done in the store here instead"


def test_what_was_written_while_the_node_was_away_goes_with_the_next_call(room, shell, jack):
    bob = room.here("bob")
    shell.ok("send", "bob", "before", **jack)
    room.kill_node()
    assert shell.ok("send", "bob", "first", "--id", "x1", **jack) == "x1 → bob: accepted (waiting for bus)\n"
    assert shell.ok("send", "bob", "second", **jack).endswith("→ bob: accepted (waiting for bus)\n")
    assert "accepted   (waiting for bus)" in shell.ok("status", "x1", **jack)
    assert shell("history", **jack).code == 75
    room.start_node()
    shell.ok("inbox", **jack)
    assert [message.body for message in bob.take()] == ["before", "first", "second"]
    assert "handed" in shell.ok("status", "x1", **jack)


def test_nothing_secret_is_left_in_files_or_arguments(room: Elsewhere, shell, jack):
    room.here("bob")
    shell.ok("send", "bob", "x", **jack)
    secret = jack["POSTROOM_TOKEN"].removeprefix("pr_").encode()
    for path in room.user.rglob("*"):
        if path.is_file():
            assert secret not in path.read_bytes(), path
