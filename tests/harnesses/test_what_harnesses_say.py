"""Reading what harnesses write down as it grows, and speaking with the app server of Codex."""

from __future__ import annotations

import io
import json
import os
import socket

import pytest

from postroom.harnesses.waking import journal
from postroom.harnesses.waking.app_server import Refused, Sent, converse, frame, frames
from postroom.harnesses.waking.journal import Journal


@pytest.fixture
def file(home):
    return home / "session.jsonl"


def numbers(followed: Journal) -> list[object]:
    return [record["n"] for record in followed.new()]


def test_each_line_is_read_once_and_when_it_is_whole(file):
    followed = Journal(str(file))
    assert numbers(followed) == []
    file.write_text('{"n": 1}\n{"n": 2}\n{"n"')
    assert numbers(followed) == [1, 2]
    assert numbers(followed) == []
    file.write_text(file.read_text() + ": 3}\n")
    assert numbers(followed) == [3]


def test_what_is_no_object_is_passed_over(file):
    file.write_bytes(b'[1]\n\n{"n": 1\nnull\n\xff\xfe\n{"n": 2}\n')
    assert numbers(Journal(str(file))) == [2]


def test_of_a_long_file_the_end_is_read(file, monkeypatch):
    file.write_text("".join(f'{{"n": {number}}}\n' for number in range(10, 100)))
    monkeypatch.setattr(journal, "TAIL_BYTES", 20)
    assert numbers(Journal(str(file))) == [99]


def test_a_file_that_is_written_anew_is_read_from_its_beginning(file):
    file.write_text('{"n": 1}\n{"n": 2}\n')
    followed = Journal(str(file))
    assert numbers(followed) == [1, 2]
    file.write_text('{"n": 3}\n')
    assert numbers(followed) == [3]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 200_000])
def test_messages_of_all_sizes_go_through(size):
    content = os.urandom(size)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert list(frames(ours, io.BytesIO(unmasked(frame(0x1, content))))) == [content]


def test_a_message_in_pieces_is_put_together_and_pings_are_answered():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        stream = b"\x01\x02ab" + b"\x89\x01p" + b"\x80\x01c" + b"\x88\x00" + b"\x81\x01x"
        assert list(frames(ours, io.BytesIO(stream))) == [b"abc"]
        assert unmasked(theirs.recv(100)) == b"\x8a\x01p"


def test_a_message_that_is_too_long_is_not_read():
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(ValueError, match="100"):
        list(frames(ours, io.BytesIO(b"\x81\x7f" + (10**18).to_bytes(8))))


def unmasked(sent: bytes) -> bytes:
    """What a client sends, as the other side would send it: without the mask, which is zeros."""
    size = sent[1] & 0x7F
    head = 2 + {126: 2, 127: 8}.get(size, 0)
    assert sent[head : head + 4] == bytes(4)
    return bytes([sent[0], size]) + sent[2:head] + sent[head + 4 :]


def answers(*values: object) -> list[bytes]:
    return [json.dumps(value).encode() for value in values]


def test_what_is_asked_in_between_is_passed_over():
    asked: list[bytes] = []
    said = answers({"method": "warning"}, {"id": 1, "result": {}}, {"id": 2, "method": "approve?"}, {"id": 2, "result": {}})
    converse(asked.append, iter(said), Sent("thread/queue/add", {}))
    assert [json.loads(line)["method"] for line in asked] == ["initialize", "initialized", "thread/queue/add"]


def test_a_refusal_says_why():
    said = answers({"id": 1, "result": {}}, {"id": 2, "error": {"message": "no such thread"}})
    with pytest.raises(Refused, match="no such thread"):
        converse(lambda _line: None, iter(said), Sent("thread/queue/add", {}))


def test_an_app_server_that_ends_in_between_is_noticed():
    with pytest.raises(EOFError):
        converse(lambda _line: None, iter(answers({"id": 1, "result": {}})), Sent("thread/queue/add", {}))
