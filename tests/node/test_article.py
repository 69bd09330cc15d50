"""What the article tells of, at its scale: twenty agents on nine hosts, three patterns, a bus that dies. Nothing is lost or doubled."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from postroom.exchange import tokens
from postroom.exchange.desk import open_desk
from tests.cli.shell import environment
from tests.node.host import MANAGER, USER
from tests.node.nodes import RunningNode
from tests.ports import free_port
from tests.store.keepers import query
from tests.waiting import until

SPECIALISTS = [
    "jack", "investment", "learning", "quant", "writer", "editor", "coder", "tester", "ops", "mail", "research", "news", "travel", "health",
    "finance", "archive", "design", "support",
]  # fmt: skip
NAMES = [USER, MANAGER, *SPECIALISTS]
HOSTS = 9
TASKS = [f"task {SPECIALISTS[number % len(SPECIALISTS)]}/{number}" for number in range(200)]
QUERIES = 300
STATUSES = 32
"""Of each agent but the manager; so there are 200 x 4 + 300 x 2 + 19 x 32 messages, a little above 2,000."""
TOTAL = len(TASKS) * 4 + QUERIES * 2 + (len(NAMES) - 1) * STATUSES
READ = "SELECT count(*) FROM delivery WHERE read_ms IS NOT NULL OR answered_ms IS NOT NULL"


def plans():
    """What each agent says of its own accord: the user gives tasks, each asks its neighbour, everybody reports to the manager."""
    sends: dict[str, list[tuple[str, str]]] = {name: [] for name in NAMES}
    sends[USER] += [(MANAGER, task) for task in TASKS]
    for number in range(QUERIES):
        place = number % len(SPECIALISTS)
        sends[SPECIALISTS[place]].append((SPECIALISTS[(place + 1) % len(SPECIALISTS)], f"query {number}"))
    for name in NAMES:
        if name != MANAGER:
            sends[name] += [(MANAGER, f"status {name}/{number}") for number in range(STATUSES)]
    return sends


def expected():
    """Who has to read what."""
    read = [(MANAGER, task) for task in TASKS]
    for task in TASKS:
        number = task.removeprefix("task ")
        read += [(number.partition("/")[0], f"delegated {number}"), (MANAGER, f"done {number}"), (USER, f"reported {number}")]
    for sender, said in plans().items():
        read += [(to, text) for to, text in said if not text.startswith("task")]
        read += [(sender, text.replace("query", "answer")) for _, text in said if text.startswith("query")]
    return Counter(read)


@pytest.fixture
def bus(home):
    """Starts the bus, again and again at one port."""
    running: list[RunningNode] = []
    port = free_port()

    def start():
        running.append(RunningNode(home / "postroom", home, port=port))
        return running[-1]

    yield start
    for node in running:
        node.close()


def started(home: Path, url: str, secrets: dict[str, str]) -> list[subprocess.Popen[bytes]]:
    """The hosts, each with a directory of its own and nothing of the others'."""
    hosts = []
    for number in range(HOSTS):
        here = home / f"host{number}"
        here.mkdir()
        names = NAMES[number::HOSTS]
        host = subprocess.Popen(
            [sys.executable, "-m", "tests.node.host"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(here, PYTHONPATH=str(Path(__file__).resolve().parents[2])),
            bufsize=0,
        )
        sends = plans()
        wishes = [url, str(here / "postroom"), {name: secrets[name] for name in names}, {name: sends[name] for name in names}]
        assert host.stdin is not None
        host.stdin.write(json.dumps(dict(zip(("url", "home", "tokens", "sends"), wishes, strict=True))).encode() + b"\n")
        hosts.append(host)
    return hosts


def until_there_are(number: int, store: Path, sql: str) -> None:
    """Wait until so much is in the store."""
    until(lambda: query(store, sql)[0][0] >= number, within=100)


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_twenty_agents_on_nine_hosts_lose_and_double_nothing_while_the_bus_is_killed_twice(home, bus):
    store = home / "postroom"
    secrets = {}
    for name in NAMES:
        with closing(open_desk(name, str(store), interface="cli")) as desk:
            secrets[name] = tokens.create(desk).secret
    node = bus()
    hosts = started(home, node.url, secrets)
    try:
        for sent in (TOTAL // 3, TOTAL * 2 // 3):
            until_there_are(sent, store, "SELECT count(*) FROM message")
            node.kill()
            node = bus()
        until_there_are(TOTAL, store, READ)
    finally:
        said = [host.communicate(timeout=60)[0] for host in hosts]
    read = [(name, text, again) for host in said for name, text, again in json.loads(host)]
    assert Counter((name, text) for name, text, again in read if not again).most_common(1)[0][1] == 1, "nothing came twice as new"
    assert set(Counter((name, text) for name, text, _ in read)) == set(expected()), "everything came to whom it was for"
    stored = query(store, "SELECT a.name, m.body FROM message m JOIN delivery d ON d.message = m.seq JOIN agent a ON a.id = d.recipient")
    assert Counter((name, body) for name, body in stored) == expected(), "and each message is there once"
    assert [host.returncode for host in hosts] == [0] * HOSTS
