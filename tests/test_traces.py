"""What is said in a secret room, and what a ghost does, leaves no trace where others could find it. See also test_non_interference.py."""

from __future__ import annotations

import pytest

from postroom.core import errors
from postroom.core.message import Draft, Kind, State
from postroom.exchange import holding, keeping, presence, sessions
from postroom.exchange.watching import Change
from tests.borders import limited
from tests.store.keepers import desk_of_human


@pytest.fixture
def inside(timed):
    """Two who are in the secret room `den`."""
    ina, ivo = timed.agents("ina", "ivo")
    ina.create_room("den", policy="secret")
    ina.invite("den", "ivo")
    ivo.join("den")
    ivo.confirm(ivo.take())
    return ina, ivo


@pytest.fixture
def ghost(timed):
    """A ghost in the public room `hall` of `otto`."""
    otto, ghost = timed.agents("otto", "gus")
    otto.create_room("hall")
    ghost.join("hall")
    ghost.profile(visibility="ghost")
    return ghost


def bodies(messages):
    return [message.body for message in messages]


# Secret rooms


def test_what_follows_from_something_hidden_is_not_counted_where_others_see_it(timed, inside):
    ina, ivo = inside
    ina.send("#den", "who tells otto?")
    ivo.take()
    otto = timed.agent("otto")
    ivo.send("otto", "hello")
    ivo.send("#den", "I did")
    assert [message.hops for message in otto.peek()] == [0]
    assert [message.hops for message in ina.peek()] == [1]


def test_who_reads_something_hidden_still_remembers_what_others_see_it_say(timed, inside):
    ina, ivo = inside
    otto = timed.agent("otto")
    otto.send("ivo", "tell somebody")
    ivo.confirm(ivo.take())
    ina.send("#den", "hidden")
    ivo.confirm(ivo.take())
    ivo.send("otto", "who?")
    assert [message.hops for message in otto.take()] == [1]


def test_a_hidden_answer_begins_a_thread_of_its_own_and_answers_nothing_that_others_see(timed, inside):
    limited(timed.post, thread_turns=1)
    ina, ivo = inside
    otto, guest = timed.agents("otto", "ivo")
    asked = ina.send(["ivo", "otto"], "lunch?", reply_within=60)
    hidden = guest.send("#den", "without otto", reply_to=asked.id)
    assert hidden.thread == hidden.id
    assert [answer.reply_to for answer in ina.peek()] == [asked.id]
    assert {progress.state for progress in otto.status(asked.id).deliveries} == {"delivered"}
    assert otto.send("", "yes", reply_to=asked.id).state == "delivered", "no turn of the thread was used up"
    assert bodies(otto.thread(asked.id)) == ["lunch?", "yes"]
    assert bodies(ivo.thread(hidden.id)) == ["without otto"]


def test_hidden_mail_keeps_nobody_in_listings(timed, inside):
    limited(timed.post, archive_days=1)
    ina, ivo = inside
    otto = timed.agent("otto")
    ivo.close()
    ina.send("#den", "are you there?")
    timed.pass_s(2 * 86_400)
    presence.archive(otto._seat.desk)
    assert "ivo" not in [agent.name for agent in otto.agents()]
    ina.send("#den", "still?")
    presence.archive(otto._seat.desk)
    assert "ivo" not in [agent.name for agent in otto.agents()]
    otto.send("ivo", "come back")
    assert "ivo" in [agent.name for agent in otto.agents()]


def test_secret_rooms_are_counted_for_themselves(timed):
    limited(timed.post, rooms=1)
    ina, otto = timed.agents("ina", "otto")
    ina.create_room("den", policy="secret")
    otto.create_room("hall")
    ina.join("hall")
    otto.transfer("hall", "ina")
    assert otto.room("hall").owner == "ina"


def test_which_messages_are_pruned_does_not_depend_on_hidden_ones(timed, inside):
    ina, _ = inside
    otto, olga = timed.agents("otto", "olga")
    for body in ("first", "last"):
        otto.send("olga", body)
    olga.confirm(olga.take())
    ina.send("#den", "hidden")
    timed.pass_s(2 * 86_400)
    prune(timed)
    assert bodies(otto.history()) == ["last"]


def test_a_file_from_a_secret_room_is_for_no_other_also_for_one_who_guesses_its_bytes(timed, inside, home):
    ina, ivo = inside
    otto = timed.agent("otto")
    (home / "plan").write_text("the plan")
    ina.send("#den", files=home / "plan")
    (message,) = ivo.take()
    (file,) = message.attachments
    with pytest.raises(errors.FileLost) as found:
        otto.save(file, home / "guessed")
    with pytest.raises(errors.FileLost) as never:
        otto.save(file._replace(sha256="0" * 64), home / "guessed")
    assert str(found.value).replace(file.sha256, "0" * 64) == str(never.value)
    ina.kick("den", "ivo")
    message.save(file, home / "kept")
    assert (home / "kept").read_text() == "the plan"


def test_what_watch_tells_of_a_message_has_no_number_of_the_store():
    assert Change._fields == ("id", "recipient", "state", "reason", "at_ms", "sender")


# Ghosts


def test_a_ghost_makes_no_mailboxes(ghost):
    with pytest.raises(errors.GhostsLeaveNoTrace):
        ghost.send("somebody-new", "hi", create=True)


def test_a_ghost_invites_nobody_into_rooms_that_others_see(timed, ghost):
    timed.agent("olga")
    with pytest.raises(errors.GhostsLeaveNoTrace):
        ghost.invite("hall", "olga")


def test_who_invited_a_ghost_is_not_told_that_it_declines(timed):
    otto, gus = timed.agents("otto", "gus")
    otto.create_room("club", policy="private")
    otto.invite("club", "gus")
    gus.profile(visibility="ghost")
    gus.decline_invitation("club", "no time")
    assert otto.take() == []
    with pytest.raises(errors.NotInvited):
        gus.join("club")


def test_what_one_says_to_a_ghost_slows_one_down_for_nobody_else(timed):
    limited(timed.post, sender_per_minute=1)
    otto, ina, gus = timed.agents("otto", "ina", "gus")
    gus.profile(visibility="ghost")
    said = gus.send("ina", "who am I?")
    ina.send("", "nobody", reply_to=said.id)
    assert ina.send("otto", "hello").state == "delivered"
    with pytest.raises(errors.TooFast):
        gus.send("ina", "guess again")
    assert bodies(otto.take()) == ["hello"]


@pytest.fixture
def asked(timed):
    """What gus, who is a ghost since, asked in the public room `hall`; who may answer it there, and who looks on."""
    gus, ida, olga = timed.agents("gus", "ida", "olga")
    for agent, room in ((gus, "hall"), (ida, "cafe")):
        agent.create_room(room)
    for agent in (ida, olga):
        agent.join("hall")
    question = gus.send("#hall", "tea?")
    gus.profile(visibility="ghost")
    return gus, ida, olga, question.id


def state_for(observer, id, name):
    return next(one.state for one in observer.status(id).deliveries if one.recipient == name)


def test_an_answer_in_a_room_counts_whether_the_ghost_that_asked_is_still_there_or_not(asked):
    gus, ida, olga, question = asked
    gus.leave("hall")
    ida.send("", "milk", reply_to=question)
    assert state_for(olga, question, "ida") is State.ANSWERED


def test_an_answer_in_another_room_does_not_tell_that_the_ghost_that_asked_is_there(asked):
    gus, ida, olga, question = asked
    gus.join("cafe")
    ida.send("#cafe", "milk", reply_to=question)
    assert state_for(olga, question, "ida") is State.DELIVERED


@pytest.mark.parametrize("room, state", [("hall", State.ANSWERED), ("cafe", State.DELIVERED)])
def test_a_held_answer_that_is_released_does_not_tell_where_the_ghost_that_asked_is(timed, asked, room, state):
    gus, ida, olga, question = asked
    gus.leave("hall")
    gus.join("cafe")
    with desk_of_human(timed.post.home) as desk:
        holding.pause(desk, "ida", "a moment")
        ida.send(f"#{room}", "milk", reply_to=question)
        assert state_for(olga, question, "ida") is State.DELIVERED
        holding.release(desk, "ida")
    assert state_for(olga, question, "ida") is state


def test_a_session_that_a_ghost_offers_lapses_without_a_number(timed, ghost):
    otto, ina = timed.agents("otto", "ina")
    before = otto.send("ina", "one").number
    sessions.open_session(ghost._seat.desk, Draft("ina", "tea?"))
    timed.pass_s(60)
    assert otto.send("ina", "two").number == before + 1
    assert [message.kind for message in ina.take()] == [Kind.MESSAGE, Kind.SYN, Kind.LAPSE, Kind.MESSAGE]


def test_what_a_ghost_said_before_stays_under_the_name_that_others_know(timed):
    otto, gus = timed.agents("otto", "gus")
    said = gus.send("otto", "hi")
    gus.profile(visibility="ghost")
    gus.rename("gil")
    assert [(message.sender, message.to) for message in otto.history()] == [("gus", ("otto",))]
    assert otto.thread(f"gus:{said.id}")
    with pytest.raises(errors.NotYourMessage):
        otto.thread(f"gil:{said.id}")
    with pytest.raises(errors.NoSuchRecipient, match="gus"):
        otto.send("", "and you?", reply_to=said.id)
    gus.profile(visibility="visible")
    assert [message.sender for message in otto.history()] == ["gil"]


def test_sessions_with_a_ghost_show_the_name_that_others_know(timed):
    otto, gus = timed.agents("otto", "gus")
    offered = sessions.open_session(otto._seat.desk, Draft("gus", "tea?"))
    sessions.accept(gus._seat.desk, offered.id)
    gus.profile(visibility="ghost")
    gus.rename("gil")
    assert [view.peer for view in otto.sessions()] == ["gus"]
    assert {name for message in otto.history() for name in message.to} == {"gus", "otto"}


def test_what_a_ghost_has_not_read_in_a_room_is_pruned_as_if_it_were_not_there(timed, ghost):
    otto = timed.agent("otto")
    otto.send("#hall", "old")
    otto.send("otto", "a note")
    otto.confirm(otto.take())
    timed.pass_s(2 * 86_400)
    prune(timed)
    assert bodies(otto.history()) == ["a note"]


# Pruning, besides


def test_a_young_message_that_nobody_got_keeps_its_thread(timed):
    otto = timed.agent("otto")
    otto.create_room("hall")
    begun = otto.send("#hall", "old")
    timed.pass_s(2 * 86_400)
    otto.send("#hall", "young", thread=begun.id)
    otto.send("otto", "a note")
    prune(timed)
    assert bodies(otto.history(peer="#hall")) == ["old", "young"]


def prune(timed):
    """Prune what is older than a day."""
    with desk_of_human(timed.post.home) as desk:
        desk.clock = timed
        list(keeping.prune_in_steps(desk, older_than_days=1))
