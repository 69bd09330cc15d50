"""What somebody meets who has just begun: mistyped names and options, nothing to show, and what to type next."""

from __future__ import annotations

import json
import shlex

import pytest

from postroom.core import errors
from tests.cli.shell import Result, Shell
from tests.cli.test_verbs import hold


def names(shell: Shell) -> list[str]:
    """Who is registered."""
    return shell.ok("agents", "--names").split()


def seen(shell: Shell, *arguments: str) -> tuple[int, str]:
    """The exit code and the screen of a command in a terminal, without colours."""
    with shell.terminal(*arguments, NO_COLOR="1", columns=200) as terminal:
        code, screen = terminal.end()
    return code, screen.replace("\r\n", "\n")


def arrows(text: str) -> list[str]:
    """The lines that say what to type."""
    return [line.removeprefix("  ↳ ") for line in text.splitlines() if line.startswith("  ↳ ")]


def complains(done: Result, error: type[errors.PostroomError], *words: str) -> bool:
    """Whether a command failed with one line of an error that has these words."""
    return done.code == error.exit_code and done.err.count("\n") == 1 and all(word in done.err for word in words)


# What to type next


def test_a_question_is_shown_with_the_command_that_answers_it(pair):
    pair.ok("send", "bob", "which port?", "--reply-within", "60", "--as", "alice")
    pair.ok("send", "bob", "by the way", "--as", "alice")
    (command,) = arrows(pair.ok("inbox", "--peek", "--as", "bob"))
    assert command == 'postroom send alice "…" --reply-to 1 --as bob'
    assert arrows(pair.ok("inbox", "--peek", POSTROOM_AGENT="bob")) == ['postroom send alice "…" --reply-to 1']
    assert "↳" not in pair.ok("history", "--as", "bob")
    assert "u21b3" not in pair.ok("inbox", "--json", "--as", "bob")


def test_what_is_to_be_typed_names_the_post_room_if_it_was_named(pair):
    home = str(pair.home / "another room")
    pair.ok("profile", "--home", home, "--as", "bob")
    pair.ok("send", "bob", "which port?", "--reply-within", "60", "--home", home, "--as", "alice")
    (command,) = arrows(pair.ok("inbox", "--home", home, "--as", "bob"))
    assert command == f"postroom send alice \"…\" --reply-to 1 --as bob --home '{home}'"


def test_what_is_to_be_typed_does_it_in_a_shell_as_it_stands(pair):
    home = str(pair.home / """it's "a" $HOME; room""")
    at = ("--home", home, "--as", "bob")
    pair.ok("profile", *at)
    pair.ok("send", "bob", "which port?", "--reply-within", "60", "--id", "q.1-a", "--home", home, "--as", "alice")
    pair.ok("session", "open", "bob", "review", "--no-wait", "--home", home, "--as", "alice")
    commands = arrows(pair.ok("inbox", *at))
    for command in (commands[0], commands[1].partition("   or   ")[0]):
        verb, *words = shlex.split(command)
        assert (verb, pair(*words).code) == ("postroom", 0)
    pair.ok("session", "send", "2", "see auth/", "--home", home, "--as", "alice")
    (command,) = arrows(pair.ok("inbox", *at))
    assert pair(*shlex.split(command)[1:]).code == 0
    assert [found["body"] for found in pair.objects("inbox", "--home", home, "--as", "alice")] == ["…", "", "…"]


def test_an_offer_is_shown_with_the_commands_that_answer_it_while_it_can_be_answered(pair):
    pair.ok("session", "open", "bob", "review", "--no-wait", "--as", "alice")
    (line,) = arrows(pair.ok("inbox", "--peek", POSTROOM_AGENT="bob"))
    assert line == 'postroom session accept 1   or   postroom session decline 1 "why"'
    pair.ok("session", "accept", "1", "--as", "bob")
    assert arrows(pair.ok("inbox", "--as", "bob")) == []


def test_what_is_said_in_a_session_is_answered_in_the_session_while_it_is_open(pair):
    pair.ok("session", "open", "bob", "review", "--no-wait", "--as", "alice")
    pair.ok("session", "accept", "1", "--as", "bob")
    pair.ok("session", "send", "1", "see auth/", "--as", "alice")
    assert arrows(pair.ok("inbox", "--peek", POSTROOM_AGENT="bob")) == ['postroom session send 1 "…"']
    pair.ok("session", "send", "1", "found it?", "--reply-within", "60", "--id", "q", "--as", "alice")
    assert arrows(pair.ok("inbox", "--peek", "--as", "bob"))[1:] == ['postroom session send 1 "…" --reply-to q --as bob']
    pair.ok("session", "close", "1", "--as", "alice")
    assert arrows(pair.ok("inbox", "--as", "bob")) == []


def test_messages_of_sessions_are_shown_in_words(pair, person):
    pair.ok("session", "open", "bob", "review", "--no-wait", "--as", "alice")
    assert "[offers a session]" in pair.ok("inbox", "--as", "bob")
    pair.ok("session", "accept", "1", "--as", "bob")
    assert "[accepted the session]" in pair.ok("inbox", "--as", "alice")
    pair.ok("session", "close", "1", "--as", "alice")
    for who, words in (("alice", "(you closed)"), ("bob", "(alice closed)")):
        assert words in pair.ok("session", "list", "--as", who)
    assert "(alice closed)" in person.ok("session", "list")
    assert person.objects("session", "list")[0]["state"] == "closing-by-opener"
    assert "[closed the session]" in pair.ok("inbox", "--as", "bob")
    assert pair.objects("history", "--as", "bob")[0]["kind"] == "syn"


def test_what_cannot_be_done_in_a_session_is_told_in_words(pair):
    pair.ok("session", "open", "bob", "review", "--no-wait", "--as", "alice")
    assert complains(pair("session", "send", "1", "x", "--as", "bob"), errors.NotYourTurn, "nothing can be sent in it. Accept it first")
    pair.ok("session", "decline", "1", "no time", "--as", "bob")
    assert complains(pair("session", "close", "1", "--as", "alice"), errors.NotYourTurn, "is declined, so it cannot be closed. Open a new")
    assert complains(pair("session", "accept", "1", "--as", "bob"), errors.NotYourTurn, "so it cannot be accepted")
    failed = pair("session", "decline", "1", "no", "--as", "bob", "--json").failure
    assert (failed["facts"]["state"], failed["facts"]["act"]) == ("declined", "syn-nack")


# Mistyped names


@pytest.mark.parametrize(
    "arguments",
    [
        ["status", "1"],
        ["status", "1", "--wait", "read"],
        ["history"],
        ["search", "hi"],
        ["thread", "1"],
        ["files", "1"],
        ["session", "list"],
        ["session", "accept", "1"],
        ["session", "decline", "1", "no"],
        ["session", "send", "1", "hi"],
        ["session", "close", "1"],
    ],
)
def test_who_only_looks_is_not_registered_under_a_mistyped_name(pair, arguments):
    pair.ok("send", "bob", "hi", "--as", "alice")
    done = pair(*arguments, "--as", "alcie")
    assert complains(done, errors.NotRegistered, "'alcie'", "Did you mean alice?", "postroom profile --as alcie")
    assert pair(*arguments, "--json", POSTROOM_AGENT="alcie").failure["error"] == "no-such-agent"
    assert names(pair) == ["alice", "bob", "human"]


@pytest.mark.parametrize("arguments", [["held"], ["agents"], ["release", "1"], ["discard", "1", "no"]])
def test_what_is_done_in_nobodys_name_registers_nobody(pair, arguments):
    pair(*arguments, "--as", "alcie")
    assert names(pair) == ["alice", "bob", "human"]


def test_who_reads_under_a_new_name_is_told_that_it_is_new(pair):
    assert pair("inbox", "--as", "alcie") == (0, "", "postroom: new name 'alcie'; did you mean alice?\n")
    assert pair("inbox", "--as", "zz") == (0, "", "postroom: new name 'zz'\n")
    assert json.loads(pair("inbox", "--json", "--as", "zy").err)["note"].startswith("new name 'zy'")
    assert {"alcie", "zz", "zy"} <= set(names(pair))
    assert pair.ok("inbox", "--as", "zz") == "", "it is told once"


@pytest.mark.parametrize(
    "arguments, code",
    [
        (["send", "bob", "hi"], 0),
        (["ask", "bob", "hi", "--timeout", "0.01"], 75),
        (["session", "open", "bob", "t", "--no-wait"], 0),
        (["profile"], 0),
    ],
)
def test_who_says_something_under_a_new_name_is_told_so_if_another_is_close(pair, arguments, code):
    done = pair(*arguments, "--as", "alcie")
    assert done.code == code
    assert done.err.startswith("postroom: you are the new agent 'alcie'; did you mean alice?\n")
    again = pair(*arguments, "--as", "alcie")
    assert (again.code, "new agent" in again.err) == (code, False)
    assert "new agent" not in pair(*arguments, "--as", "zz").err
    assert {"alcie", "zz"} <= set(names(pair))


def test_names_that_differ_in_a_number_are_not_taken_for_mistyped(pair):
    pair.ok("profile", "--as", "worker-1")
    assert pair.ok("send", "bob", "hi", "--as", "worker-2")


def test_a_name_that_is_unknown_is_told_with_what_helps_there(pair):
    advice = "See: postroom agents."
    for arguments in (["history", "alcie"], ["export", "--agent", "alcie"], ["watch", "--agent", "alcie"]):
        assert complains(pair(*arguments), errors.NoSuchAgent, "Did you mean alice?", advice)
    done = pair("session", "open", "bobb", "task", "--as", "alice")
    assert complains(done, errors.NoSuchPeer, "Did you mean bob?", "`postroom send bobb TEXT --create` makes its mailbox first")
    assert complains(pair("send", "bobb", "hi", "--as", "alice"), errors.NoSuchRecipient, "send with --create")


def test_a_webhook_for_an_agent_that_there_is_not_is_an_error_with_close_names(pair):
    done = pair("webhook", "add", "http://127.0.0.1:1/", "--agent", "bobb", "--as", "alice")
    assert complains(done, errors.NoSuchAgent, "There is no agent 'bobb'. Did you mean bob? See: postroom agents.")
    done = pair("webhook", "add", "http://127.0.0.1:1/", "--as", "alcie")
    assert complains(done, errors.NotRegistered, "You say that you are 'alcie'")


def test_the_person_may_be_named_by_the_environment_too(pair):
    with pair.terminal("send", "bob", "it is me", POSTROOM_AGENT="Human") as terminal:
        assert terminal.end() == (0, "1 → bob: delivered\r\n")
    assert complains(pair("send", "bob", "me too", POSTROOM_AGENT="Human"), errors.NeedsTerminal, "speak as 'human'")


# Mistyped verbs, options and values


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--bogus"], "There is no option '--bogus'."),
        (["--home"], "--home needs a value."),
        (["--as"], "--as needs a value."),
        (["session", "--bogus"], "There is no option '--bogus'."),
        (["--bogus", "session"], "There is no option '--bogus'."),
        (["--help", "--bogus"], "There is no option '--bogus'."),
        (["read"], "See: postroom inbox"),
        (["reply", "1"], "--reply-to ID"),
        (["version"], "See: postroom --version"),
    ],
)
def test_what_is_no_verb_and_no_option_is_an_error(shell, arguments, words):
    assert complains(shell(*arguments), errors.BadUsage, words)
    assert shell("--json", *arguments).failure["error"] == "usage"


@pytest.mark.parametrize("option", ["--as", "--home", "--url"])
@pytest.mark.parametrize("verb", [["agents"], ["send", "bob", "hi"], ["inbox"], ["mcp"], ["hook", "Stop"]])
def test_an_option_that_is_given_empty_is_not_taken_for_one_that_is_not_given(pair, verb, option):
    done = pair(option, "", *verb, POSTROOM_AGENT="alice")
    assert complains(done, errors.BadUsage, f"{option} needs a value. See: postroom {verb[0]} --help")
    assert pair.objects("inbox", "--as", "bob") == []


@pytest.mark.parametrize(
    "arguments", [["token", "create", ""], ["webhook", "add", "http://127.0.0.1:1/", "--agent", ""], ["mcp", "--name", ""]]
)
def test_a_name_that_is_given_empty_is_a_bad_name(pair, arguments):
    assert complains(pair(*arguments, POSTROOM_AGENT="alice"), errors.BadName, "The name '' cannot be used")


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["prune", "--older-than", "-1"], "'-1' is no number of days between 0 and 36,525"),
        (["send", "bob", "x", "--expires", "0", "--as", "alice"], "--expires: '0' is no number of seconds above 0"),
        (["send", "bob", "x", "--reply-within", "0", "--as", "alice"], "--reply-within: '0' is no number of seconds above 0"),
        (["ask", "bob", "x", "--timeout", "0", "--as", "alice"], "--timeout: '0' is no number of seconds above 0"),
        (["session", "open", "bob", "x", "--timeout", "0", "--as", "alice"], "--timeout: '0' is no number of seconds above 0"),
        (
            ["send", "bob", "use", "port", "8080", "--as", "alice"],
            "Unrecognized arguments: port 8080. A text of several words stands in quotes.",
        ),
        (["send", "bob", "hi", "--bogus", "--as", "alice"], "Unrecognized arguments: --bogus. See: postroom send --help"),
        (["send", "bob,,alice", "x", "--as", "alice"], "TO: 'bob,,alice' has a name that is empty"),
        (["send", "bob, ", "x", "--as", "alice"], "TO: 'bob, ' has a name that is empty"),
        (["send", "", "x", "--as", "alice"], "TO: '' has a name that is empty"),
        (["prune", "--older-than", "often"], "'often' is no number of days"),
        (["prune", "--older-than", "nan"], "'nan' is no number of days"),
        (["history", "--limit", "1001"], "--limit cannot be 1001: it is a number from 1 to 1000 (limit page)"),
        (["search", "x", "--limit", "1001"], "--limit cannot be 1001: it is a number from 1 to 1000 (limit page)"),
        (["watch", "--last", "1001"], "--last cannot be 1001: it is a number from 1 to 1000 (limit page)"),
        (["inbox", "--peek", "--limit", "1001", "--as", "bob"], "--limit cannot be 1001: it is a number from 1 to 1000 (limit page)"),
        (["inbox", "--limit", "1001", "--as", "bob"], "--limit cannot be 1001: it is a number from 1 to 1000 (limit batch)"),
        (["history", "--limit", "0"], "--limit: '0' is no whole number above 0"),
        (["search", "NOT port"], "'NOT port' cannot be read"),
        (["search", "AND"], "'AND' cannot be read"),
        (["search", "port", "OR"], "'port OR' cannot be read"),
    ],
)
def test_a_value_that_cannot_be_is_told_with_what_can(pair, arguments, words):
    done = pair(*arguments)
    assert (done.code, words in done.err, done.err.count("\n")) == (64, True, 1), done.err


@pytest.mark.parametrize("number", ["0", "2", "9" * 18, "9" * 19, "9" * 400])
def test_a_number_that_no_message_has_is_no_message(pair, number):
    pair.ok("send", "bob", "hi", "--as", "alice")
    assert complains(pair("history", "--before", number, "--as", "bob"), errors.NotYourMessage, number[:200])


@pytest.mark.parametrize("words", ["it's", "foo-bar", "don't AND", "not"])
def test_a_search_is_for_words_unless_an_operator_stands_alone(pair, words):
    assert pair("search", words).code == (64 if "AND" in words else 0)


def test_a_message_that_does_not_exist_is_told_without_naming_anybody(pair, person):
    for arguments in (["thread", "999"], ["status", "999"], ["files", "999"], ["watch", "--thread", "999"]):
        assert person(*arguments) == (67, "", "postroom: There is no message '999'. See: postroom history.\n")
    assert complains(pair("thread", "999", "--as", "bob"), errors.NotYourMessage, "'bob' sent or received")


def test_any_message_of_a_thread_names_it_to_watch(pair):
    pair.ok("send", "bob", "first", "--as", "alice")
    pair.ok("send", "alice", "second", "--reply-to", "1", "--as", "bob")
    with pair.terminal("watch", "--thread", "2", "--last", "9") as terminal:
        terminal.read_until("second")
        assert "first" in terminal.seen
        terminal.type("\x03")
        assert terminal.end()[0] == 130


def test_a_file_that_cannot_be_saved_is_told_as_one(pair):
    path = pair.home / "log.txt"
    path.write_text("x")
    pair.ok("send", "bob", "see log", "--file", str(path), "--as", "alice")
    for directory, why in ((str(pair.home), "File exists"), (str(pair.home / "none"), "No such file or directory")):
        done = pair("files", "1", "--save", directory, "--as", "bob")
        assert complains(done, errors.NotSaved, "cannot be saved", why, "Name a directory"), done
    (stored,) = (pair.home / "postroom" / "files").iterdir()
    stored.unlink()
    (pair.home / "saved").mkdir()
    assert complains(pair("files", "1", "--save", str(pair.home / "saved"), "--as", "bob"), errors.FileLost, "postroom doctor --full")


def test_waiting_for_one_that_came_back_does_not_say_it_twice(pair):
    pair.ok("send", "bob", "quick", "--expires", "0.001", "--as", "alice")
    done = pair("status", "1", "--wait", "read", "--as", "alice")
    assert done.err == "postroom: Message 1 is expired and will not be read: not read in time.\n"
    assert done.out.endswith("(not read in time)\n")


def test_who_is_too_fast_is_told_how_many_seconds_to_wait(pair):
    (pair.home / "postroom" / "config.toml").write_text("[limits]\npair_per_minute = 1\n")
    pair.ok("send", "bob", "one", "--as", "alice")
    done = pair("send", "bob", "two", "--as", "alice", "--json")
    assert f"Nothing was sent: wait {done.failure['facts']['seconds']:.1f} s, then send it again." in done.failure["message"]
    assert done.failure["facts"]["retry_after_ms"] <= done.failure["facts"]["seconds"] * 1000


# Nothing to show


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["held"], "nothing is held"),
        (["search", "port"], "nothing matches"),
        (["history"], "there are no such messages"),
        (["session", "list"], "there are no sessions"),
        (["session", "list", "--live"], "there are no sessions that go on"),
    ],
)
def test_a_person_is_told_that_there_is_nothing(pair, arguments, words):
    assert seen(pair, *arguments) == (0, f"postroom: {words}\n")
    assert seen(pair, *arguments, "--json") == (0, "")
    assert pair.ok(*arguments, "--as", "alice") == "", "a program sees it by itself"


def test_a_person_is_told_that_a_message_has_no_files(pair):
    pair.ok("send", "bob", "hi", "--as", "alice")
    assert seen(pair, "files", "1") == (0, "postroom: message 1 has no files\n")


def test_only_what_is_held_is_released_or_discarded(pair):
    hold(pair)
    assert seen(pair, "release", "4") == (0, "1 message delivered; it goes on\n")
    for arguments in (["release", "4"], ["discard", "1", "no"]):
        assert seen(pair, *arguments) == (errors.NothingHeld.exit_code, "postroom: Nothing is held in thread '1'. See: postroom held.\n")
    for arguments in (["release", "bob"], ["discard", "bob", "no"]):
        words = "postroom: The agent 'bob' is not paused, so nothing of it is held. See: postroom held.\n"
        assert seen(pair, *arguments) == (errors.NothingHeld.exit_code, words)
    assert "Nor is an agent of that name paused." in seen(pair, "release", "nosuch")[1]


@pytest.mark.parametrize(
    "verb", [("join", "nosuch"), ("send", "nosuch", "hi"), ("room", "create", "a b"), ("session", "open", "nosuch", "task")]
)
def test_a_verb_that_fails_says_that_it_registered_a_name_all_the_same(verb, pair):
    failed = pair(*verb, "--as", "zed")
    assert failed.code in {64, 67}
    assert failed.err.endswith(" 'zed' is a new agent now, although this failed.\n")
    assert failed.err.count("\n") == 1
    assert "new agent" not in pair(*verb, "--as", "zed").err
    assert "'xaver' is a new agent now" in pair(*verb, "--json", "--as", "xaver").failure["message"]


def test_who_means_a_room_is_told_how_to_write_it(pair):
    pair.ok("room", "create", "dev", "--as", "alice")
    pair.ok("room", "create", "hush", "--policy", "secret", "--as", "alice")
    for verb in (["history", "dev"], ["watch", "--agent", "dev"], ["export", "--agent", "dev"]):
        assert complains(pair(*verb, "--as", "bob"), errors.NoSuchAgent, "Did you mean the room '#dev'?"), verb
    assert "the room" not in pair("history", "hush", "--as", "bob").err
    assert "'#hush'" in pair("history", "hush", "--as", "alice").err
