"""Several processes as one agent; processes that are killed, stopped, forked or struck off by mistake; and what each leaves behind."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

import postroom
from postroom import doorbell
from postroom.core.errors import LeaseLost, StoreBusy, StoreUnusable
from postroom.core.message import State
from postroom.exchange import presence
from postroom.paths import socket_directory
from postroom.store import agents
from tests.programs import Program
from tests.waiting import SOON_S, go_on, stop, tell, until, until_it_waits, until_online, until_stopped

DESCRIPTORS = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
ECHO = "for message in me: message.reply(f'{message.body} {message.redelivered}')"
TAKE = "print(len(me.take(wait=60)))"
LATE = """
batch = me.take(wait=60); print(len(batch)); sys.stdin.readline()
try: me.confirm(batch)
except postroom.errors.LeaseLost as lost: print(lost.code)
"""
SOON_BUSY = "[limits]\nbusy_ms = 300\n"
SHORT_LEASE = "[limits]\nlease_ms = 300\n"


def test_two_processes_attached_as_one_agent_never_both_get_a_message_as_new(post):
    alice = post.connect("alice")
    with Program("bob", ECHO), Program("bob", ECHO):
        alice.send_many([postroom.Draft("bob", f"{number}", create=True) for number in range(300)])
        answers = [message.body for _, message in zip(range(300), alice.inbox(wait=SOON_S), strict=False)]
    assert sorted(answers) == sorted(f"{number} False" for number in range(300))


def test_what_one_process_has_in_hands_the_other_does_not_get(post):
    alice = post.connect("alice")
    alice.send_many([postroom.Draft("bob", f"{number}", create=True) for number in range(10)])
    code = "print(*[message.body for message in me.take(limit=4)])"
    with Program("bob", code) as one, Program("bob", code) as two:
        assert sorted([*one.line().split(), *two.line().split()]) == sorted(map(str, range(8)))


def test_messages_of_a_killed_reader_come_back_when_its_death_is_noticed_by_a_sender(post):
    alice, bob = post.agents("alice", "bob")
    with Program("bob", TAKE) as reader, ThreadPoolExecutor() as aside:
        alice.send("bob", "held")
        assert reader.line() == "1"
        taken = aside.submit(bob.take, 1, SOON_S)
        until_it_waits(bob)
        reader.kill()
        with alice._seat.turn:
            presence.bury(alice._seat.desk, [row for row in attached(alice) if row.pid == reader.pid])
        assert [(message.body, message.redelivered) for message in taken.result()] == [("held", True)]


def test_messages_of_a_killed_reader_come_back_when_the_next_one_is_sent(post):
    alice, bob = post.agents("alice", "bob")
    with Program("bob", TAKE) as reader:
        alice.send("bob", "held")
        assert reader.line() == "1"
        reader.kill()
        alice.send("bob", "next")
    assert [(message.body, message.redelivered) for message in bob.take()] == [("held", True), ("next", False)]


def test_messages_of_a_killed_reader_come_back_when_nobody_sends_anything(post):
    alice, bob = post.agents("alice", "bob")
    with Program("bob", TAKE) as reader:
        alice.send("bob", "held")
        assert reader.line() == "1"
        reader.kill()
        (again,) = bob.take(wait=SOON_S)
    assert again.redelivered
    assert not [name for name in os.listdir(f"{post.home}/run") if name not in {os.path.basename(row.socket) for row in attached(alice)}]


def test_a_stopped_reader_loses_its_lease_and_is_told_when_it_goes_on(post):
    post.configure(SHORT_LEASE)
    alice, bob = post.agents("alice", "bob")
    with Program("bob", LATE) as reader:
        alice.send("bob", "first")
        assert reader.line() == "1"
        stop(reader)
        (first,) = bob.take(wait=SOON_S)
        assert (first.body, first.redelivered) == ("first", True)
        bob.confirm([first])
        go_on(reader)
        tell(reader)
        assert reader.line() == "lease-lost"


def test_a_late_confirmation_counts_for_nothing_while_another_reader_is_at_it(post):
    post.configure(SHORT_LEASE)
    alice, one, two = post.agents("alice", "bob", "bob")
    receipt = alice.send("bob", "hi")
    late, taken = one.take(), until(two.take)
    with pytest.raises(LeaseLost, match=receipt.id):
        one.confirm(late)
    two.confirm(taken)
    assert alice.status(receipt.id).deliveries[0].handovers == 2


@contextmanager
def stopped_with(code):
    """A process that is stopped within this code, which has a hole for it."""
    with Program("holder", code.format(stop="import os, signal; os.kill(os.getpid(), signal.SIGSTOP)")) as holder:
        until_stopped(holder)
        yield holder


WITH_THE_STORE = "me.send('holder', 'x')\nwith me._seat.desk.posting():\n    {stop}\nprint('goes on')"
WITH_A_LOCK = "import fcntl\nwith open(me.home + '/{name}') as file:\n    fcntl.flock(file, fcntl.LOCK_EX); {{stop}}\nprint('goes on')"
WITH_THE_QUEUE = WITH_A_LOCK.format(name="queue.lock")
WITH_THE_CHORES = WITH_A_LOCK.format(name="warden.lock")


def test_a_process_that_is_stopped_within_a_transaction_makes_the_store_busy_for_a_bounded_time(post):
    post.configure(SOON_BUSY)
    alice, bob = post.agents("alice", "bob")
    with stopped_with(WITH_THE_STORE) as holder:
        with pytest.raises(StoreBusy):
            alice.send("bob", "hi", id="once")
        with pytest.raises(StoreBusy):
            bob.take()
        assert [agent.name for agent in alice.agents()], "reading goes on"
        go_on(holder)
        assert holder.line() == "goes on"
        alice.send("bob", "hi", id="once")
    assert [message.body for message in bob.take()] == ["hi"]


def test_a_process_that_is_stopped_at_the_head_of_the_queue_makes_the_store_busy_for_a_bounded_time(post):
    post.configure(SOON_BUSY)
    alice, _ = post.agents("alice", "bob")
    with stopped_with(WITH_THE_QUEUE), stopped_with(WITH_THE_STORE) as holder:
        with pytest.raises(StoreBusy):
            alice.send("bob", "hi")
        go_on(holder)
        assert holder.line() == "goes on"
        alice.send("bob", "hi")


def send_often(agent):
    return [agent.send("holder", "x") for _ in range(100)]


def test_others_go_on_under_load_while_the_head_of_the_queue_is_stopped(post):
    with stopped_with(WITH_THE_QUEUE), ThreadPoolExecutor() as aside:
        crowd = post.agents("a", "b", "c", "d")
        sendings = [aside.submit(send_often, one) for one in crowd]
        assert sum(len(sending.result()) for sending in sendings) == 400


def test_others_go_on_while_the_holder_of_the_chores_is_stopped(post):
    alice, bob = post.agents("alice", "bob")
    with stopped_with(WITH_THE_CHORES):
        receipt = alice.send("bob", "hi")
        bob.confirm(bob.take(wait=SOON_S))
        assert alice.follow(receipt.id, timeout=SOON_S).state is State.READ


def attached(agent):
    with agent._seat.desk.reading() as database:
        return agents.all_attached(database)


def test_a_living_process_that_was_struck_off_attaches_itself_again(post):
    alice, bob = post.agents("alice", "bob")
    (row,) = [row for row in attached(alice) if row.id == bob._seat.desk.provenance]
    with ThreadPoolExecutor() as aside:
        taken = aside.submit(bob.take, 1, SOON_S)
        until_it_waits(bob)
        with alice._seat.turn, alice._seat.desk.posting() as posting:
            presence.strike_off(posting, row)
        until(lambda: row in attached(alice))
        alice.send("bob", "hi")
        assert [message.body for message in taken.result()] == ["hi"]


def test_eight_threads_send_and_four_read_through_one_agent(post):
    me = post.connect("me")

    def read():
        read: list[str] = []
        for message in me.inbox(wait=SOON_S):
            if message.body == "end":
                message.confirm()
                return read
            read.append(message.body)
            assert not message.redelivered
        return read

    def send_fifty(who):
        return [me.send("me", f"{who} {number}") for number in range(50)]

    with ThreadPoolExecutor(12) as threads:
        readers = [threads.submit(read) for _ in range(4)]
        senders = [threads.submit(send_fifty, who) for who in range(8)]
        assert sum(len(sender.result()) for sender in senders) == 400
        me.send_many([postroom.Draft("me", "end")] * 4)
        found = Counter(body for reader in readers for body in reader.result())
    assert found == Counter(f"{who} {number}" for who in range(8) for number in range(50))


FORK = """
import os, threading
holding, held = threading.Event(), threading.Event()
def hold():
    with me._seat.turn:
        held.set(); holding.wait()
thread = threading.Thread(target=hold, daemon=True); thread.start(); held.wait()
child = os.fork()
if not child:
    refused = 0
    for verb in (lambda: me.send("me", "x"), me.peek, me.agents, me.take, lambda: next(me.inbox()), lambda: me.status("1")):
        try: verb()
        except postroom.errors.Forked: refused += 1
    me.close()
    me.close()
    os._exit(refused)
holding.set(); thread.join()
refused = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
me.send(me.name, "goes on")
print(refused, os.path.exists(me._seat.bell.path), me.take()[0].body)
"""


def test_a_forked_child_is_refused_and_its_parent_goes_on(post):
    with Program("parent", FORK) as parent:
        assert parent.line() == "6 True goes on"


@pytest.fixture
def deep(home):
    """A home whose path is too long for a socket, and the directory that is used instead."""
    path = str(home / ("deep" * 25))
    short = socket_directory(path)
    yield path, short
    if os.path.islink(short):
        os.unlink(short)
    elif os.path.isdir(short):
        shutil.rmtree(short)


def test_bells_of_a_home_with_a_long_path_hang_in_a_short_private_directory(deep):
    path, short = deep
    with postroom.connect("bob", home=path) as bob, postroom.connect("alice", home=path) as alice, ThreadPoolExecutor() as aside:
        assert bob._seat.bell.path is not None
        assert os.path.dirname(bob._seat.bell.path) == short
        assert os.stat(short).st_mode & 0o777 == 0o700
        taken = aside.submit(bob.take, 1, SOON_S)
        until_it_waits(bob)
        alice.send("bob", "hi")
        assert [message.body for message in taken.result()] == ["hi"]
        rings = bob._seat.bell.rings
        alice.send("bob", "hi")
        assert bob._seat.bell.wait(rings, SOON_S)


@pytest.mark.parametrize("spoil", ["open to others", "a link", "not ours"])
def test_a_short_directory_that_is_not_private_is_refused(spoil, deep, home):
    path, short = deep
    if spoil == "a link":
        (home / "elsewhere").mkdir(mode=0o700)
        os.symlink(home / "elsewhere", short)
    elif spoil == "open to others":
        os.mkdir(short, 0o755)
    elif os.geteuid():
        pytest.skip("only root can give a directory away")
    else:
        os.mkdir(short, 0o700)
        os.chown(short, 65534, 65534)
    with pytest.raises(StoreUnusable, match=short):
        postroom.connect("bob", home=path)


def test_connecting_and_closing_leaves_no_descriptor_open(post):
    alice = post.connect("alice")

    def come_and_go():
        with postroom.connect("bob") as bob:
            alice.send("bob", "hi")
            assert bob.take(wait=SOON_S)
            bob.send("alice", "hello")

    come_and_go()
    before = os.listdir(DESCRIPTORS)
    for _ in range(200):
        come_and_go()
    assert len(os.listdir(DESCRIPTORS)) == len(before)


@pytest.mark.parametrize("spoil", ["run", "warden.lock", "queue.lock"])
def test_a_connection_that_fails_half_way_leaves_no_descriptor_open(spoil, home):
    postroom.connect("bob").close()
    path = home / "postroom" / spoil
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    path.symlink_to(home / "nowhere" / "deep")
    before = os.listdir(DESCRIPTORS)
    for _ in range(3):
        with pytest.raises((postroom.PostroomError, OSError)):
            postroom.connect("bob")
    assert len(os.listdir(DESCRIPTORS)) == len(before)


def test_a_process_that_ends_without_closing_is_offline_soon(post):
    alice = post.connect("alice")
    with Program("bob", "import os; os._exit(0)") as bob:
        until(lambda: bob._process.poll() is not None)
    until_online(alice, "bob", online=False)


def online(agents):
    return [agent.name for agent in agents if agent.online]


def test_a_killed_process_is_not_called_online_by_the_next_look_and_is_taken_off(post):
    alice = post.connect("alice")
    with Program("bob", "print('here'); me.take(wait=None)") as bob:
        assert bob.line() == "here"
        assert online(alice.agents()) == ["alice", "bob"]
        bob.kill()
        assert online(alice.agents()) == ["alice"]
    assert [row.agent for row in attached(alice)] == [alice._seat.desk.agent.id]


def test_a_killed_process_is_not_called_online_by_somebody_who_cannot_take_it_off_now(post):
    post.configure(SOON_BUSY)
    alice = post.connect("alice")
    with Program("bob", "print('here')") as bob:
        assert bob.line() == "here", "it is registered before somebody holds the store"
        with stopped_with(WITH_THE_STORE) as holder:
            bob.kill()
            assert [online(alice.agents()), online(alice.agents())] == [["alice", "holder"]] * 2
            go_on(holder)
            assert holder.line() == "goes on"
    assert len(alice._seat.desk.gone) == 1, "it is taken off another time"
    assert online(alice.agents()) == ["alice"]


def test_an_agent_with_a_process_that_lives_is_online_when_another_of_its_processes_was_killed(post):
    alice = post.connect("alice")
    with Program("bob", "print('here')") as one, Program("bob", "print('here')") as two:
        assert one.line() == two.line() == "here"
        one.kill()
        (bob,) = [agent for agent in alice.agents() if agent.name == "bob"]
        assert (bob.online, bob.status, bob.processes) == (True, "active", 1)


def rings_of(monkeypatch):
    """The paths that are rung from here on."""
    rung = []
    ring = doorbell.ring

    def noted(path):
        rung.append(path)
        return ring(path)

    monkeypatch.setattr(doorbell, "ring", noted)
    return rung


def test_a_listing_rings_at_nobody_whose_process_lives(post, monkeypatch):
    crowd = post.agents("a", "b", "c", "c")
    with Program("d", "print('here')") as gone:
        assert gone.line() == "here"
        gone.kill()
    rung = rings_of(monkeypatch)
    assert online(crowd[0].agents()) == ["a", "b", "c"]
    assert set(rung).isdisjoint(agent._seat.bell.path for agent in crowd)
    assert rung, "who seems to be gone is rung before it is taken off"


def test_a_bell_that_cannot_be_hung_up_is_an_error_in_words(home):
    postroom.connect("bob").close()
    shutil.rmtree(home / "postroom" / "run")
    (home / "postroom" / "run").symlink_to(home / "nowhere" / "deep")
    with pytest.raises(StoreUnusable, match="symbolic link"):
        postroom.connect("bob")
