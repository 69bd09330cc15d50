"""`postroom hook` where the post room is at a node: by its URL, or beside a store that may not be opened."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from postroom import identity
from tests.cli.shell import SOON_S, Shell
from tests.remote.elsewhere import Elsewhere

SESSION = "0a1b2c3d-claude"


class Session:
    """A session of a harness elsewhere."""

    def __init__(self, shell: Shell, variables: dict[str, str]) -> None:
        self._shell = shell
        self._variables = variables

    def hook(self, event: str) -> str:
        """What a hook prints."""
        payload = json.dumps({"session_id": SESSION, "cwd": "/w", "harness": "claude-code", "hook_event_name": event})
        return self._shell.ok("hook", event, stdin=payload, **self._variables)


@pytest.fixture
def patient(home: Path) -> str:
    """The PYTHONPATH with which a hook waits for its node for as long as a test does; a second is not always enough for one at work."""
    (home / "sitecustomize.py").write_text(f"import postroom.remote.hooks\npostroom.remote.hooks.ANSWER_S = {SOON_S}\n")
    return os.pathsep.join([str(home), os.environ.get("PYTHONPATH", "")])


@pytest.fixture
def session(room: Elsewhere, shell: Shell, patient: str) -> Session:
    """One whose agent is that of its token."""
    return Session(shell, room.environment(POSTROOM_TOKEN=room.token("jack"), PYTHONPATH=patient))


def test_a_hook_at_a_node_hands_mail_to_the_model_once_and_says_what_the_session_does(room, session):
    joe, _ = room.here("joe"), room.here("jack")  # which is what the session's server does: one that is offline is neither busy nor idle
    session.hook("SessionStart")
    receipt = joe.send("jack", "use port 8080")
    printed = json.loads(session.hook("UserPromptSubmit"))["hookSpecificOutput"]["additionalContext"]
    assert "use port 8080" in printed
    assert joe.status(receipt.id).state == "handed"
    assert [one.status for one in joe.agents() if one.name == "jack"] == ["busy"]
    assert session.hook("Stop") == ""
    assert joe.status(receipt.id).state == "read"
    assert [one.status for one in joe.agents() if one.name == "jack"] == ["idle"]


def test_what_nobody_saw_comes_again_at_a_node_too(room, session):
    joe = room.here("joe")
    receipt = joe.send("jack", "urgent", urgency="now")
    assert "urgent" in session.hook("PostToolUse")
    session.hook("SessionEnd")
    assert joe.status(receipt.id).state == "delivered"
    assert "urgent" in session.hook("SessionStart")


def test_more_than_fits_waits_for_the_next_time_and_comes_as_new(room, session):
    joe = room.here("joe")
    for number in range(3):
        joe.send("jack", f"letter {number} " + "word " * 3000)
    first = session.hook("UserPromptSubmit")
    assert "letter 0" in first
    assert "There is more" in first
    assert "letter 2" not in first
    rest = "".join(session.hook("UserPromptSubmit") for _ in range(3))
    assert "letter 2" in rest
    assert "redelivered" not in rest


def test_a_node_that_is_away_is_in_nobodys_way(room, shell):
    session = Session(shell, room.environment(POSTROOM_TOKEN=room.token("jack")))
    room.kill_node()
    assert session.hook("UserPromptSubmit") == ""


def test_a_hook_beside_a_store_that_is_shut_goes_to_the_node(room, shell, patient):
    link = room.user / "shut"
    link.symlink_to(room.home)
    session = Session(shell, {"POSTROOM_HOME": str(link), "POSTROOM_AGENT": "jack", "PYTHONPATH": patient})
    room.here("jack").close()
    room.here("joe").send("jack", "hello")
    assert "hello" in session.hook("UserPromptSubmit")


def test_the_agent_of_a_session_is_the_one_that_its_server_has_noted(room, shell, patient):
    link = room.user / "shut"
    link.symlink_to(room.home)
    session = Session(shell, {"POSTROOM_HOME": str(link), "PYTHONPATH": patient})
    assert session.hook("UserPromptSubmit") == ""
    room.here("bert")
    identity.remember(room.home, identity.Guest("claude-code", "/w", SESSION), "bert", pid=0)
    room.here("joe").send("bert", "hello")
    assert "hello" in session.hook("UserPromptSubmit")
