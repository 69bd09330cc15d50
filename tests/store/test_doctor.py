"""The doctor says what it finds, changes nothing, and never fails because of what it finds."""

from __future__ import annotations

import os
import signal

import pytest

import postroom
from postroom import doorbell
from postroom.exchange import checkup, keeping
from postroom.paths import socket_directory
from postroom.store import place
from postroom.store.checks import CHECKS, Level
from tests.programs import Program
from tests.store.keepers import errors, faults, query

HI = 'print(me.send("bob", "hi").number)'


def notes(home: str) -> list[str]:
    return [finding.what for finding in keeping.examine(home) if finding.level is Level.NOTE]


def say(words: str, found: list[str]) -> bool:
    return any(words in what for what in found)


@pytest.fixture
def busy(post, home):
    """A post room in which all kinds of things have happened."""
    alice, bob = post.agents("alice", "bob")
    (home / "plan.txt").write_bytes(b"the plan")
    alice.send(["bob", "human"], "see the plan", files=[home / "plan.txt"], reply_within=60, expires_in=600)
    alice.send("bob", "read me")
    bob.take()[0].reply("seen")
    alice.history()
    return post


def test_a_sound_post_room_has_no_faults(busy):
    assert faults(busy.home) == []
    assert {finding.level for finding in keeping.examine(busy.home)} == {Level.OK}


def test_versions_place_schema_space_and_wal_are_told(busy):
    told = " ".join(finding.what for finding in keeping.examine(busy.home))
    for words in ("SQLite 3.", "apsw", "is private", "the schema is 3", "MB are free", "the WAL has", "attached processes: 2"):
        assert words in told


def test_a_home_without_a_post_room_is_no_fault_and_stays_without(home):
    assert faults(str(home / "nothing")) == []
    assert say("there is no post room", notes(str(home / "nothing")))
    assert not (home / "nothing").exists()


def test_one_of_a_thing_is_said_in_the_singular(post):
    alice, _ = post.agents("alice", "bob")
    alice.send("bob", "hi")
    assert say("1 message and 1 delivery belong together", [finding.what for finding in keeping.examine(post.home)])


# What keeps everybody out is an error, in the words in which the one who sends is told


def told(home: str) -> str:
    """What somebody who connects is told."""
    with pytest.raises(postroom.PostroomError) as error:
        postroom.connect("alice", home=home)
    return str(error.value)


CONFIGS = {
    "unclosed": b"[limits",
    "an unknown limit": b"[limits]\nwaitin = 1",
    "an unknown setting": b"colour = 1",
    "no text": b"# \xff\xfe",
    "more than SQLite holds": b"[limits]\nbody_bytes = 1_000_000_001",
}


@pytest.mark.parametrize("text", CONFIGS.values(), ids=CONFIGS)
def test_a_config_that_keeps_everybody_out_is_an_error_that_does_not_lead_back_to_itself(text, post):
    post.connect("alice").close()
    path = os.path.join(post.home, "config.toml")
    with open(path, "wb") as file:
        file.write(text)
    (said,) = errors(post.home)
    assert said == told(post.home)
    assert said.startswith(f"{path}: ")
    assert "Correct the file" in said
    assert "Error" not in said


def test_a_directory_in_the_place_of_the_config_is_an_error(home):
    (home / "postroom" / "config.toml").mkdir(parents=True)
    (home / "postroom").chmod(0o700)
    (said,) = errors(str(home / "postroom"))
    assert said == told(str(home / "postroom"))
    assert "it cannot be read (Is a directory)" in said


def test_a_link_to_a_sound_post_room_is_an_error(busy, home):
    (home / "link").symlink_to(busy.home)
    assert errors(str(home / "link")) == [told(str(home / "link"))]


@pytest.mark.parametrize("path", ["letter", "letter/deeper", "letter/deeper/still"])
def test_a_file_in_the_place_of_the_home_is_an_error(path, home):
    (home / "letter").write_text("Dear diary")
    assert errors(str(home / path)) == [told(str(home / path))]
    assert not say("no post room", errors(str(home / path)))


def test_a_home_open_to_others_is_an_error_also_before_there_is_a_post_room(home):
    (home / "open").mkdir(mode=0o755)
    assert errors(str(home / "open")) == [told(str(home / "open"))]
    assert os.listdir(home / "open") == []


def test_the_doctor_changes_nothing(busy):
    before = query(busy.home, "SELECT * FROM delivery"), query(busy.home, "SELECT * FROM attached")
    keeping.examine(busy.home, full=True)
    assert (query(busy.home, "SELECT * FROM delivery"), query(busy.home, "SELECT * FROM attached")) == before


ROOM = "INSERT INTO room VALUES (1, 'dev', 'public', 3, '', '', 0)"
MEMBER = "INSERT INTO member VALUES (1, 3, 0, 0, 0, 0)"
INHABITED = f"{ROOM}; {MEMBER}"
WEBHOOK = "INSERT INTO webhook (agent, url, secret, kinds, note, created_ms, message, event, paused) VALUES (3, '', '', '', '', 0"
BROKEN = {
    "deliveries belong to no message": "DELETE FROM message WHERE seq = 2",
    "messages lack deliveries": "DELETE FROM delivery WHERE id = 3",
    "messages have an unknown sender": "UPDATE message SET provenance = 99 WHERE seq = 1",
    "deliveries go to nobody": "UPDATE delivery SET recipient = 99, unread = NULL, state = 'read' WHERE id = 1",
    "deliveries are in a mailbox and in a state": "UPDATE delivery SET unread = NULL WHERE id = 2",
    "deliveries are in hands without a lease": "UPDATE delivery SET state = 'handed' WHERE id = 2",
    "messages have lost the beginning": "UPDATE message SET thread = 77 WHERE seq = 3",
    "another number of attachments": "DELETE FROM attachment",
    "attachments belong to no message": "INSERT INTO attachment VALUES (99, 0, 'x', 1, 'x')",
    "mailboxes hold another number": "UPDATE meter SET value = value + 1 WHERE sender = 0",
    "open questions are about messages": "INSERT INTO request VALUES (3, 99, 4, '')",
    "threads are counted that are gone": "INSERT INTO thread_budget VALUES (99, 1, 3, NULL)",
    "entries of the search index": "INSERT INTO participant VALUES (3, 99)",
    "claims are held by processes that are not attached": "INSERT INTO claim VALUES (3, 1, 999)",
    "claims are about messages that are gone": "INSERT INTO attached VALUES (3, 2, 1, '', NULL, 0); INSERT INTO claim VALUES (3, 99, 2)",
    "timers are about messages that are gone": "INSERT INTO timer VALUES (1, 'expire', 99)",
    "messages are numbered out of order": "UPDATE message SET number = 0 WHERE seq = 2",
    "messages that all may see are in threads": "UPDATE message SET hidden = 1 WHERE seq IN (SELECT thread FROM message)",
    "rooms belong to somebody who is not in them": ROOM,
    "rooms that all may see belong to a ghost": f"{INHABITED}; UPDATE agent SET visibility = 'ghost' WHERE id = 3",  # noqa: S608  # no input
    "mail waits for a ghost": "UPDATE agent SET visibility = 'ghost' WHERE id IN (SELECT unread FROM delivery)",
    "members and invitations are of rooms or agents": MEMBER,
    "members are invited besides": f"{INHABITED}; INSERT INTO invitation VALUES (1, 3, 3, 0)",  # noqa: S608  # no input
    "members would miss messages or events": f"{INHABITED}; UPDATE member SET after_seq = 99",  # noqa: S608  # no input
    "agents would miss events": "UPDATE agent SET events = 99 * 1024 WHERE id = 3",
    "webhooks would miss messages or events": f"{WEBHOOK}, 99, 0, NULL)",
    "calls are to be made for webhooks that are gone": "INSERT INTO webhook_call (webhook, name, body, made_ms) VALUES (99, '', '', 0)",
    "webhooks are paused": f"{WEBHOOK}, 0, 0, 'gone')",
}


@pytest.mark.parametrize("what", BROKEN)
def test_rows_that_do_not_belong_together_are_found(what, busy):
    for agent in busy._agents:
        agent.close()
    query(busy.home, BROKEN[what])
    assert say(what, faults(busy.home) + notes(busy.home))


def test_each_check_has_a_fault_that_it_finds():
    assert len(BROKEN) == len(CHECKS)
    for check, what in zip(CHECKS, BROKEN, strict=True):
        assert what in check.what


def test_a_missing_file_is_damage(busy):
    (name,) = os.listdir(os.path.join(busy.home, "files"))
    os.unlink(os.path.join(busy.home, "files", name))
    assert say(f"{name} is missing", faults(busy.home, full=False))


def test_wrong_bytes_of_the_right_length_are_found_by_the_full_look(busy):
    (name,) = os.listdir(os.path.join(busy.home, "files"))
    with open(os.path.join(busy.home, "files", name), "wb") as file:
        file.write(b"the pLan")
    assert not say(name, faults(busy.home, full=False))
    assert say(name, faults(busy.home, full=True))


def test_files_without_rows_are_noted(busy):
    with open(os.path.join(busy.home, "files", "0" * 64), "wb"):
        pass
    assert say("that belong to no message: 1", notes(busy.home))


def test_a_directory_open_to_others_is_an_error_with_the_command(busy):
    os.chmod(busy.home, 0o755)  # noqa: S103  # the fault that is to be found
    assert say(f"chmod 700 {busy.home}", faults(busy.home))


def test_a_store_that_others_may_read_is_an_error(busy):
    path = os.path.join(busy.home, "store.db")
    os.chmod(path, 0o644)
    assert errors(busy.home) == [told(busy.home)]
    assert say(f"chmod 600 {path}", errors(busy.home))


def test_a_wal_that_others_may_read_is_a_warning_with_the_command(busy):
    path = os.path.join(busy.home, "store.db-wal")
    os.chmod(path, 0o644)
    assert faults(busy.home) == [f"others may read {path}. Run: chmod 600 {path}"]


def test_a_network_file_system_is_an_error(busy, monkeypatch):
    monkeypatch.setattr(place, "NETWORK_FILE_SYSTEMS", {place.file_system(busy.home)})
    assert say("network file system", errors(busy.home))
    assert say("network file system", errors(os.path.join(busy.home, "nothing")))


def test_a_newer_schema_is_an_error_and_an_older_one_a_note(busy):
    ((ours,),) = query(busy.home, "PRAGMA user_version")
    for version in (99, ours + 1):
        query(busy.home, f"PRAGMA user_version = {version}")
        (said,) = errors(busy.home)
        assert said == f"the schema is {version}, this program knows {ours}. Upgrade Postroom."
    query(busy.home, f"PRAGMA user_version = {ours - 1}")
    assert say(f"the schema is {ours - 1}", notes(busy.home))
    assert faults(busy.home) == [], "its tables are those of another version, not damaged"
    query(busy.home, f"PRAGMA user_version = {ours}")


def test_another_kernel_is_noted(busy):
    with open(os.path.join(busy.home, "kernel"), "w", encoding="ascii") as file:
        file.write("another")
    assert say("under another kernel", notes(busy.home))


def test_a_process_that_was_killed_is_noted_and_its_bell_too(busy):
    with Program("carol", HI) as carol:
        carol.line()
        carol.kill()
        assert say(f"process {carol.pid} of carol is gone", notes(busy.home))
    query(busy.home, "DELETE FROM attached WHERE agent = (SELECT id FROM agent WHERE name = 'carol')")
    assert say("that belong to nobody: 1", notes(busy.home))


@pytest.mark.skipif(not os.path.exists("/proc/locks"), reason="needs the kernel's table of locks")
def test_a_stopped_process_is_a_warning_that_names_the_lock_it_holds(busy):
    holding = 'import fcntl, os\nlock = open(os.path.join(me.home, "warden.lock"), "w")\nfcntl.flock(lock, fcntl.LOCK_EX)\nprint("held")'
    with Program("carol", holding) as carol:
        carol.line()
        os.kill(carol.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, carol.pid, os.WSTOPPED)
        found = faults(busy.home)
    assert say("of carol is stopped, and keeps what it has in hands", found)
    assert say("is stopped and holds the warden's lock", found)


def test_a_bell_that_vanished_is_noted(busy):
    for name in os.listdir(socket_directory(busy.home)):
        os.unlink(os.path.join(socket_directory(busy.home), name))
    assert say("the bell of process", notes(busy.home))


def test_a_platform_without_bells_is_noted(busy, monkeypatch):
    monkeypatch.setattr(doorbell, "AVAILABLE", False)
    assert say("no Unix datagram sockets", notes(busy.home))


def test_a_kernel_that_does_not_tell_locks_is_no_fault(busy):
    assert checkup.lock_holders(os.path.join(busy.home, "nowhere")) == {}


def test_a_full_disk_and_a_large_wal_are_told(busy, monkeypatch):
    monkeypatch.setattr("postroom.store.surroundings.FREE_BYTES", 1 << 60)
    monkeypatch.setattr("postroom.store.surroundings.WAL_BYTES", 0)
    monkeypatch.setattr("postroom.store.doctor.BACKLOG", -1)
    assert say("MB are free", faults(busy.home))
    assert say("the WAL has", notes(busy.home))
    assert say("behind", notes(busy.home))
