"""Events: who is told what happens, exactly once; what an agent has seen; who is woken; and that a store does not fill with them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom import Draft, connect_async
from postroom.core.errors import LeaseLost
from postroom.exchange import events, holding, presence
from postroom.exchange.desk import open_desk_of_human
from postroom.store import events as stored
from postroom.testing import PostRoom
from tests.borders import limited
from tests.inside import desk_of
from tests.programs import Program
from tests.waiting import SOON_S, until, until_it_waits


def happened(agent):
    return [(event.what, event.agent, event.message) for event in agent.events()]


def rows(agent):
    return agent._seat.desk.database.execute("SELECT count(*) FROM event").fetchall()[0][0]


# Receipts


def test_the_author_learns_who_read_a_message_and_when(timed):
    alice, bob = timed.agents("alice", "bob")
    receipt = alice.send("bob", "hi")
    timed.pass_s(5)
    bob.confirm(bob.take())
    (event,) = alice.events()
    assert (event.what, event.agent, event.message, event.room, event.text) == ("read", "bob", receipt.id, None, "")
    assert event.at_ms == timed.now_ms
    assert happened(bob) == []


def test_taking_is_not_reading(post):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "hi")
    bob.peek()
    taken = bob.take()
    assert happened(alice) == []
    bob.confirm(taken)
    assert len(happened(alice)) == 1


def test_a_message_to_several_has_a_receipt_of_each(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    receipt = alice.send(["bob", "carol"], "hi")
    for reader in (carol, bob):
        reader.confirm(reader.take())
    assert happened(alice) == [("read", "carol", receipt.id), ("read", "bob", receipt.id)]


def test_a_message_in_a_room_has_a_receipt_of_each_member(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    alice.create_room("dev")
    bob.join("dev")
    carol.join("dev")
    list(alice.events())
    receipt = alice.send("#dev", "hi")
    for reader in (carol, bob):
        reader.confirm(reader.take())
    assert [(event.what, event.agent, event.message, event.room) for event in alice.events()] == [
        ("read", "carol", receipt.id, "dev"),
        ("read", "bob", receipt.id, "dev"),
    ]


def test_many_messages_that_are_read_at_once_have_a_receipt_each(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    sent = []
    for number in range(150):
        sent += alice.send_many([Draft("bob", f"{number}")])
        carol.send("bob", f"{number}")
    before = rows(alice)
    bob.confirm(bob.take(1000))
    assert [event.message for event in alice.events()] == [receipt.id for receipt in sent]
    assert len(list(carol.events())) == 150
    assert rows(alice) == before + 2, "one row for each author"


def test_own_messages_make_no_receipts(post):
    (alice,) = post.agents("alice")
    alice.send("alice", "a note")
    alice.confirm(alice.take())
    assert rows(alice) == 0


def test_notices_make_no_receipts(post):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "now or never", expires_in=0.001)
    until_gone(bob)
    alice.confirm(alice.take())
    assert [event.what for event in alice.events()] == ["expired"]


def until_gone(agent):
    """Wait until what waits for an agent has expired."""

    def gone():
        agent._seat.look()
        return not agent.peek()

    until(gone)


def test_a_ghost_gives_no_receipts(post):
    alice, ghost = post.agents("alice", "ghost")
    alice.create_room("hall")
    ghost.join("hall")
    list(alice.events())
    alice.send("#hall", "before")
    ghost.profile(visibility="ghost")
    list(alice.events())  # that it left
    for message in ghost.inbox():
        ghost.send("alice", "seen", reply_to=message)
    assert happened(alice) == []
    ghost.profile(visibility="visible")
    assert happened(alice) == [("member_joined", "ghost", None)]


def test_a_message_that_was_confirmed_twice_has_one_receipt(post):
    alice, bob = post.agents("alice", "bob")
    alice.send_many([Draft("bob", f"{number}") for number in range(3)])
    taken = bob.take()
    bob.confirm(taken[:1])
    bob.confirm(taken)
    bob.confirm([*taken, *taken])
    assert [event.message for event in alice.events()] == ["1", "2", "3"]


def test_a_message_that_was_confirmed_twice_within_a_moment_has_one_receipt(timed):
    alice, bob = timed.agents("alice", "bob")
    alice.send_many([Draft("bob", f"{number}") for number in range(5)])
    taken = bob.take()
    bob.confirm([taken[0], taken[2], taken[4]])
    bob.confirm(taken)
    assert [event.message for event in alice.events()] == ["1", "3", "5", "2", "4"]


def test_a_message_that_came_again_has_one_receipt(post):
    alice, bob, again = post.agents("alice", "bob", "bob")
    alice.send("bob", "hi")
    bob.give_back(bob.take())
    again.confirm(again.take())
    assert len(happened(alice)) == 1


def test_a_confirmation_that_does_not_count_makes_no_receipts(post):
    post.configure("[limits]\nlease_ms = 1\n")
    alice, bob, again = post.agents("alice", "bob", "bob")
    alice.send_many([Draft("bob", "one"), Draft("bob", "two")])
    late = bob.take()
    again.take(wait=SOON_S)
    with pytest.raises(LeaseLost):
        bob.confirm(late)
    assert happened(alice) == []


def test_an_answer_is_told_once(post):
    alice, bob = post.agents("alice", "bob")
    receipt = alice.send("bob", "which port?")
    for message in bob.inbox():
        message.reply("8080")
        message.reply("or 8081")
    assert happened(alice) == [("answered", "bob", receipt.id)]


def test_an_answer_after_reading_is_told_too(post):
    alice, bob = post.agents("alice", "bob")
    receipt = alice.send("bob", "which port?")
    (message,) = bob.take()
    message.confirm()
    message.reply("8080")
    assert happened(alice) == [("read", "bob", receipt.id), ("answered", "bob", receipt.id)]


def test_a_message_that_expires_is_told(timed):
    alice, _ = timed.agents("alice", "bob")
    alice.send("bob", "soon", id="soon", expires_in=1)
    timed.pass_s(2)
    assert happened(alice) == [("expired", "bob", "soon")]


@pytest.fixture
def held(post):
    """Two agents in a thread that is held: `three` of alice waits for the human, who is at a desk."""
    limited(post, thread_turns=1)
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "one", id="one")
    bob.send("alice", "two", reply_to="one", id="two")
    alice.send("bob", "three", thread="one", id="three")
    list(alice.events())
    desk = open_desk_of_human(post.home, interface="cli")
    yield alice, bob, desk
    desk.close()


def test_a_message_that_was_held_is_told_when_it_is_delivered(held):
    alice, bob, desk = held
    holding.release(desk, "one")
    assert happened(alice) == [("delivered", "bob", "three")]
    assert happened(bob) == []


def test_a_message_that_is_discarded_is_told_with_the_reason(held):
    alice, _, desk = held
    holding.discard(desk, "one", "enough")
    assert [(event.what, event.agent, event.message, event.text) for event in alice.events()] == [("discarded", "bob", "three", "enough")]


# Seeing them


def test_an_event_is_seen_when_the_loop_moves_on(post):
    alice, bob = post.agents("alice", "bob")
    alice.send_many([Draft("bob", f"{number}") for number in range(3)])
    bob.confirm(bob.take())
    for event in alice.events():
        if event.message == "2":
            break
    assert [event.message for event in alice.events()] == ["2", "3"]
    assert happened(alice) == []


def test_more_events_than_a_page_come_in_order(post):
    alice, bob = post.agents("alice", "bob")
    for _ in range(events.PAGE + 50):
        alice.send("bob", "hi")
        bob.confirm(bob.take())
    assert [int(event.message) for event in alice.events()] == list(range(1, events.PAGE + 51))


def test_events_of_messages_that_are_gone_hide_no_others(post):
    alice, bob = post.agents("alice", "bob")
    for _ in range(events.PAGE + 10):
        alice.send("bob", "hi")
        bob.confirm(bob.take())
    with alice._seat.desk.posting() as posting:
        posting.database.execute("DELETE FROM message WHERE seq <= ?", (events.PAGE + 5,))
    assert [int(event.message) for event in alice.events()] == list(range(events.PAGE + 6, events.PAGE + 11))


def test_an_event_wakes_one_who_waits_for_events(post):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "hi")
    with ThreadPoolExecutor() as aside:
        waiting = aside.submit(lambda: next(iter(alice.events(wait=SOON_S))))
        until_it_waits(alice)
        bob.confirm(bob.take())
        assert waiting.result().what == "read"


def test_an_event_in_a_room_wakes_one_who_waits_for_events(post):
    alice, bob = post.agents("alice", "bob")
    alice.create_room("dev")
    bob.join("dev")
    list(alice.events())
    with ThreadPoolExecutor() as aside:
        waiting = aside.submit(lambda: next(iter(alice.events(wait=SOON_S))))
        until_it_waits(alice)
        rings = alice._seat.bell.rings
        bob.profile(status="busy")
        assert waiting.result().text == "busy"
        assert alice._seat.bell.rings > rings


def test_an_event_wakes_nobody_who_does_not_wait_for_events(post):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "hi")
    list(alice.events(wait=0.001))
    taken = bob.take()  # which may do the chores, and they ring every bell
    rings = alice._seat.bell.rings
    bob.confirm(taken)
    assert alice._seat.bell.rings == rings
    assert len(happened(alice)) == 1


def test_a_killed_process_waits_for_events_no_more(post):
    alice = post.connect("alice")
    with Program("bob", "print('here')\nfor event in me.events(wait=None): pass") as bob:
        assert bob.line() == "here"
        until(lambda: stored.listens(alice._seat.desk.database, 4))
        bob.kill()
        alice.agents()
    assert not stored.listens(alice._seat.desk.database, 4)


def test_events_come_to_async_agents(post):
    bob = post.connect("bob")

    async def story():
        async with connect_async("alice") as alice:
            await alice.send("bob", "hi")
            bob.confirm(bob.take())
            return [event.what async for event in alice.events(wait=0)]

    assert asyncio.run(story()) == ["read"]


# How many there are


def test_old_events_go_in_small_steps_and_the_newest_stays(post):
    (alice,) = post.agents("alice")
    desk = alice._seat.desk
    with desk.posting() as posting:
        events.tell(posting, [stored.NewEvent(1, "topic", None, 3, 3) for _ in range(10)])
    assert events.prune(desk, limit=4)
    assert rows(alice) == 6
    assert events.prune(desk, limit=4)
    assert not events.prune(desk, limit=4)
    assert rows(alice) == 1


# How they are kept


@given(st.lists(st.integers(1, 1 << 40), min_size=1, max_size=50, unique=True).map(sorted))
def test_numbers_come_back_as_they_were_written(numbers):
    assert stored.numbers(stored.written(numbers)) == numbers


def test_numbers_that_follow_each_other_are_written_short():
    assert stored.written(range(5, 900)) == "5-899"


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 4)), max_size=25))
def test_each_message_has_exactly_one_receipt_however_it_was_read(steps):
    with PostRoom() as post:
        alice, bob = post.agents("alice", "bob")
        seen: list[str] = []
        sent: list[str] = []
        for reads, number in steps:
            if reads:
                taken = bob.take(number)
                bob.confirm([*taken, *taken[:1]])
                bob.confirm(taken[:2])
            else:
                sent += [receipt.id for receipt in alice.send_many([Draft("bob", "x")] * number)]
            for event in alice.events():
                seen.append(event.message or "")
                if number == 3:
                    break
        bob.confirm(bob.take(1000))
        seen += [event.message or "" for event in alice.events()]
        assert list(dict.fromkeys(seen)) == sent, "a loop that was left sees one again"
        assert presence.listed(desk_of(alice)).waiting == 0
