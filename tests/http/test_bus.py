"""The message bus of the first article: its own command lines, and what they promise."""

from __future__ import annotations

import json
import shlex
import socket
import struct
import subprocess
import threading
from pathlib import Path
from time import monotonic

import pytest

from tests.http.asking import Bus, Client
from tests.node.nodes import RunningNode
from tests.waiting import until

ARTICLE = r"""
# Send a message
curl -X POST http://bus-server:8091/api/send \
-H 'Content-Type: application/json' \
-H 'X-Bus-Token: <TOKEN>' \
-d '{"from":"joe","to":"jack","subject":"Task","body":"Handle blog publishing"}'
# Pull inbox
curl http://bus-server:8091/api/inbox/jack?mark_read=true \
-H 'X-Bus-Token: <TOKEN>'
"""
MIB = 2**20


def lines(text):
    return [line for line in text.replace("\\\n", " ").splitlines() if line.startswith("curl")]


def test_the_curl_lines_of_the_article_work_as_printed(post, home: Path):
    post.configure('[node]\nhosts = ["bus-server"]\n')
    with RunningNode(post.home, home) as node:
        bus = Bus(post, node)
        bus.token("jack")
        said = []
        for line, name in zip(lines(ARTICLE), ("joe", "jack"), strict=True):
            words = shlex.split(line.replace("<TOKEN>", bus.token(name)))
            words += ["--silent", "--show-error", "--fail-with-body", "--connect-to", f"bus-server:8091:127.0.0.1:{node.port}"]
            done = subprocess.run(words, env={"PATH": "/usr/bin:/bin", "HOME": str(home)}, capture_output=True, timeout=60, check=False)
            assert done.returncode == 0, done.stderr + done.stdout
            said.append(json.loads(done.stdout))
    assert said[0]["state"] == "delivered"
    (letter,) = said[1]
    assert (letter["from"], letter["to"], letter["subject"], letter["body"]) == ("joe", ["jack"], "Task", "Handle blog publishing")
    assert letter["timestamp"].startswith("20")
    assert letter["timestamp"].endswith("Z")


def test_what_was_fetched_to_be_read_is_read(bus):
    bus.client("jack")
    joe, jack = bus.client("joe"), bus.client("jack")
    id = joe.post("/api/send", {"to": "jack", "body": "hi"}).json["id"]
    assert [one["body"] for one in jack.get("/api/inbox/jack").json] == ["hi"]
    assert joe.get(f"/api/status?id={id}").json["state"] == "delivered"
    assert [one["body"] for one in jack.get("/api/inbox/jack?mark_read=true").json] == ["hi"]
    until(lambda: joe.get(f"/api/status?id={id}").json["state"] == "read")
    assert jack.get("/api/inbox/jack?mark_read=true").json == []


def test_all_means_every_agent_that_is_listed(bus):
    names = ["ann", "ben", "cleo"]
    for name in names:
        bus.client(name)
    assert bus.client("joe").post("/api/send", {"from": "joe", "to": "ALL", "body": "news"}).json["state"] == "delivered"
    for name in names:
        assert [one["body"] for one in bus.client(name).get(f"/api/inbox/{name}?mark_read=true").json] == ["news"]


def test_the_eleventh_broadcast_within_a_minute_must_wait(bus):
    bus.client("jack")
    joe = bus.client("joe")
    began, accepted = monotonic(), 0
    while (reply := joe.post("/api/send", {"to": "ALL", "body": "again"})).status == 200:
        accepted += 1
        assert accepted <= 10 + (monotonic() - began) // 6, "ten at once, and one more every six seconds"
    assert (accepted >= 10, reply.status, reply.error) == (True, 429, "too-fast")
    assert 1 <= int(reply.headers["Retry-After"]) <= 60
    assert bus.client("ann").post("/api/send", {"to": "ALL", "body": "me too"}).status == 200


@pytest.mark.parametrize("claimed", ["jack", "human", "system", "joe2"])
def test_nobody_sends_in_the_name_of_another(bus, claimed):
    bus.client("jack")
    reply = bus.client("joe").post("/api/send", {"from": claimed, "to": "jack", "body": "hi"})
    assert (reply.status, reply.error) == (403, "not-your-name")
    assert bus.client("jack").get("/api/inbox/jack").json == []


@pytest.mark.parametrize("nothing", [{}, {"body": ""}, {"subject": "", "body": "", "files": []}, {"body": "", "urgency": "now"}])
def test_a_message_in_which_there_is_nothing_is_refused(bus, nothing):
    joe, jack = bus.client("joe"), bus.client("jack")
    refused = joe.post("/api/send", {"to": "jack", **nothing})
    assert (refused.status, refused.error) == (400, "nothing-said")
    assert joe.post("/api/send", {"to": "jack", "subject": "look up"}).status == 200
    assert [one["subject"] for one in jack.get("/api/inbox/jack").json] == ["look up"]


def test_half_a_surrogate_pair_is_called_by_its_name(bus):
    def told(body: bytes) -> str:
        return str(bus.client("joe").ask("POST", "/api/send", body, Content_Type="application/json").json["message"])

    assert "surrogate pair" in told(b'{"to": "joe", "body": "\\ud83d"}')
    assert "surrogate pair" in told(b'{"to": "joe", "body": "\\ud83d and more"}')
    assert "truncated" in told(b'{"to": "joe", "body": "\\ud83d')


def test_nobody_reads_the_mail_of_another(bus):
    bus.client("jack")
    assert bus.client("joe").get("/api/inbox/jack").status == 403


def test_who_comes_by_tcp_without_a_token_is_nobody(bus):
    reply = bus.stranger().get("/api/inbox/jack")
    assert (reply.status, reply.error) == (401, "bad-token")
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")
    assert bus.stranger().get("/api/inbox/jack", X_Postroom_Agent="jack").status == 401


def test_a_token_that_is_revoked_is_dead_at_once(bus):
    joe = bus.client("joe")
    assert joe.get("/api/agents").status == 200
    bus.revoke("joe")
    assert joe.get("/api/agents").status == 401


def test_a_read_token_looks_and_does_nothing(bus):
    bus.client("jack")
    reader = bus.client("joe", "read")
    assert reader.get("/api/inbox/joe").status == 200
    for reply in (
        reader.post("/api/send", {"to": "jack", "body": "hi"}),
        reader.get("/api/inbox/joe?mark_read=true"),
        reader.post("/api/create-room", {"name": "x"}),
    ):
        assert (reply.status, reply.error) == (403, "not-your-right")


def test_a_long_poll_gets_what_comes(bus):
    joe, jack = bus.client("joe"), bus.client("jack")
    found = []
    poll = threading.Thread(target=lambda: found.append(jack.get("/api/inbox/jack?mark_read=true&wait=60")))
    poll.start()
    until(lambda: waiting(bus) == 1)
    joe.post("/api/send", {"to": "jack", "body": "here"})
    poll.join(60)
    assert [one["body"] for one in found[0].json] == ["here"]


def test_of_two_long_polls_one_gets_a_message_and_the_other_the_next(bus):
    joe, jack = bus.client("joe"), bus.client("jack")
    found = []
    polls = [threading.Thread(target=lambda: found.append(jack.get("/api/inbox/jack?mark_read=true&wait=60").json)) for _ in range(2)]
    for poll in polls:
        poll.start()
    until(lambda: waiting(bus) == 2)
    joe.post("/api/send", {"to": "jack", "body": "one"})
    until(lambda: len(found) == 1)
    joe.post("/api/send", {"to": "jack", "body": "two"})
    for poll in polls:
        poll.join(60)
    assert sorted(one["body"] for part in found for one in part) == ["one", "two"]


def test_a_long_poll_whose_token_is_revoked_takes_nothing_away(bus):
    joe, jack = bus.client("joe"), bus.client("jack")
    found = []
    poll = threading.Thread(target=lambda: found.append(jack.get("/api/inbox/jack?mark_read=true&wait=60")))
    poll.start()
    until(lambda: waiting(bus) == 1)
    bus.revoke("jack")
    joe.post("/api/send", {"to": "jack", "body": "secret"})
    poll.join(60)
    assert found[0].status == 401
    assert [one["body"] for one in bus.client("jack").get("/api/inbox/jack").json] == ["secret"]


def test_a_long_poll_that_is_given_up_takes_nothing_away(bus):
    joe, jack = bus.client("joe"), bus.client("jack")
    with bus.raw() as given_up:
        given_up.sendall(request(bus, "/api/inbox/jack?mark_read=true&wait=60", bus.token("jack")))
        until(lambda: waiting(bus) == 1)
    until(lambda: waiting(bus) == 0)
    joe.post("/api/send", {"to": "jack", "body": "still here"})
    (letter,) = jack.get("/api/inbox/jack?mark_read=true").json
    assert (letter["body"], letter["redelivered"]) == ("still here", False)


def test_what_could_not_be_written_out_is_not_read(bus):
    """The answer is larger than all buffers on its way, and its reader dies in the middle of it."""
    joe, jack = bus.client("joe"), bus.client("jack")
    for _ in range(10):
        joe.post("/api/send", {"to": "jack", "body": "x" * (MIB - 100)})
    dying = bus.raw(receive_bytes=4096)
    dying.sendall(request(bus, "/api/inbox/jack?mark_read=true", bus.token("jack")))
    assert dying.recv(100).startswith(b"HTTP/1.1 200")
    dying.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    dying.close()
    until(lambda: all(one["handovers"] for one in progress(joe)))
    again = until(lambda: jack.get("/api/inbox/jack?mark_read=true").json)
    assert len(again) == 10
    assert all(letter["redelivered"] for letter in again)


def test_who_goes_while_two_of_its_requests_wait_has_nothing_in_hand(bus):
    token = bus.token("jack")
    going = bus.raw()
    going.sendall(request(bus, "/api/inbox/jack?mark_read=true&wait=30", token) + request(bus, "/api/inbox/jack?mark_read=true", token))
    until(lambda: waiting(bus) == 1)
    going.close()
    bus.client("joe").post("/api/send", {"to": "jack", "body": "precious"})
    (letter,) = until(lambda: bus.client("jack").get("/api/inbox/jack?mark_read=true").json)
    assert letter["body"] == "precious"


def progress(sender: Client):
    return sender.get("/api/status?id=1").json["deliveries"]


def request(bus: Bus, path: str, token: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{bus.node.port}\r\nX-Bus-Token: {token}\r\n\r\n".encode()


def waiting(bus: Bus) -> int:
    """How many requests wait, as the node counts them."""
    text = bus.near("watcher").get("/metrics").body.decode()
    return int(float(next(line for line in text.splitlines() if line.startswith("postroom_waiting_requests ")).split()[1]))
