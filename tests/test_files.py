"""Attachments: the bytes are stored once under their hash, a name is only a name, and what arrives is what was sent."""

from __future__ import annotations

import os
import tracemalloc
from hashlib import sha256
from pathlib import Path

import pytest

from postroom.core import errors
from postroom.store import files

MIB = 1 << 20


def stored(post):
    return sorted(path.name for path in (Path(post.home) / "files").iterdir())


@pytest.fixture
def report(home: Path) -> Path:
    """A file to send."""
    path = home / "report.txt"
    path.write_bytes(b"all is well\n")
    return path


def test_a_file_arrives_as_it_was_sent(post, home, report):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "see file", files=[report])
    report.write_bytes(b"changed after sending")
    (message,) = bob.take()
    (attachment,) = message.attachments
    assert attachment == ("report.txt", 12, sha256(b"all is well\n").hexdigest())
    message.save(attachment, home / "saved")
    assert (home / "saved").read_bytes() == b"all is well\n"
    assert (home / "saved").stat().st_mode & 0o777 == 0o600


def test_several_files_keep_their_order(post, home):
    alice, bob = post.agents("alice", "bob")
    for name in ("b", "a", "empty"):
        (home / name).write_text("" if name == "empty" else name)
    alice.send("bob", files=[home / "b", home / "a", home / "empty", home / "b"])
    (message,) = bob.take()
    assert [(file.name, file.bytes) for file in message.attachments] == [("b", 1), ("a", 1), ("empty", 0), ("b", 1)]
    for number, file in enumerate(message.attachments):
        bob.save(file, home / f"out{number}")
    assert [(home / f"out{number}").read_text() for number in range(4)] == ["b", "a", "", "b"]


def test_the_same_content_is_stored_once(post, home, report):
    alice, bob = post.agents("alice", "bob")
    (home / "copy").write_bytes(report.read_bytes())
    alice.send("bob", "one", files=[report, home / "copy"])
    bob.send("alice", "two", files=[report])
    assert stored(post) == [sha256(report.read_bytes()).hexdigest()]


def test_a_stored_file_belongs_to_this_user_only(post, report):
    (alice,) = post.agents("alice")
    alice.send("alice", files=[report])
    directory = Path(post.home) / "files"
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}


@pytest.mark.parametrize(
    "name, shown",
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/", "file"),
        ("..", "file"),
        (".", "file"),
        ("", "file"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("two\nlines\x07", "twolines"),
        ("x" * 300, "x" * 255),
        ("naïve – résumé.pdf", "naïve – résumé.pdf"),
    ],
)
def test_a_name_is_never_a_path(name, shown):
    assert files.clean_name(name) == shown


def test_saving_never_writes_over_a_file(post, home, report):
    (alice,) = post.agents("alice")
    alice.send("alice", files=[report])
    (message,) = alice.take()
    (home / "precious").write_text("mine")
    (home / "link").symlink_to(home / "elsewhere")
    for target in ("precious", "link"):
        with pytest.raises(errors.NoSuchFile):
            message.save(message.attachments[0], home / target)
    assert (home / "precious").read_text() == "mine"
    assert not (home / "elsewhere").exists()


@pytest.mark.parametrize("kind", ["missing", "directory", "fifo", "device", "broken link", "no name"])
def test_what_is_no_file_cannot_be_attached(post, home, kind):
    alice, bob = post.agents("alice", "bob")
    path = home / "thing"
    match kind:
        case "directory":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "device":
            path = Path("/dev/null")
        case "broken link":
            path.symlink_to(home / "nowhere")
        case "no name":
            path = home / "a\0b"
        case _:
            pass
    with pytest.raises(errors.NoSuchFile):
        alice.send("bob", "see file", files=[path])
    assert bob.take() == []


def test_a_file_is_as_large_as_the_limit_and_no_larger(post, home):
    post.configure("[limits]\nfile_bytes = 100\n")
    alice, bob = post.agents("alice", "bob")
    (home / "fits").write_bytes(b"x" * 100)
    (home / "large").write_bytes(b"x" * 101)
    alice.send("bob", "fits", files=[home / "fits"])
    with pytest.raises(errors.TooLarge, match=r"file large .* file_bytes is 100"):
        alice.send("bob", "too large", files=[home / "large"])
    assert [message.body for message in bob.take()] == ["fits"]
    assert len(stored(post)) == 1  # nothing is left of the other one


def test_a_message_carries_as_many_files_as_the_limit_says(post, report):
    post.configure("[limits]\nfiles_per_message = 2\n")
    (alice,) = post.agents("alice")
    alice.send("alice", "two", files=[report] * 2)
    with pytest.raises(errors.TooLarge, match="files_per_message is 2"):
        alice.send("alice", "three", files=[report] * 3)


def test_a_large_file_is_streamed_in_and_out(post, home):
    (alice,) = post.agents("alice")
    with (home / "large").open("wb") as file:
        file.truncate(32 * MIB)
    tracemalloc.start()
    alice.send("alice", files=[home / "large"])
    (message,) = alice.take()
    message.save(message.attachments[0], home / "saved")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (home / "saved").stat().st_size == 32 * MIB
    assert peak < 8 * MIB


def test_bytes_that_are_gone_or_damaged_are_an_error_and_leave_nothing_behind(post, home, report):
    (alice,) = post.agents("alice")
    alice.send("alice", files=[report])
    (message,) = alice.take()
    path = Path(post.home) / "files" / message.attachments[0].sha256
    path.write_bytes(b"something else")
    with pytest.raises(errors.NoSuchFile, match="not the ones that were sent"):
        message.save(message.attachments[0], home / "saved")
    path.unlink()
    with pytest.raises(errors.NoSuchFile):
        message.save(message.attachments[0], home / "saved")
    assert not (home / "saved").exists()


def test_files_are_seen_in_history_and_peek_too(post, report):
    alice, bob = post.agents("alice", "bob")
    sent = alice.send("bob", files=[report])
    (attachment,) = bob.peek()[0].attachments
    assert [message.attachments for message in (*bob.history(), *bob.thread(sent.id), *bob.take())] == [(attachment,)] * 3


def test_an_answer_and_a_session_carry_files_too(post, home, report):
    alice, bob = post.agents("alice", "bob")
    bob.profile(auto_accept=True)
    with alice.session("bob", "review") as session:
        session.send("see file", files=[str(report)])
        (data,) = (message for message in bob.take() if message.attachments)
        data.reply("seen", files=[str(report)])
        assert session.receive(timeout=30).attachments == data.attachments
