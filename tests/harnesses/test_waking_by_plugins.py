"""Idle sessions of OpenCode and pi with the scripted model: their plugins bring mail in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import postroom
from tests.harnesses.conftest import Person
from tests.harnesses.model import SOON_S, Model, answering
from tests.harnesses.sessions import OpenCode, Pi
from tests.waiting import until, until_online

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PI, OPENCODE = "pi-webshop", "opencode-webshop"


@pytest.fixture
def project(person: Person, model: Model) -> Path:
    """A project, and a person who has installed Postroom for both harnesses, which use the scripted model."""
    path = person.home / "webshop"
    path.mkdir()
    of_opencode = {
        "npm": "@ai-sdk/openai",
        "options": {"baseURL": f"{model.url('opencode')}/v1", "apiKey": "none"},
        "models": {"scripted": {}},
    }
    of_pi = {"baseUrl": f"{model.url('pi')}/v1", "api": "openai-responses", "apiKey": "none", "models": [{"id": "scripted"}]}
    person.write(
        {
            ".config/opencode/opencode.json": json.dumps({"model": "scripted/scripted", "provider": {"scripted": of_opencode}}),
            ".pi/agent/models.json": json.dumps({"providers": {"scripted": of_pi}}),
        }
    )
    person.ok("install", "opencode", "pi", "--yes")
    return path


def test_mail_wakes_an_idle_session_of_pi(person, project, model, tester):
    model.scripts["pi"] = answering
    with Pi(person.home, project, model):
        until_online(tester, PI)
        answer = tester.ask(PI, "please answer blue", timeout=SOON_S)
        assert (answer.sender, answer.body) == (PI, "here is blue")


def test_what_was_pushed_into_pi_counts_as_read_when_the_turn_is_over(person, project, model, tester):
    with Pi(person.home, project, model):
        until_online(tester, PI)
        sent = tester.send(PI, "no answer needed")
        assert tester.follow(sent.id, until="read").has_come_to(postroom.State.READ)
    assert "| no answer needed" in model.asked("pi")[0].new


def test_a_session_of_pi_that_resumes_is_the_same_agent(person, project, model, tester):
    with Pi(person.home, project, model):
        until_online(tester, PI)
        with Pi(person.home, project, model) as second:
            until_online(tester, f"{PI}-2")
            second.type("go")
            until(lambda: [one.name for one in tester.agents() if one.status == "idle"] == [f"{PI}-2"])
    with Pi(person.home, project, model, "pi", "--continue"):
        until_online(tester, f"{PI}-2")
    assert f"{PI}-3" not in [one.name for one in tester.agents()]


def test_mail_wakes_the_session_of_opencode_that_was_at_work_last(person, project, model, tester):
    model.scripts["opencode"] = answering
    with OpenCode(person.home, project, model) as session:
        session.type("go")
        until_online(tester, OPENCODE)
        answer = tester.ask(OPENCODE, "please answer blue", timeout=SOON_S)
        assert (answer.sender, answer.body) == (OPENCODE, "here is blue")
        until(lambda: "here is blue" in model.asked("opencode")[-1].text)


def test_what_was_pushed_into_opencode_counts_as_read_when_the_turn_is_over(person, project, model, tester):
    with OpenCode(person.home, project, model) as session:
        session.type("go")
        until_online(tester, OPENCODE)
        sent = tester.send(OPENCODE, "no answer needed")
        assert tester.follow(sent.id, until="read").has_come_to(postroom.State.READ)
    assert "| no answer needed" in model.asked("opencode")[-1].new
