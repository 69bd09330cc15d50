"""A store made by an earlier version is brought to the newest schema when somebody connects, and a copy of it as it was is kept."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from hashlib import sha256
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING

import apsw
import pytest

import postroom
from postroom import connect
from postroom.core.message import State
from postroom.exchange import keeping
from postroom.store import migrate
from postroom.store.database import SCHEMA_VERSION
from postroom.store.place import check_place
from tests.store.keepers import desk_of_human, faults, query

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = Path(postroom.__file__).parent / "store" / "schema"
SENT_MS = 1_700_000_000_000
LATER_MS = 9_000_000_000_000
HUMAN, ALICE, BOB = 2, 3, 4
BEGINNING = """
INSERT INTO store (id, identity, created_ms, boot, indexed) VALUES (1, 'first', :sent, :boot, 2);
INSERT INTO node (id, name) VALUES (1, 'here');
INSERT INTO agent (id, name, kind, created_ms) VALUES (1, 'postroom', 'system', :sent), (2, 'human', 'human', :sent);
INSERT INTO agent (id, name, kind, created_ms) VALUES (3, 'alice', 'agent', :sent), (4, 'bob', 'agent', :sent);
UPDATE agent SET description = 'runs the tests', status = 'busy' WHERE name = 'bob';
INSERT INTO provenance VALUES (1, 1, 'postroom', 0, 'postroom', :sent);
INSERT INTO provenance VALUES (2, 3, 'cli', 7, 'postroom', :sent), (3, 4, 'sdk', 8, 'bob.py', :sent);
"""
INSERT_MESSAGE = "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
# seq, id, origin, sender, provenance, recipients, sent, kind, urgency, thread, reply to, subject, body, reply by, expires,
# hops, followed, files, delivery, fan-out
MESSAGES = [
    (1, None, 1, ALICE, 2, "bob", SENT_MS, "message", "next", None, None, "", "the harbour", None, None, 0, 0, 0, 1, 1),
    (2, "port", 1, ALICE, 2, "bob", SENT_MS + 1, "message", "next", None, None, "", "which port?", LATER_MS, None, 0, 0, 0, 2, 1),
    (3, None, 1, BOB, 3, "alice", SENT_MS + 2, "message", "now", 2, 2, "ports", "harbour 8080", None, None, 1, 0, 0, 3, 1),
    (4, None, 1, ALICE, 2, "bob human", SENT_MS + 3, "message", "next", None, None, "", "wait", LATER_MS, None, 0, 0, 0, 4, 2),
]
INSERT_DELIVERY = "INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
# id, message, recipient, unread, state, reason, holder, lease, handovers, delivered, handed, read, answered, ended
DELIVERIES = [
    (1, 1, BOB, None, "read", None, 3, None, 1, SENT_MS, SENT_MS, SENT_MS, None, None),
    (2, 2, BOB, None, "answered", None, 3, None, 1, SENT_MS, SENT_MS, SENT_MS, SENT_MS + 2, None),
    (3, 3, ALICE, ALICE, "delivered", None, None, None, 0, SENT_MS, None, None, None, None),
    (4, 4, BOB, BOB, "delivered", None, None, None, 0, SENT_MS, None, None, None, None),
    (5, 4, HUMAN, HUMAN, "delivered", None, None, None, 0, SENT_MS, None, None, None, None),
]
REST = """
INSERT INTO meter VALUES (0, 3, 1), (0, 4, 1), (0, 2, 1);
INSERT INTO thread_budget VALUES (2, 1, 4, NULL);
INSERT INTO request VALUES (4, 4, 3, ''), (2, 4, 3, '');
INSERT INTO timer VALUES (:later, 'deadline', 4);
INSERT INTO search (rowid, subject, body) SELECT seq, subject, body FROM message WHERE seq <= 2;
INSERT INTO participant VALUES (3, 1), (4, 1), (3, 2), (4, 2);
PRAGMA user_version = 1;
"""

ROOMS = """
UPDATE agent SET visibility = 'hidden', harness = 'codex', capabilities = '["reads"]' WHERE name = 'bob';
INSERT INTO tag VALUES ('tests', 4);
INSERT INTO room VALUES (1, 'hush', 'secret', 3, 'ours', 'now', :sent);
INSERT INTO member VALUES (1, 3, :sent, 0, 0, 0), (1, 4, :sent, 0, 0, 1);
INSERT INTO message VALUES (
    1, NULL, 1, 3, 2, '#hush', :sent, 'message', 'next', NULL, NULL, '', 'a word', NULL, NULL, 0, 0, 0, 1, 1, 1, 1, 0, 0
);
INSERT INTO delivery VALUES (1, 1, 4, 4, 'delivered', NULL, NULL, NULL, 0, :sent, NULL, NULL, NULL, NULL, NULL);
INSERT INTO meter VALUES (0, 4, 4294967296);
PRAGMA user_version = 2;
"""


@pytest.fixture
def old(home: Path) -> str:
    """The home of a store as version 1 left it: one message read, one answered in its thread, two in mailboxes, half of it in the index."""
    place = str(home / "postroom")
    boot = check_place(place)
    connection = apsw.Connection(f"{place}/store.db")
    connection.execute("PRAGMA page_size = 1024; PRAGMA journal_mode = WAL").fetchall()
    connection.execute((SCHEMA / "0001.sql").read_text(encoding="utf-8"))
    connection.execute(BEGINNING, {"boot": boot, "sent": SENT_MS})
    connection.executemany(INSERT_MESSAGE, MESSAGES)
    connection.executemany(INSERT_DELIVERY, DELIVERIES)
    connection.execute(REST, {"later": LATER_MS})
    connection.close()
    os.chmod(f"{place}/store.db", 0o600)
    return place


@pytest.fixture
def two(old: str) -> Iterator[list[postroom.Agent]]:
    """Alice and bob, who connect to the store with this version."""
    with ExitStack() as stack:
        yield [stack.enter_context(connect(name, home=old)) for name in ("alice", "bob")]


@pytest.fixture
def second(home: Path) -> str:
    """The home of a store as version 2 left it: a room with two members, a hidden agent, a secret word that has no number."""
    place = str(home / "second")
    boot = check_place(place)
    connection = apsw.Connection(f"{place}/store.db")
    connection.execute("PRAGMA page_size = 1024; PRAGMA journal_mode = WAL").fetchall()
    for step in (1, 2):
        connection.execute((SCHEMA / f"{step:04}.sql").read_text(encoding="utf-8"))
    connection.execute(BEGINNING, {"boot": boot, "sent": SENT_MS})
    connection.execute(ROOMS, {"sent": SENT_MS})
    connection.close()
    os.chmod(f"{place}/store.db", 0o600)
    return place


def kept(home: str) -> str:
    """Where the copy of the old store lies."""
    return f"{home}/store.db.before-{SCHEMA_VERSION}-from-1"


def test_every_message_keeps_its_id_its_number_and_its_thread(two):
    alice, _ = two
    found = [(message.id, message.number, message.thread, message.reply_to, message.body) for message in alice.history()]
    assert found == [
        ("1", 1, "1", None, "the harbour"),
        ("port", 2, "port", None, "which port?"),
        ("3", 3, "port", "port", "harbour 8080"),
        ("4", 4, "4", None, "wait"),
    ]
    assert [message.id for message in alice.thread("3")] == ["port", "3"]
    assert alice.status("2").id == alice.status("alice:port").id == "port"


def test_what_was_in_a_mailbox_is_in_it_still_and_nothing_else(two):
    alice, bob = two
    assert [(message.body, message.urgency, message.redelivered) for message in alice.take()] == [("harbour 8080", "now", False)]
    (waiting,) = bob.take()
    assert (waiting.id, waiting.to, waiting.reply_by_ms) == ("4", ("bob", "human"), LATER_MS)


def test_what_became_of_a_message_is_known_still(two):
    alice, _ = two
    assert [alice.status(id).state for id in ("1", "port", "3", "4")] == [State.READ, State.ANSWERED, State.DELIVERED, State.DELIVERED]
    assert alice.status("1").deliveries[0].read_ms == SENT_MS


def test_what_was_sent_before_and_after_is_found_by_its_words(two):
    alice, bob = two
    alice.send("bob", "the harbour again")
    assert [message.id for message in bob.search("harbour")] == ["5", "3", "1"]


def test_numbers_and_threads_go_on(two):
    alice, bob = two
    answer = bob.send("alice", "here I am", reply_to="4")
    assert (answer.id, answer.number, answer.thread) == ("5", 5, "4")
    assert alice.status("4").deliveries[0].state is State.ANSWERED
    assert alice.send("bob", "which port?", reply_within=60, id="port").sent_ms == SENT_MS + 1, "it was sent before, with that id"


def test_everybody_is_visible_and_in_no_room(old, two):
    with desk_of_human(old) as desk, desk.reading() as database:
        found = database.execute("SELECT name, status, description, visibility FROM agent").fetchall()
    assert found == [
        ("postroom", "active", "", "visible"),
        ("human", "active", "", "visible"),
        ("alice", "active", "", "visible"),
        ("bob", "busy", "runs the tests", "visible"),
    ]
    assert query(old, "SELECT count(*) FROM member") == [(0,)]


def test_the_doctor_says_what_will_be_done_and_finds_nothing_wrong_before_and_afterwards(old):
    before = [finding for finding in keeping.examine(old) if "schema" in finding.what]
    assert [(finding.level, finding.what) for finding in before] == [("note", "the schema is 1")]
    assert faults(old) == []
    connect("alice", home=old).close()
    assert faults(old) == []
    assert query(old, "PRAGMA user_version") == [(SCHEMA_VERSION,)]


def test_a_copy_of_the_store_as_it_was_is_kept(old):
    before = query(old, "SELECT * FROM message"), query(old, "SELECT * FROM delivery")
    connect("alice", home=old).close()
    assert os.stat(kept(old)).st_mode & 0o777 == 0o600
    with closing(apsw.Connection(kept(old))) as copy:
        assert copy.execute("PRAGMA user_version").fetchall() == [(1,)]
        assert (copy.execute("SELECT * FROM message").fetchall(), copy.execute("SELECT * FROM delivery").fetchall()) == before


def test_of_many_who_come_at_once_one_migrates_and_the_copy_is_of_the_old_store(old):
    gate = Barrier(8)

    def come(number: int) -> None:
        gate.wait()
        connect(f"agent-{number}", home=old).close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(come, range(8)))
    with closing(apsw.Connection(kept(old))) as copy:
        assert copy.execute("PRAGMA user_version").fetchall() == [(1,)]
    assert faults(old) == []


def test_a_migration_that_fails_leaves_the_store_as_it_was(old, monkeypatch):
    monkeypatch.setattr(migrate, "SCHEMA_VERSION", SCHEMA_VERSION + 1)  # whose file does not exist
    with pytest.raises(postroom.PostroomError):
        connect("alice", home=old)
    assert query(old, "PRAGMA user_version") == [(1,)]
    monkeypatch.undo()
    with connect("bob", home=old) as bob:
        assert [message.body for message in bob.take()] == ["wait"]


def test_a_backup_of_the_old_version_is_restored_and_migrated(old, home):
    with connect("alice", home=old) as alice:
        keeping.back_up(old, str(home / "copy"))
        alice.send("bob", "rolled back")
        manifest = home / "copy" / "manifest.json"
        said = json.loads(manifest.read_text(encoding="utf-8"))
        os.replace(kept(old), home / "copy" / "store.db")
        said["sha256"]["store.db"] = sha256((home / "copy" / "store.db").read_bytes()).hexdigest()
        manifest.write_text(json.dumps(said), encoding="utf-8")
        assert keeping.restore(str(home / "copy"), old).rolled_back == 1
        assert [message.id for message in alice.history()][:4] == ["1", "port", "3", "4"]
    with connect("bob", home=old) as bob:
        assert bob.take()[0].body == "wait"
    assert faults(old) == []


def test_what_version_2_knew_is_known_and_nobody_has_a_token(second):
    tables = [f"SELECT * FROM {table}" for table in ("agent", "room", "member", "tag", "message", "delivery", "meter")]  # noqa: S608  # ours
    before = [query(second, table) for table in tables]
    with desk_of_human(second):
        assert [query(second, table) for table in tables] == before
    assert query(second, "SELECT count(*) FROM token") == query(second, "SELECT count(*) FROM webhook") == [(0,)]
    assert query(second, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    with closing(apsw.Connection(f"{second}/store.db.before-{SCHEMA_VERSION}-from-2")) as copy:
        assert copy.execute("PRAGMA user_version").fetchall() == [(2,)]
    assert faults(second) == []


def test_who_was_in_a_secret_room_is_in_it_still(second):
    with connect("bob", home=second) as bob:
        assert [message.body for message in bob.take()] == ["a word"]
        assert [(room.name, room.policy, room.muted) for room in bob.rooms()] == [("hush", "secret", True)]
        assert bob.profile().tags == ("tests",)
    with connect("carol", home=second) as carol:
        assert carol.rooms() == []
