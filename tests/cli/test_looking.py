"""Who sees what when it looks: the person at a terminal everything, an agent its own, a stranger what is said in public rooms."""

from __future__ import annotations

import signal

import pytest

from postroom import connect
from postroom.core import errors
from tests.cli.shell import Shell, end, line_of

BY_ID = [["status"], ["thread"], ["files"], ["watch", "--thread"], ["history", "--before"]]
ADVICE = "None that you may see, at least: say who you are with --as NAME, or ask from a terminal."


@pytest.fixture
def busy(shell: Shell) -> Shell:
    """Alice has written to bob with a file, offered him a session, and spoken in a public, a private and a secret room of hers."""
    path = shell.home / "log.txt"
    path.write_text("x")
    home = shell.home / "postroom"
    with connect("alice", home=home) as alice, connect("bob", home=home), connect("carol", home=home):
        alice.send("bob", "to bob: 8080", files=[path])
        shell.ok("session", "open", "bob", "review", "--no-wait", "--as", "alice")
        for policy in ("public", "private", "secret"):
            alice.create_room(policy, policy=policy)
            alice.send(f"#{policy}", f"in {policy}: 8080")
    return shell


def bodies(shell: Shell, *arguments: str) -> list[str]:
    """What is said in the messages that a command shows."""
    return [message["body"] for message in shell.objects(*arguments)]


def told(shell: Shell, *arguments: str) -> str:
    """The note of a command that shows nothing."""
    done = shell(*arguments)
    assert (done.code, done.out) == (0, ""), done
    return done.err


# The person


def test_the_person_at_a_terminal_sees_everything(busy, person):
    everything = ["to bob: 8080", "review", "in public: 8080", "in private: 8080", "in secret: 8080"]
    assert bodies(person, "history") == everything
    assert bodies(person, "search", "8080") == [body for body in reversed(everything) if "8080" in body]
    assert bodies(person, "history", "bob") == everything[:2]
    assert bodies(person, "history", "#secret") == ["in secret: 8080"]
    assert bodies(person, "thread", "1") == ["to bob: 8080"]
    assert person.objects("status", "1")[0]["state"] == "delivered"
    assert [file["name"] for file in person.objects("files", "1")] == ["log.txt"]
    assert [session["task"] for session in person.objects("session", "list")] == ["review"]


def test_the_person_who_says_to_be_an_agent_sees_what_that_agent_sees(busy, person):
    assert bodies(person, "history", "--as", "carol") == bodies(busy, "history", "--as", "carol") == []
    assert person("status", "1", POSTROOM_AGENT="carol").code == errors.NotYourMessage.exit_code
    assert person.objects("session", "list", "--as", "carol") == []


# Strangers


def test_a_stranger_sees_what_is_said_in_public_rooms_and_nothing_else(busy):
    public = ["in public: 8080"]
    assert bodies(busy, "history") == bodies(busy, "search", "8080") == bodies(busy, "history", "#public") == public
    assert bodies(busy, "thread", "3") == public
    assert busy.objects("status", "3")[0]["id"] == "3"
    assert busy.ok("files", "3") == ""
    for arguments in (["history", "bob"], ["history", "--since", "0.000001"], ["search", "review"], ["session", "list"], ["held"]):
        assert ADVICE in told(busy, *arguments)


@pytest.mark.parametrize("arguments", BY_ID)
def test_a_message_that_a_stranger_may_not_see_is_as_one_that_never_was_and_the_error_says_what_to_do(busy, arguments):
    done, never = busy(*arguments, "1"), busy(*arguments, "99")
    assert (done.code, done.out, done.err) == (67, "", f"postroom: There is no message '1'. {ADVICE} See: postroom history.\n")
    assert done == never._replace(err=never.err.replace("99", "1"))


@pytest.mark.parametrize("arguments", [["history", "#secret"], ["history", "ghost"], ["watch", "--agent", "ghost"]])
def test_whom_and_what_a_stranger_may_not_know_of_never_was(busy, arguments):
    busy.ok("profile", "--visibility", "ghost", "--as", "ghost")
    never = [word.replace("secret", "zzz").replace("ghost", "zzz") for word in arguments]
    done = busy(*arguments)
    assert done.code == 67
    assert done.err.replace("secret", "zzz").replace("ghost", "zzz") == busy(*never).err


def test_a_private_room_is_known_to_a_stranger_and_what_is_said_in_it_is_not(busy):
    done = busy("history", "#private")
    assert (done.code, done.out) == (errors.NotAMember.exit_code, "")


def test_that_there_may_be_more_is_told_in_json_too_and_only_to_strangers(busy):
    done = busy("search", "review", "--json")
    assert (done.code, done.out, done.failure) == (0, "", {"note": f"nothing matches. {ADVICE}"})
    assert busy.ok("search", "review", "--as", "carol") == ""


# Agents


def test_an_agent_sees_its_own(busy):
    own = ["to bob: 8080", "review", "in public: 8080", "in private: 8080", "in secret: 8080"]
    assert bodies(busy, "history", "--as", "alice") == own
    assert bodies(busy, "history", "--as", "bob") == own[:2]
    assert bodies(busy, "search", "8080", "--as", "bob") == ["in public: 8080", "to bob: 8080"]
    assert [file["name"] for file in busy.objects("files", "1", "--as", "bob")] == ["log.txt"]
    assert [session["task"] for session in busy.objects("session", "list", "--as", "bob")] == ["review"]


def test_an_agent_sees_nothing_that_others_said_to_each_other(busy):
    assert bodies(busy, "history", "--as", "carol") == busy.objects("session", "list", "--as", "carol") == []
    assert bodies(busy, "search", "8080", "--as", "carol") == bodies(busy, "history", "#public", "--as", "carol") == ["in public: 8080"]
    for arguments in BY_ID:
        done = busy(*arguments, "1", "--as", "carol")
        assert (done.code, done.err) == (
            67,
            "postroom: There is no message '1' that 'carol' sent or received. See: postroom history.\n",
        )


# Watching


def say_and_read(shell: Shell) -> None:
    """Alice writes to bob, who reads it; then there is something that everybody may see."""
    shell.ok("send", "bob", "among us", "--as", "alice")
    shell.ok("inbox", "--as", "bob")
    shell.ok("send", "#public", "to all", "--as", "alice")


@pytest.mark.parametrize("who, first", [([], "in public: 8080"), (["--as", "carol"], "hello")])
def test_who_watches_sees_nothing_that_others_say_to_each_other_nor_what_becomes_of_it(busy, who, first):
    busy.ok("send", "carol", "hello", "--as", "bob")
    watching = busy.start("watch", "--json", "--last", "20", *who)
    assert f'"{first}"' in line_of(watching)
    say_and_read(busy)
    assert '"to all"' in line_of(watching)
    assert end(watching, signal.SIGTERM) == 143


def test_a_stranger_who_watches_is_told_that_there_may_be_more(busy):
    watching = busy.start("watch", "--last", "20")
    line_of(watching)
    watching.send_signal(signal.SIGINT)
    _, said = watching.communicate(timeout=60)
    assert said.decode() == (
        "postroom: only what is said in public rooms is shown: say who you are with --as NAME, or watch from a terminal\n"
    )


def test_the_person_at_a_terminal_watches_everything(busy, person):
    watching = person.start("watch", "--json", "--last", "1")
    assert '"in secret: 8080"' in line_of(watching)
    say_and_read(busy)
    assert '"among us"' in line_of(watching)
    while '"to all"' not in (line := line_of(watching)):
        assert '"event": "state"' in line
    assert end(watching, signal.SIGTERM) == 143


def test_an_agent_watches_what_concerns_it(busy):
    watching = busy.start("watch", "--json", "--last", "20", "--as", "bob")
    assert '"to bob: 8080"' in line_of(watching)
    assert '"review"' in line_of(watching)
    busy.ok("send", "carol", "not for bob", "--as", "alice")
    busy.ok("send", "bob", "for bob", "--as", "carol")
    while '"for bob"' not in (line := line_of(watching)):
        assert '"not for bob"' not in line
    assert end(watching, signal.SIGTERM) == 143


def test_an_export_of_an_agent_is_its_own_and_one_without_a_name_is_everything(busy):
    def said(*who: str, **more: str) -> list[str]:
        return [line["body"] for line in busy.objects("export", *who, **more) if line["type"] == "message"]

    assert said("--as", "carol") == said(POSTROOM_AGENT="carol") == []
    assert said("--as", "bob") == ["to bob: 8080", "review"]
    assert len(said()) == 5
    assert busy("export", "--as", "nobody").code == errors.NotRegistered.exit_code
