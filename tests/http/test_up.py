"""`postroom up`: one node for a post room, where it listens, how it stops, what the system needs to start it."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import postroom
from postroom.core.refusals import CannotListen, NodeRuns
from tests.cli.shell import PROGRAM, Shell, environment
from tests.http.asking import Bus
from tests.node.nodes import RunningNode
from tests.ports import free_port
from tests.waiting import SOON_S, until


@pytest.mark.parametrize("pip", [True, False])
def test_without_its_packages_it_says_how_they_come_where_this_postroom_is(home, pip):
    """As `pip install .` leaves it, or uv, which installs no pip."""
    hidden = ["uvicorn", "prometheus_client", *([] if pip else ["pip"])]
    hide = (
        "import importlib.util as util, sys\nfound = util.find_spec\n"
        f"util.find_spec = lambda name, *rest: None if name in {hidden} else found(name, *rest)\n"
        "import postroom.cli; postroom.cli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", hide, "up"], env=environment(home), capture_output=True, text=True, timeout=60, check=False
    )
    how = f"{sys.executable} -m pip install" if pip else f"uv pip install --python {sys.executable}"
    assert done.returncode == 69
    assert "`postroom up` needs packages that are not installed beside this Postroom: uvicorn, prometheus-client." in done.stderr
    assert done.stderr.endswith(f"To install them: {how} uvicorn prometheus-client\n")


def test_a_second_start_says_who_runs(post, home):
    with RunningNode(post.home, home) as node:
        second = Shell(home)("up", "--listen", "127.0.0.1:0", POSTROOM_HOME=post.home)
        assert second.code == NodeRuns.exit_code == 75
        assert str(node.pid) in second.err
        assert all(address in second.err for address in node.addresses)
        assert Bus(post, node).near("joe").post("/api/profile").status == 200


def test_after_a_kill_it_starts_again_at_the_same_places(post, home):
    port = free_port()
    with RunningNode(post.home, home, port=port) as node:
        node.kill()
    with RunningNode(post.home, home, port=port) as node:
        assert Bus(post, node).near("joe").post("/api/profile").status == 200


def test_it_stops_in_order(post, home):
    with RunningNode(post.home, home) as node:
        bus = Bus(post, node)
        bus.near("joe").at("seat-of-joe")
        assert node.stop() == 0
        assert [json.loads(line)["event"] for line in node.said.splitlines()] == ["up", "stopping", "stopped"]
        assert not os.path.exists(bus.socket_path)
    (looker,) = post.agents("looker")
    assert [one.online for one in looker.agents() if one.name == "joe"] == [False]
    with RunningNode(post.home, home):
        pass


def test_those_who_wait_are_told_when_it_stops(post, home):
    with RunningNode(post.home, home) as node:
        bus = Bus(post, node)
        bus.token("joe")
        bus.near("eve").post("/api/profile")
        waiting = bus.connection()
        waiting.request("GET", "/api/inbox/joe?wait=60", headers={"X-Bus-Token": bus.token("joe")})
        taking = bus.connection()
        taking.request("POST", "/api/take", '{"wait": 60}', {"X-Bus-Token": bus.token("joe"), "Content-Type": "application/json"})
        until(lambda: [one["processes"] for one in bus.near("eve").get("/api/agents").json if one["name"] == "joe"] == [2])
        assert node.stop() == 0
        for one in (waiting, taking):
            answer = one.getresponse()
            assert answer.status == 503
            assert answer.headers["Retry-After"]
            assert json.loads(answer.read())["error"] == "node-stopped"
            one.close()


def test_the_socket_is_this_users_alone(bus):
    assert stat.S_IMODE(os.stat(bus.socket_path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(bus.socket_path)).st_mode) == 0o700


def test_local_agents_work_while_it_is_down_and_find_what_came_through_it(post, home):
    joe, jack = post.agents("joe", "jack")
    with RunningNode(post.home, home) as node:
        Bus(post, node).client("ann").post("/api/send", {"to": "jack", "body": "by http"})
        node.kill()
    joe.send("jack", "by itself")
    assert [message.body for message in jack.inbox()] == ["by http", "by itself"]


def test_the_config_is_read_again_when_it_is_told_to(bus):
    joe = bus.client("joe")
    assert joe.post("/api/send", {"to": "joe", "body": "x" * 100}).status == 200
    bus.post.configure("[limits]\nbody_bytes = 50\n")
    bus.node.reload()
    until(lambda: joe.post("/api/send", {"to": "joe", "body": "x" * 100}).status == 413)
    bus.post.configure("[limits]\nbody_bytes = nonsense\n")
    bus.node.reload()
    until(lambda: "config not reloaded" in bus.node.said)
    assert joe.post("/api/send", {"to": "joe", "body": "x" * 50}).status == 200


def test_other_machines_without_tls_are_warned_of(post, home):
    with RunningNode(post.home, home, arguments=("--listen", "0.0.0.0:0")) as node:
        assert "without TLS" in node.said
    with RunningNode(post.home, home) as node:
        assert "without TLS" not in node.said


def test_with_a_certificate_it_speaks_tls(post, home):
    key, certificate = home / "key.pem", home / "certificate.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", *subject]
    subprocess.run([*command, "-keyout", key, "-out", certificate], capture_output=True, check=True, timeout=SOON_S)
    with RunningNode(post.home, home, arguments=("--certificate", str(certificate), "--key", str(key))) as node:
        assert node.url.startswith("https://")
        bus, context = Bus(post, node), ssl.create_default_context(cafile=str(certificate))
        connection = http.client.HTTPSConnection("localhost", node.port, timeout=SOON_S, context=context)
        connection.request("GET", "/api/agents", headers={"X-Bus-Token": bus.token("joe")})
        assert connection.getresponse().status == 200
        connection.close()
        assert bus.near("joe").get("/api/agents").status == 200


@pytest.mark.parametrize(
    "arguments, code, word",
    [
        (("--listen", "nonsense"), 64, "HOST:PORT"),
        (("--listen", "127.0.0.1:99999"), 64, "HOST:PORT"),
        (("--listen", "192.0.2.1:8091"), CannotListen.exit_code, "cannot listen"),
        (("--listen", "127.0.0.1:0", "--certificate", "/nowhere.pem"), CannotListen.exit_code, "/nowhere.pem"),
    ],
)
def test_what_cannot_be_served_is_said(home, arguments, code, word):
    done = Shell(home)("up", *arguments)
    assert (done.code, word in done.err) == (code, True), done


def test_the_unit_starts_it_as_it_would_start_now(home):
    text = Shell(home).ok("up", "--unit", "--listen", "127.0.0.1:9000")
    lines = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    assert lines["ExecStart"].endswith("up --listen 127.0.0.1:9000")
    assert lines["Environment"] == f"POSTROOM_HOME={home}/postroom"
    assert lines["Type"] == "notify"


def test_the_unit_is_one_that_systemd_understands(home: Path):
    unit = home / "postroom.service"
    unit.write_text(Shell(home).ok("up", "--unit"))
    try:
        done = subprocess.run(["systemd-analyze", "--user", "verify", unit], capture_output=True, timeout=SOON_S, check=False)
    except FileNotFoundError:
        pytest.skip("systemd-analyze is not installed")
    assert b"Unknown" not in done.stderr


def test_the_service_manager_is_told_when_it_serves(home):
    path = str(home / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(SOON_S)
        quiet = subprocess.DEVNULL
        command = [*PROGRAM, "up", "--listen", "127.0.0.1:0"]
        with subprocess.Popen(command, env=environment(home, NOTIFY_SOCKET=path), stdin=quiet, stdout=quiet, stderr=quiet) as node:
            assert manager.recv(100) == b"READY=1"
            node.terminate()
            assert manager.recv(100) == b"STOPPING=1"
            assert node.wait(SOON_S) == 0


def test_health_is_told_to_everybody_and_the_findings_to_the_operator(bus):
    assert bus.stranger().get("/healthz").json == {"status": "well"}
    assert bus.client("joe").get("/healthz").json == {"status": "well"}
    assert bus.client("human", "admin").get("/healthz").json == {"status": "well", "findings": []}


def test_a_store_that_is_damaged_is_not_well_although_the_node_answers(post, home):
    with postroom.connect("joe", home=post.home) as joe:
        for number in range(200):
            joe.send("joe", f"{number} " + "x" * 500)
        desk: Any = joe._seat.desk
        desk.database.checkpoint(all_of_it=True)
    with RunningNode(post.home, home) as node:
        with open(f"{post.home}/store.db", "r+b") as file:
            file.seek(50 * 1024)
            file.write(os.urandom(60 * 1024))
        unwell = Bus(post, node).near("eve").get("/healthz")
        assert (unwell.status, unwell.json["status"]) == (503, "not well")
        assert unwell.json["findings"]
