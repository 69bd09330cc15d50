"""What a person sees and does at the console, as verbs: requests decided, sessions ended, figures, messages with their fate."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from postroom.core import errors
from postroom.core.decision import Decision
from postroom.core.message import Draft, Kind, State
from postroom.core.session import LIVE, SessionState
from postroom.exchange import attending, ending, holding, looking, sessions
from postroom.exchange.desk import open_desk_of_human
from postroom.store import figures
from tests.waiting import SOON_S


@pytest.fixture
def human(post):
    """The person's desk."""
    post.connect("alice")
    desk = open_desk_of_human(post.home, interface="http")
    yield desk
    desk.close()


def bodies(requests):
    return [request.message.body for request in requests]


def test_a_request_waits_until_it_is_decided(post, human):
    alice = post.connect("alice")
    asked = alice.send("human", "may I deploy?", reply_within=60)
    (request,) = attending.requests(human)
    assert (request.message.body, request.awaited, request.state) == ("may I deploy?", True, State.DELIVERED)
    attending.decide(human, f"alice:{asked.id}", "accept")
    assert attending.requests(human) == []
    assert alice.status(asked.id).state is State.ANSWERED


@pytest.mark.parametrize(
    "decision, text, answer",
    [
        ("accept", "", ("accepted", "Accepted.")),
        ("accept", "but not today", ("accepted", "but not today")),
        ("edit", "deploy to staging", ("edited", "deploy to staging")),
        ("respond", "which version?", ("answered", "which version?")),
        ("deny", "it is Friday", ("denied", "it is Friday")),
    ],
)
def test_the_answer_says_what_was_decided(post, human, decision, text, answer):
    alice = post.connect("alice")
    asked = alice.send("human", "may I deploy?", reply_within=60)
    attending.decide(human, asked.id, decision, text=text)
    (message,) = alice.take()
    assert (message.subject, message.body) == answer
    assert (message.sender, message.reply_to) == ("human", asked.id)


@pytest.mark.parametrize("decision, text", [("edit", ""), ("respond", " \n"), ("deny", ""), ("shrug", "hm")])
def test_a_decision_says_what_it_must(post, human, decision, text):
    post.connect("alice").send("human", "may I deploy?")
    with pytest.raises(errors.BadValue):
        attending.decide(human, "1", decision, text=text)
    assert len(attending.requests(human)) == 1


def test_the_offer_of_a_session_is_accepted_or_declined(post, human):
    alice = post.connect("alice")
    first, second = (sessions.open_session(alice._seat.desk, Draft("human", task)) for task in ("review", "deploy"))
    attending.decide(human, first.id, "accept")
    attending.decide(human, second.id, "deny", text="not now")
    assert [(view.state, view.reason) for view in alice.sessions()] == [("open", None), ("declined", "not now")]
    sessions.say(alice._seat.desk, first.id, Draft("", "which branch?"))
    (question,) = [one.message for one in attending.requests(human) if one.message.kind is Kind.DATA]
    attending.decide(human, question.id, "respond", text="main")
    assert [message.body for message in alice.take() if message.kind is Kind.DATA] == ["main"]


def test_requests_are_put_aside_in_any_order(post, human):
    alice = post.connect("alice")
    first, second, third = (alice.send("human", body) for body in ("one", "two", "three"))
    assert attending.dismiss(human, [second.id]) == 1
    assert bodies(attending.requests(human)) == ["three", "one"]
    assert alice.status(second.id).state is State.READ
    assert attending.dismiss(human, [second.id, third.id, first.id]) == 2
    assert attending.requests(human) == []
    assert next(one.waiting for one in alice.agents() if one.name == "human") is None
    assert [event.what for event in alice.events()] == ["read"] * 3


def test_a_question_that_was_put_aside_still_waits_for_an_answer(post, human):
    alice = post.connect("alice")
    asked = alice.send("human", "which port?", reply_within=60)
    attending.dismiss(human, [asked.id])
    (request,) = attending.requests(human)
    assert (request.awaited, request.state) == (True, State.READ)


def test_all_of_a_room_is_put_aside_at_once(post, human):
    alice = post.connect("alice")
    alice.create_room("ops")
    from postroom.exchange import rooms

    rooms.join(human, "ops")
    for number in range(3):
        alice.send("#ops", str(number))
    alice.send("human", "besides")
    assert attending.dismiss(human, room="ops") == 3
    assert bodies(attending.requests(human)) == ["besides"]


def test_the_human_ends_a_session_of_others_and_both_learn_why(post, human):
    alice, bob = post.agents("alice", "bob")
    bob.profile(auto_accept=True)
    offered = sessions.open_session(alice._seat.desk, Draft("bob", "review"))
    with pytest.raises(errors.BadValue):
        ending.end(human, offered.id)
    ending.end(human, offered.id, "it takes too long")
    (view,) = sessions.list_sessions(human)
    assert view.state is SessionState.CLOSED
    assert view.reason is not None
    assert "it takes too long" in view.reason
    for agent in (alice, bob):
        assert [message.body for message in agent.take() if message.kind is Kind.LAPSE] == [view.reason]
    with pytest.raises(errors.NotYourTurn):
        ending.end(human, offered.id, "again")


def test_who_waits_for_an_answer_to_its_offer_learns_that_the_human_has_ended_it(post, human):
    alice, bob = post.agents("alice", "bob")
    with ThreadPoolExecutor() as pool:
        offered = pool.submit(alice.session, "bob", "review", timeout=SOON_S)
        (offer,) = bob.take(wait=SOON_S)
        ending.end(human, offer.id, "not today")
        with pytest.raises(errors.SessionClosed, match=r"The human has ended the session .*: not today"):
            offered.result(SOON_S)


def test_the_human_offers_a_session_and_closes_it(post, human):
    alice = post.connect("alice")
    offered = ending.offer(human, "alice", "tell me about it")
    with alice.accept(f"human:{offered.id}"):
        ending.end(human, offered.id)
        (view,) = alice.sessions()
        assert view.state is SessionState.CLOSING_BY_OPENER


def test_nobody_else_ends_a_session_of_others(post, human):
    alice, _, carol = post.agents("alice", "bob", "carol")
    offered = sessions.open_session(alice._seat.desk, Draft("bob", "review"))
    with pytest.raises(errors.NoSuchSession):
        ending.end(carol._seat.desk, offered.id, "mine now")


def test_the_figures_count_what_there_is(post, human):
    alice, bob = post.agents("alice", "bob")
    bob.send("alice", "hello")
    alice.send("bob", "one")
    alice.send("bob", "two")
    bob.confirm(bob.take(limit=1))
    alice.send("human", "may I?", reply_within=60)
    holding.pause(human, "alice", "wait")
    alice.send("bob", "three")
    seen = looking.overview(human, minutes=5)
    assert (seen.agents, seen.online) == (2, 2)
    assert (seen.figures.messages, seen.figures.waiting) == (6, 3)  # and a notice to alice that it is paused
    assert (seen.figures.held, seen.figures.paused, seen.figures.requests) == (1, 1, 1)
    assert [(queue.name, queue.waiting) for queue in seen.queues] == [("alice", 2), ("bob", 1)]
    assert len(seen.minutes) == 5
    assert sum(minute.sent for minute in seen.minutes) == 6
    assert [minute.handed_p50 is not None for minute in seen.minutes if minute.sent]


def test_live_sessions_are_counted_as_the_table_of_sessions_has_it(post, human):
    alice, bob = post.agents("alice", "bob")
    a, b = alice._seat.desk, bob._seat.desk
    offered = [sessions.open_session(a, Draft("bob", str(number))).id for number in range(6)]
    sessions.close(a, offered[1])  # withdrawn
    sessions.decline(b, offered[2], "no")
    for id in offered[3:]:
        sessions.accept(b, id)
    sessions.close(a, offered[4])  # half closed
    sessions.close(a, offered[5])
    sessions.close(b, offered[5])
    live = [view for view in sessions.list_sessions(human) if view.state in LIVE]
    assert len(live) == 3
    assert figures.figures(human.database).sessions == 3


def test_messages_come_with_what_became_of_them(post, human):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    alice.send(["bob", "carol"], "x" * 100, subject="long")
    bob.confirm(bob.take())
    (traced,) = looking.traced(human, body_chars=10)
    assert (traced.message.body, traced.left_out) == ("x" * 10, 90)
    assert [(one.recipient, one.state) for one in traced.deliveries] == [("bob", "read"), ("carol", "delivered")]
    carol.take()[0].reply("short")
    assert [(one.message.sender, one.left_out) for one in looking.conversation(human, "1")] == [("alice", 0), ("carol", 0)]
    assert [one.message.sender for one in looking.traced(carol._seat.desk)] == ["alice", "carol"]


@pytest.mark.parametrize("minutes", [0, -1, 1441])
def test_the_figures_are_of_so_many_minutes(human, minutes):
    with pytest.raises(errors.BadValue):
        looking.overview(human, minutes=minutes)


def test_each_decision_has_an_answer():
    from postroom.core.decision import ANSWERS

    assert list(ANSWERS) == list(Decision)
