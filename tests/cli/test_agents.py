"""Profiles, listings, names and events at the command line: for an agent, for the person at a terminal, and for a stranger."""

from __future__ import annotations

import json
import signal

import pytest

from postroom.cli.held import some
from postroom.core import errors
from tests.cli.shell import end, line_of
from tests.waiting import until


@pytest.fixture
def seen(pair):
    """Alice and bob, whom all can see; a hidden agent and a ghost."""
    pair.ok("profile", "--as", "hider", "--visibility", "hidden")
    pair.ok("profile", "--as", "shade", "--visibility", "ghost")
    return pair


def names(shell, *arguments):
    return shell.ok("agents", "--names", *arguments).split()


# Who sees whom


def test_an_agent_and_a_stranger_see_who_may_be_found(seen):
    assert names(seen) == names(seen, "--as", "alice") == ["alice", "bob", "human"]
    assert names(seen, "--as", "shade") == ["alice", "bob", "human", "shade"]


def test_the_person_at_a_terminal_sees_everybody(seen):
    with seen.terminal("agents", NO_COLOR="1") as terminal:
        _, screen = terminal.end()
    assert [line.split()[0] for line in screen.splitlines()] == ["alice", "bob", "hider", "human", "shade"]
    assert "ghost" in screen


def test_the_person_without_a_terminal_is_a_stranger(seen):
    assert seen("agents", "--as", "human").code == 77


def test_who_cannot_be_found_is_not_suggested(seen):
    assert "Did you mean" not in seen("send", "hidr", "hi", "--as", "alice").err
    assert "Did you mean" not in seen("inbox", "--as", "shad").err
    assert "There is no agent 'shade'" in seen("send", "shade", "hi", "--as", "alice").err


def test_how_much_waits_is_told_to_whom_it_waits_for(pair):
    pair.ok("send", "bob", "hi", "--as", "alice")
    for caller, waiting in (([], None), (["--as", "alice"], None), (["--as", "bob"], 1)):
        (bob,) = [agent for agent in pair.objects("agents", *caller) if agent["name"] == "bob"]
        assert bob["waiting"] == waiting


def test_when_one_called_last_is_told_to_itself_and_to_the_person_only(pair):
    pair.ok("send", "bob", "hi", "--as", "alice")
    for caller, is_told in (([], False), (["--as", "bob"], False), (["--as", "alice"], True)):
        (alice,) = [agent for agent in pair.objects("agents", *caller) if agent["name"] == "alice"]
        assert (alice["seen_ms"] is not None) is is_told
    with pair.terminal("agents", "--json") as terminal:
        _, screen = terminal.end()
    seen = {agent["name"]: agent["seen_ms"] for agent in map(json.loads, screen.splitlines())}
    assert (seen["alice"] is not None, seen["bob"]) == (True, None)


def test_agents_are_found_by_tag(pair):
    pair.ok("profile", "--tag", "tests", "--tag", "linux", "--as", "bob")
    assert names(pair, "--tag", "Linux") == ["bob"]
    assert "[linux, tests]" in pair.ok("agents", "--tag", "tests")
    assert pair.ok("agents", "--tag", "nothing") == ""
    assert pair("agents", "--tag", "no blanks").code == 64


# Profiles and names


def test_a_profile_is_changed_and_shown(pair):
    given = ["--harness", "pi", "--directory", "/work", "--capability", "reads", "--capability", "writes\x1b", "--tag", "tests"]
    shown = pair.ok("profile", "--as", "bob", *given)
    assert [line.strip() for line in shown.splitlines()[1:]] == ["harness: pi", "directory: /work", "can: reads", "can: writes\\x1b"]
    (mine,) = pair.objects("profile", "--as", "bob", "--tag", "", "--capability", "")
    assert (mine["harness"], mine["directory"], mine["tags"], mine["capabilities"]) == ("pi", "/work", [], [])


def test_who_becomes_a_ghost_is_told_how_much_went_back_and_the_sender_why(pair):
    for body in ("one", "two"):
        pair.ok("send", "bob", body, "--as", "alice")
    pair.ok("send", "alice", "will you?", "--reply-within", "60", "--as", "bob")
    assert "2 messages that you had not read went back" in pair.ok("profile", "--visibility", "ghost", "--as", "bob")
    assert "gone: it is not here any more" in pair.ok("status", "1", "--as", "alice")
    came_back = pair("status", "2", "--wait", "read", "--as", "alice")
    assert came_back.code == errors.CameBack.exit_code, came_back
    shown = pair.ok("inbox", "--as", "alice")
    assert "bob did not take your message 2: gone" in shown
    assert "will you?" in shown
    assert "--reply-to" not in shown
    assert [one["returned"] for one in pair.objects("profile", "--visibility", "visible", "--as", "bob")] == [None]
    assert [one["returned"] for one in pair.objects("profile", "--visibility", "ghost", "--as", "bob")] == [0]


def test_a_new_name(pair):
    pair.ok("send", "bob", "for rob", "--as", "alice")
    assert pair.ok("rename", "Rob", "--as", "bob") == "bob is rob now\n"
    assert "for rob" in pair.ok("inbox", "--as", "rob")
    assert pair.objects("rename", "bob", "--as", "rob") == [{"name": "bob", "was": "rob"}]
    for name, code in (("alice", 64), ("all", 77), ("no blanks", 64)):
        assert pair("rename", name, "--as", "bob").code == code
    assert pair("rename", "dora", "--as", "carol").code == 67


# Events


def test_events_are_shown_once(pair):
    pair.ok("room", "create", "dev", "--as", "alice")
    pair.ok("join", "dev", "--as", "bob")
    pair.ok("send", "bob", "hi", "--as", "alice")
    pair.ok("inbox", "--as", "bob")
    pair.ok("rename", "rob", "--as", "bob")
    pair.ok("room", "topic", "dev", "ports\x1b", "--as", "rob")
    pair.ok("leave", "dev", "--as", "rob")
    lines = [line.split("  ", 1)[1] for line in pair.ok("events", "--as", "alice").splitlines()]
    assert lines == [
        "rob joined #dev",
        "rob read 1",
        "bob is called rob now in #dev",
        "rob set the topic of #dev: ports\\x1b",
        "rob left #dev",
    ]
    assert pair.ok("events", "--as", "alice") == ""
    assert pair.ok("events", "--as", "rob").split("  ", 1)[1] == "you are in #dev, with alice (offline)\n"


def test_so_many_events(pair):
    for number in range(3):
        pair.ok("send", "bob", f"{number}", "--as", "alice")
    pair.ok("inbox", "--as", "bob")
    assert [event["message"] for event in pair.objects("events", "--limit", "2", "--as", "alice")] == ["1", "2"]
    (last,) = pair.objects("events", "--as", "alice")
    assert (last["what"], last["agent"], last["message"], last["room"]) == ("read", "bob", "3", None)
    assert pair("events", "--limit", "100000", "--as", "alice").code == 64


def test_an_event_is_waited_for(pair):
    pair.ok("send", "bob", "hi", "--as", "alice")
    waiting = pair.start("events", "--wait", "60", "--as", "alice")
    pair.ok("inbox", "--as", "bob")
    assert line_of(waiting).endswith("bob read 1")
    waiting.communicate(timeout=60)
    assert pair.ok("events", "--wait", "0.01", "--as", "alice") == ""


def test_waiting_for_events_ends_by_a_signal(pair):
    waiting = pair.start("events", "--wait", "60", "--as", "alice")
    until(lambda: "alice" in pair.ok("agents", "--online", "--names").split())
    assert end(waiting, signal.SIGTERM) == 143


def test_who_nobody_is_has_no_events(pair):
    assert pair("events").code == 64
    assert pair("events", "--as", "carol").code == 67


def test_a_status_that_is_declared_without_a_process_is_shown(pair):
    assert " ".join(pair.ok("profile", "--status", "busy", "--as", "alice").split()) == "alice offline busy when here"
    assert "busy" not in pair.ok("agents", "--as", "bob")
    mine = pair.objects("profile", "--as", "alice")[0]
    assert (mine["status"], mine["declared"]) == ("offline", "busy")
    assert [one["declared"] for one in pair.objects("agents", "--as", "bob")] == [None, "active", None]


def test_the_person_and_the_agent_itself_see_that_it_is_paused(pair, person):
    with pair.terminal("pause", "alice", "wait\x1b") as terminal:
        assert terminal.end()[0] == 0
    assert "paused: wait\\x1b" in person.ok("agents")
    assert "paused: wait" in pair.ok("agents", "--as", "alice")
    assert "paused" not in pair.ok("agents", "--as", "bob")
    assert [one["paused"] for one in pair.objects("agents")] == [None, None, None]


def test_a_rename_to_the_same_name_says_that_nothing_changed(pair):
    assert pair.ok("rename", "Alice", "--as", "alice") == "alice is your name already; nothing changed\n"


def test_the_senders_of_what_is_held_are_a_list_of_which_some_are_named(pair, person):
    pair("send", "bob", "1", "--as", "alice")
    with pair.terminal("pause", "alice", "wait") as terminal:
        assert terminal.end()[0] == 0
    assert person.objects("held")[0]["senders"] == ["alice"]
    assert some([f"agent{number:02}" for number in range(23)]).endswith(", agent19 and 3 more")
    assert some(["ann", "bob"]) == "ann, bob"
