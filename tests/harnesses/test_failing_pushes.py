"""Pushes that do not arrive, arrive elsewhere, or arrive in a session that dies: mail is neither lost nor shown twice as new."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import postroom
from tests.harnesses.stand_in import Session
from tests.waiting import until, until_online

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from postroom.agent import Agent

CLAUDE = "claude-webshop"


@pytest.fixture
def tester(home: Path) -> Iterator[Agent]:
    with postroom.connect("tester", home=home / "postroom") as agent:
        yield agent


def has_come_to(tester: Agent, sent: postroom.Receipt, state: postroom.State) -> bool:
    return tester.status(sent.id).has_come_to(state)


def test_what_is_taken_is_pushed_once_and_read(home, tester):
    with Session(home) as session:
        until_online(tester, CLAUDE)
        sent = tester.send(CLAUDE, "hello")
        until(lambda: has_come_to(tester, sent, postroom.State.READ))
        assert len(session.pushed) == 1
        assert "| hello" in session.pushed[0]


def test_who_knows_the_other_tool_is_told_how_to_answer_with_that(home, tester):
    with Session(home, options=("--compat", "agent-comms")) as session:
        until_online(tester, CLAUDE)
        sent = tester.send(CLAUDE, "hello")
        until(lambda: has_come_to(tester, sent, postroom.State.READ))
        assert "agent_comms(" in session.pushed[0]


def test_what_is_dropped_is_pushed_again_in_other_words(home, tester):
    with Session(home, takes=lambda number: number == 2) as session:
        until_online(tester, CLAUDE)
        sent = tester.send(CLAUDE, "hello")
        until(lambda: has_come_to(tester, sent, postroom.State.READ))
        first, second = session.pushed
        assert "| hello" in first
        assert "| hello" in second
        assert first != second


@pytest.mark.slow
def test_what_is_never_taken_goes_back_to_where_tools_find_it(home, tester):
    with Session(home, takes=lambda _number: False) as session:
        until_online(tester, CLAUDE)
        tester.send(CLAUDE, "hello")
        until(lambda: len(session.pushed) == 4)
        found = until(lambda: said if "| hello" in (said := session.call("inbox")) else "")
        assert 'redelivered="yes"' in found


def test_mail_for_a_session_that_does_not_listen_waits_for_its_tools(home, tester):
    with Session(home) as session:
        until_online(tester, CLAUDE)
        session.go()
        tester.send(CLAUDE, "hello")
        found = until(lambda: said if "| hello" in (said := session.call("inbox")) else "")
        assert "redelivered" not in found, "nobody can have seen it before"


def test_a_session_that_was_cleared_is_found_in_its_new_transcript(home, tester):
    with Session(home) as session:
        until_online(tester, CLAUDE)
        before = tester.send(CLAUDE, "before")
        until(lambda: has_come_to(tester, before, postroom.State.READ))
        session.clear()
        after = tester.send(CLAUDE, "after")
        until(lambda: has_come_to(tester, after, postroom.State.READ))
        assert ["| after" in text for text in session.pushed] == [False, True]


def test_a_turn_that_the_user_broke_off_is_over(home, tester):
    with Session(home) as session:
        until_online(tester, CLAUDE)
        session.begin()
        sent = tester.send(CLAUDE, "hello")
        session.write({"type": "user", "message": {"role": "user", "content": [{"type": "text", "text": "[Request interrupted by user]"}]}})
        until(lambda: has_come_to(tester, sent, postroom.State.READ))


def test_who_is_idle_and_is_woken_is_busy_until_its_turn_is_over_also_without_hooks(home, tester):
    def status() -> str:
        return str(next(one.status for one in tester.agents() if one.name == CLAUDE))

    with Session(home) as session:
        until_online(tester, CLAUDE)
        session.call("profile", status="idle")
        tester.send(CLAUDE, "hello")
        until(lambda: status() == "busy")
        until(lambda: status() == "idle")
        assert len(session.pushed) == 1


def test_urgent_mail_does_not_wait_for_the_end_of_a_turn(home, tester):
    with Session(home) as session:
        until_online(tester, CLAUDE)
        session.begin()
        tester.send(CLAUDE, "at once", urgency="now")
        until(lambda: len(session.pushed) == 1)
        assert "| at once" in session.pushed[0]


def test_other_mail_waits_for_the_end_of_a_turn_and_tools_bring_it_earlier(home, tester):
    with Session(home) as session:
        until_online(tester, CLAUDE)
        session.begin()
        sent = tester.send(CLAUDE, "by tool")
        assert "| by tool" in session.call("agents")
        session.call("agents")
        until(lambda: has_come_to(tester, sent, postroom.State.READ))
        later = tester.send(CLAUDE, "by push")
        session.end()
        until(lambda: has_come_to(tester, later, postroom.State.READ))
        assert ["| by push" in text for text in session.pushed] == [True]


def test_a_call_that_waits_gets_mail_before_it_is_pushed(home, tester):
    with Session(home) as session:
        until_online(tester, CLAUDE)
        session.begin()
        waiting = session.begin_to_call("inbox", wait=20)
        session.call("agents")  # calls begin in order: the first one waits by now
        tester.send(CLAUDE, "at once", urgency="now")
        assert "| at once" in session.told(waiting)
        assert session.pushed == []


def test_mail_in_a_session_that_dies_comes_again(home, tester):
    with Session(home, takes=lambda _number: False) as session:
        until_online(tester, CLAUDE)
        sent = tester.send(CLAUDE, "hello")
        until(lambda: len(session.pushed) == 1)
        session.server.kill()
    until_online(tester, CLAUDE, online=False)
    assert tester.status(sent.id).state == "delivered"
    with postroom.connect(CLAUDE, home=home / "postroom") as other:
        (again,) = other.take()
        assert (again.body, again.redelivered) == ("hello", True)
