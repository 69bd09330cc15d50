"""Sending to many from the command line: what is shown, and what a person is asked before."""

import pytest

from postroom.core import errors
from tests.cli.shell import Shell


@pytest.fixture
def many(shell: Shell) -> Shell:
    """A post room of analyst and 21 others, who are all in the room #dev."""
    others = ",".join(f"agent{number:02}" for number in range(21))
    shell.ok("send", others, "welcome", "--create", "--as", "analyst")
    return shell


def test_a_message_to_many_is_shown_in_a_line(many):
    assert many.ok("send", "@all", "hello", "--as", "analyst") == "2 → @all: 21 delivered (0 online)\n"
    (receipt,) = many.objects("send", "ALL", "hello", "--as", "analyst")
    assert len(receipt["deliveries"]) == 21


def test_a_message_to_a_room_of_ones_own_is_kept(many):
    many.ok("room", "create", "dev", "--as", "analyst")
    assert many.ok("send", "#dev", "anybody?", "--as", "analyst") == "2 → #dev: kept; nobody else is there yet\n"


@pytest.mark.parametrize("answer, sent", [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("\x04", False)])
def test_a_person_is_asked_before_more_than_twenty_are_bothered(many, answer, sent):
    with many.terminal("send", "@all", "hello", "--as", "analyst") as terminal:
        terminal.read_until("Send this to 21 agents? [y/N]")
        terminal.type(answer)
        code, screen = terminal.end()
    assert code == (0 if sent else 1)
    assert sent or screen.splitlines()[-1].startswith("postroom: nothing was sent to the 21 agents."), "on a line of its own"
    assert ("21 delivered" in screen, "--yes" in screen) == (sent, not sent)
    assert len(many.objects("inbox", "--as", "agent00")) == 1 + sent


def test_a_person_is_asked_before_more_than_twenty_are_named(many):
    for number, sent in ((21, False), (20, True)):
        names = ",".join(f"agent{one:02}" for one in range(number))
        with many.terminal("send", names, "hello", "--as", "analyst") as terminal:
            if not sent:
                terminal.read_until("Send this to 21 agents? [y/N]")
                terminal.type("n\n")
            assert terminal.end()[0] == (0 if sent else 1)
        assert len(many.objects("inbox", "--peek", "--as", "agent00")) == 1 + sent


def test_a_person_is_not_asked_for_twenty_nor_with_yes(many):
    with many.terminal("send", "@all", "hello", "--yes", "--as", "analyst") as terminal:
        assert terminal.end()[0] == 0
    many.ok("profile", "--visibility", "hidden", "--as", "agent20")
    with many.terminal("send", "@all", "hello", "--as", "analyst") as terminal:
        code, screen = terminal.end()
    assert (code, "20 delivered" in screen) == (0, True)


def test_who_is_refused_a_broadcast_is_told_when_to_try_again(many):
    (many.home / "postroom" / "config.toml").write_text("[limits]\nbroadcasts_per_minute = 1\n", encoding="utf-8")
    many.ok("send", "@all", "hello", "--as", "analyst")
    refused = many("send", "@all", "hello", "--as", "analyst")
    assert (refused.code, "broadcasts_per_minute = 1" in refused.err, "wait" in refused.err) == (errors.TooFast.exit_code, True, True)
