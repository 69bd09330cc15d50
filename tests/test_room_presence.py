"""Rooms learn who is here from real processes: killed, stopped, struck off by mistake. Each observer hears of it once."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from postroom.exchange import presence
from postroom.store import agents
from tests.programs import Program
from tests.waiting import go_on, stop, until

OBSERVERS = ("ann", "ben", "cat")
OBSERVE = """
print("here")
for event in me.events(wait=None):
    if event.what == "topic" or event.agent == "bob":
        print(event.what, event.agent, event.text)
"""
BOB = "print('here'); me.take(wait=None)"


@pytest.fixture
def alice(post):
    """The owner of the room `dev`, in which the observers and `bob` are."""
    alice, *others = post.agents("alice", *OBSERVERS, "bob")
    alice.create_room("dev")
    for other in others:
        other.join("dev")
        assert next(event.what for event in other.events()) == "room_members"
        other.close()
    return alice


@pytest.fixture
def observers(alice):
    """Three processes that listen."""
    with ExitStack() as stack:
        programs = [stack.enter_context(Program(name, OBSERVE)) for name in OBSERVERS]
        for program in programs:
            is_here(program)
        yield programs


def heard(alice, observers, sign):
    """What each observer hears until a sign."""
    alice.set_topic("dev", sign)
    told = []
    for observer in observers:
        lines = [observer.line()]
        while lines[-1] != f"topic alice {sign}":
            lines.append(observer.line())
        told.append(lines[:-1])
    return told


def statuses(alice):
    """What the room was told of bob's presence, by however many processes."""
    bob = next(id for id, name in alice._seat.desk.database.execute("SELECT id, name FROM agent") if name == "bob")
    sql = "SELECT text FROM event WHERE what = 'member_status' AND agent = ? ORDER BY id"
    return [text for (text,) in alice._seat.desk.database.execute(sql, (bob,))]


def is_here(program):
    assert program.line() == "here"


def test_each_observer_hears_once_that_an_agent_was_killed_and_one_process_tells_it(alice, observers):
    with Program("bob", BOB) as bob:
        is_here(bob)
        heard(alice, observers, "bob is here")
        before = statuses(alice)
        bob.kill()
        until(lambda: statuses(alice)[len(before) :])
        alice._seat.look()
        assert heard(alice, observers, "bob is gone") == [["member_status bob offline"]] * 3
    assert statuses(alice) == [*before, "offline"]


def test_an_agent_that_was_struck_off_while_it_was_stopped_is_back_when_it_goes_on(alice, observers):
    with Program("bob", BOB) as bob:
        is_here(bob)
        heard(alice, observers, "bob is here")
        before = statuses(alice)
        stop(bob)
        with alice._seat.turn, alice._seat.desk.posting() as posting:
            (row,) = [row for row in agents.all_attached(posting.database) if row.pid == bob.pid]
            presence.strike_off(posting, row)
        assert heard(alice, observers, "bob is stopped") == [["member_status bob offline"]] * 3
        go_on(bob)
        until(lambda: statuses(alice) == [*before, "offline", "active"])
        alice._seat.look()
        assert heard(alice, observers, "bob is back") == [["member_status bob active"]] * 3
    assert statuses(alice) == [*before, "offline", "active"]


@pytest.fixture
def killed(post):
    """Carol, who is in a room with bob, who asked him something, and whose process has done nothing since bob was killed with -9."""
    (carol,) = post.agents("carol")
    carol.create_room("dev")
    with Program("bob", "me.join('dev'); print('here')") as bob:
        is_here(bob)
        list(carol.events())
        carol.send("bob", "are you there?", reply_within=60)
        bob.kill()
    return carol


def test_the_members_of_a_room_are_looked_up_as_they_are_now(killed):
    assert [(member.name, member.status) for member in killed.members("dev")] == [("carol", "active"), ("bob", "offline")]


def test_who_joins_is_told_who_is_there_now(killed, post):
    (dan,) = post.agents("dan")
    dan.join("dev")
    assert [event.text for event in dan.events() if event.what == "room_members"] == ['{"carol":"active","bob":"offline"}']


def test_members_are_not_called_here_by_mistake_while_the_store_is_busy(killed, post):
    post.configure("[limits]\nbusy_ms = 10\n")
    with post.connect("dan") as dan, killed._seat.turn, killed._seat.desk.posting():
        assert [member.status for member in dan.members("dev")] == ["active", "offline"]
