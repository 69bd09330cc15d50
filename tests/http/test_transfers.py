"""Files up and down, whole or in parts, and the export."""

from __future__ import annotations

import hashlib
import json
import os

import pytest

from postroom.core.limits import Limits
from tests.waiting import until

BYTES = "application/octet-stream"
CONTENT = bytes(range(256)) * 2_000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def joe(bus):
    bus.client("jack")
    return bus.client("joe")


def uploaded(client, content=CONTENT):
    return client.ask("POST", "/api/files", content, Content_Type=BYTES)


def test_a_file_goes_up_and_down(bus, joe):
    assert uploaded(joe).json == {"sha256": DIGEST, "bytes": len(CONTENT)}
    joe.post("/api/send", {"to": "jack", "body": "see", "files": [{"name": "../a b.bin", "sha256": DIGEST}]})
    (letter,) = bus.client("jack").get("/api/inbox/jack").json
    assert letter["attachments"] == [{"name": "a b.bin", "bytes": len(CONTENT), "sha256": DIGEST}]
    down = bus.client("jack").get(f"/api/files/{DIGEST}?name=a%20b.bin")
    assert down.body == CONTENT
    assert down.headers["Content-Disposition"] == "attachment; filename*=UTF-8''a%20b.bin"


def test_a_file_that_is_not_ones_own_is_not_there(bus, joe):
    uploaded(joe)
    joe.post("/api/send", {"to": "jack", "body": "see", "files": [{"name": "x", "sha256": DIGEST}]})
    eve = bus.client("eve")
    refused = eve.get(f"/api/files/{DIGEST}")
    assert (refused.status, refused.error) == (404, "file-lost")
    assert refused.json["facts"]["path"] == DIGEST  # and not where it lies at the node
    assert eve.post("/api/send", {"to": "eve", "body": "mine?", "files": [{"name": "x", "sha256": DIGEST}]}).error == "file-lost"
    assert bus.client("jack").post("/api/send", {"to": "eve", "body": "on", "files": [{"name": "x", "sha256": DIGEST}]}).status == 200
    assert eve.get(f"/api/files/{DIGEST}").body == CONTENT


@pytest.mark.parametrize(
    "wanted, first, last",
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=511990-", 511_990, 511_999),
        ("bytes=-5", 511_995, 511_999),
        ("bytes=1-9999999", 1, 511_999),
    ],
)
def test_a_part_of_a_file_comes_when_it_is_wanted(bus, joe, wanted, first, last):
    uploaded(joe)
    joe.post("/api/send", {"to": "jack", "body": "see", "files": [{"name": "x", "sha256": DIGEST}]})
    part = joe.get(f"/api/files/{DIGEST}", Range=wanted)
    assert (part.status, part.body) == (206, CONTENT[first : last + 1])
    assert part.headers["Content-Range"] == f"bytes {first}-{last}/{len(CONTENT)}"


def test_a_download_that_broke_goes_on_where_it_was(bus, joe):
    uploaded(joe)
    joe.post("/api/send", {"to": "jack", "body": "see", "files": [{"name": "x", "sha256": DIGEST}]})
    etag = joe.ask("HEAD", f"/api/files/{DIGEST}").headers["ETag"]
    rest = joe.get(f"/api/files/{DIGEST}", Range="bytes=1000-", If_Range=etag)
    assert rest.body == CONTENT[1000:]
    assert joe.get(f"/api/files/{DIGEST}", Range="bytes=1000-", If_Range='"another"').body == CONTENT
    beyond = joe.get(f"/api/files/{DIGEST}", Range="bytes=512000-")
    assert (beyond.status, beyond.error) == (416, "not-satisfiable")


def test_an_upload_that_broke_goes_on_where_it_was(bus, joe):
    upload = joe.post("/api/uploads").json["upload"]
    with bus.raw() as breaking:
        lines = [
            f"PATCH /api/uploads/{upload} HTTP/1.1",
            f"Host: 127.0.0.1:{bus.node.port}",
            f"X-Bus-Token: {bus.token('joe')}",
            f"Content-Type: {BYTES}",
            "Upload-Offset: 0",
            f"Content-Length: {len(CONTENT)}",
        ]
        breaking.sendall("\r\n".join([*lines, "", ""]).encode() + CONTENT[:200_000])
        until(lambda: joe.get(f"/api/uploads/{upload}").json["offset"] == 200_000)
    more = until(lambda: (reply := patch(joe, upload, 200_000, CONTENT[200_000:])).status == 200 and reply)  # the broken one is noticed
    assert more.json["offset"] == len(CONTENT)
    assert joe.post(f"/api/uploads/{upload}").json == {"sha256": DIGEST, "bytes": len(CONTENT)}


def test_bytes_that_do_not_follow_are_refused(joe):
    upload = joe.post("/api/uploads").json["upload"]
    assert patch(joe, upload, 0, b"abc").json["offset"] == 3
    wrong = patch(joe, upload, 2, b"c")
    assert (wrong.status, wrong.error, wrong.json["facts"]["offset"]) == (409, "wrong-offset", 3)


def test_an_upload_is_its_senders_alone(bus, joe):
    upload = joe.post("/api/uploads").json["upload"]
    jack = bus.client("jack")
    assert jack.get(f"/api/uploads/{upload}").error == "no-such-upload"
    assert patch(jack, upload, 0, b"x").error == "no-such-upload"
    assert jack.post(f"/api/uploads/{upload}").error == "no-such-upload"
    for name in ("..", "../joe", "%2e%2e", "x", "0" * 32):
        assert joe.get(f"/api/uploads/{name}").status == 404


def test_a_file_beyond_the_limit_is_refused(post, home):
    from tests.http.asking import Bus
    from tests.node.nodes import RunningNode

    post.configure("[limits]\nfile_bytes = 1000\n")
    with RunningNode(post.home, home) as node:
        joe = Bus(post, node).client("joe")
        assert uploaded(joe, b"x" * 1000).status == 200
        assert uploaded(joe, b"x" * 1001).error == "too-large"
        upload = joe.post("/api/uploads").json["upload"]
        patch(joe, upload, 0, b"x" * 1000)
        assert patch(joe, upload, 1000, b"x").error == "too-large"
        assert len(os.listdir(f"{post.home}/uploads/joe")) == 2
    assert Limits().file_bytes > 1000


def test_an_agent_exports_what_it_took_part_in(bus, joe):
    joe.post("/api/send", {"to": "jack", "body": "hi"})
    bus.client("eve").post("/api/send", {"to": "eve", "body": "secret"})
    reply = joe.get("/api/export")
    lines = [json.loads(line) for line in reply.body.splitlines()]
    assert [line["body"] for line in lines if line["type"] == "message"] == ["hi"]
    whole = bus.client("human", "admin").get("/api/export").body
    assert [json.loads(line)["body"] for line in whole.splitlines() if b'"message"' in line[:20]] == ["hi", "secret"]


@pytest.mark.parametrize("time", [-1, 2**63])
def test_an_export_since_no_time_is_refused_before_it_begins(joe, time):
    reply = joe.get(f"/api/export?since_ms={time}")
    assert (reply.status, reply.error) == (400, "bad-value")


def patch(client, upload, offset, content):
    return client.ask("PATCH", f"/api/uploads/{upload}", content, Content_Type=BYTES, Upload_Offset=str(offset))
