"""The request arrived, the answer did not: whatever is asked for once more is done once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from postroom import Draft, connect
from postroom.agent import Agent
from postroom.core import refusals
from tests.remote.elsewhere import Elsewhere
from tests.remote.wires import Wires


def bodies(messages):
    return [message.body for message in messages]


@pytest.fixture
def wires(room: Elsewhere) -> Iterator[Wires]:
    with Wires(room.port) as found:
        yield found


@pytest.fixture
def jack(room: Elsewhere, wires: Wires) -> Iterator[Agent]:
    with connect(url=wires.url, token=room.token("jack"), home=room.far) as agent:
        yield agent


ACTS: list[tuple[str, Callable[[Any], object], Callable[[Any, Any], object], object]] = [
    ("send", lambda me: me.send("bob", "once"), lambda _, bob: bodies(bob.take()), ["once"]),
    ("send many", lambda me: me.send_many([Draft("bob", "one"), Draft("bob", "two")]), lambda _, bob: bodies(bob.take()), ["one", "two"]),
    ("profile", lambda me: me.profile(description="writes"), lambda me, _: me.profile().description, "writes"),
    ("create a room", lambda me: me.create_room("web").name, lambda me, _: [room.name for room in me.rooms()], ["den", "web"]),
    ("join", lambda me: me.join("den").role, lambda me, _: [one.name for one in me.members("den")], ["bob", "jack"]),
    ("join and leave", lambda me: (me.join("den"), me.leave("den")), lambda me, _: [one.name for one in me.members("den")], ["bob"]),
    ("take", lambda me: bodies(me.take()), lambda _, bob: bob.status("jack-1").deliveries[0].handovers, 1),
    ("take and confirm", lambda me: me.confirm(me.take()), lambda me, bob: (bodies(me.peek()), bob.history()[-1].body), ([], "to jack")),
    ("rename", lambda me: me.rename("jacques"), lambda me, _: me.profile().name, "jacques"),
]


@pytest.mark.parametrize("row", ACTS, ids=[row[0] for row in ACTS])
@pytest.mark.parametrize("lost", [1, 2])
def test_an_act_whose_answer_was_lost_is_done_once(row, lost, room, wires, jack):
    _, act, outcome, expected = row
    bob = room.here("bob")
    bob.create_room("den")
    bob.send("jack", "to jack", id="jack-1")
    wires.lose(lost)
    act(jack)
    assert wires.lost == lost
    wires.lose(0)
    assert outcome(jack, bob) == expected


def test_who_gets_no_answer_at_all_is_told_so_and_may_try_again(room, wires, jack):
    room.here("bob")
    wires.lose(1_000)
    with pytest.raises(refusals.Unreachable):
        jack.create_room("web")
    wires.lose(0)
    assert jack.send("bob", "hello").state == "delivered"


def test_a_message_whose_answers_are_all_lost_waits_and_is_there_once(room, wires, jack):
    bob = room.here("bob")
    wires.lose(1_000)
    receipt = jack.send("bob", "hello")
    assert (receipt.state, receipt.deliveries[0].reason) == ("accepted", "waiting for bus")
    wires.lose(0)
    jack.send("bob", "after it")
    assert bodies(bob.take()) == ["hello", "after it"]


def test_an_act_is_done_once_when_the_node_dies_between_it_and_its_answer(room, wires, jack):
    """The node wrote it and was killed before it said so; asked once more, a new one has it already."""
    bob = room.here("bob")
    bob.create_room("den", policy="private")
    bob.invite("den", "jack")

    def die():
        room.kill_node()
        room.start_node()

    wires.when_lost = die
    for act, expected in (
        (lambda: jack.send("bob", "hello").state, "delivered"),
        (lambda: jack.create_room("web").name, "web"),
        (lambda: jack.join("den").role, "member"),
        (lambda: jack.leave("den"), None),
        (lambda: jack.destroy_room("web"), None),
    ):
        wires.lose(1)
        assert act() == expected
    assert wires.lost == 5
    assert bodies(bob.take())[0] == "hello"
    assert [(one.name, one.role) for one in jack.rooms()] == [("den", "outsider")]


def test_an_answer_that_ends_in_the_middle_is_no_answer(room, wires, jack):
    """As when the node is killed while it writes one: its head came, and a part of its body."""
    bob = room.here("bob")
    bob.send_many([Draft("jack", str(number)) for number in range(3)])
    wires.cut_at = 20
    wires.lose(1)
    assert jack.send("bob", "once").state == "delivered"
    wires.lose(2)
    assert bodies(jack.take()) == ["0", "1", "2"]
    assert wires.lost == 3
    assert bodies(bob.take()) == ["once"]
