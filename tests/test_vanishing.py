"""What becomes of mail, questions and sessions when an agent becomes a ghost: all of it ends at that moment, and everybody is told."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from postroom.core import errors
from postroom.core.message import Draft, State
from postroom.core.session import SessionState
from postroom.exchange import attending, holding, sessions
from postroom.exchange.watching import Change, Feed, Sieve
from tests.inside import desk_of
from tests.store.keepers import desk_of_human, faults, query
from tests.waiting import SOON_S

GONE = "gone: it is not here any more"


@pytest.fixture
def pair(timed):
    """One who writes, and one who is about to become a ghost."""
    return timed.agents("otto", "gus")


def vanish(agent):
    """Become a ghost. Returns how many messages went back."""
    return agent.profile(visibility="ghost").returned


def line(agent, id, name="gus"):
    """What became of a message for one recipient: its state, why, and whether that one is said to be online."""
    return next((one.state, one.reason, one.online) for one in agent.status(id).deliveries if one.recipient == name)


def told(agent):
    """What the post room has told an agent: the subject, and about which message. It is read by that."""
    taken = agent.take()
    agent.confirm(taken)
    return [(message.subject.removeprefix("notice: "), message.reply_to) for message in taken if message.sender == "postroom"]


def bodies(messages):
    return [message.body for message in messages]


# Mail


def test_what_it_has_not_read_comes_back_to_its_sender_at_once(pair):
    otto, gus = pair
    sent = otto.send("gus", "hi")
    assert vanish(gus) == 1
    assert line(otto, sent.id) == (State.REFUSED, GONE, False)
    (notice,) = otto.take()
    assert (notice.sender, notice.subject, notice.thread, notice.reply_to) == ("postroom", "notice: refused", sent.id, sent.id)
    assert notice.body == f"gus did not take your message {sent.id}: {GONE}"
    assert gus.take() == []


def test_what_it_has_read_or_answered_stays_so_for_good(pair):
    otto, gus = pair
    read, answered = otto.send("gus", "read this"), otto.send("gus", "answer this")
    gus.confirm(gus.take())
    gus.send("", "done", reply_to=answered.id)
    assert vanish(gus) == 0
    gus.send("", "I have read it", reply_to=read.id)
    assert line(otto, read.id) == (State.READ, None, False)
    assert line(otto, answered.id) == (State.ANSWERED, None, False)
    assert told(otto) == []


def test_what_it_has_in_hands_comes_back_too_and_confirming_it_is_no_error(pair):
    otto, gus = pair
    gus.create_room("hall")
    otto.join("hall")
    sent, said = otto.send("gus", "in hands"), otto.send("#hall", "to all")
    handed = gus.take()
    assert vanish(gus) == 1
    gus.confirm(handed)
    assert line(otto, sent.id) == (State.REFUSED, GONE, False)
    assert gus.take() == []
    assert gus.profile().waiting == 0
    assert otto.status(said.id).deliveries == ()
    gus.profile(visibility="visible")
    assert line(otto, said.id)[0] is State.READ
    assert [event.what for event in otto.events() if event.message] == ["refused"]


def test_a_loop_in_which_it_becomes_a_ghost_goes_on(pair):
    otto, gus = pair
    sent = [otto.send("gus", body) for body in ("vanish", "and this?")]
    for message in gus.inbox():
        assert message.body == "vanish"
        assert vanish(gus) == 2
    assert {line(otto, one.id)[0] for one in sent} == {State.REFUSED}


def test_nothing_that_a_ghost_does_changes_what_became_of_a_message(pair):
    otto, gus = pair
    sent = [otto.send("gus", body) for body in ("read", "in hands", "waiting")]
    gus.confirm(gus.take(1))
    handed = gus.take(1)
    vanish(gus)
    before = [otto.status(one.id) for one in sent]
    gus.rename("gil")
    gus.confirm(handed)
    gus.give_back(handed)
    for one in sent:
        gus.send("", "seen", reply_to=one.id)
    gus.close()
    assert [otto.status(one.id) for one in sent] == before
    assert [one.recipient for receipt in before for one in receipt.deliveries] == ["gus"] * 3


def test_waiting_for_it_to_be_read_ends(post):
    otto, gus = post.agents("otto", "gus")
    sent = otto.send("gus", "hi")
    with ThreadPoolExecutor() as pool:
        followed = pool.submit(otto.follow, sent.id, until="read", timeout=SOON_S)
        vanish(gus)
        assert followed.result(SOON_S).state is State.REFUSED


def test_waiting_ends_too_for_what_was_said_where_nobody_else_is(pair):
    otto, gus = pair
    otto.create_room("hall")
    gus.join("hall")
    said = otto.send("#hall", "hi")
    vanish(gus)
    receipt = otto.follow(said.id, until="read", timeout=SOON_S)
    assert receipt.deliveries == ()
    assert receipt.has_come_to("read")


def test_a_message_to_several_comes_back_from_the_ghost_alone(timed, pair):
    otto, gus = pair
    olga = timed.agent("olga")
    sent = otto.send(["gus", "olga"], "hi both")
    vanish(gus)
    assert [one.state for one in olga.status(sent.id).deliveries] == [State.REFUSED, State.DELIVERED]
    assert bodies(olga.take()) == ["hi both"]
    assert told(otto) == [("refused", sent.id)]


def test_what_was_said_to_a_crowd_stays_and_shows_nothing_of_the_ghost(timed, pair):
    otto, gus = pair
    olga = timed.agent("olga")
    otto.create_room("hall")
    for agent in (gus, olga):
        agent.join("hall")
    said = [otto.send(to, "hi all", expires_in=60) for to in ("#hall", "@all")]
    assert vanish(gus) == 0
    assert [[one.recipient for one in otto.status(one.id).deliveries] for one in said] == [["olga"], ["olga"]]
    assert bodies(gus.take()) == ["hi all", "hi all"]


def test_what_is_held_on_its_way_to_it_comes_back_and_is_not_released(timed, pair):
    otto, gus = pair
    olga = timed.agent("olga")
    with desk_of_human(timed.post.home) as desk:
        holding.pause(desk, "otto", "a moment")
        sent = otto.send(["gus", "olga"], "held")
        otto.confirm(otto.take())
        assert vanish(gus) == 1
        assert told(otto) == [("refused", sent.id)]
        assert holding.release(desk, "otto") == 1
    assert line(otto, sent.id)[0] is State.REFUSED
    assert bodies(olga.take()) == ["held"]
    assert gus.take() == []


def test_what_the_human_or_it_itself_has_sent_to_it_stays(timed, pair):
    otto, gus = pair
    human = timed.human()
    asked, note = human.send(["gus", "otto"], "and you?"), gus.send("gus", "a note")
    assert vanish(gus) == 0
    assert [one.recipient for one in otto.status(asked.id).deliveries] == ["otto"]
    gus.confirm(gus.take())
    assert line(human, asked.id)[0] is State.READ
    assert line(gus, note.id)[0] is State.READ
    assert [one.recipient for one in otto.status(asked.id).deliveries] == ["otto"]


def test_the_human_is_told_when_what_it_sent_to_a_ghost_expires_and_nobody_can_count_that(timed, pair):
    otto, gus = pair
    human = timed.human()
    desk_of(human).clock = timed
    sent = human.send("gus", "now or never", expires_in=60)
    vanish(gus)
    timed.pass_s(61)
    (notice,) = human.take()
    assert (notice.subject, notice.reply_to, notice.number) == ("notice: expired", sent.id, 0)
    assert otto.send("otto", "a note").number == sent.number + 1


def test_its_events_say_that_a_message_came_back_under_the_name_that_others_knew(pair):
    otto, gus = pair
    sent = otto.send("gus", "hi")
    vanish(gus)
    gus.rename("gil")
    assert [(event.what, event.agent, event.message, event.text) for event in otto.events()] == [("refused", "gus", sent.id, GONE)]


def test_who_watches_sees_it_come_back(pair):
    otto, gus = pair
    feed = Feed(desk_of(otto), Sieve(), last=0)
    otto.send("gus", "hi")
    feed.news()
    vanish(gus)
    gus.rename("gil")
    (change,) = [one for one in feed.news() if isinstance(one, Change)]
    assert (change.recipient, change.state, change.reason) == ("gus", "refused", GONE)


def test_sending_again_with_its_id_says_that_it_came_back(pair):
    otto, gus = pair
    otto.send("gus", "hi", id="first")
    vanish(gus)
    gus.profile(visibility="visible")
    assert otto.send("gus", "hi", id="first").state is State.REFUSED
    assert gus.take() == []


def test_mail_between_ghosts_stays_out_of_sight(timed, pair):
    otto, gus = pair
    vanish(otto)
    sent = otto.send("gus", "come here")
    assert vanish(gus) == 0
    (message,) = gus.take()
    message.reply("I am here")
    assert message.id == sent.id
    assert bodies(otto.take()) == ["I am here"]


# Questions


def test_a_question_to_it_is_closed_and_its_asker_told_at_once(timed, pair):
    otto, gus = pair
    unread, read = otto.send("gus", "will you?", reply_within=60), None
    vanish(gus)
    gus.profile(visibility="visible")
    read = otto.send("gus", "and now?", reply_within=60)
    gus.confirm(gus.take())
    vanish(gus)
    assert told(otto) == [("refused", unread.id), ("gone", read.id)]
    assert line(otto, read.id)[0] is State.READ
    timed.pass_s(61)
    gus.profile(status="idle")
    gus.close()
    assert told(otto) == []


@pytest.mark.parametrize("reads", [False, True])
def test_who_waits_for_its_answer_is_told_at_once(post, reads):
    otto, gus = post.agents("otto", "gus")
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(otto.ask, "gus", "will you?", timeout=SOON_S)
        taken = gus.take(wait=SOON_S)
        if reads:
            gus.confirm(taken)
        vanish(gus)
        with pytest.raises(errors.NoAnswer, match="is not here any more"):
            asked.result(SOON_S - 5)


def test_what_it_asked_before_asks_for_nothing_any_more(timed, pair):
    otto, gus = pair
    asked = gus.send("otto", "will you?", reply_within=60)
    (question,) = otto.peek()
    assert question.expects_reply
    vanish(gus)
    assert told(gus) == [("out-of-sight", asked.id)]
    assert [message.expects_reply for message in (*otto.peek(), *otto.history(), *otto.take())] == [False] * 3
    otto.confirm(otto.take())
    assert [one.awaited for one in attending.requests(desk_of(otto))] == [False]
    with pytest.raises(errors.NoSuchRecipient, match="gus"):
        otto.send("", "yes", reply_to=asked.id)
    timed.pass_s(61)
    assert told(gus) == []


def test_a_ghost_that_waits_for_an_answer_waits_no_more(post):
    otto, gus = post.agents("otto", "gus")
    again = post.connect("gus")
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(gus.ask, "otto", "will you?", timeout=SOON_S)
        assert otto.take(wait=SOON_S)
        vanish(again)
        with pytest.raises(errors.NoAnswer, match="cannot answer your message"):
            asked.result(SOON_S - 5)


def test_a_ghost_that_has_written_is_answered_by_its_name_and_only_so(post):
    otto, gus = post.agents("otto", "gus")
    vanish(gus)
    asked = gus.send("otto", "which port?")
    (message,) = otto.take()
    otto.send(message.sender, "8080", reply_to=message.id)
    for drafts in ([Draft("gus", "hello")], [Draft("gus", "8081", reply_to=message.id), Draft("gus", "hello")]):
        with pytest.raises(errors.NoSuchRecipient, match="'gus'"):
            otto.send_many(drafts)
    otto.send_many([Draft("gus", "9", reply_to=message.id), Draft("gus", "10", reply_to=message.id)])
    assert [(one.body, one.reply_to) for one in gus.take()] == [("8080", asked.id), ("9", asked.id), ("10", asked.id)]


def test_between_a_ghost_and_the_human_questions_stay_open_and_answers_close_them(timed, pair):
    otto, gus = pair
    human = timed.human()
    desk_of(human).clock = timed
    mine, yours = gus.send("human", "may I?", reply_within=60), human.send("gus", "will you?", reply_within=60)
    assert vanish(gus) == 0
    assert [(one.message.expects_reply, one.awaited) for one in attending.requests(desk_of(human))] == [(True, True)]
    human.send("", "you may", reply_to=mine.id)
    gus.send("", "I will", reply_to=yours.id)
    timed.pass_s(61)
    assert bodies(human.take()) == ["may I?", "I will"]
    assert bodies(gus.take()) == ["will you?", "you may"]
    assert attending.requests(desk_of(human), limit=1)[0].awaited is False
    assert otto.send("otto", "a note").number == yours.number + 1


def test_a_deadline_between_a_ghost_and_the_human_has_no_number(timed, pair):
    otto, gus = pair
    human = timed.human()
    desk_of(human).clock = timed
    mine, yours = gus.send("human", "may I?", reply_within=60), human.send("gus", "will you?", reply_within=60)
    vanish(gus)
    timed.pass_s(61)
    assert told(human) == [("deadline", yours.id)]
    assert told(gus) == [("deadline", mine.id)]
    assert otto.send("otto", "a note").number == yours.number + 1


# Sessions


def opened(opener, peer, *, accepted=True):
    """The id of a session."""
    offered = sessions.open_session(desk_of(opener), Draft(peer.name, "tea?"))
    if accepted:
        sessions.accept(desk_of(peer), offered.id)
        opener.confirm(opener.take())
    return offered.id


@pytest.mark.parametrize("mine", [False, True])
@pytest.mark.parametrize("accepted, state", [(True, SessionState.CLOSED), (False, SessionState.LAPSED)])
def test_its_sessions_end_and_both_sides_are_told(pair, mine, accepted, state):
    otto, gus = pair
    id = opened(*((gus, otto) if mine else (otto, gus)), accepted=accepted)
    vanish(gus)
    for agent in pair:
        (view,) = agent.sessions()
        assert (view.id, view.state) == (id, state)
        assert view.reason.endswith("has ended: gus is not here any more.")
    assert ("session-gone", id) in told(otto)
    assert ("session-gone", id) in told(gus)
    before = otto.sessions()
    for act in (sessions.accept, sessions.close, lambda desk, id: sessions.say(desk, id, Draft("", "milk?"))):
        for agent in pair:
            with pytest.raises(errors.NotYourTurn):
                act(desk_of(agent), id)
    assert otto.sessions() == before


def test_what_it_has_not_read_in_a_session_comes_back_before_the_end(post):
    otto, gus = post.agents("otto", "gus")
    with ThreadPoolExecutor() as pool:
        offered = pool.submit(otto.session, "gus", "tea?", timeout=SOON_S)
        (offer,) = gus.take(wait=SOON_S)
        gus.accept(offer.id)
        session = offered.result(SOON_S)
    session.send("milk?")
    vanish(gus)
    assert session.receive(timeout=SOON_S).subject == "notice: refused"
    with pytest.raises(errors.SessionClosed, match="gus is not here any more"):
        session.receive(timeout=SOON_S)


def test_who_waits_for_it_to_accept_a_session_waits_no_more(post):
    otto, gus = post.agents("otto", "gus")
    with ThreadPoolExecutor() as pool:
        offered = pool.submit(otto.session, "gus", "tea?", timeout=SOON_S)
        assert gus.take(wait=SOON_S)
        vanish(gus)
        with pytest.raises(errors.SessionClosed, match=r"is over\. .*: gus is not here any more"):
            offered.result(SOON_S - 5)
    assert [view.state for view in otto.sessions()] == [SessionState.LAPSED]


def test_what_only_says_where_a_session_stands_ends_without_a_word(pair):
    otto, gus = pair
    id = opened(otto, gus, accepted=False)
    sessions.close(desk_of(otto), id)
    assert vanish(gus) == 0
    assert {one.state for message in otto.history() for one in otto.status(message.id).deliveries} == {State.REFUSED}
    assert told(otto) == []


def test_the_human_can_have_a_session_with_a_ghost_that_nobody_can_count(timed, pair):
    otto, gus = pair
    human = timed.human()
    vanish(gus)
    before = otto.send("otto", "a note").number
    id = opened(human, gus)
    sessions.say(desk_of(human), id, Draft("", "milk?"))
    sessions.say(desk_of(gus), id, Draft("", "yes"))
    sessions.close(desk_of(human), id)
    gus.confirm(gus.take())
    assert bodies(human.take()) == ["yes", ""]
    assert [view.state for view in human.sessions()] == [SessionState.CLOSED]
    assert otto.send("otto", "a note").number == before + 1


# Being there again


def test_a_ghost_that_is_seen_again_has_a_clean_table(timed, pair):
    otto, gus = pair
    otto.send("gus", "once", reply_within=60)
    gus.send("otto", "and you?", reply_within=60)
    opened(otto, gus, accepted=False)
    vanish(gus)
    told(otto), told(gus)
    gus.profile(visibility="visible")
    assert gus.take() == []
    assert vanish(gus) == 0
    gus.profile(visibility="visible")
    timed.pass_s(90_000)
    assert (told(otto), told(gus)) == ([], [])
    sent = otto.send("gus", "again")
    assert bodies(gus.take()) == ["again"]
    assert line(otto, sent.id)[0] is State.HANDED


def test_only_the_change_that_makes_a_ghost_says_how_many_went_back(pair):
    otto, gus = pair
    otto.send("gus", "hi")
    assert gus.profile(visibility="hidden").returned is None
    assert vanish(gus) == 1
    assert gus.profile().returned is None
    assert vanish(gus) is None
    assert {agent.returned for agent in otto.agents()} == {None}


# Dying meanwhile

DIES = """
import os, postroom, signal, sys
me, left = postroom.connect("gus"), int(sys.argv[1])
def step(cursor, statement, bindings):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return True
me._seat.desk.database.connection.exec_trace = step
me.profile(visibility="ghost")
"""
STANDING = """
SELECT (SELECT visibility FROM agent WHERE name = 'gus'), (SELECT count(*) FROM delivery WHERE state = 'refused'),
    (SELECT count(*) FROM request), (SELECT count(*) FROM event WHERE what = 'refused'),
    (SELECT count(*) FROM message WHERE subject IN ('notice: refused', 'notice: out-of-sight', 'notice: session-gone'))
"""


def test_one_that_is_killed_while_it_vanishes_has_vanished_as_a_whole_or_not_at_all(post):
    otto, gus = post.agents("otto", "gus")
    for body in ("one", "two"):
        otto.send("gus", body, reply_within=3_600)
    gus.send("otto", "will you?", reply_within=3_600)
    opened(otto, gus)
    gus.close()
    before, whole = query(post.home, STANDING), [("ghost", 2, 0, 2, 4)]
    assert before == [("visible", 0, 3, 0, 0)]
    killed, kill_at = 0, 1
    while query(post.home, STANDING) == before:
        ended = subprocess.run([sys.executable, "-c", DIES, str(kill_at)], timeout=SOON_S, check=False)
        killed += ended.returncode == -signal.SIGKILL
        kill_at += 7
    assert query(post.home, STANDING) == whole
    assert killed > 3
    assert faults(post.home) == []
