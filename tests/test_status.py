"""Status and presence as rooms learn them: each change once, from one process, never of a ghost; and who has been away for long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom import errors
from postroom.core.profile import Profile
from postroom.exchange import presence
from postroom.exchange.desk import Options, open_desk
from postroom.seat import Seat
from postroom.store import agents, profiles
from postroom.testing import PostRoom
from tests.borders import limited
from tests.programs import Program
from tests.waiting import SOON_S, go_on, stop, until

DAY_S = 86_400


@pytest.fixture
def room(post):
    """Two agents in two rooms, and somebody else who is in one of them; all have seen what happened so far."""
    alice, bob, carol = post.agents("alice", "bob", "carol")
    for name in ("dev", "ops"):
        alice.create_room(name)
        bob.join(name)
    carol.join("dev")
    for agent in (alice, bob, carol):
        list(agent.events())
    return alice, bob, carol


def heard(agent):
    return [(event.what, event.room, event.agent, event.text) for event in agent.events()]


def statuses(agent):
    return [event.text for event in agent.events() if event.what == "member_status"]


# Changes


def test_each_room_learns_a_change_once(room):
    alice, bob, carol = room
    bob.profile(status="busy")
    assert heard(alice) == [("member_status", "dev", "bob", "busy"), ("member_status", "ops", "bob", "busy")]
    assert heard(carol) == [("member_status", "dev", "bob", "busy")]
    assert heard(bob) == [], "no echo"


def test_what_is_no_change_is_no_event(room):
    alice, bob, _ = room
    bob.profile(status="active", description="tester")
    assert heard(alice) == []


def test_who_leaves_is_offline_and_who_returns_is_what_it_was(room, post):
    _, bob, carol = room
    bob.profile(status="busy")
    bob.close()
    post.connect("bob")
    assert statuses(carol) == ["busy", "offline", "busy"]


def test_the_last_process_that_leaves_makes_an_agent_offline(room, post):
    _, bob, carol = room
    second = post.connect("bob")
    bob.close()
    assert heard(carol) == []
    second.close()
    assert statuses(carol) == ["offline"]


def test_a_status_that_is_declared_while_nobody_is_there_is_told_on_return(room, post):
    _, bob, carol = room
    bob.close()
    desk = open_desk("bob", post.home, interface="cli")
    presence.set_profile(desk, Profile(status="idle"))
    desk.close()
    assert statuses(carol) == ["offline"]
    post.connect("bob")
    assert statuses(carol) == ["idle"]


def test_a_look_at_the_command_line_is_no_event(room, post):
    _, bob, carol = room
    bob.close()
    list(carol.events())
    with Seat(open_desk("bob", post.home, interface="cli")):
        assert [agent.online for agent in carol.agents() if agent.name == "bob"] == [True]
    assert heard(carol) == []


def test_who_has_left_a_room_is_not_told_of_there(room):
    _, bob, carol = room
    bob.leave("dev")
    list(carol.events())
    bob.profile(status="busy")
    assert heard(carol) == []


# Death


def test_a_killed_member_is_offline_as_soon_as_a_bell_finds_it_dead(post):
    alice = post.connect("alice")
    with Program("bob", "me.join('dev') if me.rooms() else me.create_room('dev'); print('here')") as bob:
        assert bob.line() == "here"
        alice.join("dev")
        bob.kill()
        alice.send("bob", "are you there?")
    assert statuses(alice) == ["offline"]


def test_a_killed_member_is_offline_soon_when_nobody_rings(post):
    alice = post.connect("alice")
    alice.create_room("dev")
    with Program("bob", "me.join('dev'); print('here')") as bob:
        assert bob.line() == "here"
        bob.kill()
        told = next(event for event in alice.events(wait=SOON_S) if event.what == "member_status")
    assert (told.agent, told.text) == ("bob", "offline")


def test_many_processes_notice_one_death_and_tell_it_once(room, post):
    alice, _, carol = room
    with Program("dora", "me.join('dev'); print('here')") as dora:
        assert dora.line() == "here"
        for agent in (alice, carol):
            list(agent.events())
        dora.kill()
        for agent in (alice, carol, alice, carol):
            agent.agents()
            agent._seat.warden._swept_ms = 0
            with agent._seat.turn:
                agent._seat.warden.tend()
    assert statuses(carol) == ["offline"]


def test_a_stopped_member_that_was_struck_off_is_there_again_when_it_goes_on(room, post):
    _, _, carol = room
    with Program("dora", "me.join('dev'); print('here'); me.take(wait=None)") as dora:
        assert dora.line() == "here"
        list(carol.events())
        stop(dora)
        with carol._seat.turn as desk, desk.posting() as posting:
            (row,) = [row for row in agents.all_attached(posting.database) if row.pid == dora.pid]
            presence.strike_off(posting, row)
        assert statuses(carol) == ["offline"]
        go_on(dora)
        until(lambda: statuses(carol) == ["active"])


def test_what_was_not_announced_is_announced_by_the_next_sweep(room):
    _, bob, carol = room
    with bob._seat.desk.posting() as posting:
        profiles.set_announced(posting.database, bob._seat.desk.agent.id, "offline")
    presence.sweep(carol._seat.desk)
    assert statuses(carol) == ["active"]
    presence.sweep(carol._seat.desk)
    assert statuses(carol) == []


# Ghosts


def test_who_becomes_a_ghost_leaves_and_comes_back_as_if_it_joined(room):
    alice, bob, carol = room
    bob.profile(visibility="ghost")
    bob.profile(status="busy")
    bob.profile(visibility="hidden")
    assert heard(carol) == [("member_left", "dev", "bob", ""), ("member_joined", "dev", "bob", "")]
    assert [member.name for member in carol.members("dev")] == ["alice", "carol", "bob"], "the newest member"
    assert len(heard(alice)) == 4


def test_a_ghost_makes_no_events(room, post):
    _, bob, carol = room
    bob.profile(visibility="ghost")
    list(carol.events())
    bob.profile(status="busy", description="haunting")
    bob.close()
    post.connect("bob").profile(status="idle")
    assert heard(carol) == []


def test_hidden_and_visible_are_no_difference_to_members(room):
    _, bob, carol = room
    bob.profile(visibility="hidden", status="busy")
    bob.profile(visibility="visible")
    assert statuses(carol) == ["busy"]
    assert heard(carol) == []


def test_who_becomes_a_ghost_is_gone_for_its_askers_and_tells_them_no_more(post):
    alice, ghost = post.agents("alice", "ghost")
    alice.send("ghost", "will you?", reply_within=60)
    ghost.confirm(ghost.take())
    ghost.profile(visibility="ghost")
    assert [message.subject for message in alice.inbox()] == ["notice: gone"]
    ghost.profile(status="idle")
    ghost.close()
    assert alice.take() == []


# Whatever happens


ACTS = st.one_of(
    st.sampled_from(["come", "go", "glance"]),
    st.tuples(st.just("status"), st.sampled_from(["active", "idle", "busy"])),
    st.tuples(st.just("visibility"), st.sampled_from(["visible", "hidden", "ghost"])),
)


@given(st.lists(ACTS, max_size=20))
def test_a_member_knows_the_status_of_another_from_events_alone(acts):
    with PostRoom() as post:
        viewer, first = post.agents("viewer", "bob")
        viewer.create_room("dev")
        first.join("dev")
        list(viewer.events())
        here, known, declared, visibility = [first], "active", "active", "visible"
        desk = open_desk("bob", post.home, interface="cli")
        for act in acts:
            match act:
                case "come":
                    here.append(post.connect("bob"))
                case "go" if here:
                    here.pop().close()
                case "glance":
                    Seat(open_desk("bob", post.home, interface="cli")).leave()
                case ("status", str(declared)):
                    presence.set_profile(desk, Profile(status=declared))
                case ("visibility", str(visibility)):
                    presence.set_profile(desk, Profile(visibility=visibility))
                case _:
                    assert act == "go"
            for event in viewer.events():
                before = known
                known = {"member_left": "left", "member_joined": "joined"}.get(event.what, event.text)
                assert known != before, "no change, no event"
            if visibility == "ghost":
                assert known == "left"
            elif known != "joined":
                assert known == (declared if here else "offline")
        desk.close()


# Being away for long


def listed(agent, **options):
    return [one.name for one in agent.agents(**options)]


@pytest.fixture
def archived(timed):
    """Somebody who is there, and an agent `bob` that has been away for long."""
    limited(timed.post, archive_days=2)
    alice, bob = timed.agents("alice", "bob")
    bob.close()
    timed.pass_days(3)
    assert "bob" not in listed(alice)
    return alice


def test_who_comes_back_is_listed_again(archived, timed):
    timed.agent("bob")
    assert "bob" in listed(archived)


def test_who_comes_back_by_the_command_line_is_listed_again(archived, timed):
    desk = open_desk("bob", timed.post.home, interface="cli", options=Options(clock=timed))
    with desk.posting() as posting:
        posting.provenance()
    desk.close()
    assert "bob" in listed(archived)


def test_who_is_written_to_is_listed_again(archived, timed):
    archived.send("bob", "are you there?")
    assert "bob" in listed(archived)
    timed.pass_days(3)
    assert "bob" in listed(archived), "mail waits"


def test_nobody_is_archived_for_whom_something_waits(timed):
    limited(timed.post, archive_days=1)
    alice, bob, carol = timed.agents("alice", "bob", "carol")
    alice.send("bob", "for later")
    carol.send("alice", "will you?", reply_within=30 * DAY_S)
    bob.close()
    carol.close()
    timed.pass_days(3)
    assert {"bob", "carol"} <= set(listed(alice))


def test_who_is_attached_is_never_archived(timed):
    limited(timed.post, archive_days=1)
    alice, _ = timed.agents("alice", "bob")
    timed.pass_days(100)
    assert "bob" in listed(alice)


def test_who_works_at_the_command_line_only_is_not_archived(timed):
    limited(timed.post, archive_days=2)
    alice, bob = timed.agents("alice", "bob")
    bob.close()
    for _ in range(4):
        timed.pass_days(1)
        desk = open_desk("bob", timed.post.home, interface="cli", options=Options(clock=timed))
        with desk.posting() as posting:
            posting.provenance()
        desk.close()
    assert "bob" in listed(alice)


@pytest.mark.parametrize("days", [0, -1])
def test_an_agent_cannot_be_archived_at_once(post, days):
    limited(post, archive_days=days)
    with pytest.raises(errors.BadConfig, match="above zero"):
        post.connect("alice")


# What a ghost in a room keeps to itself


def test_a_ghost_in_a_room_is_not_among_those_who_did_not_read(timed):
    alice, bob, ghost = timed.agents("alice", "bob", "ghost")
    alice.create_room("dev")
    bob.join("dev")
    ghost.join("dev")
    ghost.profile(visibility="ghost")
    alice.send("#dev", "now or never", expires_in=1)
    timed.pass_s(2)
    told = [message.body for message in alice.take()]
    assert told
    assert not [body for body in told if "ghost" in body]
    assert [event.agent for event in alice.events() if event.what == "expired"] == ["bob"]


def test_one_notice_tells_of_all_in_a_room_who_did_not_read(timed):
    alice, bob, carol = timed.agents("alice", "bob", "carol")
    alice.create_room("dev")
    bob.join("dev")
    carol.join("dev")
    alice.send("#dev", "now or never", expires_in=1)
    timed.pass_s(2)
    (notice,) = alice.take()
    assert "to bob, carol expired" in notice.body
