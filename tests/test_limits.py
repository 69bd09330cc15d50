"""Limits: each row of the table holds exactly at its border, and what goes beyond is refused or held, never dropped."""

from __future__ import annotations

import fcntl
import importlib
import os

import pytest

from postroom.core import errors
from postroom.core.limits import as_markdown, limits_from, table
from postroom.core.message import Draft, Kind, State
from postroom.core.plain import in_words
from postroom.exchange import holding, sending, sessions
from postroom.exchange.desk import open_desk
from tests.borders import TESTED, border, limited


def bodies(messages):
    return [message.body for message in messages]


# Sizes


@border("body_bytes")
@pytest.mark.parametrize("letter", ["x", "ä"])
def test_a_body_is_as_large_as_its_limit_and_no_larger(post, letter):
    limited(post, body_bytes=100)
    (alice,) = post.agents("alice")
    fits = letter * (100 // len(letter.encode()))
    alice.send("alice", fits)
    with pytest.raises(errors.TooLarge, match=r"body has 10[12] bytes; the limit body_bytes is 100\. Send it as a file"):
        alice.send("alice", fits + letter)
    assert bodies(alice.take()) == [fits]


@border("subject_bytes")
def test_a_subject_is_as_large_as_its_limit_and_no_larger(post):
    limited(post, subject_bytes=10)
    (alice,) = post.agents("alice")
    alice.send("alice", subject="x" * 10)
    with pytest.raises(errors.TooLarge, match="subject has 11 bytes"):
        alice.send("alice", subject="x" * 11)


@border("description_bytes")
def test_a_description_is_as_large_as_its_limit_and_no_larger(post):
    limited(post, description_bytes=10)
    (alice,) = post.agents("alice")
    assert alice.profile(description="ä" * 5).description == "ä" * 5
    with pytest.raises(errors.TooLarge, match=r"description has 11 bytes; the limit description_bytes is 10\. Say it in fewer words"):
        alice.profile(description="ä" * 5 + "x")
    assert alice.profile().description == "ä" * 5


@border("file_bytes")
@border("files_per_message")
def test_files_are_tested_with_the_files(post, home):
    limited(post, file_bytes=3, files_per_message=1)
    (alice,) = post.agents("alice")
    for name, text in (("fits", "123"), ("large", "1234")):
        (home / name).write_text(text)
    alice.send("alice", files=[home / "fits"])
    for files in ([home / "large"], [home / "fits"] * 2):
        with pytest.raises(errors.TooLarge):
            alice.send("alice", files=files)


@border("recipients")
def test_a_message_has_as_many_recipients_as_the_limit_says(post):
    limited(post, recipients=2)
    alice, *_ = post.agents("alice", "bob", "carol")
    alice.send(["alice", "bob"], "two")
    with pytest.raises(errors.TooLarge, match="3 recipients; the limit recipients is 2"):
        alice.send(["alice", "bob", "carol"], "three")


@border("batch")
def test_a_batch_is_as_large_as_the_limit_says(post):
    limited(post, batch=3)
    alice, bob = post.agents("alice", "bob")
    alice.send_many([Draft("bob", str(number)) for number in range(3)])
    with pytest.raises(errors.TooLarge, match="4 messages; the limit batch is 3"):
        alice.send_many([Draft("bob", "x")] * 4)
    alice.send("bob", "3")
    assert bodies(bob.take(limit=1_000)) == ["0", "1", "2"]
    assert bodies(bob.take(limit=1_000)) == ["3"]


@border("page")
def test_a_page_is_as_large_as_the_limit_says(post):
    limited(post, page=2)
    (alice,) = post.agents("alice")
    for number in range(3):
        alice.send("alice", f"word {number}")
    for look in (alice.history, lambda limit: alice.search("word", limit=limit)):
        assert len(look(limit=2)) == 2
        with pytest.raises(errors.BadValue, match="1 to 2"):
            look(limit=3)
    assert len(alice.peek(limit=100)) == 2


# Numbers


@border("waiting")
def test_a_full_mailbox_refuses_and_drops_nothing(post):
    limited(post, waiting=2)
    alice, bob = post.agents("alice", "bob")
    alice.send_many([Draft("bob", "one"), Draft("bob", "two")])
    with pytest.raises(errors.MailboxFull, match="'bob' is full"):
        alice.send("bob", "three")
    taken = bob.take(limit=1)
    with pytest.raises(errors.MailboxFull):  # in hand is not yet read
        alice.send("bob", "three")
    bob.confirm(taken)
    alice.send("bob", "three")
    assert bodies(bob.take()) == ["two", "three"]


def test_a_batch_that_would_fill_a_mailbox_is_refused_as_a_whole(post):
    limited(post, waiting=2)
    alice, bob = post.agents("alice", "bob")
    with pytest.raises(errors.MailboxFull):
        alice.send_many([Draft("bob", str(number)) for number in range(3)])
    assert bob.take() == []


def test_a_full_mailbox_still_takes_notices(timed):
    limited(timed.post, waiting=1)
    alice, _ = timed.agents("alice", "bob")
    alice.send("bob", "lunch?", expires_in=1)
    alice.send("alice", "my own mailbox is full")
    timed.pass_s(2)
    assert [message.kind for message in alice.take()] == [Kind.MESSAGE, Kind.NOTICE]


@border("agents")
def test_as_many_names_are_registered_as_the_limit_says(post):
    limited(post, agents=3)  # the one that wrote the config file is the first
    alice, _ = post.agents("alice", "bob")
    with pytest.raises(errors.TooMany, match=r"already 3 names \(limit agents\)"):
        post.connect("carol")
    with pytest.raises(errors.TooMany):
        alice.send("carol", "welcome", create=True)
    alice.send("human", "they are three")
    post.connect("bob")


@border("requests")
def test_as_many_answers_are_expected_as_the_limit_says(post):
    limited(post, requests=2)
    alice, bob = post.agents("alice", "bob")
    alice.send_many([Draft("bob", "one?", reply_within=60), Draft("bob", "two?", reply_within=60)])
    for to in ("bob", ["alice", "bob"]):
        with pytest.raises(errors.TooMany, match="limit requests"):
            alice.send(to, "three?", reply_within=60)
    alice.send("bob", "no question")
    bob.take()[0].reply("yes")
    alice.send("bob", "three?", reply_within=60)


# Paces


@border("sender_per_minute")
def test_a_sender_may_send_its_minute_at_once_and_then_at_its_pace(timed):
    limited(timed.post, sender_per_minute=6, pair_per_minute=5)
    alice, *_ = timed.agents("alice", "bob", "carol")
    alice.send_many([Draft(name, "x") for name in ("bob", "carol") * 3])
    with pytest.raises(errors.TooFast, match="sender_per_minute = 6") as fast:
        alice.send("bob", "x")
    assert fast.value.facts["retry_after_ms"] == 10_000
    timed.now_us += 10_000_000 - 1_000
    with pytest.raises(errors.TooFast) as fast:
        alice.send("bob", "x")
    assert fast.value.facts["retry_after_ms"] == 1
    timed.now_us += 1_000
    alice.send("bob", "x")
    with pytest.raises(errors.TooFast):
        alice.send("bob", "x")


@border("pair_per_minute")
def test_a_pair_has_a_pace_of_its_own(timed):
    limited(timed.post, pair_per_minute=2)
    alice, bob, _ = timed.agents("alice", "bob", "carol")
    alice.send_many([Draft("bob", "one"), Draft("bob", "two")])
    with pytest.raises(errors.TooFast, match="pair_per_minute = 2"):
        alice.send("bob", "three", id="third")
    alice.send("carol", "to somebody else")
    bob.send("alice", "the other way")
    timed.now_us += 30_000_000
    alice.send("bob", "three", id="third")
    assert bodies(bob.take()) == ["one", "two", "three"]


@border("reserve_per_minute")
def test_one_that_fills_a_mailbox_leaves_its_last_tenth_to_the_others(timed):
    limited(timed.post, waiting=400, reserve_per_minute=2)
    alice, bob, carol = timed.agents("alice", "bob", "carol")
    alice.send_many([Draft("bob", "x")] * 360)
    timed.pass_s(10)
    alice.send_many([Draft("bob", "x")] * 2)
    with pytest.raises(errors.TooFast, match="'bob' is nearly full, and you are sending faster than reserve_per_minute = 2") as fast:
        alice.send("bob", "last", id="last")
    assert fast.value.facts["retry_after_ms"] == 30_000
    carol.send("bob", "urgent")
    timed.pass_s(30)
    alice.send("bob", "last", id="last")
    taken = bob.take(limit=1_000)
    assert bodies(taken)[-2:] == ["urgent", "last"]
    bob.confirm(taken)
    timed.pass_s(60)
    alice.send_many([Draft("bob", "as fast as before")] * 360)


def test_one_sender_gets_no_more_than_a_tenth_of_the_last_tenth_in_a_minute(timed):
    limited(timed.post, waiting=100)
    alice, bob, carol = timed.agents("alice", "bob", "carol")
    alice.send_many([Draft("bob", "x")] * 90)
    timed.pass_s(10)
    for sender in (alice, carol):
        sender.send("bob", "x")
        with pytest.raises(errors.TooFast, match="reserve_per_minute = 1 allows"):
            sender.send("bob", "x")
    assert len(bob.take(limit=1_000)) == 92


@pytest.mark.parametrize("limit, error", [("waiting", errors.MailboxFull), ("pair_per_minute", errors.TooFast)])
def test_who_sends_more_at_once_than_ever_goes_is_told_to_send_less(post, limit, error):
    limited(post, **{limit: 2})
    alice, _ = post.agents("alice", "bob")
    with pytest.raises(error) as refused:
        alice.send_many([Draft("bob", "x")] * 3)
    assert in_words(refused.value).endswith("send them in smaller parts.")


def test_who_may_write_seldom_writes_no_faster_into_the_last_tenth(timed):
    limited(timed.post, waiting=10, pair_per_minute=1, reserve_per_minute=2)
    everybody = timed.agents("bob", *(f"agent{number}" for number in range(8)))
    for sender in everybody:
        sender.send("bob", "x")
    alice, carol = timed.agents("alice", "carol")
    alice.send(["bob", "carol"], "x")
    carol.take()
    with pytest.raises(errors.TooFast, match="pair_per_minute = 1"):
        alice.send("carol", "x")
    timed.pass_s(59)
    everybody[0].confirm(everybody[0].take(limit=1))
    with pytest.raises(errors.TooFast, match="pair_per_minute = 1"):
        alice.send("bob", "x")


@pytest.mark.parametrize("everybody", ["#ops", "@all"])
def test_a_room_its_invitations_and_a_broadcast_leave_the_last_tenth_of_a_mailbox_free(post, everybody):
    limited(post, waiting=10, broadcasts_per_minute=100)
    alice, bob, carol = post.agents("alice", "bob", "carol")
    alice.create_room("ops")
    bob.join("ops")
    bob.send_many([Draft("bob", "x")] * 8)
    carol.join("ops")
    alice.send(everybody, "the ninth place")
    refused = [to for to in alice.send(everybody, "not the tenth").deliveries if to.reason]
    assert [(to.recipient, to.reason) for to in refused] == [
        ("bob", "mailbox-full: 9 messages wait there already, and its last places are for who writes to it alone")
    ]
    alice.create_room("dev")
    with pytest.raises(errors.MailboxFull, match="9 waiting"):
        alice.invite("dev", "bob")
    carol.send("bob", "urgent")
    assert bodies(bob.take())[-2:] == ["the ninth place", "urgent"]


def test_what_is_refused_for_its_pace_costs_nothing(timed):
    limited(timed.post, sender_per_minute=3)
    alice, bob = timed.agents("alice", "bob")
    for _ in range(10):
        with pytest.raises(errors.TooFast):
            alice.send_many([Draft("bob", "x")] * 4)
    alice.send_many([Draft("bob", "x")] * 3)
    assert len(bob.take()) == 3


def test_sending_again_with_the_same_id_costs_nothing(timed):
    limited(timed.post, sender_per_minute=1)
    alice, bob = timed.agents("alice", "bob")
    receipts = [alice.send("bob", "x", id="once") for _ in range(5)]
    assert len({receipt.number for receipt in receipts}) == 1
    assert len(bob.take()) == 1


def test_the_end_of_a_session_is_never_slowed(timed):
    limited(timed.post, sender_per_minute=2)
    alice, bob = timed.agents("alice", "bob")
    bob.profile(auto_accept=True)
    session = alice.session("bob", "talk", timeout=30)
    session.send("one")
    with pytest.raises(errors.TooFast):
        session.send("two")
    session.close(timeout=0)
    assert [message.kind for message in bob.take()] == [Kind.SYN, Kind.DATA, Kind.FIN]


# Times


@border("handshake_ms")
def test_an_offer_waits_as_long_as_the_limit_says(timed):
    limited(timed.post, handshake_ms=5_000)
    alice, _ = timed.agents("alice", "bob")
    id = sessions.open_session(alice._seat.desk, Draft("bob", "talk")).id
    states = [sessions.show(alice._seat.desk, id).state]
    for seconds in (4.999, 0.001):
        timed.pass_s(seconds)
        states.append(sessions.show(alice._seat.desk, id).state)
    assert states == ["offered", "offered", "lapsed"]


@border("session_idle_ms")
def test_a_session_is_silent_as_long_as_the_limit_says(timed):
    limited(timed.post, session_idle_ms=5_000)
    alice, bob = timed.agents("alice", "bob")
    bob.profile(auto_accept=True)
    session = alice.session("bob", "talk", timeout=30)
    states = []
    for seconds in (4.999, 0.001):
        timed.pass_s(seconds)
        states.append(session.state)
    assert states == ["open", "closed"]


@border("lease_ms")
def test_a_message_is_in_hand_as_long_as_the_limit_says(timed):
    limited(timed.post, lease_ms=5_000)
    alice, bob, bob_again = timed.agents("alice", "bob", "bob")
    alice.send("bob", "one")
    bob.take()
    timed.now_us += 4_999_000
    assert bob_again.take() == []
    timed.now_us += 1_000
    assert [message.redelivered for message in bob_again.take()] == [True]


@border("busy_ms")
def test_a_verb_waits_for_the_store_as_long_as_the_limit_says(post):
    limited(post, busy_ms=20)
    alice, bob = post.agents("alice", "bob")
    bob._seat.desk.database.begin()
    with pytest.raises(errors.StoreBusy, match="more than 20 ms"):
        alice.send("bob", "hello")
    bob._seat.desk.database.rollback()
    alice.send("bob", "hello")
    assert bodies(bob.take()) == ["hello"]


def test_a_stopped_process_at_the_head_of_the_queue_stops_nobody_for_long(post):
    limited(post, busy_ms=20)
    alice, bob = post.agents("alice", "bob")
    queue = os.open(os.path.join(post.home, "queue.lock"), os.O_RDWR)
    fcntl.flock(queue, fcntl.LOCK_EX)
    bob._seat.desk.database.begin()
    with pytest.raises(errors.StoreBusy):
        alice.send("bob", "hello")
    bob._seat.desk.database.rollback()
    alice.send("bob", "hello")
    os.close(queue)


# Threads


def converse(alice, bob, turns):
    """Let two agents answer each other; the receipts of what they say."""
    receipts = [alice.send("bob", "0")]
    for number in range(1, turns + 1):
        speaker, listener = (bob, alice) if number % 2 else (alice, bob)
        receipts.append(speaker.send(listener.name, str(number), thread=receipts[0].id))
    return receipts


@border("thread_turns")
def test_a_loop_of_two_agents_is_held_and_all_are_told_once(timed):
    limited(timed.post, thread_turns=4)
    (alice, bob), human = timed.agents("alice", "bob"), timed.human()
    receipts = converse(alice, bob, 8)
    assert [receipt.state for receipt in receipts] == [State.DELIVERED] * 5 + [State.HELD] * 4
    assert "more than 4 turns" in receipts[-1].deliveries[0].reason
    notices = [[message for message in agent.take() if message.kind is Kind.NOTICE] for agent in (alice, bob, human)]
    assert [len(told) for told in notices] == [1, 1, 1]
    for (notice,) in notices:
        assert notice.subject == "notice: held"
        assert f"postroom release {receipts[0].id}" in notice.body
    (held,) = holding.held(alice._seat.desk)
    assert (held.id, held.messages) == (receipts[0].id, 4)


def test_nothing_in_a_held_thread_is_dropped_and_a_release_lets_it_go_on(post):
    limited(post, thread_turns=4)
    alice, bob = post.agents("alice", "bob")
    receipts = converse(alice, bob, 8)
    for agent in (alice, bob):
        agent.confirm(agent.take())
    assert holding.release(alice._seat.desk, receipts[-1].id) == 4
    assert bodies(alice.take()) == ["5", "7"]
    assert bodies(bob.take()) == ["6", "8"]
    assert holding.held(alice._seat.desk) == []
    states = [bob.send("alice", "and on", thread=receipts[0].id).state, *(receipt.state for receipt in converse(alice, bob, 4))]
    assert states == [State.DELIVERED] * 6


def test_after_a_release_the_thread_has_a_whole_budget_and_is_held_again_behind_it(post):
    limited(post, thread_turns=2)
    alice, bob = post.agents("alice", "bob")
    first = converse(alice, bob, 3)[0]
    holding.release(alice._seat.desk, first.id)
    states = [(alice, bob)[number % 2].send("human", "x", thread=first.id).state for number in range(4)]
    assert states == [State.DELIVERED, State.DELIVERED, State.HELD, State.HELD]


def test_one_speaker_going_on_is_no_turn(post):
    limited(post, thread_turns=1)
    alice, bob = post.agents("alice", "bob")
    first = alice.send("bob", "0")
    states = [alice.send("bob", "more", thread=first.id).state for _ in range(5)]
    states += [bob.send("alice", "aha", thread=first.id).state for _ in range(5)]
    assert states == [State.DELIVERED] * 10


def test_discarding_refuses_what_is_held_and_tells_each_sender(post):
    limited(post, thread_turns=4)
    alice, bob = post.agents("alice", "bob")
    receipts = converse(alice, bob, 8)
    for agent in (alice, bob):
        agent.confirm(agent.take())
    assert holding.discard(alice._seat.desk, receipts[0].id, "you two are going round in circles") == 4
    for agent in (alice, bob):
        notices = agent.take()
        assert [notice.subject for notice in notices] == ["notice: discarded"] * 2
        assert all("round in circles" in notice.body for notice in notices)
    assert {(alice, bob)[place % 2].status(receipts[place].id).state for place in range(5, 9)} == {State.REFUSED}
    assert bob.send("alice", "sorry", thread=receipts[0].id).state is State.DELIVERED


def test_a_human_speaking_in_a_held_thread_is_heard_and_hides_nothing(timed):
    limited(timed.post, thread_turns=2)
    (alice, bob), human = timed.agents("alice", "bob"), timed.human()
    first = converse(alice, bob, 4)[0]
    human.take()[0].confirm()
    alice.send("human", "we are stuck", reply_to=None)
    sending.send(human._seat.desk, [Draft(("alice", "bob"), "calm down", reply_to=human.take()[0].id)])
    assert "calm down" in bodies(alice.take())
    assert [held.messages for held in holding.held(human._seat.desk)] == [2]
    assert holding.release(human._seat.desk, first.id) == 2


def test_a_humans_word_counts_the_turns_anew(timed):
    limited(timed.post, thread_turns=2)
    (alice, bob), human = timed.agents("alice", "bob"), timed.human()
    first = alice.send(["bob", "human"], "0")
    states = []
    for speaker in (bob, alice, human, bob, alice, bob):
        to = ["alice", "bob", "human"]
        states.append(speaker.send(to, "x", thread=first.id).state)
    assert states == [State.DELIVERED] * 5 + [State.HELD]


@border("hops")
def test_a_chain_of_answers_is_held_behind_its_limit_and_a_release_lets_it_go_on(post):
    limited(post, hops=3)
    alice, bob = post.agents("alice", "bob")
    chain = [alice.send("bob", "0")]
    for number in range(9):
        speaker, listener = (alice, bob) if number % 2 else (bob, alice)
        chain.append(speaker.send(listener.name, "x", reply_to=chain[-1].id))
        if chain[-1].state is State.HELD:
            assert "more than 3 messages" in chain[-1].deliveries[0].reason
            assert holding.release(alice._seat.desk, chain[-1].id) == 1
            chain[-1] = chain[-1]._replace(deliveries=())
    held = [number for number, receipt in enumerate(chain) if not receipt.deliveries]
    assert held == [4, 8]


def test_a_held_answer_counts_as_an_answer_when_it_is_released(post):
    limited(post, thread_turns=1)
    alice, bob = post.agents("alice", "bob")
    first = converse(alice, bob, 1)[0]
    question = alice.send("bob", "one more?", thread=first.id)
    assert question.state is State.HELD
    holding.release(alice._seat.desk, first.id)
    bob.send("alice", "no", thread=first.id)
    second = alice.send("bob", "sure?", thread=first.id)
    assert second.state is State.HELD
    answer = bob.send("alice", "yes", reply_to=question.id)
    assert answer.state is State.HELD
    assert alice.status(question.id).state is State.DELIVERED
    holding.release(alice._seat.desk, first.id)
    assert alice.status(question.id).state is State.ANSWERED


def test_only_one_thread_of_that_id_is_released(post):
    limited(post, thread_turns=1)
    alice, bob = post.agents("alice", "bob")
    for sender in (alice, bob):
        sender.send(["alice", "bob"], "0", id="x")
    with pytest.raises(errors.AmbiguousId):
        holding.release(alice._seat.desk, "x")
    with pytest.raises(errors.NoSuchMessage):
        holding.release(alice._seat.desk, "y")


# The table


def test_every_limit_is_tested_at_its_border():
    for others in ("agents", "rooms", "node"):
        importlib.import_module(f"tests.test_limits_of_{others}")
    assert {limit.name for limit in table()} == TESTED


def test_the_table_says_everything_about_each_limit():
    for limit in table():
        assert limit.default > 0
        assert limit.unit
        assert limit.about
        assert f"| `{limit.name}` |" in as_markdown()


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "true", '"many"', "[]"])
def test_a_limit_is_a_number_above_zero(post, value):
    post.configure(f"[limits]\nwaiting = {value}\n")
    with pytest.raises(errors.BadConfig, match=r"waiting.*whole number above zero\. Correct"):
        post.connect("alice")


@pytest.mark.parametrize(
    "text, words",
    [
        ("[limits]\nwaitin = 1\n", "waitin"),
        ("limit = 1\n", "limit"),
        ("limits = 1\n", "table"),
        ("[limits\n", "config.toml"),
        ('durability = "maybe"\n', "safe or relaxed"),
        ("prune_days = -1\n", "prune_days"),
        ("prune_days = 36526\n", "up to 36,525"),
        ("[limits]\nbody_bytes = 1_000_000_001\n", "at most 900,000,000, because SQLite"),
        ("[limits]\nlease_ms = 10_000_000_000_000_000_000_000\n", "64 bits"),
    ],
)
def test_a_config_file_that_cannot_be_meant_is_an_error_that_names_the_place(post, text, words):
    post.configure(text)
    with pytest.raises(errors.BadConfig, match=words):
        post.connect("alice")


def test_an_unknown_limit_is_an_error_that_lists_the_known_ones():
    with pytest.raises(errors.BadValue, match="body_bytes, subject_bytes"):
        limits_from({"speed": 1})


def test_each_process_reads_the_limits_when_it_connects(post):
    (alice,) = post.agents("alice")
    limited(post, body_bytes=1)
    desk = open_desk("alice", post.home, interface="cli")
    with pytest.raises(errors.TooLarge):
        sending.send(desk, [Draft("alice", "xx")])
    desk.close()
    alice.send("alice", "xx")
