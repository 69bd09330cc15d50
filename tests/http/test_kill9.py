"""Eight processes talk through a node that is killed again and again: what was accepted is delivered, and shown once as new."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from tests.cli.shell import environment
from tests.http.asking import Bus
from tests.node.nodes import RunningNode
from tests.ports import free_port
from tests.waiting import until

PAIRS = 4
MESSAGES = 120
KILLS = 6
SOON_S = 90
COMMON = """
import http.client, json, sys
port, token, me, other, number = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])
connection = None
def ask(method, path, value=None):
    global connection
    while True:
        try:
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            body = None if value is None else json.dumps(value)
            connection.request(method, path, body, {"X-Bus-Token": token, "Content-Type": "application/json"})
            answer = connection.getresponse()
            found = answer.status, json.loads(answer.read())
            if found[0] < 500:
                return found
        except (OSError, http.client.HTTPException, ValueError):
            pass
        connection.close()
        connection = None
"""
SENDER = """
for count in range(number):
    id = f"{me}-{count}"
    status, receipt = ask("POST", "/api/send", {"to": other, "body": id, "id": id})
    assert status == 200, receipt
    print(json.dumps(receipt["id"]), flush=True)
"""
READER = """
seen = set()
while len(seen) < number:
    status, letters = ask("GET", f"/api/inbox/{me}?mark_read=true&wait=2")
    assert status == 200, letters
    for letter in letters:
        seen.add(letter["id"])
        print(json.dumps([letter["id"], letter["redelivered"]]), flush=True)
"""


@pytest.mark.slow
def test_every_message_that_was_accepted_is_delivered_once_although_the_node_is_killed(post, home: Path):
    port = free_port()
    node = RunningNode(post.home, home, port=port)
    bus = Bus(post, node)
    for number in range(PAIRS):
        bus.token(f"reader{number}")
    programs = {}
    for number in range(PAIRS):
        pair = (f"sender{number}", f"reader{number}")
        for code, me, other in ((SENDER, *pair), (READER, *reversed(pair))):
            arguments = [str(port), bus.token(me), me, other, str(MESSAGES)]
            programs[me] = start(home, code, arguments)
    (looker,) = post.agents("looker")
    for kill in range(1, KILLS + 1):
        until(partial(has_sent, looker, PAIRS * MESSAGES * kill // (KILLS + 1)))
        node.kill()
        node.close()
        node = RunningNode(post.home, home, port=port)
    for program in programs.values():
        program.wait(SOON_S)
    node.close()
    for number in range(PAIRS):
        accepted = said(programs[f"sender{number}"])
        read = said(programs[f"reader{number}"])
        assert len(accepted) == MESSAGES
        assert {id for id, _ in read} == set(accepted)
        new = Counter(id for id, redelivered in read if not redelivered)
        assert max(new.values()) == 1
    assert states(looker) == [("read", PAIRS * MESSAGES)]


def start(home, code, arguments):
    return subprocess.Popen(
        [sys.executable, "-c", COMMON + code, *arguments], env=environment(home), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )


def states(looker):
    with looker._seat.turn as desk, desk.reading() as database:
        return database.execute("SELECT state, count(*) FROM delivery GROUP BY state").fetchall()


def has_sent(looker, number):
    return sum(count for _, count in states(looker)) >= number


def said(program):
    assert program.returncode == 0
    with program.stdout as out:
        return [json.loads(line) for line in out]
