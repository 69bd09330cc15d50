"""A backup is one moment of a post room, made while everybody goes on, complete and checked, or not there at all."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from contextlib import ExitStack

import pytest

from postroom.core.errors import StoreDamaged, StoreUnusable
from postroom.core.refusals import NoBackup
from postroom.exchange import keeping
from tests.programs import Program
from tests.store.keepers import FAST, SENDING, faults, lines, query


def test_a_backup_holds_everything_and_others_cannot_read_it(post, home):
    alice, _ = post.agents("alice", "bob")
    (home / "plan.txt").write_bytes(b"the plan")
    post.configure("prune_days = 7\n")
    alice.send("bob", "see the plan", files=[home / "plan.txt"])
    made = keeping.back_up(post.home, str(home / "copy"))
    assert (made.messages, made.files, made.missing) == (1, 1, ())
    digest = hashlib.sha256(b"the plan").hexdigest()
    assert (home / "copy" / "files" / digest).read_bytes() == b"the plan"
    assert (home / "copy" / "config.toml").read_text() == "prune_days = 7\n"
    assert query(home / "copy", "SELECT body FROM message") == [("see the plan",)]
    for path in [home / "copy", *(home / "copy").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_the_manifest_proves_the_bytes(post, home):
    post.agents("alice")
    keeping.back_up(post.home, str(home / "copy"))
    manifest = json.loads((home / "copy" / "manifest.json").read_text())
    assert manifest["sha256"]["store.db"] == hashlib.sha256((home / "copy" / "store.db").read_bytes()).hexdigest()
    assert manifest["identity"] == query(post.home, "SELECT identity FROM store")[0][0]


def test_a_backup_while_four_processes_send_has_all_that_was_acknowledged_before(post, home):
    post.connect("sink")
    post.configure(FAST)
    with ExitStack() as stack:
        senders = [stack.enter_context(Program(f"sender{number}", SENDING)) for number in range(4)]
        before = {seq for sender in senders for seq in lines(sender, 50)}
        keeping.back_up(post.home, str(home / "copy"))
        after = {seq for sender in senders for seq in lines(sender, 50)}
        for sender in senders:
            sender.kill()
    saved = {seq for (seq,) in query(home / "copy", "SELECT seq FROM message")}
    assert before <= saved
    assert sorted(saved) == list(range(1, max(saved) + 1)), "one moment has no gaps"
    assert after, "the senders went on"
    assert faults(str(home / "copy")) == []
    assert faults(post.home) == []


def test_progress_is_told(post, home):
    alice, _ = post.agents("alice", "bob")
    alice.send("bob", "hi")
    told = []
    keeping.back_up(post.home, str(home / "copy"), progress=lambda *step: told.append(step))
    assert {what for what, _, _ in told} == {"store", "check"}
    assert all(0 <= done <= total for _, done, total in told)


def test_a_backup_is_never_written_over_anything(post, home):
    post.agents("alice")
    (home / "copy").mkdir()
    with pytest.raises(NoBackup, match="never written over"):
        keeping.back_up(post.home, str(home / "copy"))
    assert list((home / "copy").iterdir()) == []


def test_a_home_without_a_post_room_is_said_to_be_one_and_stays_so(home):
    with pytest.raises(StoreUnusable, match="no post room"):
        keeping.back_up(str(home / "nothing"), str(home / "copy"))
    assert not (home / "nothing").exists()


def test_a_directory_that_cannot_be_written_is_an_error_in_words(post, home):
    post.agents("alice")
    with pytest.raises(NoBackup, match=f"The backup {home}/nowhere/copy cannot be made: No such file or directory. Name"):
        keeping.back_up(post.home, str(home / "nowhere" / "copy"))


def test_an_error_of_the_post_room_itself_names_the_file_there(post, home):
    post.agents("alice")
    os.unlink(os.path.join(post.home, "warden.lock"))
    os.mkdir(os.path.join(post.home, "warden.lock"))
    with pytest.raises(StoreUnusable, match=f"{post.home}/warden.lock cannot be used: Is a directory. Choose"):
        keeping.back_up(post.home, str(home / "copy"))


def test_a_config_that_cannot_be_copied_is_named(post, home):
    post.agents("alice")
    os.mkdir(os.path.join(post.home, "config.toml"))
    with pytest.raises(StoreUnusable, match=f"{post.home}/config.toml"):
        keeping.back_up(post.home, str(home / "copy"))


def test_nothing_is_left_of_a_backup_that_fails(post, home):
    alice, _ = post.agents("alice", "bob")
    alice.send("bob", "hi")

    def fail(what: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keeping.back_up(post.home, str(home / "copy"), progress=fail)
    assert [path.name for path in home.iterdir() if "copy" in path.name] == []


def test_a_damaged_store_makes_no_backup(post, home):
    (alice,) = post.agents("alice")
    alice.close()
    query(post.home, "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 3 WHERE name = 'mailbox'")
    with pytest.raises(StoreDamaged):
        keeping.back_up(post.home, str(home / "copy"))
    assert not (home / "copy").exists()


def test_a_file_that_is_missing_is_named_and_the_rest_is_saved(post, home):
    alice, _ = post.agents("alice", "bob")
    (home / "plan.txt").write_bytes(b"the plan")
    alice.send("bob", "see the plan", files=[home / "plan.txt"])
    digest = hashlib.sha256(b"the plan").hexdigest()
    os.unlink(os.path.join(post.home, "files", digest))
    made = keeping.back_up(post.home, str(home / "copy"))
    assert (made.messages, made.files, made.missing) == (1, 0, (digest,))
