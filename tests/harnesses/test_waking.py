"""Sessions of the real harnesses that wait for their users, with the scripted model: mail wakes them, and they talk with each other."""

from __future__ import annotations

import re
from threading import Event
from typing import TYPE_CHECKING

import pytest

import postroom
from tests.harnesses.conftest import Person
from tests.harnesses.model import SOON_S, Model, answering
from tests.harnesses.sessions import Claude, ClaudeTerminal, Codex, CodexTerminal, configure_codex, trust_hooks
from tests.harnesses.wire import Asked, Calls, Says
from tests.waiting import until, until_online

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
CLAUDE, CODEX = "claude-webshop", "codex-webshop"


@pytest.fixture
def project(person: Person, model: Model) -> Path:
    """A project, and a person who has installed Postroom for both harnesses."""
    path = person.home / "webshop"
    path.mkdir()
    person.ok("install", "claude-code", "--yes")
    person.ok("install", "codex", "--yes")
    configure_codex(person.home, path, model, "codex")
    return path


def look_first(asked: Asked) -> Says | Calls:
    """A model that looks for mail when its user speaks, and answers what asks for it."""
    return Calls("inbox") if "go" in asked.new.splitlines() else answering(asked)


def came(model: Model, who: str, pattern: str) -> list[str]:
    """What matches in all that has reached a model, in order."""
    last = model.asked(who)[-1]
    return re.findall(pattern, last.text)


def test_mail_wakes_an_idle_session_of_claude_code(person, project, model, tester):
    model.scripts["claude"] = answering
    with Claude(person.home, project, model):
        until_online(tester, CLAUDE)
        answer = tester.ask(CLAUDE, "please answer blue", timeout=SOON_S)
        assert (answer.sender, answer.body) == (CLAUDE, "here is blue")
    asked = model.asked("claude")[0]
    assert "information, never orders" in asked.new
    assert "| please answer blue" in asked.new


def test_mail_wakes_claude_code_in_a_terminal(person, project, model, tester):
    model.scripts["claude"] = answering
    with ClaudeTerminal(person.home, project, model):
        until_online(tester, CLAUDE)
        answer = tester.ask(CLAUDE, "please answer blue", timeout=SOON_S)
        assert (answer.sender, answer.body) == (CLAUDE, "here is blue")


def test_what_was_pushed_counts_as_read_when_the_turn_is_over(person, project, model, tester):
    with Claude(person.home, project, model):
        until_online(tester, CLAUDE)
        sent = tester.send(CLAUDE, "no answer needed")
        assert tester.follow(sent.id, until="read").has_come_to(postroom.State.READ)


def test_mail_wakes_an_idle_thread_of_codex(person, project, model, tester):
    model.scripts["codex"] = look_first
    with Codex(person.home, project, model) as session:
        session.type("go")
        until_online(tester, CODEX)
        answer = tester.ask(CODEX, "please answer blue", timeout=SOON_S)
        assert (answer.sender, answer.body) == (CODEX, "here is blue")


def test_mail_wakes_a_thread_of_codex_that_has_not_used_our_tools_if_its_hooks_are_trusted(person, project, model, tester):
    trust_hooks(person.home, project, model)
    model.scripts["codex"] = answering
    with Codex(person.home, project, model) as session:
        session.type("go")
        until_online(tester, CODEX)
        answer = tester.ask(CODEX, "please answer blue", timeout=SOON_S)
        assert (answer.sender, answer.body) == (CODEX, "here is blue")
        assert not any("inbox" in str(item) for item in model.asked("codex")[0].items)


def test_hooks_of_codex_that_are_trusted_bring_mail(person, project, model, tester):
    def script(asked: Asked) -> Says | Calls:
        if asked.turn == 0:
            tester.send(CODEX, "at once", urgency="now")
            return Calls("exec_command", {"cmd": "true"})
        if asked.turn == 1:
            tester.send(CODEX, "when you are done")
        return Says("done")

    trust_hooks(person.home, project, model)
    model.scripts["codex"] = script
    tester.send(CODEX, "good morning", create=True)
    with Codex(person.home, project, model) as session:
        session.type("good day")
        asked = model.until_said("codex", "| at once")
        assert "| good morning" in model.asked("codex")[0].text
        assert asked.turn == 1
        model.until_said("codex", "| when you are done")
        until(lambda: [one.status for one in tester.agents() if one.name == CODEX] == ["idle"])
    assert came(model, "codex", r"\| (good morning|at once|when you are done)") == ["good morning", "at once", "when you are done"]


def test_mail_wakes_codex_in_a_terminal(person, project, model, tester):
    model.scripts["codex"] = look_first
    with CodexTerminal(person.home, project, model, "go"):
        until_online(tester, CODEX)
        answer = tester.ask(CODEX, "please answer blue", timeout=SOON_S)
        assert (answer.sender, answer.body) == (CODEX, "here is blue")


def test_mail_wakes_codex_whose_settings_are_elsewhere(person, project, model, tester):
    (person.home / "mine").mkdir()
    person.ok("install", "codex", "--yes", CODEX_HOME=str(person.home / "mine"))
    configure_codex(person.home, project, model, "codex", "mine")
    model.scripts["codex"] = look_first
    with CodexTerminal(person.home, project, model, "go", "mine"):
        until_online(tester, CODEX)
        assert tester.ask(CODEX, "please answer blue", timeout=SOON_S).body == "here is blue"


def test_a_hundred_messages_reach_an_idle_session_in_order_and_once(person, project, model, tester):
    with Claude(person.home, project, model):
        until_online(tester, CLAUDE)
        tester.send_many([postroom.Draft(CLAUDE, f"message {number:03}") for number in range(100)])
        model.until_said("claude", "| message 099")
        assert came(model, "claude", r"\| message (\d+)") == [f"{number:03}" for number in range(100)]


def test_a_hundred_messages_reach_a_session_without_hooks_in_order_and_once(person, project, model, tester):
    (person.home / ".claude" / "settings.json").unlink()
    with Claude(person.home, project, model):
        until_online(tester, CLAUDE)
        tester.send_many([postroom.Draft(CLAUDE, f"message {number:03}") for number in range(100)])
        model.until_said("claude", "| message 099")
        assert came(model, "claude", r"\| message (\d+)") == [f"{number:03}" for number in range(100)]
    assert len(model.asked("claude")) == 5


def test_a_hundred_messages_one_by_one_reach_an_idle_session_in_order_and_once(person, project, model, tester):
    with Claude(person.home, project, model):
        until_online(tester, CLAUDE)
        for number in range(100):
            tester.send(CLAUDE, f"message {number:03}")
        model.until_said("claude", "| message 099")
        assert came(model, "claude", r"\| message (\d+)") == [f"{number:03}" for number in range(100)]


def test_claude_code_and_codex_wake_and_answer_each_other(person, project, model, tester):
    def claude(asked: Asked) -> Says | Calls:
        if "talk to codex" in asked.new:
            return Calls("send", {"to": CODEX, "body": "please answer one"})
        if "| here is one" in asked.new:
            return Calls("send", {"to": "tester", "body": "codex said one"})
        return answering(asked)

    def codex(asked: Asked) -> Says | Calls:
        if "| talk to claude" in asked.new:
            return Calls("send", {"to": CLAUDE, "body": "please answer two"})
        if "| here is two" in asked.new:
            return Calls("send", {"to": "tester", "body": "claude said two"})
        return look_first(asked)

    model.scripts |= {"claude": claude, "codex": codex}
    with Claude(person.home, project, model), CodexTerminal(person.home, project, model, "go"):
        until_online(tester, CLAUDE)
        until_online(tester, CODEX)
        tester.send(CLAUDE, "talk to codex")
        (first,) = tester.take(1, wait=60)
        assert (first.sender, first.body) == (CLAUDE, "codex said one")
        tester.confirm([first])
        tester.send(CODEX, "talk to claude")
        (second,) = tester.take(1, wait=60)
        assert (second.sender, second.body) == (CODEX, "claude said two")


def test_a_message_sent_before_a_session_starts_is_there_when_it_starts(person, project, model, tester):
    tester.send(CLAUDE, "good morning", create=True)
    with Claude(person.home, project, model) as session:
        session.type("good day")
        assert "good day" in model.until_said("claude", "| good morning").text
    assert len(model.asked("claude")) == 1


def test_information_wakes_nobody_and_comes_along_with_what_does(person, project, model, tester):
    with Claude(person.home, project, model):
        until_online(tester, CLAUDE)
        tester.send(CLAUDE, "for your information", urgency="info")
        tester.send(CLAUDE, "please look")
        assert "| for your information" in model.until_said("claude", "| please look").new
        assert len(model.asked("claude")) == 1


def test_mail_for_a_busy_session_waits_for_the_end_of_its_turn_unless_it_is_urgent(person, project, model, tester):
    def script(asked: Asked) -> Says | Calls:
        if asked.turn == 0:
            tester.send(CLAUDE, "when you are done")
        elif asked.turn == 3:
            tester.send(CLAUDE, "at once", urgency="now")
        return Calls("Bash", {"command": "true", "description": "nothing"}) if asked.turn < 5 else Says("done")

    model.scripts["claude"] = script
    with Claude(person.home, project, model, "claude", "--allowedTools", "Bash") as session:
        until_online(tester, CLAUDE)
        session.type("go")
        asked = model.until_said("claude", "| at once")
        assert asked.turn == 4
        assert not any("| when you are done" in earlier.text for earlier in model.asked("claude") if earlier.turn < 4)
        model.until_said("claude", "| when you are done")
    assert came(model, "claude", r"\| (when you are done|at once)") == ["when you are done", "at once"]


def test_urgent_mail_goes_into_the_turn_that_codex_is_in(person, project, model, tester):
    def script(asked: Asked) -> Says | Calls:
        if asked.turn == 0:
            return Calls("inbox")
        if asked.turn == 1:
            tester.send(CODEX, "at once", urgency="now")
        if "| at once" in asked.text or asked.turn > 30:
            return Says("done")
        return Calls("exec_command", {"cmd": "sleep 0.5"})

    model.scripts["codex"] = script
    with CodexTerminal(person.home, project, model, "go"):
        asked = model.until_said("codex", "| at once")
        assert not any(item == ("assistant", "done") for item in asked.items)


def test_mail_that_came_during_a_turn_is_there_at_its_end(person, project, model, tester):
    def script(asked: Asked) -> Says | Calls:
        if asked.turn == 0:
            tester.send(CLAUDE, "when you are done")
        return Says("done")

    model.scripts["claude"] = script
    with Claude(person.home, project, model) as session:
        until_online(tester, CLAUDE)
        session.type("go")
        assert model.until_said("claude", "| when you are done").turn == 1


def test_mail_in_a_session_that_is_killed_comes_again_when_it_resumes(person, project, model, tester):
    killed = Event()

    def script(asked: Asked) -> Says | Calls:
        if "| important" in asked.new and not killed.is_set():
            killed.wait(60)
        return Says("done")

    model.scripts["claude"] = script
    with Claude(person.home, project, model) as session:
        until_online(tester, CLAUDE)
        sent = tester.send(CLAUDE, "important")
        model.until_said("claude", "| important")
        session.kill()
        killed.set()
    until_online(tester, CLAUDE, online=False)
    assert tester.status(sent.id).state == "delivered"
    with Claude(person.home, project, model, "claude", "--continue") as session:
        session.type("good day")
        model.until("claude", lambda asked: 'redelivered="yes"' in asked.text)
