"""While the node is away, agents elsewhere write on, and read what they have; when it is back everything has come, once and in order."""

from __future__ import annotations

import threading
from functools import partial

import pytest

import postroom
from postroom import Draft, connect
from postroom.core import refusals
from postroom.core.errors import NoSuchRecipient
from postroom.core.message import State
from postroom.remote.seat import RemoteSeat
from tests.programs import Program
from tests.remote.elsewhere import Elsewhere
from tests.waiting import SOON_S, until


def bodies(messages):
    return [message.body for message in messages]


def until_back(agent) -> None:
    """Wait until an agent elsewhere has noticed that its node is back, and has handed in what waited."""
    seat = agent._seat
    assert isinstance(seat, RemoteSeat)
    until(lambda: not seat.is_away and seat.desk.postbag.is_empty)


# Writing


def test_what_is_written_while_the_node_is_away_arrives_once_and_in_order(room):
    bob, jack = room.here("bob"), room.there("jack")
    jack.send("bob", "before")
    room.kill_node()
    receipts = [jack.send("bob", f"away {number}") for number in range(20)]
    assert {(receipt.state, receipt.deliveries[0].reason) for receipt in receipts} == {(State.ACCEPTED, "waiting for bus")}
    room.start_node()
    until_back(jack)
    jack.send("bob", "after")
    assert bodies(bob.take()) == ["before", *(f"away {number}" for number in range(20)), "after"]


def test_status_says_that_a_message_waits_for_the_bus_and_then_how_far_it_is(room):
    bob, jack = room.here("bob"), room.there("jack")
    room.kill_node()
    receipt = jack.send("bob", "hello")
    assert jack.status(receipt.id) == receipt
    assert jack.status(f"jack:{receipt.id}").deliveries[0].reason == "waiting for bus"
    room.start_node()
    until_back(jack)
    bob.confirm(bob.take())
    assert jack.status(receipt.id).state is State.READ


def test_what_waited_for_the_bus_was_sent_when_the_node_took_it(room):
    bob, jack = room.here("bob"), room.there("jack")
    room.kill_node()
    written = jack.send("bob", "late", expires_in=600)
    room.start_node()
    until_back(jack)
    (late,) = bob.take()
    assert jack.status(written.id).sent_ms == late.sent_ms > written.sent_ms
    assert late.expires_ms is not None
    assert late.expires_ms - 600_000 > written.sent_ms, "the time to read it begins then, too"


def test_a_batch_is_kept_whole(room):
    bob, jack = room.here("bob"), room.there("jack")
    room.kill_node()
    assert {one.state for one in jack.send_many([Draft("bob", "one"), Draft("bob", "two")])} == {State.ACCEPTED}
    room.start_node()
    until_back(jack)
    assert bodies(bob.take()) == ["one", "two"]


def test_a_draft_that_is_wrong_is_refused_at_once_also_while_the_node_is_away(room):
    jack = room.there("jack")
    room.kill_node()
    with pytest.raises(postroom.errors.BadValue):
        jack.send("bob", "x", urgency="soon")
    with pytest.raises(postroom.errors.NoSuchFile):
        jack.send("bob", "x", files="/nowhere/at/all")
    assert jack._seat.desk.postbag.is_empty


def test_what_the_node_refuses_for_good_comes_back_with_the_reason(room):
    room.here("bob")
    jack = room.there("jack")
    room.kill_node()
    lost = jack.send("nobody", "hello?")
    room.start_node()
    until_back(jack)
    (notice,) = jack.take(wait=30)
    assert (notice.sender, notice.kind, notice.reply_to) == ("postroom", "notice", lost.id)
    assert "There is no agent 'nobody'" in notice.body
    jack.confirm([notice])
    assert jack.take() == []
    assert (jack.status(lost.id).state, "no agent" in str(jack.status(lost.id).deliveries[0].reason)) == (State.REFUSED, True)
    with pytest.raises(NoSuchRecipient):
        jack.send("nobody", "hello?")


def test_one_that_is_refused_does_not_keep_the_others(room):
    bob, jack = room.here("bob"), room.there("jack")
    room.kill_node()
    jack.send("bob", "first")
    jack.send("nobody", "lost")
    jack.send("bob", "second")
    room.start_node()
    until_back(jack)
    assert bodies(bob.take()) == ["first", "second"]


def test_an_id_makes_sending_again_harmless_also_while_the_node_is_away(room):
    bob, jack = room.here("bob"), room.there("jack")
    jack.send("bob", "once", id="x1")
    room.kill_node()
    jack.send("bob", "twice", id="x2")
    jack.send("bob", "twice", id="x2")
    jack.send("bob", "once", id="x1")
    room.start_node()
    until_back(jack)
    assert bodies(bob.take()) == ["once", "twice"]


def test_a_file_goes_along_as_it_was_when_it_was_attached(room, home):
    bob, jack = room.here("bob"), room.there("jack")
    path = home / "notes.txt"
    path.write_text("as it was")
    room.kill_node()
    jack.send("bob", "see", files=path)
    path.write_text("changed since")
    room.start_node()
    until_back(jack)
    (message,) = bob.take()
    message.save(message.attachments[0], home / "copy.txt")
    assert ((home / "copy.txt").read_text(), message.attachments[0].name) == ("as it was", "notes.txt")


# Reading


def test_what_is_in_hand_when_the_node_dies_is_read_and_not_shown_again(room):
    bob, jack = room.here("bob"), room.there("jack")
    receipts = bob.send_many([Draft("jack", str(number)) for number in range(3)])
    taken = jack.take()
    room.kill_node()
    jack.confirm(taken[:2])
    room.start_node()
    until_back(jack)
    assert [(message.body, message.redelivered) for message in jack.take(wait=30)] == [("2", True)]
    until(lambda: [bob.status(receipt.id).state for receipt in receipts] == [State.READ, State.READ, State.HANDED])


def test_a_confirmation_after_the_node_was_started_anew_counts(room):
    bob, jack = room.here("bob"), room.there("jack")
    receipt = bob.send("jack", "hello")
    taken = jack.take()
    room.kill_node()
    room.start_node()
    jack.confirm(taken)
    assert bob.status(receipt.id).state is State.READ
    assert jack.take() == []


def test_a_loop_over_the_inbox_survives_the_death_of_the_node(room):
    bob, jack = room.here("bob"), room.there("jack")
    heard: list[str] = []

    def listen():
        for message in jack.inbox(wait=60):
            heard.append(message.body)
            if message.body == "last":
                message.confirm()
                return

    listening = threading.Thread(target=listen)
    listening.start()
    for number in range(3):
        bob.send("jack", f"before {number}")
        until(partial(heard.__contains__, f"before {number}"))
        room.kill_node()
        bob.send("jack", f"away {number}")
        room.start_node()
        until(partial(heard.__contains__, f"away {number}"))
    bob.send("jack", "last")
    listening.join(60)
    assert heard == ["before 0", "away 0", "before 1", "away 1", "before 2", "away 2", "last"]


def test_an_answer_that_comes_after_the_node_was_started_anew_goes_to_who_asked(room):
    bob, jack = room.here("bob"), room.there("jack")
    answers = []
    asking = threading.Thread(target=lambda: answers.append(jack.ask("bob", "which port?", timeout=60).body))
    asking.start()
    (question,) = bob.take(wait=30)
    room.kill_node()
    room.start_node()
    until_back(jack)
    question.reply("8080")
    asking.join(60)
    assert answers == ["8080"]
    assert jack.take() == []


def test_a_question_that_is_asked_while_the_node_is_away_is_answered_when_it_is_back(room):
    bob, jack = room.here("bob"), room.there("jack")
    room.kill_node()
    answers = []
    asking = threading.Thread(target=lambda: answers.append(jack.ask("bob", "which port?", timeout=60).body))
    asking.start()
    until(lambda: not jack._seat.desk.postbag.is_empty)
    room.start_node()
    (question,) = bob.take(wait=60)
    question.reply("8080")
    asking.join(60)
    assert answers == ["8080"]


def test_a_session_goes_on_after_the_node_was_started_anew(room):
    bob, jack = room.here("bob"), room.there("jack")

    def serve():
        for message in bob.inbox(wait=60):
            message.confirm()
            with message.accept() as session:
                for said in session:
                    session.send(said.body.upper())
            return

    serving = threading.Thread(target=serve)
    serving.start()
    with jack.session("bob", "shout", timeout=60) as session:
        session.send("one")
        assert session.receive(timeout=60).body == "ONE"
        room.kill_node()
        room.start_node()
        session.send("two")
        assert session.receive(timeout=60).body == "TWO"
        assert session.state == "open"
    serving.join(60)
    assert session.state == "closed"


def test_what_a_node_alone_can_do_says_that_it_is_away(room):
    jack = room.there("jack")
    room.kill_node()
    for verb in (jack.agents, jack.rooms, jack.history, lambda: jack.session("bob", "x"), lambda: jack.create_room("web")):
        with pytest.raises(refusals.Unreachable, match=f"{room.url} cannot be reached"):
            verb()
    assert jack.take() == list(jack.inbox()) == list(jack.events()) == []


def test_an_agent_that_was_there_before_may_come_in_while_the_node_is_away(room):
    bob = room.here("bob")
    token = room.token("jack")
    connect("jack", url=room.url, token=token, home=room.far).close()
    room.kill_node()
    with connect("jack", url=room.url, token=token, home=room.far) as jack, connect(url=room.url, token=token, home=room.far) as same:
        assert (jack.name, same.name) == ("jack", "jack")
        jack.send("bob", "hello")
        room.start_node()
        until_back(jack)
    assert bodies(bob.take()) == ["hello"]


def test_who_was_never_there_is_told_that_the_node_is_away(room):
    token = room.token("jack")
    room.kill_node()
    with pytest.raises(refusals.Unreachable, match="Connection refused"):
        connect("jack", url=room.url, token=token, home=room.far)
    assert room.satchels() == []


# Processes that die


def started(room: Elsewhere, monkeypatch, name: str, code: str, token: str) -> Program:
    """A program whose agent comes by HTTP."""
    for variable, value in room.environment(POSTROOM_TOKEN=token).items():
        monkeypatch.setenv(variable, value)
    program = Program(name, code)
    for variable in ("POSTROOM_URL", "POSTROOM_TOKEN"):
        monkeypatch.delenv(variable)
    return program


def rest_of(program: Program) -> list[str]:
    """The whole lines that a program has printed and nobody has read."""
    assert program._process.stdout is not None
    return (program._said + program._process.stdout.read()).decode().split("\n")[:-1]


def test_what_a_process_wrote_before_it_was_killed_is_handed_in_by_the_next(room, monkeypatch):
    bob, token = room.here("bob"), room.token("jack")
    code = 'print("in")\nsys.stdin.readline()\nfor n in range(5): me.send("bob", str(n))\nprint("written")'
    with started(room, monkeypatch, "jack", code, token) as program:
        assert program.line() == "in"
        room.kill_node()
        assert program._process.stdin is not None
        program._process.stdin.write(b"\n")
        assert program.line() == "written"
        program.kill()
    room.start_node()
    with connect(url=room.url, token=token, home=room.far) as jack:
        jack.send("bob", "5")
        assert bodies(bob.take()) == ["0", "1", "2", "3", "4", "5"]


def test_what_a_process_had_in_hand_when_it_was_killed_is_read_by_the_next_while_the_node_is_away(room, monkeypatch):
    bob, token = room.here("bob"), room.token("jack")
    receipt = bob.send("jack", "precious")
    with started(room, monkeypatch, "jack", "print(me.take(wait=30)[0].body)", token) as program:
        assert program.line() == "precious"
        room.kill_node()
        with connect(url=room.url, token=token, home=room.far) as jack:
            assert jack.take() == [], "a process that lives has it in hand"
            program.kill()
            (message,) = jack.take()
            assert (message.body, message.redelivered) == ("precious", True)
            jack.confirm([message])
            assert jack.take() == []
            room.start_node()
            until_back(jack)
            assert jack.take() == []
            assert bob.status(receipt.id).state is State.READ


def test_a_process_that_is_killed_and_a_node_that_is_killed_lose_and_double_nothing(room, monkeypatch):
    """A sender elsewhere is killed again and again, and so is the node: each message that was accepted is there once."""
    bob, token = room.here("bob"), room.token("jack")
    code = """
import os
done = int(os.environ["DONE"])
while True:
    me.send("bob", str(done), id=f"n{done}")
    print(done)
    done += 1
"""
    done = 0
    for life in range(4):
        monkeypatch.setenv("DONE", str(done))
        with started(room, monkeypatch, "jack", code, token) as program:
            for _ in range(10):
                done = int(program.line()) + 1
            room.kill_node()
            for _ in range(10):
                done = int(program.line()) + 1
            if life % 2:
                room.start_node()
            program.kill()
        if not life % 2:
            room.start_node()
    with connect(url=room.url, token=token, home=room.far) as jack:
        until_back(jack)
        jack.send("bob", "last", id="last")
    found = []
    while batch := bob.take(1000):
        found += bodies(batch)
        bob.confirm(batch)
    assert found[:done] == [str(number) for number in range(done)], "all that were accepted, in order"
    assert len(found) == len(set(found))
    assert found[-1] == "last"


def test_readers_elsewhere_that_are_killed_lose_nothing_and_say_what_comes_again(room, monkeypatch):
    bob, token = room.here("bob"), room.token("jack")
    bob.send_many([Draft("jack", str(number)) for number in range(60)])
    code = """
for message in me.inbox(wait=None):
    print(message.body, int(message.redelivered))
"""
    seen: list[tuple[str, str]] = []
    for life in range(3):
        with started(room, monkeypatch, "jack", code, token) as program:
            for _ in range(10):
                body, again = program.line().split()
                seen.append((body, again))
            if life == 1:
                room.kill_node()
                room.start_node()
            program.kill()
            seen += [(body, again) for body, again in map(str.split, rest_of(program))]
    with connect(url=room.url, token=token, home=room.far) as jack:
        while batch := jack.take(100, wait=SOON_S if len({body for body, _ in seen}) < 60 else 0):
            seen += [(message.body, str(int(message.redelivered))) for message in batch]
            jack.confirm(batch)
    assert sorted({int(body) for body, _ in seen}) == list(range(60))
    new = [body for body, again in seen if again == "0"]
    assert len(new) == len(set(new)), "nothing is shown twice as new"


def test_what_a_killed_process_had_in_hand_comes_to_the_next_one_at_once(room, monkeypatch):
    bob, token = room.here("bob"), room.token("jack")
    bob.send("jack", "precious")
    with started(room, monkeypatch, "jack", "print(me.take(wait=30)[0].body)", token) as program:
        assert program.line() == "precious"
        program.kill()
    with connect(url=room.url, token=token, home=room.far) as jack:
        assert [(message.body, message.redelivered) for message in jack.take(wait=30)] == [("precious", True)]
