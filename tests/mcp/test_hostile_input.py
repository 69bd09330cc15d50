"""Five thousand inputs that no client should send: each is answered in valid JSON-RPC or not at all, and the server goes on."""

from __future__ import annotations

import json
import random
import subprocess
from typing import Any

import pytest

from postroom.mcp import comms
from postroom.mcp.rooms import ACTIONS
from postroom.mcp.tools import BY_NAME
from tests.cli.shell import environment
from tests.mcp.serving import META, SERVER
from tests.mcp.validity import check

INPUTS = 5_000
SEED = 7
METHODS = [
    "initialize",
    "server/discover",
    "tools/list",
    "tools/call",
    "ping",
    "subscriptions/listen",
    "resources/list",
    "",
    "\x00",
    "tools/call\n",
]
TOOLS = ["send", "inbox", "agents", "history", "room", "profile", "agent_comms", "", "send\u0000", "__class__"]
KNOWN = {name: [*tool.properties, *tool.more] for name, tool in (BY_NAME | comms.BY_NAME).items()}
ARGUMENTS = [
    "to",
    "body",
    "reply_to",
    "wait",
    "urgency",
    "session",
    "with",
    "query",
    "id",
    "offset",
    "before",
    "limit",
    "action",
    "room",
    "text",
    "x",
]
ODD: list[Any] = [
    None, True, False, 0, -1, 1e308, 10**30, "", " ", "bob", "#ops", "@all", "@tag:x", "me, you", "1", "0.01", "nan", "inf", "\ud800",
    "\u202e\x1b[2J", "x" * 5_000, [], {}, [[]], {"a": {"b": []}}, ["a", None, 3], "now", "open", "list", "create", "AND OR NOT",
    "'; DROP TABLE message; --", "%s{}{0.__class__}", "dev", "text", "text",
]  # fmt: skip


def odd_request(chance: random.Random) -> object:
    """A request in which something is wrong, or nothing."""
    request: dict[str, Any] = {
        "jsonrpc": "2.0",
        "id": chance.choice([chance.randrange(10**6), "abc", *ODD]),
        "method": chance.choice(METHODS),
    }
    arguments = {name: chance.choice(ODD) for name in chance.sample(ARGUMENTS, chance.randint(0, 4))}
    params: dict[str, Any] = {"name": chance.choice(TOOLS), "arguments": arguments, "protocolVersion": "2025-03-26"}
    if chance.random() < 0.6:
        request |= {"method": "tools/call", "id": chance.randrange(10**9)}
        known = KNOWN.get(params["name"], ARGUMENTS)
        params["arguments"] = {name: chance.choice(ODD) for name in chance.sample(known, chance.randint(0, len(known))) if name != "wait"}
        if "action" in known and chance.random() < 0.9:
            params["arguments"]["action"] = chance.choice([*ACTIONS, *comms.ACTIONS])
    if chance.random() < 0.3:
        params["_meta"] = META | ({"threadId": chance.choice(["a", "b"])} if chance.random() < 0.5 else {})
    if chance.random() < 0.1:
        params["_meta"] = chance.choice(ODD)
    request["params"] = params if chance.random() < 0.9 else chance.choice(ODD)
    for name in list(request):
        if chance.random() < 0.05:
            del request[name]
        elif chance.random() < 0.05:
            request[name] = chance.choice(ODD)
    return request


def hostile(chance: random.Random) -> bytes:
    """One line of input."""
    kind = chance.random()
    if kind < 0.5:
        return json.dumps(odd_request(chance)).encode()
    line = json.dumps(odd_request(chance), ensure_ascii=False).encode(errors="replace")
    place = chance.randrange(len(line))
    if kind < 0.65:
        return line[:place]
    if kind < 0.75:
        return line[:place] + bytes(chance.randrange(256) for _ in range(chance.randint(1, 9))) + line[place:]
    if kind < 0.8:
        return json.dumps([odd_request(chance) for _ in range(chance.randint(0, 5))]).encode()
    return chance.choice(
        [
            b"", b" ", b"\r", b"\x00", b"null", b"NaN", b"-Infinity", b'"text"', b"1e999999", b"9" * 5_000, b"[" * 100_000,
            b'{"a":' * 50_000, b"[[]]", b"[1,2]", b"\xff\xfe", b"\xef\xbb\xbf{}", b"\xed\xa0\x80",
            b'{"jsonrpc":"2.0","id":1,"method":"ping"}garbage', b'{"jsonrpc":"2.0","id":1,"result":{}}',
            b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":[]}}', b"GET / HTTP/1.1", b'{"id":1,"id":2}',
            b"'" * 100, b'{"jsonrpc":"2.0","id":' + b"1" * 4_999 + b',"method":"ping"}', b'{"jsonrpc":"2.0","id":null,"method":"ping"}',
            b'{"jsonrpc":"1.0","id":1,"method":"x"}',
        ]
    )  # fmt: skip


def hold_out(home, lines: list[bytes], *arguments: str) -> list[Any]:
    """What a server answers to some lines, if it comes to a proper end."""
    done = subprocess.run(
        [*SERVER, *arguments],
        input=b"\n".join(lines) + b"\n",
        env=environment(home),
        cwd=home,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    assert b"Traceback" not in done.stderr, done.stderr[-4_000:]
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    for answer in answers:
        check(answer)
    return answers


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("arguments", [(), ("--compat", "agent-comms")])
def test_five_thousand_hostile_inputs_crash_nothing(home, arguments):
    chance = random.Random(SEED)
    first = b'{"jsonrpc":"2.0","id":"first","method":"initialize","params":{"protocolVersion":"2025-03-26"}}'
    lines = [first, *(hostile(chance).replace(b"\n", b" ") for _ in range(INPUTS)), b'{"jsonrpc":"2.0","id":"last","method":"ping"}']
    answers = hold_out(home, lines, *arguments)
    assert {"jsonrpc": "2.0", "id": "last", "result": {}} in answers
    assert len(answers) > INPUTS / 2


def test_a_line_that_is_too_long_is_refused_and_the_next_one_served(home):
    answers = hold_out(home, [b"x" * (17 * 1_048_576), b'{"jsonrpc":"2.0","id":2,"method":"ping"}'])
    assert [answer["error"]["message"] for answer in answers[:1]] == ["the line is too long"]
    assert answers[1] == {"jsonrpc": "2.0", "id": 2, "result": {}}


def test_the_last_line_needs_no_line_end(home):
    done = subprocess.run(
        SERVER, input=b'{"jsonrpc":"2.0","id":2,"method":"ping"}', env=environment(home), capture_output=True, timeout=60, check=False
    )
    assert json.loads(done.stdout) == {"jsonrpc": "2.0", "id": 2, "result": {}}


def test_lines_may_come_in_pieces(start):
    served = start()
    for byte in b'{"jsonrpc":"2.0","id":2,"method":"ping"}\r\n':
        served.write(bytes([byte]))
    assert served.line() == {"jsonrpc": "2.0", "id": 2, "result": {}}


def test_what_is_printed_by_mistake_does_not_get_between_the_answers(home):
    code = "import sys\nfrom postroom.mcp import pipe\np = pipe.Pipe()\nprint('a print', flush=True)\np.write(b'{}\\n', lambda _: None)"
    done = subprocess.run([*SERVER[:1], "-c", code], env=environment(home), capture_output=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == (b"{}\n", b"a print\n")
