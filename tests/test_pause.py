"""A human pauses an agent: what it sends is held, it knows why, and the human releases or discards it."""

import pytest

from postroom.core import errors
from postroom.core.message import Draft, Kind, Message, State
from postroom.exchange import holding, sessions
from postroom.exchange.desk import Desk
from postroom.exchange.watching import Feed, Sieve


def bodies(messages):
    return [message.body for message in messages if message.kind is Kind.MESSAGE]


@pytest.fixture
def paused(timed):
    """Alice, whom the human has paused; bob; the human."""
    (alice, bob), human = timed.agents("alice", "bob"), timed.human()
    bob.create_room("dev")
    alice.join("dev")
    holding.pause(human._seat.desk, "alice", "you repeat yourself")
    return alice, bob, human


def test_what_a_paused_agent_sends_is_held_and_its_receipt_says_why(paused):
    alice, bob, _ = paused
    receipt = alice.send("bob", "hello")
    assert (receipt.state, receipt.deliveries[0].reason) == (State.HELD, "paused: you repeat yourself")
    assert bob.take() == []
    assert alice.status(receipt.id).state is State.HELD


def test_a_paused_agent_is_told_once_and_why(paused):
    alice, _, human = paused
    holding.pause(human._seat.desk, "alice", "you repeat yourself")
    (notice,) = alice.take()
    assert (notice.sender, "you repeat yourself" in notice.body) == ("postroom", True)


def test_everything_that_a_paused_agent_sends_is_held(paused):
    alice, bob, human = paused
    asked = bob.send("alice", "which port?")
    bob.profile(auto_accept=True)
    held = [
        alice.send("bob", "direct"),
        alice.send("#dev", "in a room"),
        alice.send("@all", "to all"),
        alice.send("", "an answer", reply_to=asked.id),
    ]
    assert [receipt.state for receipt in held] == [State.HELD] * 4
    with pytest.raises(errors.SessionTimeout):
        alice.session("bob", "work", timeout=0.01)
    assert bodies(bob.take()) == []
    assert [(one.id, one.messages) for one in holding.held(human._seat.desk)] == [("alice", 5)]


def test_what_is_held_is_read_by_nobody_however_they_look(paused):
    alice, bob, human = paused
    for to in ("bob", "#dev", "@all"):
        alice.send(to, "nonsense")
    with pytest.raises(errors.SessionTimeout):
        alice.session("bob", "nonsense", timeout=0.01)
    feed = Feed(bob._seat.desk, Sieve(), last=10)

    def found():
        seen = [*bob.history(), *bob.history(peer="#dev"), *bob.search("nonsense"), *bob.peek(), *bob.take()]
        seen += [one for one in feed.news() if isinstance(one, Message)]
        return [message.body for message in seen if "nonsense" in message.body], bob.sessions()

    assert found() == ([], [])
    assert len([message for message in alice.history() if message.body == "nonsense"]) == 4
    assert holding.discard(human._seat.desk, "alice", "nonsense") == 4
    assert found() == ([], [])
    alice.send("bob", "sense")
    holding.release(human._seat.desk, "alice")
    assert [message.body for message in bob.search("sense")] == ["sense"]


def test_a_paused_agent_still_reads(paused):
    alice, bob, _ = paused
    bob.send("alice", "for you")
    assert bodies(alice.take()) == ["for you"]


def test_a_release_delivers_everything_in_order_once_and_the_agent_goes_on(paused):
    alice, bob, human = paused
    for number in range(5):
        alice.send("bob", str(number))
    assert holding.release(human._seat.desk, "alice") == 5
    alice.send("bob", "5")
    assert bodies(bob.take()) == ["0", "1", "2", "3", "4", "5"]
    assert holding.held(human._seat.desk) == []
    with pytest.raises(errors.NotPaused):
        holding.release(human._seat.desk, "alice")


@pytest.mark.parametrize("somebody_else_too", [False, True])
def test_much_is_released_in_parts_between_which_others_get_their_turn(paused, monkeypatch, somebody_else_too):
    alice, bob, human = paused
    monkeypatch.setattr(holding, "AT_A_TIME", 2)
    for number in range(5):
        alice.send("bob", str(number))
    parts, posting = [], Desk.posting

    def between(desk, **how):
        parts.append(len(bodies(bob.peek())))
        if parts == [0, 2] and somebody_else_too:
            assert holding.release(human._seat.desk, "alice") == 3
        return posting(desk, **how)

    monkeypatch.setattr(Desk, "posting", between)
    released = holding.release(human._seat.desk, "alice")
    monkeypatch.undo()
    assert (released, parts) == ((2, [0, 2, 2, 4]) if somebody_else_too else (5, [0, 2, 4]))
    assert alice.send("bob", "5").state is State.DELIVERED
    assert bodies(bob.take()) == ["0", "1", "2", "3", "4", "5"]


def test_a_paused_agent_neither_accepts_nor_declines_a_session_until_it_may_speak(paused):
    alice, bob, human = paused
    alice.profile(auto_accept=True)
    offered = sessions.open_session(bob._seat.desk, Draft("alice", "tea?"))
    for answer in (lambda: alice.decline(f"bob:{offered.id}", "nonsense"), lambda: alice.accept(f"bob:{offered.id}")):
        with pytest.raises(errors.Paused, match="you repeat yourself"):
            answer()
    assert [one.kind for one in bob.take()] == []
    holding.release(human._seat.desk, "alice")
    alice.accept(f"bob:{offered.id}").close()
    assert bob.take()[0].kind is Kind.SYN_ACK


def test_what_is_discarded_comes_back_with_the_reason_and_the_agent_stays_paused(paused):
    alice, bob, human = paused
    alice.confirm(alice.take())
    receipt = alice.send(["bob", "human"], "nonsense")
    assert holding.discard(human._seat.desk, "alice", "nonsense indeed") == 1
    (notice,) = alice.take()
    assert ("nonsense indeed" in notice.body, "bob, human" in notice.body) == (True, True)
    assert {one.state for one in alice.status(receipt.id).deliveries} == {State.REFUSED}
    assert alice.send("bob", "again").state is State.HELD
    assert bob.take() == []


def test_an_answer_that_is_released_counts_as_the_answer(paused):
    alice, bob, human = paused
    asked = bob.send("alice", "which port?", reply_within=60)
    alice.send("", "8080", reply_to=asked.id)
    assert bob.status(asked.id).state is not State.ANSWERED
    holding.release(human._seat.desk, "alice")
    assert bob.status(asked.id).state is State.ANSWERED
    assert bodies(bob.take()) == ["8080"]


def test_releasing_a_thread_leaves_what_is_held_of_a_paused_agent(timed):
    timed.post.configure("[limits]\nthread_turns = 1\n")
    (alice, bob), human = timed.agents("alice", "bob"), timed.human()
    first = alice.send("bob", "1")
    second = bob.send("", "2", reply_to=first.id)
    alice.send("", "3", reply_to=second.id)
    holding.pause(human._seat.desk, "bob", "wait")
    bob.send("alice", "4", thread=first.id)
    assert [(one.id, one.messages) for one in holding.held(human._seat.desk)] == [(first.id, 1), ("bob", 1)]
    assert holding.release(human._seat.desk, first.id) == 1
    assert holding.release(human._seat.desk, "bob") == 1
    assert bodies(bob.take()) == ["3"]
    assert bodies(alice.take()) == ["4"]


def test_an_agent_sees_what_is_held_of_its_own_words_and_nothing_else(paused):
    alice, bob, _ = paused
    alice.send("bob", "hello")
    assert [(one.id, one.messages) for one in holding.held(alice._seat.desk)] == [("alice", 1)]
    assert holding.held(bob._seat.desk) == []


def test_nothing_that_is_held_is_pruned_or_lost_with_its_process(timed, paused):
    alice, bob, human = paused
    alice.send("bob", "hello")
    alice.close()
    timed.pass_s(400 * 86_400)
    holding.release(human._seat.desk, "alice")
    assert bodies(bob.take()) == ["hello"]


@pytest.mark.parametrize(
    "name, reason, error", [("nobody", "x", errors.NoSuchAgent), ("alice", " ", errors.BadValue), ("human", "x", errors.BadValue)]
)
def test_a_pause_needs_an_agent_and_a_reason(paused, name, reason, error):
    *_, human = paused
    with pytest.raises(error):
        holding.pause(human._seat.desk, name, reason)
