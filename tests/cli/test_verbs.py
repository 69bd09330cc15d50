"""The verbs beside the mailbox: sessions, agents, history, limits, held threads, keeping. Each for people and as JSON."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from tests.cli.shell import end, line_of
from tests.cli.test_talking import until_online

TWO_TURNS = "[limits]\nthread_turns = 2\n"


def test_without_a_verb_there_is_help(shell):
    for arguments in ((), ("--help",), ("help",), ("--home", "/nowhere", "-h")):
        assert "usage: postroom" in shell.ok(*arguments)
    assert shell.ok("--version").startswith("postroom 0.")
    assert "session open" in shell.ok("session")
    assert not (shell.home / "postroom").exists(), "help opens no store"


def test_each_verb_has_help_with_an_example(shell):
    from postroom.cli.table import VERBS

    for verb in VERBS:
        shown = shell.ok(*verb.name.split(), "--help")
        assert f"usage: postroom {verb.name}" in shown
        assert "example:\n" in shown
        assert verb.name in shell.ok("--help")
    assert shell.ok("help", "send") == shell.ok("send", "-h")


def test_a_session_from_offer_to_end(pair):
    opening = pair.start("session", "open", "bob", "review PR 42", "--as", "alice")
    (offer,) = pair.objects("inbox", "--wait", "60", "--as", "bob")
    assert (offer["kind"], offer["body"]) == ("syn", "review PR 42")
    pair.ok("session", "accept", offer["id"], "--as", "bob")
    assert line_of(opening).startswith(f"{offer['id']}  open ")
    opening.communicate(timeout=60)
    assert opening.returncode == 0
    pair.ok("session", "send", offer["id"], "see auth/", "--as", "alice")
    pair.ok("session", "send", offer["id"], "-", "--as", "bob", stdin="seen\n")
    assert [message["body"] for message in pair.objects("inbox", "--as", "bob")] == ["see auth/"]
    pair.ok("session", "close", offer["id"], "--as", "alice")
    pair.ok("inbox", "--as", "bob")
    (view,) = pair.objects("session", "list", "--as", "alice")
    assert (view["state"], view["messages"], view["task"]) == ("closed", 2, "review PR 42")
    assert pair.ok("session", "list", "--live", "--as", "alice") == ""
    assert pair("session", "send", offer["id"], "too late", "--as", "alice").code == 64


def test_a_declined_session_tells_the_reason(pair):
    opening = pair.start("session", "open", "bob", "review", "--as", "alice")
    (offer,) = pair.objects("inbox", "--wait", "60", "--as", "bob")
    pair.ok("session", "decline", offer["id"], "no time", "--as", "bob")
    _, errors = opening.communicate(timeout=60)
    assert (opening.returncode, errors) == (76, f"postroom: 'bob' declined the session '{offer['id']}': no time\n".encode())


def test_a_session_may_be_offered_without_waiting(pair):
    (view,) = pair.objects("session", "open", "bob", "review", "--no-wait", "--as", "alice")
    assert view["state"] == "offered"
    assert pair("session", "accept", view["id"], "--as", "carol").code == 67


def test_agents_say_who_they_are(pair):
    pair.ok("profile", "--status", "busy", "--description", "runs the tests", "--auto-accept", "yes", "--as", "bob")
    pair.ok("send", "bob", "hi", "--as", "alice")
    (bob,) = [agent for agent in pair.objects("agents") if agent["name"] == "bob"]
    assert (bob["status"], bob["waiting"], bob["auto_accept"]) == ("offline", None, True)
    assert "1 waiting" in pair.ok("profile", "--as", "bob")
    with pair.terminal("agents") as terminal:
        assert "1 waiting" in terminal.end()[1], "the person sees everything"
    assert "runs the tests" in pair.ok("agents")
    assert pair.ok("agents", "--online") == ""
    assert pair.ok("agents", "--names") == "alice\nbob\nhuman\n"
    assert pair.objects("session", "open", "bob", "at once", "--as", "alice")[0]["state"] == "open"


def test_what_was_said_is_found_again(pair, person):
    pair.ok("send", "bob", "the port is 8080", "--as", "alice")
    pair.ok("send", "alice", "unrelated", "--as", "carol")
    assert [message["id"] for message in person.objects("history")] == ["1", "2"]
    assert [message["id"] for message in pair.objects("history", "--as", "bob")] == ["1"]
    assert [message["id"] for message in person.objects("history", "carol")] == ["2"]
    assert [message["id"] for message in person.objects("history", "--limit", "1", "--before", "2")] == ["1"]
    assert [message["id"] for message in person.objects("history", "--since", "3600")] == ["1", "2"]
    assert [message["id"] for message in person.objects("search", "port", "AND", "80*")] == ["1"]
    assert pair.objects("search", "port", "--as", "carol") == []
    assert "the port is 8080" in pair.ok("search", '"port is"', "--as", "bob")
    assert "unrelated" in person.ok("thread", "2")
    assert pair("search", "...").code == 64
    assert pair("thread", "99").code == 67
    assert pair("history", "nobody").code == 67


def test_an_id_of_two_senders_is_ambiguous_to_one_who_sees_all(pair, person):
    pair.ok("send", "bob", "a", "--id", "same", "--as", "alice")
    pair.ok("send", "bob", "b", "--id", "same", "--as", "carol")
    done = person("status", "same")
    assert (done.code, "alice:same, carol:same." in done.err) == (64, True)
    assert person.objects("status", "carol:same")[0]["number"] == 2
    assert pair.objects("status", "same", "--as", "alice")[0]["number"] == 1


def test_limits_are_shown_with_what_the_config_sets(pair):
    (pair.home / "postroom" / "config.toml").write_text(TWO_TURNS)
    assert "(default 200)" in pair.ok("limits")
    (turns,) = [limit for limit in pair.objects("limits") if limit["name"] == "thread_turns"]
    assert (turns["value"], turns["default"]) == (2, 200)
    assert pair.ok("limits", "--markdown").startswith("| limit |")
    (pair.home / "postroom" / "config.toml").write_text("[limits]\nnonsense = 1\n")
    assert pair("limits").code == 78


def hold(shell):
    """Let a thread come to a stop, whose fourth message is held."""
    (shell.home / "postroom" / "config.toml").write_text(TWO_TURNS)
    shell.ok("send", "bob", "0", "--as", "alice")
    for number, (sender, recipient) in enumerate((("bob", "alice"), ("alice", "bob"), ("bob", "alice")), start=1):
        shell.ok("send", recipient, f"{number}", "--thread", "1", "--as", sender)


def test_held_threads_are_listed(pair, person):
    hold(pair)
    (thread,) = person.objects("held")
    assert (thread["id"], thread["messages"], thread["senders"]) == ("1", 1, ["bob"])
    assert "1 message of bob" in person.ok("held")


def test_only_a_person_at_a_terminal_releases_or_discards(pair, person):
    hold(pair)
    for arguments in (("release", "1"), ("discard", "1", "no")):
        assert pair(*arguments).code == 77
    with pair.terminal("release", "1") as terminal:
        assert terminal.end() == (0, "1 message delivered; it goes on\r\n")
    assert person.objects("held") == []
    assert "3" in [message["body"] for message in pair.objects("inbox", "--as", "alice")]


def test_what_is_discarded_comes_back_with_the_reason(pair):
    hold(pair)
    with pair.terminal("discard", "1", "you repeat yourselves") as terminal:
        assert terminal.end()[0] == 0
    assert any("you repeat yourselves" in message["body"] for message in pair.objects("inbox", "--as", "bob"))


def test_the_post_room_is_examined_copied_and_brought_back(pair):
    pair.ok("send", "bob", "before", "--as", "alice")
    copy = str(pair.home / "copy")
    assert "1 message and 0 files" in pair.ok("backup", copy)
    pair.ok("send", "bob", "after", "--as", "alice")
    (done,) = pair.objects("restore", copy)
    assert done["rolled_back"] == 1
    assert "before" in pair.ok("history", "--as", "bob")
    assert {finding["level"] for finding in pair.objects("doctor")} <= {"ok", "note"}
    assert "ok" in pair.ok("doctor", "--full")
    kinds = [line["type"] for line in pair.objects("export", "--agent", "alice")]
    assert kinds[0] == "postroom"
    assert "message" in kinds
    assert pair.objects("prune", "--older-than", "1", "--dry-run")[0]["messages"] == 0
    assert "0 messages" in pair.ok("prune", "--older-than", "36500")
    assert "never" in pair.ok("limits", "--help").split("prune_days")[1]
    assert pair("backup", copy).code == 73
    assert pair("restore", str(pair.home / "nowhere")).code == 66


def test_watching_shows_messages_and_what_becomes_of_them(pair, person):
    pair.ok("send", "bob", "before", "--as", "alice")
    watching = person.start("watch", "--last", "1")
    line_of(watching)
    assert line_of(watching) == "  │ before"
    pair.ok("send", "bob", "while", "--as", "alice")
    assert line_of(watching).startswith("2  alice → bob  ")
    assert line_of(watching) == "  │ while"
    assert "│ before" in pair("inbox", "--limit", "1", "--as", "bob").out
    line = line_of(watching)
    while "handed" in line:
        line = line_of(watching)
    assert line.startswith("1  bob: read  ")
    assert end(watching, signal.SIGINT) == 130
    assert len(pair.objects("inbox", "--as", "bob")) == 1, "watching consumes nothing"


def test_watching_can_be_narrowed(pair, person):
    pair.ok("send", "bob", "first", "--as", "carol")
    watching = person.start("watch", "--agent", "Carol", "--json", "--last", "9")
    narrow = person.start("watch", "--kind", "syn", "--json", "--last", "9")
    threaded = person.start("watch", "--thread", "1", "--json", "--last", "9")
    assert '"first"' in line_of(watching)
    pair.ok("send", "bob", "between", "--as", "alice")
    pair.ok("send", "carol", "last", "--as", "alice")
    assert '"last"' in line_of(watching)
    pair.ok("session", "open", "bob", "task", "--no-wait", "--as", "alice")
    pair.ok("send", "carol", "answer", "--thread", "1", "--as", "bob")
    assert '"task"' in line_of(narrow)
    assert '"first"' in line_of(threaded)
    assert '"answer"' in line_of(threaded)
    assert [end(feed, signal.SIGTERM) for feed in (watching, narrow, threaded)] == [143] * 3


def test_a_watcher_ends_when_nobody_looks(pair):
    watching = pair.start("watch")
    watching.stdout.close()
    assert watching.wait(60) == 141
    watching.stderr.close()


def test_the_person_speaks_and_reads_in_a_terminal_only(pair):
    assert pair("send", "bob", "hi", "--as", "human").code == 77
    assert pair("inbox", POSTROOM_AGENT="human").code == 77
    with pair.terminal("send", "bob", "it is me", "--as", "human") as terminal:
        assert terminal.end() == (0, "1 → bob: delivered\r\n")
    assert pair.objects("inbox", "--as", "bob")[0]["sender"] == "human"
    pair.ok("send", "human", "hello", "--as", "bob")
    with pair.terminal("inbox", "--as", "Human") as terminal:
        assert "hello" in terminal.end()[1]


def test_two_terminals_talk(pair):
    with pair.terminal("inbox", "--follow", "--as", "bob") as left, pair.terminal("send", "bob", "-", "--as", "alice") as right:
        until_online(pair, "bob")
        right.type("hello from the other terminal\n\x04")
        assert right.end()[0] == 0
        left.read_until("hello from the other terminal")
        with pair.terminal("ask", "alice", "and you?", "--as", "bob") as asking:
            (question,) = pair.objects("inbox", "--wait", "60", "--as", "alice")
            pair.ok("send", "bob", "fine", "--reply-to", question["id"], "--as", "alice")
            assert asking.end() == (0, "fine\r\n")
        left.type("\x03")
        assert left.end()[0] == 130


def test_the_page_names_each_verb_and_each_exit_code():
    from postroom.cli.table import VERBS
    from tests.cli.test_arguments import CODES

    page = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    assert [verb.name for verb in VERBS if f"postroom {verb.name}" not in page and f"`{verb.name}" not in page] == []
    table = re.findall(r"^\| ([\d, ]+) \|", page, re.MULTILINE)
    assert {int(code) for row in table for code in row.split(",")} == CODES
