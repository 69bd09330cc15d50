"""The dashboard and the unit: what the documentation hands out fits what a node really has."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.node.nodes import RunningNode

DASHBOARD = Path(__file__).resolve().parents[2] / "docs" / "grafana" / "postroom.json"
METRIC = re.compile(r"\bpostroom_[a-z_]+\b")


class AtSocket(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        """Connect."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(60)
        self.sock.connect(self._path)


def figures(node: RunningNode) -> str:
    """What Prometheus gets."""
    path = next(address.removeprefix("unix://") for address in node.addresses if address.startswith("unix://"))
    connection = AtSocket(path)
    connection.request("GET", "/metrics")
    found = connection.getresponse().read().decode()
    connection.close()
    return found


def test_every_figure_of_the_dashboard_is_one_that_a_node_has(post, home):
    post.agents("alice", "bob")[0].send("bob", "hi")
    with RunningNode(post.home, home) as node:
        figures(node)  # so that there is a request to be counted
        found = figures(node)
    there = set(re.findall(r"^(postroom_[a-z_]+)", found, re.MULTILINE))
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    wanted = {metric for panel in board["panels"] for target in panel["targets"] for metric in METRIC.findall(target["expr"])}
    assert wanted <= there
    gauges = {name for name in there if not name.startswith("postroom_request")}
    assert gauges <= wanted, "and every one that it has is shown"


def test_the_panels_do_not_cover_each_other():
    places = [panel["gridPos"] for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]]
    cells = [(x, y) for one in places for x in range(one["x"], one["x"] + one["w"]) for y in range(one["y"], one["y"] + one["h"])]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_the_unit_is_one_that_systemd_accepts(shell):
    unit = shell.home / "postroom.service"
    unit.write_text(shell.ok("up", "--unit", "--log", "warning"), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "--user", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert "postroom.service" not in done.stderr, done.stderr
