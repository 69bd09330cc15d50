"""Sessions: a handshake, DATA both ways in order, and an end that loses nothing. Each test is a sentence of the rules."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from postroom.core import errors
from postroom.core.message import Draft, Kind, State
from postroom.core.session import MOVES, SessionState, Side, drawing, fold
from postroom.exchange import holding, sessions
from tests.programs import Program

SOON_S = 30  # a deadline for what happens at once
PAGE = Path(__file__).resolve().parent.parent / "docs" / "sessions.md"


def kinds(messages):
    return [message.kind for message in messages]


def bodies(messages):
    return [message.body for message in messages]


def handshake(opener, peer, task="review"):
    """The session as both sides see it."""
    with ThreadPoolExecutor() as pool:
        opening = pool.submit(opener.session, peer.name, task, timeout=SOON_S)
        (syn,) = peer.take(wait=SOON_S)
        accepted = syn.accept()
        return opening.result(SOON_S), accepted


def offered(agent, peer="bob", task="review"):
    """The id of a session that was offered, by a process that does not wait for the answer."""
    return sessions.open_session(agent._seat.desk, Draft(peer, task)).id


# The handshake


def test_the_offer_carries_the_task_and_acceptance_opens_the_session(post):
    alice, bob = post.agents("alice", "bob")
    with ThreadPoolExecutor() as pool:
        opening = pool.submit(alice.session, "bob", "review PR #42", timeout=SOON_S)
        (syn,) = bob.take(wait=SOON_S)
        assert (syn.kind, syn.sender, syn.body) == (Kind.SYN, "alice", "review PR #42")
        accepted = syn.accept()
        session = opening.result(SOON_S)
    assert session.id == accepted.id == syn.id
    assert session.state is accepted.state is SessionState.OPEN
    assert (session.peer, accepted.peer, session.task) == ("bob", "alice", "review PR #42")
    assert alice.take() == bob.take() == []  # the handshake is nobody's mail


def test_data_goes_both_ways_in_order_and_each_has_its_receipt(post):
    alice, bob = post.agents("alice", "bob")
    session, accepted = handshake(alice, bob)
    receipts = [session.send(f"a{number}") for number in range(3)] + [accepted.send(f"b{number}") for number in range(3)]
    assert [accepted.receive(SOON_S).body for _ in range(3)] == ["a0", "a1", "a2"]
    assert [session.receive(SOON_S).body for _ in range(3)] == ["b0", "b1", "b2"]
    assert {receipt.state for receipt in receipts} == {State.DELIVERED}
    assert alice.status(receipts[0].id).state is State.READ
    assert alice.status(receipts[2].id).state is State.HANDED


def test_the_other_side_may_decline_with_a_reason(post):
    alice, bob = post.agents("alice", "bob")
    with ThreadPoolExecutor() as pool:
        opening = pool.submit(alice.session, "bob", "review", timeout=SOON_S)
        (syn,) = bob.take(wait=SOON_S)
        syn.decline("no time before Friday")
        with pytest.raises(errors.SessionDeclined, match="no time before Friday") as declined:
            opening.result(SOON_S)
    assert declined.value.reason == "no time before Friday"
    (view,) = alice.sessions()
    assert (view.state, view.reason) == (SessionState.DECLINED, "no time before Friday")


@pytest.mark.parametrize("reason", ["", " "])
def test_declining_without_a_reason_is_refused(post, reason):
    alice, bob = post.agents("alice", "bob")
    offered(alice)
    with pytest.raises(errors.BadValue, match="reason"):
        bob.take()[0].decline(reason)


def test_an_agent_may_be_set_to_accept_by_itself(post):
    alice, bob = post.agents("alice", "bob")
    bob.profile(auto_accept=True)
    session = alice.session("bob", "review", timeout=SOON_S)
    assert session.state is SessionState.OPEN
    (syn,) = bob.take()
    with pytest.raises(errors.NotYourTurn):
        syn.accept()
    bob.resume(syn.id).send("I am on it")
    assert session.receive(SOON_S).body == "I am on it"


def test_an_offer_that_nobody_answers_is_withdrawn_at_its_timeout(timed):
    alice, bob = timed.agents("alice", "bob")
    with pytest.raises(errors.SessionTimeout):
        alice.session("bob", "review", timeout=0.01)
    assert [view.state for view in alice.sessions()] == [SessionState.CLOSED]
    syn, fin = bob.take()
    assert fin.kind is Kind.FIN
    with pytest.raises(errors.NotYourTurn):
        syn.accept()


def test_an_offer_lapses_after_30_seconds_and_both_are_told(timed):
    alice, bob = timed.agents("alice", "bob")
    id = offered(alice)
    timed.pass_s(29)
    assert [view.state for view in alice.sessions()] == [SessionState.OFFERED]
    timed.pass_s(1)
    (view,) = alice.sessions()
    assert (view.id, view.state) == (id, SessionState.LAPSED)
    (lapse,) = alice.take()
    syn, told = bob.take()
    for notice in (lapse, told):
        assert (notice.kind, notice.sender, notice.thread) == (Kind.LAPSE, "postroom", id)
        assert "was not accepted in time" in notice.body
    with pytest.raises(errors.NotYourTurn):
        syn.accept()


def test_an_opener_whose_offer_lapses_hears_of_a_timeout(timed):
    alice, bob = timed.agents("alice", "bob")
    rings = bob._seat.bell.rings
    with ThreadPoolExecutor() as pool:
        opening = pool.submit(alice.session, "bob", "review", timeout=SOON_S)
        assert bob._seat.bell.wait(rings, SOON_S)
        timed.pass_s(SOON_S)
        with pytest.raises(errors.SessionTimeout):
            opening.result(SOON_S)
    assert [view.state for view in alice.sessions()] == [SessionState.LAPSED]


def test_a_second_offer_with_the_same_id_changes_nothing(post):
    alice, bob = post.agents("alice", "bob")
    syn = Draft("bob", "review", id="pr-42")
    first = sessions.open_session(alice._seat.desk, syn)
    assert sessions.open_session(alice._seat.desk, syn) == first
    (message,) = bob.take()
    session = message.accept()
    assert sessions.open_session(alice._seat.desk, syn).number == first.number
    assert session.state is SessionState.OPEN
    assert bob.take() == []
    assert [view.id for view in alice.sessions()] == ["pr-42"]


def test_an_offer_can_be_answered_once(post):
    alice, bob = post.agents("alice", "bob")
    offered(alice)
    (syn,) = bob.take()
    syn.accept()
    for act in (syn.accept, lambda: syn.decline("no")):
        with pytest.raises(errors.NotYourTurn, match="is open"):
            act()


def test_the_opener_cannot_answer_its_own_offer(post):
    (alice, _) = post.agents("alice", "bob")
    id = offered(alice)
    for act in (lambda: alice.accept(id), lambda: alice.decline(id, "changed my mind")):
        with pytest.raises(errors.NotYourTurn):
            act()


@pytest.mark.parametrize("to", ["alice", ["bob", "carol"]])
def test_a_session_is_with_one_other_agent(post, to):
    alice, *_ = post.agents("alice", "bob", "carol")
    with pytest.raises(errors.BadValue, match="one other agent"):
        alice.session(to, "talk", timeout=1)


def test_two_offers_with_one_id_from_two_agents_are_told_apart(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    for opener in (alice, carol):
        sessions.open_session(opener._seat.desk, Draft("bob", f"from {opener.name}", id="review"))
    first, second = bob.take()
    assert second.accept().peer == "carol"
    first.decline("one is enough")
    assert [view.state for view in bob.sessions()] == [SessionState.DECLINED, SessionState.OPEN]
    with pytest.raises(errors.AmbiguousId):
        bob.resume("review")


def test_the_sessions_of_others_are_unknown(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    session, _ = handshake(alice, bob)
    session_mail = alice.send("carol", "look at this", thread=session.id)
    for id in (session.id, session_mail.id, "nonsense"):
        with pytest.raises(errors.NoSuchSession):
            carol.resume(id)
    assert carol.sessions() == []


def test_an_inbox_loop_in_another_process_does_not_get_what_belongs_to_the_session(post):
    alice, bob = post.agents("alice", "bob")
    bob.profile(auto_accept=True)
    with Program("alice", "for message in me: print(message.body)") as loop:
        bob.send("alice", "are you there?")
        assert loop.line() == "are you there?"
        for _ in range(20):
            session = alice.session("bob", "review", timeout=SOON_S)
            bob.resume(session.id).send("data")
            assert session.receive(SOON_S).body == "data"
            session.close(timeout=0)
        bob.send("alice", "something else")
        assert loop.line() == "something else"


# Open


def test_data_in_a_session_that_is_not_open_is_an_error(post):
    alice, bob = post.agents("alice", "bob")
    id = offered(alice)
    with pytest.raises(errors.NotYourTurn, match="has not answered yet"):
        sessions.say(alice._seat.desk, id, Draft("", "are you there?"))
    with pytest.raises(errors.NotYourTurn):
        sessions.say(bob._seat.desk, id, Draft("", "who is it?"))
    bob.decline(id, "no")
    for agent in (alice, bob):
        with pytest.raises(errors.NotYourTurn, match="is declined"):
            sessions.say(agent._seat.desk, id, Draft("", "please"))


def test_data_after_fin_is_an_error_on_both_sides(post):
    alice, bob = post.agents("alice", "bob")
    session, accepted = handshake(alice, bob)
    session.close(timeout=0)
    for side in (session, accepted):
        with pytest.raises(errors.NotYourTurn, match=r"is closing .* nothing can be sent in it"):
            side.send("one more thing")


def test_an_answer_in_a_session_is_part_of_it(post):
    alice, bob = post.agents("alice", "bob")
    session, accepted = handshake(alice, bob)
    asked = session.send("which port?", reply_within=60)
    accepted.receive(SOON_S).reply("8080")
    answer = session.receive(SOON_S)
    assert (answer.kind, answer.body, answer.reply_to, answer.thread) == (Kind.DATA, "8080", asked.id, session.id)
    assert alice.status(asked.id).state is State.ANSWERED


def test_data_sent_again_with_the_same_id_arrives_once(post):
    alice, bob = post.agents("alice", "bob")
    session, accepted = handshake(alice, bob)
    first = session.send("one", id="x")
    assert session.send("one", id="x") == first
    assert accepted.receive(SOON_S).body == "one"
    with pytest.raises(errors.SessionTimeout):
        accepted.receive(timeout=0)


def test_receiving_ends_at_its_timeout(post):
    alice, bob = post.agents("alice", "bob")
    session, _ = handshake(alice, bob)
    with pytest.raises(errors.SessionTimeout, match="'bob' did not answer"):
        session.receive(timeout=0.01)
    assert session.state is SessionState.OPEN


def test_a_notice_about_a_session_does_not_end_it(timed):
    alice, bob = timed.agents("alice", "bob")
    session, accepted = handshake(alice, bob)
    session.send("which port?", reply_within=60)
    timed.pass_s(60)
    accepted.send("8080")
    notice, data = session.receive(SOON_S), session.receive(SOON_S)
    assert (notice.kind, notice.subject) == (Kind.NOTICE, "notice: deadline")
    assert (data.kind, data.body) == (Kind.DATA, "8080")


def test_a_message_in_the_thread_of_a_session_does_not_end_it(post):
    alice, bob = post.agents("alice", "bob")
    session, _ = handshake(alice, bob)
    bob.send("alice", "by the way", thread=session.id)
    assert session.receive(SOON_S).body == "by the way"
    assert session.state is SessionState.OPEN


def test_a_message_in_the_thread_of_an_offer_is_no_acceptance(post):
    alice, bob = post.agents("alice", "bob")
    with ThreadPoolExecutor() as pool:
        opening = pool.submit(alice.session, "bob", "review", timeout=SOON_S)
        (syn,) = bob.take(wait=SOON_S)
        syn_answer = bob.send("alice", "what is it about?", reply_to=syn.id)
        alice.follow(syn_answer.id, until=State.HANDED, timeout=SOON_S)
        syn.decline("never mind")
        with pytest.raises(errors.SessionDeclined):
            opening.result(SOON_S)
    assert "what is it about?" in bodies(alice.take())


# The end


def test_closing_waits_until_the_other_side_has_read_the_end(post):
    alice, bob = post.agents("alice", "bob")
    session, accepted = handshake(alice, bob)
    with ThreadPoolExecutor() as pool:
        closing = pool.submit(session.close, timeout=SOON_S)
        with pytest.raises(errors.SessionClosed):
            accepted.receive(SOON_S)
        assert closing.result(SOON_S) is True
    assert session.state is accepted.state is SessionState.CLOSED
    assert alice.take() == bob.take() == []


def test_fin_is_acknowledged_only_after_it_was_read(post):
    alice, bob = post.agents("alice", "bob")
    session, accepted = handshake(alice, bob)
    bob._seat.let_go(accepted._line.root)
    session.send("last words")
    assert session.close(timeout=0) is False
    data, fin = bob.take()
    assert (data.body, fin.kind) == ("last words", Kind.FIN)
    states = [session.state]
    for message in (data, fin):
        message.confirm()
        states.append(session.state)
    assert states == [SessionState.CLOSING_BY_OPENER, SessionState.CLOSING_BY_OPENER, SessionState.CLOSED]
    assert kinds(alice.take()) == [Kind.FIN_ACK]


def test_a_fin_that_was_handed_over_twice_is_acknowledged_once(timed):
    alice, bob = timed.agents("alice", "bob")
    session, accepted = handshake(alice, bob)
    bob._seat.let_go(accepted._line.root)
    session.close(timeout=0)
    first = bob.take()
    timed.pass_s(601)
    bob.confirm(first + bob.take())
    assert session.state is SessionState.CLOSED
    assert kinds(alice.take()) == [Kind.FIN_ACK]


def test_what_was_sent_before_fin_is_still_delivered(post):
    alice, bob = post.agents("alice", "bob")
    session, accepted = handshake(alice, bob)
    for number in range(3):
        session.send(str(number))
    session.close(timeout=0)
    assert bodies(accepted) == ["0", "1", "2"]
    assert accepted.state is SessionState.CLOSED


def test_what_the_other_side_still_said_comes_to_the_inbox_of_the_one_that_closes(timed):
    alice, bob = timed.agents("alice", "bob")
    session, accepted = handshake(alice, bob)
    session.send("which port?", reply_within=60)
    timed.pass_s(60)
    accepted.send("not yet read")
    session.close(timeout=0)
    assert [message.subject or message.body for message in alice.take()] == ["notice: deadline", "not yet read"]


def test_both_sides_may_close_at_once(post):
    alice, bob = post.agents("alice", "bob")
    session, accepted = handshake(alice, bob)
    sessions.close(alice._seat.desk, session.id)
    sessions.close(bob._seat.desk, session.id)
    assert session.state is SessionState.CLOSED
    for side in (session, accepted):
        with pytest.raises(errors.SessionClosed):
            side.receive(SOON_S)
    assert Kind.FIN_ACK not in kinds(alice.thread(session.id))


def test_closing_twice_is_harmless(post):
    alice, bob = post.agents("alice", "bob")
    session, accepted = handshake(alice, bob)
    session.close(timeout=0)
    assert accepted.close(timeout=0) is True
    assert session.close(timeout=0) is True
    assert kinds(alice.thread(session.id)) == [Kind.SYN, Kind.SYN_ACK, Kind.FIN, Kind.FIN]


def test_a_session_is_closed_at_the_end_of_its_block(post):
    alice, bob = post.agents("alice", "bob")
    with ThreadPoolExecutor() as pool:
        peer = pool.submit(lambda: bodies(bob.take(wait=SOON_S)[0].accept()))
        with alice.session("bob", "review", timeout=SOON_S) as session:
            session.send("the only word")
        assert session.state is SessionState.CLOSED
        assert peer.result(SOON_S) == ["the only word"]


def test_receiving_after_the_end_says_so_at_once(post):
    alice, bob = post.agents("alice", "bob")
    session, accepted = handshake(alice, bob)
    session.close(timeout=0)
    for _ in range(2):
        with pytest.raises(errors.SessionClosed):
            accepted.receive(timeout=None)


def test_a_forgotten_session_is_closed_by_the_idle_limit_and_both_are_told(timed):
    timed.post.configure("[limits]\nsession_idle_ms = 60000\n")
    alice, bob = timed.agents("alice", "bob")
    session, accepted = handshake(alice, bob)
    timed.pass_s(50)
    session.send("still here")
    assert accepted.receive(SOON_S).body == "still here"
    states = []
    for seconds in (59, 1):
        timed.pass_s(seconds)
        states.append(session.state)
    assert states == [SessionState.OPEN, SessionState.CLOSED]
    for side in (session, accepted):
        with pytest.raises(errors.SessionClosed):
            side.receive(SOON_S)
    (lapse,) = (message for message in bob.thread(session.id) if message.kind is Kind.LAPSE)
    assert lapse.to == ("alice", "bob")
    assert "silent for too long" in lapse.body


@pytest.mark.parametrize("end", ["closing", "declined", "withdrawn"])
def test_the_idle_limit_leaves_ended_sessions_alone_and_ends_half_closed_ones(timed, end):
    alice, bob = timed.agents("alice", "bob")
    id = offered(alice)
    if end == "declined":
        bob.decline(id, "no")
    elif end == "withdrawn":
        sessions.close(alice._seat.desk, id)
    else:
        bob.accept(id)
        sessions.close(alice._seat.desk, id)
    timed.pass_s(100_000)
    told = [message.kind for message in alice.thread(id) if message.kind is Kind.LAPSE]
    assert told == ([Kind.LAPSE] if end == "closing" else [])
    assert sessions.show(alice._seat.desk, id).state is (SessionState.DECLINED if end == "declined" else SessionState.CLOSED)


# What lasts


def test_sessions_are_listed_with_state_task_peer_counts_and_last_activity(timed):
    alice, bob, carol = timed.agents("alice", "bob", "carol")
    session, accepted = handshake(alice, bob, "review PR #42")
    opened = timed.now_ms
    timed.pass_s(5)
    session.send("one")
    accepted.send("two")
    declined = offered(carol, "alice", "lunch")
    alice.decline(declined, "no")
    first, second = alice.sessions()
    assert (first.id, first.opener, first.peer, first.task) == (session.id, "alice", "bob", "review PR #42")
    assert (first.state, first.reason, first.messages) == (SessionState.OPEN, None, 2)
    assert (first.opened_ms, first.active_ms) == (opened, opened + 5_000)
    assert (second.opener, second.peer, second.state, second.reason) == ("carol", "alice", SessionState.DECLINED, "no")
    assert [view.id for view in bob.sessions()] == [session.id]


def test_two_managers_may_talk_to_each_other_in_several_sessions(post):
    alice, bob = post.agents("alice", "bob")
    first, accepted_by_bob = handshake(alice, bob, "one")
    second, accepted_by_alice = handshake(bob, alice, "two")
    first.send("in the first")
    second.send("in the second")
    accepted_by_bob.send("answer in the first")
    assert accepted_by_alice.receive(SOON_S).body == "in the second"
    assert accepted_by_bob.receive(SOON_S).body == "in the first"
    assert first.receive(SOON_S).body == "answer in the first"


def test_an_opener_that_restarts_before_the_answer_goes_on(post):
    alice, bob = post.agents("alice", "bob")
    id = offered(alice)
    alice.close()
    bob.take()[0].accept().send("welcome back")
    alice = post.connect("alice")
    assert alice.resume(id).receive(SOON_S).body == "welcome back"


def test_an_opener_that_restarts_before_being_declined_is_told_why(post):
    alice, bob = post.agents("alice", "bob")
    id = offered(alice)
    bob.take()[0].decline("no time")
    with pytest.raises(errors.SessionDeclined, match="no time"):
        alice.resume(id).receive(SOON_S)


OPENER = """
session = me.session("bob", "long work", timeout=60)
session.send("from the first opener")
print(session.id)
"""
PEER = """
session = me.take(wait=60)[0].accept()
print(session.receive(60).body)
session.send("from the first peer")
print("sent")
"""
OPENER_AGAIN = """
session = me.resume(sys.argv[2] if len(sys.argv) > 2 else me.sessions()[0].id)
print(session.receive(60).body)
session.send("from the second opener")
print(session.close(timeout=60))
"""
PEER_AGAIN = """
session = me.resume(me.sessions()[0].id)
for message in session: print(message.body, message.redelivered)
print(session.state)
"""


def test_a_session_survives_the_death_of_both_processes(post):
    post.connect("bob").close()
    with Program("bob", PEER) as peer, Program("alice", OPENER) as opener:
        assert opener.line()
        assert peer.line() == "from the first opener"
        assert peer.line() == "sent"
        opener.kill()
        peer.kill()
    with Program("alice", OPENER_AGAIN) as opener, Program("bob", PEER_AGAIN) as peer:
        assert opener.line() == "from the first peer"
        # The first peer had this in hand when it was killed.
        assert peer.line() == "from the first opener True"
        assert peer.line() == "from the second opener False"
        assert peer.line() == "closed"
        assert opener.line() == "True"


# Budgets


def test_held_data_waits_for_the_human_and_the_end_does_not(post):
    post.configure("[limits]\nthread_turns = 2\n")
    alice, bob = post.agents("alice", "bob")
    session, accepted = handshake(alice, bob)
    accepted.send("one")
    session.send("two")
    assert accepted.send("three").state is State.HELD
    accepted.close(timeout=0)
    assert holding.release(alice._seat.desk, session.id) == 1
    received = [session.receive(SOON_S) for _ in range(3)]
    assert sorted(bodies(message for message in received if message.kind is Kind.DATA)) == ["one", "three"]


# The table


def test_every_state_can_be_reached_and_every_live_one_left():
    reached = {SessionState.OFFERED} | set(MOVES.values())
    assert reached == set(SessionState)
    for state in (SessionState.OFFERED, SessionState.OPEN, SessionState.CLOSING_BY_OPENER, SessionState.CLOSING_BY_PEER):
        assert (state, Side.POSTROOM, Kind.LAPSE) in MOVES, "the post room can end what both sides forgot"


def test_an_impossible_history_is_a_bug():
    with pytest.raises(AssertionError, match="impossible"):
        fold([(Side.OPENER, Kind.SYN_ACK)])


def test_the_drawing_in_the_documentation_is_the_table():
    assert f"```mermaid\n{drawing()}```" in PAGE.read_text(encoding="utf-8")
