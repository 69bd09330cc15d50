"""Bells ring, are missed, stolen and torn down; whoever waits for one finds its messages all the same."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from postroom import doorbell
from postroom.core.errors import Closed, StoreUnusable
from postroom.doorbell import Doorbell, Polling, ring
from tests.programs import Program
from tests.waiting import SOON_S, go_on, stop, tell, until, until_asleep, until_it_waits, until_online


@pytest.fixture
def bell(home):
    hung = Doorbell(str(home / "1.sock"))
    yield hung
    hung.close()


@pytest.fixture
def aside():
    """A thread beside the test."""
    with ThreadPoolExecutor() as threads:
        yield threads


def test_a_ring_ends_the_wait(bell):
    assert ring(bell.path) is True
    assert bell.wait(0, SOON_S)
    assert bell.rings == 1


def test_a_wait_without_a_ring_ends(bell):
    assert not bell.wait(0, 0.01)


def test_a_ring_before_the_wait_is_not_missed(bell, aside):
    rings = bell.rings
    ring(bell.path)
    assert aside.submit(bell.wait, rings, SOON_S).result()
    assert bell.wait(rings, SOON_S), "it rang, for this thread too"


def test_each_ring_wakes_all_threads_that_wait(bell, aside):
    waits = [aside.submit(bell.wait, 0, SOON_S) for _ in range(4)]
    until(lambda: len(bell._changed._waiters) == 3 and bell._listening)
    ring(bell.path)
    assert all(wait.result() for wait in waits)


def test_a_full_queue_is_a_bell_that_rang(bell):
    assert all(ring(bell.path) is True for _ in range(2_000))
    assert bell.wait(0, SOON_S)
    assert not bell.wait(bell.rings, 0.01), "all of them said the same"


def test_a_bell_that_nobody_answers_is_told_from_one_that_is_not_found(home):
    path = str(home / "1.sock")
    doorbell.bind(path).close()
    assert ring(path) is False
    os.unlink(path)
    assert ring(path) is None


def test_only_this_user_can_ring(bell):
    assert os.stat(bell.path).st_mode & 0o777 == 0o600


def test_a_stale_bell_does_not_keep_a_new_one_from_being_hung_up(home):
    path = str(home / "1.sock")
    doorbell.bind(path).close()
    bell = Doorbell(path)
    assert ring(path) is True
    bell.close()
    assert not os.path.lexists(path)


def test_an_agent_connects_over_the_bells_of_an_earlier_store_in_this_place(post):
    run = f"{post.connect('alice').home}/run"
    for number in range(1, 10):
        if not os.path.lexists(f"{run}/{number}.sock"):
            doorbell.bind(f"{run}/{number}.sock").close()
    bob = post.connect("bob")
    assert ring(bob._seat.bell.path) is True


def test_closing_a_bell_wakes_those_who_wait_and_leaves_nothing(bell, aside):
    waits = [aside.submit(bell.wait, 0, SOON_S) for _ in range(3)]
    until(lambda: bell._listening)
    bell.close()
    assert all(wait.result() for wait in waits)
    assert not os.path.lexists(bell.path)


def test_closing_an_agent_ends_the_waits_of_its_threads(post, aside):
    bob = post.connect("bob")
    waits = [aside.submit(list, bob.inbox(wait=None)), aside.submit(bob.take, 1, None)]
    until_it_waits(bob)
    path = bob._seat.bell.path
    bob.close()
    for wait in waits:
        with pytest.raises(Closed):
            wait.result()
    assert not os.path.lexists(path), "nobody hung the bell up again"


def test_closing_an_agent_ends_its_following(post, aside):
    alice, _ = post.agents("alice", "bob")
    following = aside.submit(alice.follow, alice.send("bob", "hi").id)
    until_it_waits(alice)
    alice.close()
    with pytest.raises(Closed):
        following.result()


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="no other way to see that a process waits")
def test_an_interrupted_wait_says_that_it_was_interrupted(post):
    alice = post.connect("alice")
    code = "try:\n    print('begins'); list(me.inbox(wait=None))\nexcept KeyboardInterrupt: print(me.take(wait=60)[0].body)"
    with Program("bob", code) as bob:
        assert bob.line() == "begins"
        until_asleep(bob)
        os.kill(bob.pid, signal.SIGINT)
        alice.send("bob", "hi")
        assert bob.line() == "hi"


def test_a_message_whose_bell_cannot_be_found_is_found(post, aside):
    alice, bob = post.agents("alice", "bob")
    taken = aside.submit(bob.take, 1, SOON_S)
    until_it_waits(bob)
    os.unlink(bob._seat.bell.path)
    alice.send("bob", "hi")
    assert [message.body for message in taken.result()] == ["hi"]


def test_a_message_whose_ring_was_stolen_is_found(post, aside):
    alice, bob = post.agents("alice", "bob")
    taken = aside.submit(bob.take, 1, SOON_S)
    until_it_waits(bob)
    os.unlink(bob._seat.bell.path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as thief:
        thief.bind(bob._seat.bell.path)
        alice.send("bob", "hi")
        assert thief.recv(1)
        assert [message.body for message in taken.result()] == ["hi"]


def test_bells_are_hung_up_again_when_their_directory_vanished(post, aside):
    alice, bob = post.agents("alice", "bob")
    taken = aside.submit(bob.take, 1, SOON_S)
    until_it_waits(bob)
    shutil.rmtree(f"{bob.home}/run")
    alice.send("bob", "hi")
    assert [message.body for message in taken.result()] == ["hi"]
    waiting = aside.submit(bob.take, 1, SOON_S)
    until(lambda: ring(bob._seat.bell.path))
    assert os.stat(f"{bob.home}/run").st_mode & 0o777 == 0o700
    alice.send("bob", "again")
    assert [message.body for message in waiting.result()] == ["again"]


def test_a_reader_whose_store_was_removed_is_told(post, aside):
    bob = post.connect("bob")
    taken = aside.submit(bob.take, 1, SOON_S)
    until_it_waits(bob)
    shutil.rmtree(bob.home)
    with pytest.raises(StoreUnusable, match="removed"):
        taken.result()
    assert not os.path.lexists(bob.home), "an empty directory would be taken for a post room"


def test_senders_do_not_wait_for_a_stopped_reader_whose_queue_is_full(post):
    alice = post.connect("alice")
    with Program("bob", "sys.stdin.readline(); print(sum(1 for message in me.inbox(wait=0)))") as bob:
        until_online(alice, "bob")
        stop(bob)
        for number in range(300):  # Linux keeps 10 to 512 datagrams
            assert alice.send("bob", str(number)).deliveries[0].online
        go_on(bob)
        tell(bob)
        assert bob.line() == "300"


@pytest.fixture
def no_bells(monkeypatch):
    """A platform without Unix datagram sockets."""
    monkeypatch.setattr(doorbell, "AVAILABLE", False)


def test_agents_find_their_messages_where_there_are_no_bells(no_bells, post, aside):
    alice, bob = post.agents("alice", "bob")
    assert isinstance(bob._seat.bell, Polling)
    answers = aside.submit(lambda: [message.reply("hello").id for message in bob.take(1, SOON_S)])
    assert alice.ask("bob", "hi", timeout=SOON_S).body == "hello"
    assert answers.result()
    assert next(one.online for one in alice.agents() if one.name == "bob")


def test_the_end_of_a_process_is_noticed_where_there_are_no_bells(no_bells, post):
    alice = post.connect("alice")
    code = (
        "me.close(); from postroom import doorbell; doorbell.AVAILABLE = False; me = postroom.connect('bob'); print(len(me.take(wait=60)))"
    )
    with Program("bob", code) as bob:
        alice.send("bob", "hi", create=True)
        assert bob.line() == "1"
        bob.kill()
        until_online(alice, "bob", online=False)
    again = post.connect("bob").take()
    assert [(message.body, message.redelivered) for message in again] == [("hi", True)]


@pytest.mark.parametrize("how", ["for information", "in a muted room"])
def test_what_is_for_information_wakes_nobody_and_comes_with_the_next_message(post, how):
    alice, bob = post.agents("alice", "bob")
    alice.create_room("dev")
    bob.join("dev")
    bob.mute("dev")
    rings = bob._seat.bell.rings
    if how == "for information":
        alice.send("bob", "by the way", urgency="info")
    else:
        alice.send("#dev", "by the way")
    assert bob._seat.bell.rings == rings
    assert not bob._seat.look()
    alice.send("bob", "now!")
    assert bob._seat.bell.rings == rings + 1
    assert [message.body for message in bob.take(wait=SOON_S)] == ["by the way", "now!"]
