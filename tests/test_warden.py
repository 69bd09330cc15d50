"""Chores are done by somebody, each once, by whoever is there; the WAL stays small whoever is there."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from postroom import doorbell
from postroom.core.errors import DiskFull
from postroom.core.message import Draft, State
from postroom.exchange import sending
from postroom.exchange.desk import open_desk
from postroom.store.database import LONE_WAL_PAGES, WAL_PAGES
from postroom.warden import Warden
from tests.programs import Program
from tests.waiting import SOON_S, tell, until, until_online

HOLDS = "import fcntl; file = open(me.home + '/warden.lock'); fcntl.flock(file, fcntl.LOCK_EX); print('holds')"
LOOKS = """
rows = me._seat.desk.database.execute("SELECT * FROM sqlite_schema"); next(iter(rows)); print("looks"); sys.stdin.readline()
del rows; me.close(); print("gone")
"""
FAST = "[limits]\nsender_per_minute = 1000000\npair_per_minute = 1000000\nwaiting = 1000000\n"
FRAME_BYTES = 1024 + 24
BODY = "x" * 2_000


def test_the_lock_passes_on_when_its_holder_is_killed(timed):
    (alice,) = timed.agents("alice")
    with Program("holder", HOLDS) as holder:
        assert holder.line() == "holds"
        receipt = alice.send("bob", "hi", create=True, expires_in=10)
        timed.pass_s(11)
        assert alice.status(receipt.id).state is State.DELIVERED, "the chores are another's"
        holder.kill()
        timed.tend()
    assert alice.status(receipt.id).state is State.EXPIRED
    assert [message.subject for message in alice.take()] == ["notice: expired"]


def test_chores_are_done_by_those_who_wait_when_their_holder_is_killed(post):
    alice = post.connect("alice")
    with Program("holder", HOLDS) as holder, ThreadPoolExecutor() as aside:
        assert holder.line() == "holds"
        waiting = aside.submit(alice.take, 1, SOON_S)
        alice.send("bob", "hi", create=True, expires_in=0.001)
        holder.kill()
        assert [message.subject for message in waiting.result()] == ["notice: expired"]


def test_timers_fire_once_with_several_processes_waiting(post):
    alice = post.connect("alice")
    with Program("one", "me.take(wait=None)"), Program("two", "me.take(wait=None)"), Program("three", "me.take(wait=None)"):
        for name in ("one", "two", "three"):
            until_online(alice, name)
        alice.send_many([Draft("bob", str(number), create=True, expires_in=0.5) for number in range(40)])
        notices: list[str | None] = []
        while len(notices) < 40:
            taken = alice.take(wait=SOON_S)
            alice.confirm(taken)
            notices += [message.reply_to for message in taken]
        assert len(set(notices)) == len(notices) == 40
    with alice._seat.desk.reading() as database:
        assert database.execute("SELECT count(*) FROM timer").fetchall() == [(0,)], "nothing is left to fire again"
    assert alice.take() == []


def test_requests_to_a_killed_process_are_told_once_by_all_who_notice(post):
    alice, carl = post.agents("alice", "carl")
    with Program("bob", "print(len(me.take(wait=60)))") as bob:
        alice.send("bob", "?", create=True, reply_within=3_600)
        assert bob.line() == "1"
        bob.kill()
        with ThreadPoolExecutor() as aside:
            seen = [aside.submit(until_online, agent, "bob", online=False) for agent in (alice, carl)]
            assert all(one.result() is None for one in seen)
    assert [message.subject for message in alice.take()] == ["notice: offline"]


def test_a_process_that_only_waits_indexes_what_was_said(post):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "to be found later")

    def behind():
        bob._seat.look()
        with bob._seat.desk.reading() as database:
            return database.execute("SELECT (SELECT max(seq) FROM message) - indexed FROM store").fetchall() == [(0,)]

    until(behind)


def test_the_bell_of_a_process_that_died_before_it_was_noted_is_taken_down(timed):
    (alice,) = timed.agents("alice")
    dead, living, letter = (os.path.join(timed.post.home, "run", name) for name in ("9001.sock", "9002.sock", "9003.txt"))
    doorbell.bind(dead).close()
    coming = doorbell.bind(living)
    with open(letter, "w", encoding="utf-8"):
        timed.tend()
    assert [os.path.exists(path) for path in (dead, living, letter, alice._seat.bell.path)] == [False, True, True, True]
    coming.close()


def wal_pages(post):
    return os.path.getsize(f"{post.home}/store.db-wal") // FRAME_BYTES


@pytest.mark.slow
def test_the_wal_is_kept_small_by_senders_alone(post):
    post.configure(FAST)
    alice = post.connect("alice", durability="relaxed")
    alice.send("bob", "hi", create=True)
    largest = 0
    for _ in range(200):
        alice.send_many([Draft("bob", BODY)] * 100)
        largest = max(largest, wal_pages(post))
    assert WAL_PAGES < largest < 5 * WAL_PAGES, "it was filled, and begun anew"


@pytest.mark.slow
def test_the_wal_is_kept_small_by_those_who_come_and_go(post):
    post.configure(FAST)
    for _ in range(10):
        with post.connect("alice", durability="relaxed") as alice:
            alice.send_many([Draft("bob", BODY, create=True)] * 100)
    assert wal_pages(post) < LONE_WAL_PAGES, "nobody is there"


@pytest.mark.slow
def test_the_wal_is_kept_smaller_by_a_reader_at_work(post):
    post.configure(FAST)
    alice = post.connect("alice", durability="relaxed")
    reader = "while True:\n    taken = me.take(wait=None); me.confirm(taken)\n    if taken[-1].body == 'end': print('read')"
    with Program("bob", reader) as bob:
        until_online(alice, "bob")
        for _ in range(10):
            for _ in range(200):
                alice.send_many([Draft("bob", BODY)] * 5)
            alice.send("bob", "end")
            assert bob.line() == "read"
        assert wal_pages(post) < 3 * WAL_PAGES


@pytest.mark.slow
def test_the_wal_is_kept_small_under_a_reader_that_looks_at_an_old_state(post):
    """Then it cannot begin anew, and must at least do so when that reader is gone."""
    post.configure(FAST)
    alice = post.connect("alice", durability="relaxed")
    with Program("historian", LOOKS) as historian:
        assert historian.line() == "looks"
        for _ in range(80):
            alice.send_many([Draft("bob", BODY, create=True)] * 100)
        tell(historian)
        assert historian.line() == "gone"
    grown = wal_pages(post)
    for _ in range(200):
        alice.send_many([Draft("bob", BODY)] * 100)
    assert wal_pages(post) <= max(grown, 5 * WAL_PAGES)
    assert len(alice.take()) == 0


def test_what_the_chores_write_is_brought_into_the_file_though_another_connection_writes_the_mail(post):
    keeper, counter = (open_desk("alice", post.home, interface="sdk") for _ in range(2))
    warden = Warden(keeper, writes=counter.database)
    sending.send(keeper, [Draft("alice", BODY)] * 20)
    assert keeper.database.wal_pages > 20
    warden.tend()
    assert (keeper.database.wal_pages, counter.database.wal_pages) == (0, 0)
    warden.close()
    keeper.close()
    counter.close()


def test_who_cannot_tidy_up_leaves_in_peace(post, monkeypatch):
    def fails(_warden: Warden) -> None:
        raise DiskFull(path=post.home)

    monkeypatch.setattr(Warden, "leave", fails)
    with post.connect("alice") as alice:
        assert alice.send("alice", "hi").state == "delivered"
