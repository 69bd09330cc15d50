"""Secrets are planted wherever secrets are, everything is done with them that a node can do, and then all that it lets out is searched."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import socket
from contextlib import closing
from pathlib import Path

import pytest

from postroom.exchange import tokens, webhooks
from postroom.exchange.desk import open_desk, open_desk_of_human
from tests.cli.shell import Shell
from tests.node.nodes import RunningNode
from tests.node.receiver import Receiver
from tests.waiting import until

BODY = "canary-in-a-body-4711"
SUBJECT = "canary-in-a-subject-4711"
FILE = "canary-in-a-file-4711"
ALERT = "canary-in-an-alert-4711"
HOOK = "canary-in-a-webhook-4711"
QUOTED = "canary-where-no-secret-belongs-4711"
"""In a name, an address or a header: the error quotes it to who sent it, and to nobody else."""
GUESS = "pr_canary-in-a-token-that-is-wrong-4711"
QUICK = "[limits]\nalert_ms = 20\nwebhook_retry_ms = 20\n"


class Planted:
    """A post room in which secrets are everywhere, its node, and all that was seen of both."""

    def __init__(self, home: Path, receiver: Receiver) -> None:
        self.home, self.user, self.receiver = str(home / "postroom"), home, receiver
        with closing(open_desk("joe", self.home, interface="cli")) as joe:
            self.joe = tokens.create(joe).secret
            self.hook = webhooks.add(joe, receiver.url(f"/{HOOK}?key={HOOK}"))
        with closing(open_desk_of_human(self.home, interface="cli")) as human:
            self.admin = tokens.create(human, scope="admin").secret
        self.configure()
        self.node = RunningNode(self.home, home, arguments=["--log", "debug"])
        self.answers: list[str] = []
        self.processes: set[str] = set()

    @property
    def secrets(self) -> list[str]:
        """What must be seen nowhere."""
        plain = [BODY, SUBJECT, FILE, ALERT, HOOK, GUESS, self.joe, self.admin, self.hook.secret]
        return [*plain, *(base64.b64encode(one.encode()).decode().rstrip("=") for one in plain)]

    def configure(self, alerts: object = None) -> None:
        """Write the config, in which some alerts do not work, or none can be read."""
        listed = [f"json://user:{ALERT}@127.0.0.1:{self.receiver.port}/{ALERT}", f"nonsense://{ALERT}"] if alerts is None else alerts
        Path(self.home, "config.toml").write_text(f"{QUICK}[node]\nalerts = {json.dumps(listed)}\n", encoding="utf-8")

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> int:
        """Ask the node by TCP. What it answers is kept, with its headers."""
        fields = {"Content-Type": "application/json", "X-Bus-Token": self.joe} | {
            key.replace("_", "-"): one for key, one in headers.items()
        }
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=60)
        try:
            connection.request(method, path, content, fields)
            answer = connection.getresponse()
            said = answer.read().decode("utf-8", "replace")
            self.answers.append(
                f"{method} {answer.status} {answer.getheaders()} {said if answer.status >= 400 or path == '/metrics' else ''}"
            )
            return answer.status
        finally:
            connection.close()

    def raw(self, text: str) -> None:
        """Send what is no proper request."""
        with socket.create_connection(("127.0.0.1", self.node.port), timeout=60) as connection:
            connection.sendall(text.encode())
            self.answers.append(connection.recv(65_536).decode("utf-8", "replace"))

    def look_at_processes(self) -> set[str]:
        """The command lines of the node and of what it has started, as everybody on this machine sees them."""
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                try:
                    parent = re.search(r"^PPid:\s+(\d+)", Path(entry.path, "status").read_text(encoding="utf-8"), re.MULTILINE)
                    if int(entry.name) == self.node.pid or (parent and int(parent[1]) == self.node.pid):
                        self.processes.add(Path(entry.path, "cmdline").read_bytes().replace(b"\0", b" ").decode())
                except OSError:  # it has ended
                    continue
        return self.processes


@pytest.fixture
def planted(home):
    with Receiver() as receiver:
        found = Planted(home, receiver)
        yield found
        found.node.close()


def do_everything(planted: Planted) -> None:
    """All that goes well and all that goes wrong, with secrets in it."""
    planted.receiver.answers(f"/{HOOK}?key={HOOK}", 500)
    planted.receiver.answers(f"/{ALERT}", 0)  # so its ringer lives long enough to be seen
    good = {"to": "human", "subject": SUBJECT, "body": BODY, "reply_within": 600}
    assert planted.ask("POST", "/api/send", good) == 200
    until(lambda: any("ringer" in one for one in planted.look_at_processes()))
    for wrong in (
        {"urgency": QUOTED},
        {"to": "nobody"},
        {"to": f"{QUOTED}!"},
        {"from": "human"},
        {"id": f"{QUOTED} {QUOTED}"},
        {QUOTED: 1},
        {"body": [BODY]},
    ):
        assert planted.ask("POST", "/api/send", good | wrong) >= 400
    for text in (f'{{"to": "human", "body": "{BODY}', f'"{BODY}"', f"[{BODY}]", BODY):
        assert planted.ask("POST", "/api/send", text.encode()) >= 400
    assert planted.ask("POST", "/api/send", good, Content_Type=f"text/{QUOTED}") == 415
    for headers in (
        {"X_Bus_Token": GUESS},
        {"X_Bus_Token": "", "Authorization": f"Bearer {GUESS}"},
        {"Origin": f"http://{QUOTED}.test"},
        {"Host": QUOTED},
    ):
        assert planted.ask("POST", "/api/send", good, **headers) in {401, 403, 421}
    for path in (
        f"/api/{QUOTED}",
        f"/api/inbox/joe?token={planted.joe}",
        f"/{QUOTED}?{planted.admin}",
        f"/api/history?peer={QUOTED}",
        f"/api/search?words={GUESS}%22(",
    ):
        planted.ask("GET", path)
    planted.ask("POST", "/api/files", FILE.encode(), Content_Type="application/octet-stream", X_File_Name=FILE)
    key = base64.b64encode(b"x" * 16).decode()
    for protocol in (f"postroom, token.{planted.joe}", f"postroom, token.{GUESS}"):
        planted.raw(
            f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{planted.node.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: {protocol}\r\n\r\n"
        )
    planted.raw(f"{GUESS} {BODY}\r\nX-Bus-Token {planted.joe}\r\n\r\n")
    planted.raw(f"GET / HTTP/1.1\r\nX-Bus-Token: {planted.joe}\r\nX-Large: {BODY * 2_000}\r\n\r\n")
    for admin in (planted.admin, GUESS):
        planted.ask("GET", "/metrics", X_Bus_Token=admin)
        planted.ask("GET", "/healthz", X_Bus_Token=admin)
    until(lambda: "webhook call failed" in planted.node.said)
    until(lambda: "alert failed" in planted.node.said)


def test_no_secret_is_let_out(planted, home):
    do_everything(planted)
    planted.configure(ALERT)
    planted.node.reload()
    until(lambda: "config not reloaded" in planted.node.said)
    shell = Shell(home)
    answers = [shell(*words) for words in (("send", "joe", "hi", "--as", "joe"), ("alert", "test"), ("up",), ("doctor",))]
    assert [answer.code for answer in answers] == [78, 78, 78, 73]
    planted.configure()
    listings = [("webhook", "list"), ("webhook", "calls", "1"), ("token", "list"), ("doctor",), ("up", "--unit")]
    answers += [shell(*words, "--as", "joe") for words in listings]
    answers += [shell("alert", "test"), shell("up")]
    assert [answer.code for answer in answers[4:]] == [0, 0, 0, 0, 0, 69, 75]
    lock = Path(planted.home, "node.lock").read_text(encoding="utf-8")
    planted.node.stop()
    seen = {
        "log": planted.node.said,
        "answers": "\n".join(planted.answers),
        "processes": "\n".join(planted.look_at_processes() | planted.processes),
        "command line": "\n".join(answer.out + answer.err for answer in answers),
        "lock": lock,
    }
    found = [
        f"{where}: {line}"
        for where, text in seen.items()
        for line in text.splitlines()
        if any(secret in line for secret in planted.secrets)
    ]
    assert not found, "\n".join(found)
    assert [where for where, text in seen.items() if QUOTED in text] == ["answers"]
    assert "up" in seen["log"]
    assert "postroom_requests_total" in seen["answers"], "the figures were among what was searched"
    assert "ringer" in seen["processes"]


def test_the_search_would_find_a_secret(planted):
    """The one place where they must be: what is told to those for whom it is."""
    planted.ask("POST", "/api/send", {"to": "human", "subject": SUBJECT, "body": BODY, "reply_within": 600})
    calls = [planted.receiver.next() for _ in range(2)]
    assert {call.path.partition("?")[0] for call in calls} == {f"/{HOOK}", f"/{ALERT}"}
    assert all(BODY in call.body for call in calls)
