"""A model's server comes in at a node as it does in the store: the same tools, the same words."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

from postroom import connect
from tests.mcp.serving import Served
from tests.waiting import until


def served(stack: ExitStack, home: Path, *arguments: str, cwd: Path | None = None, **more: str) -> Served:
    return stack.enter_context(Served(home, *arguments, client="claude-code", cwd=cwd, **more)).initialize()


STORY = [
    ("send", {"to": "bob", "body": "which port?"}),
    ("send", {"to": "nobody", "body": "hello?"}),
    ("send", {"to": "bob", "body": ""}),
    ("inbox", {}),
    ("agents", {}),
    ("profile", {"description": "runs the tests", "status": "busy", "tags": ["tests"]}),
    ("history", {"with": "bob"}),
    ("history", {"query": "port"}),
    ("room", {"action": "create", "room": "ops", "description": "at night"}),
    ("room", {"action": "invite", "room": "ops", "agent": "bob"}),
    ("send", {"to": "#ops", "body": "anybody?"}),
    ("room", {"action": "list"}),
    ("room", {"action": "topic", "room": "ops", "topic": "the night"}),
    ("send", {"to": "bob", "body": "review PR 42", "session": "open"}),
    ("send", {"reply_to": "99", "body": "x"}),
    ("room", {"action": "leave", "room": "nowhere"}),
    ("inbox", {"wait": 0.01}),
]
ID = re.compile(r"(?:\b\w+:)?\b(?:[a-z2-7]{16}|\d+)\b")
TIME = re.compile(r"\d\d:\d\d(:\d\d)?|\d+ (seconds?|minutes?|s|min)( ago)?|\d{4}-\d\d-\d\d")


def told(server: Served) -> list[str]:
    """What a model reads, without ids and times."""
    outcomes = []
    for tool, arguments in STORY:
        answer = server.request("tools/call", {"name": tool, "arguments": arguments})["result"]
        outcomes.append(ID.sub("N", TIME.sub("T", f"{answer['isError']} {answer['content'][0]['text']}")).replace('"http"', '"mcp"'))
    return outcomes


def test_each_tool_says_the_same_at_a_node(room, home, stack):
    near = str(home / "near")
    stack.enter_context(connect("bob", home=near))
    room.here("bob")
    here = told(served(stack, home, "--name", "alice", POSTROOM_HOME=near))
    there = told(served(stack, home, **room.environment(POSTROOM_TOKEN=room.token("alice"))))
    for (tool, arguments), local, remote in zip(STORY, here, there, strict=True):
        assert remote == local, (tool, arguments)


def test_two_models_talk_over_the_node(room, home, stack):
    alice = served(stack, home, **room.environment(POSTROOM_TOKEN=room.token("alice")))
    bob = served(stack, home, **room.environment(POSTROOM_TOKEN=room.token("bob")))
    bob.call("inbox")
    waiting = bob.begin("inbox", wait=40)
    assert "sent" in alice.call("send", to="bob", body="which port?")
    text = bob.result(waiting)
    assert "| which port?" in text
    (id,) = re.findall(r'send\(reply_to="([^"]+)"', text)
    bob.call("send", reply_to=id, body="8080")
    assert "| 8080" in alice.call("inbox", wait=40)


def test_what_an_answer_handed_over_is_read_with_the_next_call(room, home, stack):
    bob = room.here("bob")
    alice = served(stack, home, **room.environment(POSTROOM_TOKEN=room.token("alice")))
    receipt = bob.send("alice", "look")
    assert "| look" in alice.call("inbox", wait=40)
    assert bob.status(receipt.id).state == "handed"
    assert "| look" not in alice.call("agents")
    assert bob.status(receipt.id).state == "read"


def test_a_server_that_may_not_open_the_store_finds_the_node_and_a_name_of_its_own(room, home, stack):
    link = home / "shut"
    link.symlink_to(room.home)
    webshop = home / "webshop"
    webshop.mkdir()
    servers = [served(stack, home, cwd=webshop, POSTROOM_HOME=str(link)) for _ in range(2)]
    names = [found[1] for server in servers if (found := re.search(r"you are ([\w.-]+)", server.call("agents")))]
    assert sorted(names) == ["claude-webshop", "claude-webshop-2"]
    assert "sent" in servers[0].call("send", to=names[1], body="are you there?")
    assert "| are you there?" in servers[1].call("inbox", wait=40)


def test_a_server_goes_on_when_the_node_was_started_anew(room, home, stack):
    bob = room.here("bob")
    alice = served(stack, home, **room.environment(POSTROOM_TOKEN=room.token("alice")))
    alice.call("inbox")
    room.kill_node()
    assert alice.call("send", to="bob", body="while it was away").endswith("is kept here and goes on by itself later (waiting for bus)")
    room.start_node()
    until(lambda: [message.body for message in bob.peek()] == ["while it was away"])
    bob.send("alice", "back again")
    assert "| back again" in alice.call("inbox", wait=40)
