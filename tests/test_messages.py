"""Messages and mailboxes: sending, reading, confirming, and what became of it. Each test is a sentence of the rules."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from postroom.core import errors
from postroom.core.message import Draft, Kind, State, Urgency
from postroom.delivery import Delivery
from postroom.exchange import presence
from tests.programs import Program
from tests.store.keepers import desk_of_human
from tests.waiting import until_it_waits

SOON_S = 30  # a deadline for what happens at once


def bodies(messages):
    return [message.body for message in messages]


def waiting(post, name):
    """How much waits for an agent. Other agents are not told."""
    with desk_of_human(post.home) as desk:
        return next(listed.waiting for listed in presence.list_agents(desk) if listed.name == name)


# Sending


def test_a_message_arrives_with_everything_its_sender_said(post):
    alice, bob = post.agents("alice", "bob")
    first = alice.send("bob", "use port 8080", subject="ports")
    second = alice.send("bob", "soon?", thread=first.id, reply_to=first.id, urgency="now", reply_within=60, expires_in=90)
    one, two = bob.take()
    assert (one.sender, one.to, one.subject, one.body) == ("alice", ("bob",), "ports", "use port 8080")
    assert (one.urgency, one.expects_reply, one.expires_ms, one.reply_to) == (Urgency.NEXT, False, None, None)
    assert (two.thread, two.reply_to, two.urgency) == (first.id, first.id, Urgency.NOW)
    assert two.expects_reply
    assert two.expires_ms - two.reply_by_ms == 30_000
    assert two.sent_ms < two.reply_by_ms <= second.sent_ms + 60_000  # counted from the call, which may wait before it is stored


@pytest.mark.parametrize("urgency", ["now", "next", "info"])
def test_a_sender_says_how_urgent_it_is(post, urgency):
    (alice,) = post.agents("alice")
    alice.send("alice", "hi", urgency=urgency)
    assert [message.urgency for message in alice.take()] == [urgency]


def test_an_urgency_of_ones_own_is_refused(post):
    (alice,) = post.agents("alice")
    with pytest.raises(errors.BadValue, match="now, next, info"):
        alice.send("alice", urgency="yesterday")


def test_a_message_to_several_reaches_each_once(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    receipt = alice.send(["bob", "carol", "Bob"], "hello")
    assert [progress.recipient for progress in receipt.deliveries] == ["bob", "carol"]
    for reader in (bob, carol):
        (message,) = reader.take()
        assert message.to == ("bob", "carol")


def test_an_agent_may_write_to_itself(post):
    (alice,) = post.agents("alice")
    alice.send("alice", "remember the milk")
    assert bodies(alice.inbox()) == ["remember the milk"]


def test_a_message_to_nobody_is_refused(post):
    (alice,) = post.agents("alice")
    with pytest.raises(errors.NoRecipient):
        alice.send([], "hello")


def test_messages_wait_for_an_agent_that_went_away(post):
    alice, bob = post.agents("alice", "bob")
    bob.close()
    receipt = alice.send("bob", "when you are back")
    assert not receipt.deliveries[0].online
    assert bodies(post.connect("bob").inbox()) == ["when you are back"]


def test_messages_wait_for_an_agent_that_has_never_been_online(post):
    (alice,) = post.agents("alice")
    alice.send("dora", "welcome", create=True)
    alice.send("dora", "and again")
    assert bodies(post.connect("dora").inbox()) == ["welcome", "and again"]


def test_an_unknown_name_is_an_error_that_lists_close_names(post):
    alice, _, _ = post.agents("alice", "executor", "executive")
    with pytest.raises(errors.NoSuchAgent, match="Did you mean executor or executive"):
        alice.send("executer", "hello")


def test_an_unknown_name_among_others_stops_the_message_to_all(post):
    alice, bob = post.agents("alice", "bob")
    with pytest.raises(errors.NoSuchAgent):
        alice.send(["bob", "nobody"], "hello")
    assert bob.take() == []
    assert waiting(post, "bob") == 0


def test_the_receipt_says_who_was_there_to_be_woken(post):
    alice, _, carol = post.agents("alice", "bob", "carol")
    carol.close()
    receipt = alice.send(["bob", "carol"], "hello")
    assert [progress.online for progress in receipt.deliveries] == [True, False]
    assert receipt.state is State.DELIVERED


# Sending again


def test_a_message_sent_twice_with_one_id_arrives_once(post):
    alice, bob = post.agents("alice", "bob")
    first = alice.send("bob", "hi", id="greeting")
    assert alice.send("bob", "hi", id="greeting") == first
    assert bodies(bob.inbox()) == ["hi"]


def test_a_message_sent_again_after_it_was_read_does_not_come_back(post):
    alice, bob = post.agents("alice", "bob")
    first = alice.send("bob", "hi", id="greeting")
    assert bodies(bob.inbox()) == ["hi"]
    again = alice.send("bob", "hi", id="greeting")
    assert (again.number, again.state) == (first.number, State.READ)
    assert bodies(bob.inbox()) == []


def test_a_message_twice_in_one_batch_arrives_once(post):
    alice, bob = post.agents("alice", "bob")
    first, second = alice.send_many([Draft("bob", "hi", id="greeting")] * 2)
    assert first == second
    assert bodies(bob.inbox()) == ["hi"]


@pytest.mark.parametrize(
    "other",
    [Draft("bob", "other words"), Draft("bob", "hi", subject="s"), Draft(("bob", "carol"), "hi"), Draft("carol", "hi")],
    ids=["body", "subject", "more recipients", "other recipient"],
)
@pytest.mark.parametrize("together", [True, False])
def test_an_id_cannot_be_used_for_another_message(post, other, together):
    alice, bob, _ = post.agents("alice", "bob", "carol")
    drafts = [Draft("bob", "hi", id="greeting"), other._replace(id="greeting")]
    if not together:
        alice.send_many(drafts[:1])
    with pytest.raises(errors.IdTaken):
        alice.send_many(drafts if together else drafts[1:])
    assert bodies(bob.take()) == ([] if together else ["hi"])


def test_an_id_cannot_be_used_for_another_file(post, home):
    alice, _ = post.agents("alice", "bob")
    for name in ("one", "two"):
        (home / name).write_text(name)
    first = alice.send("bob", "see file", files=[home / "one"], id="report")
    assert alice.send("bob", "see file", files=[home / "one"], id="report") == first
    with pytest.raises(errors.IdTaken):
        alice.send("bob", "see file", files=[home / "two"], id="report")


def test_two_senders_may_use_the_same_id(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    alice.send("bob", "from alice", id="x")
    carol.send("bob", "from carol", id="x")
    assert bodies(bob.inbox()) == ["from alice", "from carol"]


def test_a_reader_can_answer_two_messages_with_the_same_id(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    alice.send("bob", "from alice", id="x")
    carol.send("bob", "from carol", id="x")
    for message in bob.inbox():
        message.reply(f"to {message.sender}")
    assert bodies(alice.take()) == ["to alice"]
    assert bodies(carol.take()) == ["to carol"]


@pytest.mark.parametrize("id", ["41", "", "a b", "ä", "a" * 65, "a/b", "٤١"])
def test_an_id_that_could_be_misread_is_refused(post, id):
    (alice,) = post.agents("alice")
    with pytest.raises(errors.BadId):
        alice.send("alice", "hi", id=id)


# Batches


def test_a_batch_is_sent_in_its_order(post):
    alice, bob = post.agents("alice", "bob")
    receipts = alice.send_many([Draft("bob", str(number)) for number in range(10)])
    assert [receipt.number for receipt in receipts] == sorted(receipt.number for receipt in receipts)
    assert bodies(bob.take()) == [str(number) for number in range(10)]


def test_a_batch_is_sent_as_a_whole_or_not_at_all(post):
    alice, bob = post.agents("alice", "bob")
    with pytest.raises(errors.NoSuchAgent):
        alice.send_many([Draft("bob", "one"), Draft("nobody", "two")])
    assert bob.take() == []
    assert alice.send("bob", "three").state is State.DELIVERED
    assert bodies(bob.take()) == ["three"]


# Texts


@pytest.mark.parametrize("part", ["body", "subject"])
@pytest.mark.parametrize("text", ["a\0b", "half a \ud83d"])
def test_what_is_not_text_is_refused(post, part, text):
    (alice,) = post.agents("alice")
    with pytest.raises(errors.BadText, match=part):
        alice.send("alice", **{part: text})


@pytest.mark.parametrize("text", [" ", "\r\n", "\u202eevil", "\ufeff", "日本語", "\U0001f4ee", "'; DROP TABLE message; --"])
def test_a_body_comes_out_as_it_went_in(post, text):
    (alice,) = post.agents("alice")
    alice.send("alice", text)
    assert bodies(alice.take()) == [text]


@pytest.mark.parametrize("what", [{}, {"reply_within": 60, "urgency": "now", "create": True}])
def test_a_message_in_which_there_is_nothing_is_refused(post, what):
    alice, bob = post.agents("alice", "bob")
    bob.profile(auto_accept=True)
    session = alice.session("bob", "a talk")
    nothing = (
        lambda: alice.send("bob", **what),
        lambda: alice.send_many([Draft("bob", "one"), Draft("bob", **what)]),
        lambda: alice.ask("bob", "", timeout=1),
        lambda: alice.session("bob", ""),
        lambda: session.send(""),
    )
    for saying in nothing:
        with pytest.raises(errors.NothingSaid, match="a text, a subject or a file"):
            saying()
    assert [message.body for message in bob.peek()] == ["a talk"]


def test_a_subject_or_a_file_is_enough(post, home):
    alice, bob = post.agents("alice", "bob")
    (home / "log").write_text("")
    alice.send("bob", subject="look up")
    alice.send("bob", files=home / "log")
    assert [(message.subject, len(message.attachments)) for message in bob.take()] == [("look up", 0), ("", 1)]


# Reading


def test_the_messages_of_one_sender_come_in_their_order(post):
    alice, bob = post.agents("alice", "bob")
    for number in range(20):
        alice.send("bob", str(number))
    assert bodies(bob.inbox()) == [str(number) for number in range(20)]


def test_a_loop_confirms_each_message_when_it_moves_on(post):
    alice, bob = post.agents("alice", "bob")
    receipts = [alice.send("bob", str(number)) for number in range(2)]
    states = [[alice.status(receipt.id).state for receipt in receipts] for _ in bob.inbox()]
    assert states == [[State.HANDED, State.DELIVERED], [State.READ, State.HANDED]]
    assert [alice.status(receipt.id).state for receipt in receipts] == [State.READ, State.READ]


def test_a_loop_that_is_left_early_gives_its_last_message_back(post):
    alice, bob = post.agents("alice", "bob")
    alice.send_many([Draft("bob", "one"), Draft("bob", "two")])
    for _ in bob.inbox():
        break
    assert [(message.body, message.redelivered) for message in bob.take()] == [("one", True), ("two", False)]


def test_a_loop_that_fails_gives_its_message_back(post):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "one")
    with pytest.raises(ZeroDivisionError):
        [1 // 0 for _ in bob.inbox()]
    assert [(message.body, message.redelivered) for message in bob.take()] == [("one", True)]


def test_a_loop_that_is_left_after_confirming_keeps_the_message_read(post):
    alice, bob = post.agents("alice", "bob")
    receipt = alice.send("bob", "one")
    for message in bob.inbox():
        message.confirm()
        break
    assert alice.status(receipt.id).state is State.READ
    assert bob.take() == []


def test_iterating_over_an_agent_waits_for_the_next_message(post):
    alice, bob = post.agents("alice", "bob")
    with ThreadPoolExecutor() as pool:
        reader = pool.submit(lambda: next(iter(bob)).body)
        until_it_waits(bob)
        alice.send("bob", "one")
        assert reader.result(SOON_S) == "one"


def test_a_waiting_reader_is_woken_by_a_message(post):
    alice, bob = post.agents("alice", "bob")
    with ThreadPoolExecutor() as pool:
        reader = pool.submit(bob.take, wait=SOON_S)
        until_it_waits(bob)
        alice.send("bob", "one")
        assert bodies(reader.result(SOON_S)) == ["one"]


def test_taking_hands_over_at_most_what_was_asked_for(post):
    alice, bob = post.agents("alice", "bob")
    alice.send_many([Draft("bob", str(number)) for number in range(5)])
    assert bodies(bob.take(limit=2)) == ["0", "1"]
    assert bodies(bob.take(limit=2)) == ["2", "3"]
    assert bodies(bob.take(limit=2)) == ["4"]


def test_a_batch_is_confirmed_in_the_transaction_that_takes_the_next(post):
    alice, bob = post.agents("alice", "bob")
    for number in range(3):
        alice.send("bob", str(number))
    read: list[list[str]] = []
    batch: list[Delivery] = []
    while batch := bob.take(limit=2, confirm=batch):
        read.append(bodies(batch))
    assert read == [["0", "1"], ["2"]]
    assert [alice.status(id).state for id in (1, 2, 3)] == [State.READ] * 3


def test_a_batch_that_is_in_other_hands_by_now_is_not_confirmed_and_nothing_is_taken(post):
    alice, bob, bob_again = post.agents("alice", "bob", "bob")
    alice.send("bob", "one")
    batch = bob.take()
    bob.give_back(batch)
    bob_again.take()
    alice.send("bob", "two")
    with pytest.raises(errors.LeaseLost):
        bob.take(confirm=batch)
    assert [alice.status(id).state for id in (1, 2)] == [State.HANDED, State.DELIVERED]


@pytest.mark.parametrize("limit", [0, -1])
def test_taking_nothing_is_refused(post, limit):
    (alice,) = post.agents("alice")
    with pytest.raises(errors.BadValue):
        alice.take(limit=limit)
    with pytest.raises(errors.BadValue):
        alice.peek(limit=limit)


def test_peeking_consumes_nothing(post):
    alice, bob = post.agents("alice", "bob")
    receipt = alice.send("bob", "one")
    assert bodies(bob.peek()) == ["one"]
    assert alice.status(receipt.id).state is State.DELIVERED
    assert [(message.body, message.redelivered) for message in bob.take()] == [("one", False)]


def test_peeking_shows_what_is_in_other_hands_too(post):
    alice, bob, bob_again = post.agents("alice", "bob", "bob")
    alice.send_many([Draft("bob", "one"), Draft("bob", "two")])
    bob.take(limit=1)
    assert bodies(bob_again.peek()) == ["one", "two"]


def test_what_waits_is_counted_until_it_is_read(post):
    alice, bob = post.agents("alice", "bob")
    alice.send_many([Draft("bob", "one"), Draft("bob", "two")])
    assert waiting(post, "bob") == 2
    taken = bob.take()
    assert waiting(post, "bob") == 2
    bob.confirm(taken[:1])
    assert waiting(post, "bob") == 1
    taken[1].reply("done")
    assert waiting(post, "bob") == 0


# Two readers, leases, redelivery


def test_two_readers_of_one_mailbox_never_get_the_same_message(post):
    alice, bob, bob_again = post.agents("alice", "bob", "bob")
    alice.send_many([Draft("bob", "one"), Draft("bob", "two")])
    assert bodies(bob.take(limit=1)) == ["one"]
    assert bodies(bob_again.take()) == ["two"]


def test_two_threads_share_a_mailbox_and_each_message_is_read_once(post):
    alice, bob = post.agents("alice", "bob")
    alice.send_many([Draft("bob", str(number)) for number in range(200)])
    with ThreadPoolExecutor() as pool:
        halves = [pool.submit(lambda: bodies(bob.inbox())) for _ in range(2)]
        read = [int(body) for half in halves for body in half.result(SOON_S)]
    assert sorted(read) == list(range(200))


def test_a_message_held_too_long_is_handed_to_another_reader(timed):
    alice, bob, bob_again = timed.agents("alice", "bob", "bob")
    alice.send("bob", "one")
    (first,) = bob.take()
    timed.pass_s(599)
    assert bob_again.take() == []
    timed.pass_s(1)
    (second,) = bob_again.take()
    assert (first.redelivered, second.redelivered, second.id) == (False, True, first.id)
    with pytest.raises(errors.LeaseLost):
        first.confirm()
    second.confirm()
    with pytest.raises(errors.LeaseLost):
        first.confirm()  # it was read, but not by this reader
    assert alice.status(first.id).state is State.READ


def test_a_late_confirmation_counts_while_nobody_else_has_the_message(timed):
    alice, bob = timed.agents("alice", "bob")
    alice.send("bob", "one")
    (message,) = bob.take()
    timed.pass_s(601)
    message.confirm()
    assert bob.take() == []


def test_a_confirmation_of_several_counts_for_all_or_for_none(timed):
    alice, bob, bob_again = timed.agents("alice", "bob", "bob")
    alice.send_many([Draft("bob", "one"), Draft("bob", "two")])
    taken = bob.take()
    timed.pass_s(601)
    bob_again.take(limit=1)
    with pytest.raises(errors.LeaseLost):
        bob.confirm(taken)
    assert [alice.status(message.id).state for message in taken] == [State.HANDED, State.HANDED]


def test_messages_given_back_come_again_marked(post):
    alice, bob = post.agents("alice", "bob")
    alice.send_many([Draft("bob", "one"), Draft("bob", "two")])
    bob.give_back(bob.take())
    assert [(message.body, message.redelivered) for message in bob.take()] == [("one", True), ("two", True)]


def test_an_agent_that_closes_gives_back_what_it_had_in_hand(post):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "one")
    bob.take()
    bob.close()
    assert [(message.body, message.redelivered) for message in post.connect("bob").take()] == [("one", True)]


def test_what_a_killed_process_had_in_hand_comes_again_marked(post):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "one")
    with Program("bob", "print(me.take(wait=30)[0].body)") as program:
        assert program.line() == "one"
        program.kill()
    (message,) = bob.take(wait=SOON_S)
    assert (message.body, message.redelivered) == ("one", True)


# What became of it


def test_the_status_of_a_message_has_the_time_of_each_step(timed):
    alice, bob = timed.agents("alice", "bob")
    sent, times = alice.send("bob", "one"), [timed.now_ms]
    timed.pass_s(10)
    (message,) = bob.take()
    timed.pass_s(20)
    message.confirm()
    timed.pass_s(30)
    message.reply("done")
    times += [times[0] + 10_000, times[0] + 30_000, times[0] + 60_000]
    (progress,) = alice.status(sent.id).deliveries
    assert progress.state is State.ANSWERED
    assert [progress.delivered_ms, progress.handed_ms, progress.read_ms, progress.answered_ms] == times
    assert (progress.ended_ms, progress.handovers) == (None, 1)


def test_the_status_is_told_for_each_recipient(post):
    alice, bob, carol, _ = post.agents("alice", "bob", "carol", "dora")
    sent = alice.send(["bob", "carol", "dora"], "hello")
    bob.confirm(bob.take())
    carol.take()
    states = {progress.recipient: progress.state for progress in alice.status(sent.id).deliveries}
    assert states == {"bob": State.READ, "carol": State.HANDED, "dora": State.DELIVERED}
    assert alice.status(sent.id).state is State.DELIVERED


def test_the_status_is_found_by_number_and_by_the_senders_own_id(post):
    alice, bob = post.agents("alice", "bob")
    sent = alice.send("bob", "hi", id="greeting")
    assert alice.status("greeting") == alice.status(str(sent.number)) == bob.status("greeting") == sent


def test_the_messages_of_others_are_unknown(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    sent = alice.send("bob", "hi", id="greeting")
    for id in ("greeting", str(sent.number), "999999", "9" * 30):
        with pytest.raises(errors.NoSuchMessage):
            carol.status(id)
    assert bob.status("greeting") == sent


def test_an_id_that_means_two_messages_is_an_error_that_names_both(post):
    alice, bob = post.agents("alice", "bob")
    first, second = alice.send("bob", "hi", id="x"), bob.send("alice", "ho", id="x")
    with pytest.raises(errors.AmbiguousId, match="alice:x, bob:x"):
        alice.status("x")
    assert alice.status("alice:x").number == alice.status(first.number).number == first.number
    assert alice.status("bob:x").number == second.number


def test_a_sender_is_woken_by_each_change_that_it_follows(post):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "one", follow=True)
    rings = alice._seat.bell.rings
    taken = bob.take()
    assert alice._seat.bell.wait(rings, SOON_S)
    rings = alice._seat.bell.rings
    bob.give_back(taken)
    assert alice._seat.bell.wait(rings, SOON_S)
    rings = alice._seat.bell.rings
    taken = bob.take()
    assert alice._seat.bell.wait(rings, SOON_S)
    rings = alice._seat.bell.rings
    bob.confirm(taken)
    assert alice._seat.bell.wait(rings, SOON_S)


def test_a_sender_that_does_not_follow_is_left_alone(post):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "one")
    taken = bob.take()  # which may do the chores, and they ring every bell
    rings = alice._seat.bell.rings
    bob.confirm(taken)
    assert alice._seat.bell.rings == rings


def test_following_ends_when_the_message_is_as_far_as_asked(post):
    alice, bob = post.agents("alice", "bob")
    sent = alice.send("bob", "one")
    with ThreadPoolExecutor() as pool:
        followed = pool.submit(alice.follow, sent.id, until=State.READ, timeout=SOON_S)
        assert bodies(bob.inbox()) == ["one"]
        assert followed.result(SOON_S).state is State.READ


def test_following_ends_at_its_timeout(post):
    alice, _ = post.agents("alice", "bob")
    sent = alice.send("bob", "one")
    assert alice.follow(sent.id, timeout=0).state is State.DELIVERED


# Answers


def test_a_reply_goes_to_the_sender_in_the_same_thread(post):
    alice, bob = post.agents("alice", "bob")
    sent = alice.send("bob", "which port?", subject="ports")
    for message in bob.inbox():
        message.reply("8080", subject="re: ports")
    (answer,) = alice.take()
    assert (answer.sender, answer.body, answer.subject) == ("bob", "8080", "re: ports")
    assert (answer.thread, answer.reply_to, answer.hops) == (sent.thread, sent.id, 1)
    assert alice.status(sent.id).state is State.ANSWERED


def test_answering_counts_as_reading(post):
    alice, bob = post.agents("alice", "bob")
    sent = alice.send("bob", "which port?")
    bob.send("alice", "8080", reply_to=sent.id)
    (progress,) = alice.status(sent.id).deliveries
    assert (progress.state, progress.read_ms) == (State.ANSWERED, progress.answered_ms)
    assert bob.take() == []
    assert waiting(post, "bob") == 0


def test_an_answer_to_somebody_else_is_no_answer_to_the_asker(post):
    alice, bob, _ = post.agents("alice", "bob", "carol")
    sent = alice.send("bob", "which port?")
    bob.send("carol", "alice wants a port", reply_to=sent.id)
    assert alice.status(sent.id).state is State.DELIVERED


def test_an_answer_cannot_stand_in_another_thread(post):
    alice, bob = post.agents("alice", "bob")
    first, second = alice.send("bob", "one"), alice.send("bob", "two")
    with pytest.raises(errors.BadValue, match="another thread"):
        bob.send("alice", "hm", reply_to=first.id, thread=second.id)


def test_what_one_has_never_seen_cannot_be_answered(post):
    alice, _, carol = post.agents("alice", "bob", "carol")
    sent = alice.send("bob", "secret")
    for place in ({"reply_to": sent.id}, {"thread": sent.id}):
        with pytest.raises(errors.NoSuchMessage):
            carol.send("alice", "I know", **place)


# Expiry


def test_a_message_that_nobody_read_in_time_comes_back(timed):
    alice, bob = timed.agents("alice", "bob")
    sent = alice.send("bob", "lunch?", expires_in=60)
    timed.pass_s(59)
    assert bodies(bob.peek()) == ["lunch?"]
    timed.pass_s(1)
    assert bob.take() == []
    (notice,) = alice.take()
    assert (notice.kind, notice.sender, notice.reply_to) == (Kind.NOTICE, "postroom", sent.id)
    assert f"{sent.id} to bob expired" in notice.body
    (progress,) = alice.status(sent.id).deliveries
    assert (progress.state, progress.ended_ms) == (State.EXPIRED, timed.now_ms)
    assert "not read in time" in progress.reason
    assert waiting(timed.post, "bob") == 0


def test_an_expired_message_is_not_handed_over_although_nobody_has_done_the_chores(timed):
    alice, bob = timed.agents("alice", "bob")
    alice.send("bob", "lunch?", expires_in=60)
    timed.now_us += 60_000_000
    assert bob.take() == []


def test_only_those_who_had_not_read_it_let_a_message_expire(timed):
    alice, bob, _ = timed.agents("alice", "bob", "carol")
    sent = alice.send(["bob", "carol"], "lunch?", expires_in=60)
    bob.confirm(bob.take())
    timed.pass_s(60)
    assert [progress.state for progress in alice.status(sent.id).deliveries] == [State.READ, State.EXPIRED]
    assert len(alice.take()) == 1


def test_a_message_in_hand_may_be_confirmed_after_its_time(timed):
    alice, bob = timed.agents("alice", "bob")
    sent = alice.send("bob", "lunch?", expires_in=60)
    taken = bob.take()
    timed.pass_s(60)
    bob.confirm(taken)
    assert alice.status(sent.id).state is State.READ
    timed.pass_s(1_000)
    assert alice.take() == []


@pytest.mark.parametrize("way", ["given back", "lease over", "reader gone"])
def test_a_message_that_comes_back_unread_after_its_time_expires(timed, way):
    alice, bob, _ = timed.agents("alice", "bob", "bob")
    sent = alice.send("bob", "lunch?", expires_in=60)
    taken = bob.take()
    timed.pass_s(60)
    assert alice.status(sent.id).state is State.HANDED
    if way == "given back":
        bob.give_back(taken)
    elif way == "reader gone":
        bob.close()
    timed.pass_s(600 if way == "lease over" else 0)
    assert alice.status(sent.id).state is State.EXPIRED
    assert [notice.subject for notice in alice.take()] == ["notice: expired"]
    assert waiting(timed.post, "bob") == 0


@pytest.mark.parametrize("seconds", [0, -1, 31_536_001, float("nan")])
@pytest.mark.parametrize("option", ["expires_in", "reply_within"])
def test_a_deadline_lies_in_the_next_year(post, option, seconds):
    (alice,) = post.agents("alice")
    with pytest.raises(errors.BadValue, match=option):
        alice.send("alice", **{option: seconds})


# The connection


def test_a_closed_connection_says_so(post):
    (alice,) = post.agents("alice")
    alice.close()
    alice.close()
    for verb in (lambda: alice.send("alice", "hi"), alice.take, alice.peek, alice.agents, lambda: alice.status("1"), alice.sessions):
        with pytest.raises(errors.Closed):
            verb()


def test_a_forked_child_is_told_to_connect_again(post):
    with Program("alice", FORKS) as program:
        assert program.line() == "Forked"


FORKS = """
import os, postroom
child = os.fork()
if child == 0:
    try:
        me.send("alice", "from the child")
    except postroom.errors.Forked as error:
        print(type(error).__name__, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""
