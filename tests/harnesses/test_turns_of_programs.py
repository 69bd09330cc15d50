"""Gemini CLI, OpenCode and pi with the scripted model: mail reaches the model at the turns of a session, and what it sends arrives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.harnesses.conftest import Person
from tests.harnesses.model import Model
from tests.harnesses.programs import run, surroundings
from tests.harnesses.wire import Asked, Calls, Says

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
COMMANDS = {
    "gemini-cli": ["gemini", "--model", "gemini-2.5-flash", "--prompt", "go"],
    "opencode": ["opencode", "run", "--model", "scripted/scripted", "go"],
    "pi": ["pi", "--provider", "scripted", "--model", "scripted", "--print", "go"],
}
TOOLS = {
    "gemini-cli": Calls("list_directory", {"dir_path": "."}),
    "opencode": Calls("bash", {"command": "true", "description": "nothing"}),
    "pi": Calls("bash", {"command": "true"}),
}
ALL = list(COMMANDS)


@pytest.fixture
def project(person: Person, model: Model) -> Path:
    """A project, and a person who has installed Postroom for all three, each with the scripted model."""
    path = person.home / "webshop"
    path.mkdir()
    person.write(
        {
            ".gemini/trustedFolders.json": json.dumps({str(path): "TRUST_FOLDER"}),
            ".gemini/settings.json": json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}}),
            ".config/opencode/opencode.json": json.dumps({
                "provider": {
                    "scripted": {
                        "npm": "@ai-sdk/openai",
                        "options": {"baseURL": f"{model.url('opencode')}/v1", "apiKey": "none"},
                        "models": {"scripted": {}},
                    }
                }
            }),
            ".pi/agent/models.json": json.dumps({
                "providers": {
                    "scripted": {
                        "baseUrl": f"{model.url('pi')}/v1",
                        "api": "openai-responses",
                        "apiKey": "none",
                        "models": [{"id": "scripted"}],
                    }
                }
            }),
        }
    )  # fmt: skip
    person.ok("install", *ALL, "--yes")
    return path


def go(person: Person, project: Path, model: Model, harness: str) -> str:
    """One turn of a session that starts for it and ends after it."""
    keys = {"GEMINI_API_KEY": "none", "GOOGLE_GEMINI_BASE_URL": model.url("gemini-cli")}
    return run(COMMANDS[harness], surroundings(person.home, harness, **keys), project)


def name_in(harness: str) -> str:
    return {"gemini-cli": "gemini-webshop", "opencode": "opencode-webshop", "pi": "pi-webshop"}[harness]


@pytest.mark.parametrize("harness", ["gemini-cli", "pi"])
def test_a_message_from_before_the_session_is_there_when_it_starts(person, project, model, tester, harness):
    sent = tester.send(name_in(harness), "use port 8080", create=True)
    printed = go(person, project, model, harness)
    assert any("| use port 8080" in asked.text for asked in model.asked(harness)), printed
    assert tester.status(sent.id).state == "read"


@pytest.mark.parametrize("harness", ALL)
def test_what_the_model_sends_arrives_and_says_who_it_is(person, project, model, tester, harness):
    model.scripts[harness] = lambda asked: Says("done") if asked.turn else Calls("send", {"to": "tester", "body": "it works"})
    printed = go(person, project, model, harness)
    (message,) = tester.take(wait=10)
    assert (message.sender, message.body) == (name_in(harness), "it works"), printed
    (found,) = [one for one in tester.agents() if one.name == name_in(harness)]
    assert (found.harness, found.directory, found.status) == (harness, str(project), "offline")


@pytest.mark.parametrize("harness", ["gemini-cli", "opencode"])
def test_an_urgent_message_is_there_after_the_next_tool(person, project, model, tester, harness):
    def script(asked: Asked) -> Says | Calls:
        if asked.turn == 0:
            return Calls("agents")  # by now its server has come in
        if asked.turn == 1:
            tester.send(name_in(harness), "stop what you do", urgency="now")
            return TOOLS[harness]
        return Says("done")

    model.scripts[harness] = script
    printed = go(person, project, model, harness)
    assert "| stop what you do" in model.asked(harness)[-1].text, printed


def test_gemini_goes_on_with_mail_when_its_turn_would_end(person, project, model, tester):
    def script(asked: Asked) -> Says | Calls:
        if asked.turn == 0:
            tester.send(name_in("gemini-cli"), "one more thing", create=True)
        return Says("done")

    model.scripts["gemini-cli"] = script
    printed = go(person, project, model, "gemini-cli")
    assert "| one more thing" in model.asked("gemini-cli")[-1].text, printed
