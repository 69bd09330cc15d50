"""`postroom rooms`, `join`, `leave`, `invite`, `kick` and `room …`: for people and as JSON, with an exit code for each refusal."""

from __future__ import annotations

import json

import pytest

from tests.programs import Program


@pytest.fixture
def dev(pair):
    """A private room of alice, to which bob is invited."""
    pair.ok("room", "create", "dev", "code", "--policy", "private", "--as", "alice")
    pair.ok("invite", "dev", "bob", "--as", "alice")
    return pair


def test_a_room_from_its_making_to_its_end(pair):
    assert pair.ok("room", "create", "#Dev", "code", "--as", "alice") == "#dev               public   owner  1 member  code\n"
    assert pair.ok("join", "dev", "--as", "bob") == "#dev               public   member  2 members  code\n"
    assert pair.ok("room", "topic", "dev", "PR 42", "--as", "bob").endswith("PR 42  (code)\n")
    assert pair.ok("room", "describe", "dev", "our code", "--policy", "secret", "--as", "alice").startswith(
        "#dev               secret   owner"
    )
    assert pair.ok("room", "mute", "dev", "--as", "bob").split()[:4] == ["#dev", "secret", "member", "muted"]
    assert "muted" not in pair.ok("room", "mute", "dev", "--off", "--as", "bob")
    assert pair.ok("room", "transfer", "dev", "bob", "--as", "alice") == "#dev has another owner\n"
    assert pair.ok("leave", "dev", "--as", "alice") == "you left #dev\n"
    assert pair.ok("room", "destroy", "dev", "done", "--as", "bob") == "#dev is no more\n"
    assert pair.ok("rooms", "--as", "bob") == ""


def test_who_is_in_a_room(pair):
    pair.ok("room", "create", "dev", "--as", "alice")
    pair.ok("join", "dev", "--as", "bob")
    first, second = pair.ok("room", "members", "dev", "--as", "bob").splitlines()
    assert first.split()[:2] == ["alice", "offline"]
    assert first.endswith("owner")
    assert second.split()[:3] == ["bob", "offline", "joined"]
    assert [(one["name"], one["role"]) for one in pair.objects("room", "members", "dev")] == [("alice", "owner"), ("bob", "member")]


def test_an_invitation_names_the_commands_that_answer_it(dev):
    (invitation,) = dev.objects("inbox", "--as", "bob")
    _, to_join, to_decline = invitation["body"].splitlines()
    assert to_join == "To join: postroom join dev"
    assert to_decline == 'To decline: postroom room decline dev "why"'
    dev.ok("room", "decline", "dev", "why", "--as", "bob")
    assert dev.objects("inbox", "--as", "alice")[0]["body"] == "bob declined your invitation to the room #dev: why"
    assert dev("join", "dev", "--as", "bob").code == 77


def test_what_became_of_an_invitation_is_said(dev):
    dev.ok("profile", "--as", "carol")
    assert dev.ok("invite", "dev", "bob", "carol", "alice", "--as", "alice") == "bob: already invited\ncarol: invited\nalice: member\n"
    assert dev.objects("invite", "dev", "carol", "--as", "alice") == [{"agent": "carol", "state": "already-invited", "reason": None}]


def test_the_topic_is_shown_without_a_text_and_taken_away_by_an_empty_one(dev):
    assert dev.ok("room", "topic", "dev", "--as", "alice") == ""
    dev.ok("room", "topic", "dev", "PR\x1b 42", "--as", "alice")
    assert dev.ok("room", "topic", "dev", "--as", "alice") == "PR\\x1b 42\n"
    assert dev.objects("room", "topic", "dev", "--as", "alice")[0]["topic"] == "PR\x1b 42"
    assert dev.objects("room", "topic", "dev", "", "--as", "alice")[0]["topic"] == ""


def test_facts_of_an_error_are_without_blanks_around_them(dev):
    facts = dev("join", "dev", "--as", "carol", "--json").err.splitlines()[-1]
    assert json.loads(facts)["facts"]["advice"].startswith("It is private")


def test_who_is_removed_is_told_why(dev):
    dev.ok("join", "dev", "--as", "bob")
    assert dev.ok("kick", "dev", "bob", "another project", "--as", "alice") == "removed from #dev\n"
    assert dev.objects("inbox", "--as", "bob")[-1]["body"] == "alice removed you from the room #dev: another project"


def test_rooms_are_listed_as_the_caller_may_know_them(dev):
    dev.ok("room", "create", "open", "--as", "alice")
    dev.ok("room", "create", "hush", "--policy", "secret", "--as", "alice")
    listed = {who: [room["name"] for room in dev.objects("rooms", *who)] for who in ((), ("--as", "bob"), ("--as", "alice"))}
    assert list(listed.values()) == [["dev", "open"], ["dev", "open"], ["dev", "hush", "open"]]
    assert dev.ok("rooms", "--names", "--as", "bob") == "dev\nopen\n"
    assert dev.ok("rooms", "--mine", "--names", "--as", "bob") == ""
    dev_of_bob = dev.objects("rooms", "--as", "bob")[0]
    assert (dev_of_bob["role"], dev_of_bob["members"], dev_of_bob["description"]) == ("invited", None, "code")
    assert "you are invited" in dev.ok("rooms", "--as", "bob")


def test_the_person_sees_all_rooms_in_a_terminal(dev):
    dev.ok("room", "create", "hush", "--policy", "secret", "--as", "alice")
    with dev.terminal("rooms") as terminal:
        assert "#hush" in terminal.end()[1]
    with dev.terminal("kick", "hush", "alice", "enough", "--as", "human") as terminal:
        assert terminal.end()[0] == 0
    with dev.terminal("rooms", "--mine", "--as", "bob") as terminal:
        assert "you are in no room" in terminal.end()[1]
    assert dev("room", "destroy", "dev", "--as", "human").code == 77


@pytest.mark.parametrize(
    "code, arguments",
    [
        (67, ("join", "nowhere")),
        (67, ("leave", "nowhere")),
        (67, ("invite", "nowhere", "alice")),
        (67, ("room", "members", "nowhere")),
        (67, ("kick", "ours", "nobody")),
        (67, ("kick", "ours", "alice")),
        (77, ("join", "dev2")),
        (77, ("leave", "dev2")),
        (77, ("room", "topic", "open", "x")),
        (77, ("room", "destroy", "open")),
        (77, ("room", "decline", "open", "x")),
        (64, ("room", "create", "open")),
        (64, ("room", "create", "a b")),
        (64, ("room", "describe", "ours", "--policy", "public")),
        (64, ("room", "describe", "ours", "--policy", "open")),
        (64, ("invite", "ours")),
        (64, ("room", "decline", "ours")),
    ],
)
def test_a_refusal_has_its_exit_code_and_quotes_what_was_named(code, arguments, dev):
    dev.ok("room", "create", "open", "--as", "alice")
    dev.ok("room", "create", "dev2", "--policy", "private", "--as", "alice")
    dev.ok("room", "create", "ours", "--policy", "private", "--as", "bob")
    done = dev(*arguments, "--as", "bob")
    assert done.code == code
    assert done.err.startswith("postroom: ")
    assert any(f"'{word}'" in done.err for word in arguments) or "--help" in done.err


def test_what_is_done_is_said_as_json_too(dev):
    assert dev.objects("join", "dev", "--as", "bob")[0]["role"] == "member"
    assert dev.objects("leave", "dev", "--as", "bob") == [{"room": "dev", "done": "you left #dev"}]
    assert dev("join", "dev", "--as", "bob", "--json").failure["error"] == "not-invited"


def test_who_joins_or_makes_a_room_is_registered_by_that(shell):
    shell.ok("room", "create", "dev", "--as", "alice")
    shell.ok("join", "dev", "--as", "bob")
    assert shell("leave", "dev", "--as", "carol").code == 67


@pytest.mark.parametrize("who", [("--as", "alice"), ("--as", "carol"), ()])
def test_nobody_is_shown_as_here_whose_process_was_killed(pair, who):
    pair.ok("profile", "--as", "carol")
    pair.ok("room", "create", "dev", "--as", "alice")
    with Program("bob", "me.join('dev'); print('here')") as bob:
        assert bob.line() == "here"
        pair.ok("send", "bob", "are you there?", "--reply-within", "60", "--as", "alice")
        pair.ok("events", "--as", "alice")
        bob.kill()
    assert [one["status"] for one in pair.objects("room", "members", "dev", *who)] == ["offline", "offline"]
    assert "bob is offline in #dev" in pair.ok("events", "--as", "alice")


def test_events_are_looked_for_before_they_are_shown(pair):
    pair.ok("room", "create", "dev", "--as", "alice")
    with Program("bob", "me.join('dev'); print('here')") as bob:
        assert bob.line() == "here"
        pair.ok("events", "--as", "alice")
        bob.kill()
    assert pair.ok("events", "--as", "alice").endswith("bob is offline in #dev\n")


def test_what_happened_in_a_room_that_is_no_more_is_told_as_such(pair):
    pair.ok("room", "create", "dev", "--as", "alice")
    pair.ok("join", "dev", "--as", "bob")
    pair.ok("leave", "dev", "--as", "alice")
    pair.ok("leave", "dev", "--as", "bob")
    assert "you are in a room that is no more, with alice (offline)" in pair.ok("events", "--as", "bob")
