"""Questions and notices: an asker gets an answer, or is told why there is none. Each test is a sentence of the rules."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from postroom.core import errors
from postroom.core.message import Draft, Kind, State
from postroom.exchange import asking, holding
from postroom.exchange.desk import open_desk
from tests.programs import Program

SOON_S = 30  # a deadline for what happens at once


def subjects(messages):
    return [message.subject for message in messages]


def bodies(messages):
    return [message.body for message in messages]


# ask


def test_asking_returns_the_answer(post):
    alice, bob = post.agents("alice", "bob")
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(alice.ask, "bob", "which port?", timeout=SOON_S)
        (question,) = bob.take(wait=SOON_S)
        question.reply("8080")
        answer = asked.result(SOON_S)
    assert (answer.sender, answer.body, answer.reply_to) == ("bob", "8080", question.id)
    assert question.expects_reply
    assert alice.status(answer.id).state is State.READ
    assert alice.take() == []


def test_asking_waits_for_its_own_answer_and_leaves_everything_else(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(alice.ask, "bob", "which port?", timeout=SOON_S)
        (question,) = bob.take(wait=SOON_S)
        carol.send("alice", "by the way")
        bob.send("alice", "let me see")
        question.reply("8080")
        assert asked.result(SOON_S).body == "8080"
    assert bodies(alice.take()) == ["by the way", "let me see"]


def test_an_inbox_loop_in_another_thread_does_not_get_the_answer(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    with ThreadPoolExecutor() as pool:
        loop = pool.submit(lambda: bodies(message for message, _ in zip(alice, range(1), strict=False)))
        asked = pool.submit(alice.ask, "bob", "which port?", timeout=SOON_S)
        bob.take(wait=SOON_S)[0].reply("8080")
        assert asked.result(SOON_S).body == "8080"
        carol.send("alice", "something else")
        carol.send("alice", "and more")
        assert loop.result(SOON_S) == ["something else"]


def test_an_inbox_loop_in_another_process_does_not_get_the_answer(post):
    alice, bob = post.agents("alice", "bob")
    with Program("alice", "for message in me: print(message.body)") as loop, ThreadPoolExecutor() as pool:
        bob.send("alice", "are you there?")
        assert loop.line() == "are you there?"
        asked = pool.submit(alice.ask, "bob", "which port?", timeout=SOON_S)
        bob.take(wait=SOON_S)[0].reply("8080")
        assert asked.result(SOON_S).body == "8080"
        bob.send("alice", "something else")
        assert loop.line() == "something else"


def test_two_questions_at_once_get_each_its_own_answer(post):
    alice, bob = post.agents("alice", "bob")
    with ThreadPoolExecutor() as pool:
        asked = {port: pool.submit(alice.ask, "bob", port, timeout=SOON_S) for port in ("one", "two")}
        questions = bob.take(wait=SOON_S)
        while len(questions) < 2:
            questions += bob.take(wait=SOON_S)
        for question in sorted(questions, key=lambda question: question.body, reverse=True):
            question.reply(f"answer to {question.body}")
        assert {port: answer.result(SOON_S).body for port, answer in asked.items()} == {"one": "answer to one", "two": "answer to two"}


def test_asking_ends_at_its_timeout_and_a_late_answer_comes_to_the_inbox(post):
    alice, bob = post.agents("alice", "bob")
    with pytest.raises(errors.NoAnswer, match="late answer will come to the inbox"):
        alice.ask("bob", "which port?", timeout=0.001)
    bob.take()[0].reply("8080")
    assert bodies(message for message in alice.take() if message.kind is Kind.MESSAGE) == ["8080"]


def test_after_asking_there_are_no_more_notices_about_the_question(timed):
    alice, bob = timed.agents("alice", "bob")
    with pytest.raises(errors.NoAnswer):
        alice.ask("bob", "which port?", timeout=0.001)
    bob.close()
    timed.pass_s(60)
    assert alice.take() == []


def test_asking_ends_when_the_question_is_refused(post):
    alice, _ = post.agents("alice", "bob")
    with pytest.raises(errors.NoSuchAgent):
        alice.ask("nobody", "which port?")


def test_asking_ends_when_the_question_expires(timed):
    alice, bob = timed.agents("alice", "bob")
    with ThreadPoolExecutor() as pool:
        rings = bob._seat.bell.rings
        asked = pool.submit(alice.ask, "bob", "which port?", timeout=SOON_S, expires_in=5)
        assert bob._seat.bell.wait(rings, SOON_S)
        timed.pass_s(6)
        with pytest.raises(errors.NoAnswer, match=r"expired before it was read\.$"):
            asked.result(SOON_S)


def test_a_claim_ends_with_its_process(post):
    alice, bob = post.agents("alice", "bob")
    with Program("alice", "me.ask('bob', 'which port?', timeout=60)") as asker:
        (question,) = bob.take(wait=SOON_S)
        asker.kill()
    question.reply("8080")
    assert bodies(alice.take(wait=SOON_S)) == ["8080"]


# Notices


def test_a_question_answered_in_time_brings_no_notice(timed):
    alice, bob = timed.agents("alice", "bob")
    alice.send("bob", "which port?", reply_within=60)
    bob.take()[0].reply("8080")
    bob.profile(status="idle")
    bob.close()
    timed.pass_s(61)
    assert bodies(alice.take()) == ["8080"]


def test_a_deadline_that_passes_brings_a_notice(timed):
    alice, bob = timed.agents("alice", "bob")
    sent = alice.send("bob", "which port?", reply_within=60)
    bob.confirm(bob.take())
    timed.pass_s(59)
    assert alice.take() == []
    timed.pass_s(1)
    (notice,) = alice.take()
    assert (notice.kind, notice.sender, notice.reply_to, notice.thread) == (Kind.NOTICE, "postroom", sent.id, sent.thread)
    assert f"bob did not answer your message {sent.id} in time" in notice.body
    notice.confirm()
    timed.pass_s(3_600)
    assert alice.take() == []


def test_each_target_that_lets_the_deadline_pass_is_named(timed):
    alice, bob, _, _ = timed.agents("alice", "bob", "carol", "dora")
    alice.send(["bob", "carol", "dora"], "which port?", reply_within=60)
    bob.take()[0].reply("8080")
    timed.pass_s(60)
    answer, *notices = alice.take()
    assert answer.body == "8080"
    assert [notice.body.split()[0] for notice in notices] == ["carol", "dora"]


@pytest.mark.parametrize("read", [True, False])
def test_a_target_that_goes_offline_brings_a_notice_once(post, read):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "which port?", reply_within=60)
    if read:
        bob.confirm(bob.take())
    bob.close()
    (notice,) = alice.take()
    assert notice.subject == "notice: offline"
    assert "bob went offline without answering" in notice.body
    post.connect("bob").close()
    assert alice.take() == []


def test_a_target_with_another_process_is_not_offline(post):
    alice, bob, bob_again = post.agents("alice", "bob", "bob")
    alice.send("bob", "which port?", reply_within=60)
    bob.close()
    assert alice.take() == []
    bob_again.close()
    assert subjects(alice.take()) == ["notice: offline"]


def test_a_target_that_is_killed_brings_a_notice(post):
    (alice,) = post.agents("alice")
    with Program("bob", "print('here')") as bob:
        bob.line()
        alice.send("bob", "which port?", reply_within=60)
        bob.kill()
    alice.send("bob", "hello?")
    assert subjects(alice.take(wait=SOON_S)) == ["notice: offline"]


def test_a_target_that_reads_and_goes_idle_brings_a_notice_once(post):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "which port?", reply_within=60)
    bob.profile(status="idle")
    assert alice.take() == []  # it has not even read it
    bob.confirm(bob.take())
    bob.profile(status="active")
    assert alice.take() == []
    bob.profile(status="idle")
    assert subjects(alice.take()) == ["notice: idle"]
    bob.profile(status="idle")
    assert alice.take() == []


def test_a_plain_message_brings_no_notice_when_its_reader_goes(post):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "for your information")
    bob.close()
    assert alice.take() == []


def test_an_answer_after_the_deadline_still_comes(timed):
    alice, bob = timed.agents("alice", "bob")
    sent = alice.send("bob", "which port?", reply_within=60)
    (question,) = bob.take()
    timed.pass_s(61)
    question.reply("8080")
    assert bodies(alice.take())[1:] == ["8080"]
    assert alice.status(sent.id).state is State.ANSWERED


def test_a_recipient_that_cannot_take_it_is_named_in_the_receipt_and_in_a_notice(post):
    post.configure("[limits]\nwaiting = 1\n")
    alice, bob, carol = post.agents("alice", "bob", "carol")
    bob.send("bob", "full now")
    sent = alice.send(["bob", "carol"], "hello", reply_within=60)
    refused, delivered = sent.deliveries
    assert (refused.state, delivered.state) == (State.REFUSED, State.DELIVERED)
    assert refused.reason.startswith("mailbox-full: ")
    assert bodies(carol.take()) == ["hello"]
    (notice,) = alice.take()
    assert (notice.subject, notice.reply_to) == ("notice: refused", sent.id)
    assert "bob did not take your message" in notice.body
    assert "mailbox-full" in notice.body


def test_who_is_left_out_is_not_waited_for_and_the_others_are(timed):
    timed.post.configure("[limits]\nwaiting = 1\n")
    alice, bob, _ = timed.agents("alice", "bob", "carol")
    bob.send("bob", "full now")
    asked = alice.send(["bob", "carol"], "which port?", reply_within=60)
    alice.confirm(alice.take())
    timed.pass_s(61)
    (notice,) = alice.take()
    assert (notice.subject, notice.reply_to, "carol did not answer" in notice.body) == ("notice: deadline", asked.id, True)


def test_a_reason_does_not_ask_for_what_would_not_help(post):
    post.configure("[limits]\nwaiting = 1\npair_per_minute = 1\n")
    alice, bob, *_ = post.agents("alice", "bob", "carol", "dora")
    bob.send("bob", "full now")
    alice.send("carol", "one")
    full, fast, _ = alice.send(["bob", "carol", "dora"], "hello", id="x").deliveries
    assert "Nothing was sent" not in full.reason
    assert "same id" not in fast.reason


def test_a_message_that_nobody_can_take_is_an_error_and_not_sent(post):
    post.configure("[limits]\nwaiting = 1\n")
    alice, bob, carol = post.agents("alice", "bob", "carol")
    bob.send(["bob", "carol"], "full now")
    with pytest.raises(errors.MailboxFull):
        alice.send(["bob", "carol"], "hello", id="x")
    assert bodies(bob.take()) == bodies(carol.take()) == ["full now"]
    with pytest.raises(errors.NoSuchMessage):
        alice.status("x")


def test_a_held_message_that_a_human_discards_comes_back_with_the_reason(post):
    post.configure("[limits]\nthread_turns = 1\n")
    alice, bob = post.agents("alice", "bob")
    first = alice.send("bob", "one")
    bob.send("alice", "two", reply_to=first.id)
    held = alice.send("bob", "three?", thread=first.id, reply_within=60)
    assert held.state is State.HELD
    for reader in (alice, bob):
        reader.confirm(reader.take())
    with post.connect("carol") as anybody:
        assert holding.discard(anybody._seat.desk, first.id, "enough") == 1
    (notice,) = alice.take()
    notice.confirm()
    assert notice.subject == "notice: discarded"
    assert notice.body.endswith("discarded: enough")
    (progress,) = alice.status(held.id).deliveries
    assert (progress.state, progress.reason) == (State.REFUSED, "discarded: enough")
    bob.close()
    assert alice.take() == []  # nobody waits for an answer to what never arrived


def test_notices_cannot_be_answered(post):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "which port?", reply_within=60)
    bob.close()
    (notice,) = alice.take()
    with pytest.raises(errors.ReservedName):
        notice.reply("what?")


def test_a_notice_that_is_not_read_brings_no_notice(timed):
    alice, _ = timed.agents("alice", "bob")
    alice.send("bob", "lunch?", expires_in=60, reply_within=30)
    for _ in range(5):
        timed.pass_s(10_000)
    assert subjects(alice.take()) == ["notice: deadline", "notice: expired"]


def test_a_question_is_asked_and_claimed_in_one_step(post):
    alice, bob = post.agents("alice", "bob")
    desk = open_desk("alice", post.home, interface="sdk")
    _, seq = asking.ask(desk, Draft("bob", "which port?", reply_within=60))
    bob.take()[0].reply("8080")
    assert alice.take() == []
    asking.let_go(desk, seq)
    assert bodies(alice.take()) == ["8080"]
    desk.close()
