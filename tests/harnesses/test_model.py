"""The scripted model answers the real programs: what they ask reaches it, and what it says reaches them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harnesses.model import Model, say
from tests.harnesses.programs import run
from tests.harnesses.sessions import Claude, Codex, around, configure_codex
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def model() -> Iterator[Model]:
    with Model() as model:
        yield model


@pytest.fixture
def project(home: Path) -> Path:
    path = home / "webshop"
    path.mkdir()
    return path


def test_claude_code_prints_what_the_script_says(home, project, model):
    model.scripts["claude"] = say("the sky is green")
    assert "the sky is green" in run(["claude", "-p", "which colour?"], around(home, "claude-code", model, "claude"), project)
    assert "which colour?" in model.asked("claude")[-1].new


def test_codex_prints_what_the_script_says(home, project, model):
    model.scripts["codex"] = say("the sky is green")
    configure_codex(home, project, model, "codex")
    command = ["codex", "exec", "--skip-git-repo-check", "which colour?"]
    assert "the sky is green" in run(command, around(home, "codex", model, "codex"), project)
    assert "which colour?" in model.asked("codex")[-1].new


def test_a_session_of_claude_code_remembers_its_turns(home, project, model):
    with Claude(home, project, model) as session:
        session.type("first")
        model.until_said("claude", "first")
        session.type("second")
        assert "first" in model.until_said("claude", "second").text
        until(lambda: [one["type"] for one in session.said].count("result") == 2)


def test_a_thread_of_codex_remembers_its_turns(home, project, model):
    configure_codex(home, project, model, "codex")
    with Codex(home, project, model) as session:
        session.type("first")
        until(lambda: "turn/completed" in [one.get("method") for one in session.said])
        session.type("second")
        assert "first" in model.until_said("codex", "second").text
