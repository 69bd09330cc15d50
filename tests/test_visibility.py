"""Who sees an agent: the table of core/visibility.py cell by cell, what else shows nothing of it, and what an agent says about itself."""

from __future__ import annotations

import pytest

from postroom.core import errors
from postroom.core.message import Draft
from postroom.core.visibility import SIGHTS
from postroom.exchange import presence, sending
from postroom.exchange.desk import Options, open_desk, open_desk_of_human, open_desk_of_stranger
from postroom.store import profiles
from tests.borders import limited

each_visibility = pytest.mark.parametrize("visibility", SIGHTS)


@pytest.fixture
def other(post, visibility):
    """An agent that is as visible as the test says; it is in the public room `hall` with `member`."""
    other, member = post.agents("other", "member")
    member.create_room("hall")
    other.join("hall")
    other.profile(visibility=visibility)
    return other


def names(agents):
    return [agent.name for agent in agents]


# The table


@each_visibility
def test_who_is_listed(post, other, visibility):
    viewer = post.connect("viewer")
    assert ("other" in names(viewer.agents())) is SIGHTS[visibility].listed


@each_visibility
def test_who_is_suggested(post, other, visibility):
    viewer = post.connect("viewer")
    with pytest.raises(errors.NoSuchRecipient) as found:
        viewer.send("othr", "hi")
    assert ("other" in str(found.value)) is SIGHTS[visibility].listed


@each_visibility
def test_who_can_be_written_to(post, other, visibility):
    viewer = post.connect("viewer")
    if SIGHTS[visibility].written_to:
        viewer.send("other", "hi")
        assert [message.body for message in other.take()] == ["hi"]
    else:
        with pytest.raises(errors.NoSuchRecipient):
            viewer.send("other", "hi")
        assert other.take() == []


@each_visibility
def test_whom_members_see_in_a_room(post, other, visibility):
    member = post.connect("member")
    assert ("other" in names(member.members("hall"))) is SIGHTS[visibility].by_members


@each_visibility
def test_whom_others_see_in_a_room(post, other, visibility):
    viewer = post.connect("viewer")
    assert ("other" in names(viewer.members("hall"))) is SIGHTS[visibility].by_others


@each_visibility
def test_an_agent_sees_itself(post, other, visibility):
    (mine,) = [agent for agent in other.agents() if agent.name == "other"]
    assert mine.visibility == visibility
    other.send("other", "a note")
    assert [message.body for message in other.take()] == ["a note"]


@each_visibility
def test_the_human_sees_everybody(post, other, visibility):
    desk = open_desk_of_human(post.home, interface="cli")
    assert "other" in names(presence.list_agents(desk))
    desk.close()


@each_visibility
def test_a_stranger_sees_who_is_listed(post, other, visibility):
    desk = open_desk_of_stranger(post.home, interface="cli")
    assert ("other" in names(presence.list_agents(desk))) is SIGHTS[visibility].listed
    desk.close()


# What a ghost is to others


def refused(act):
    with pytest.raises(errors.PostroomError) as found:
        act()
    return str(found.value), type(found.value)


def test_a_ghost_is_what_a_name_is_that_never_was(post):
    viewer, ghost = post.agents("viewer", "ghost-1")
    ghost.profile(visibility="ghost")
    for act in (
        lambda name: viewer.send(name, "hi"),
        lambda name: viewer.send(["viewer", name], "hi"),
        lambda name: viewer.history(peer=name),
        lambda name: viewer.ask(name, "who?", timeout=1),
        lambda name: viewer.session(name, "work", timeout=1),
    ):
        there, never = refused(lambda act=act: act("ghost-1")), refused(lambda act=act: act("ghost-2"))
        assert (there[0].replace("ghost-1", "x"), there[1]) == (never[0].replace("ghost-2", "x"), never[1])


def test_a_ghost_that_is_no_ghost_any_more_is_there_again(post):
    viewer, ghost = post.agents("viewer", "ghost")
    ghost.profile(visibility="ghost")
    ghost.profile(visibility="visible")
    viewer.send("ghost", "hi")
    assert "ghost" in names(viewer.agents())


def test_whoever_connects_under_the_name_of_a_ghost_is_the_ghost(post):
    (ghost,) = post.agents("ghost")
    ghost.profile(visibility="ghost", description="out of sight")
    again = post.connect("ghost")
    assert (again.profile().visibility, again.profile().description) == ("ghost", "out of sight")


def test_ghosts_are_counted_for_themselves(post):
    limited(post, agents=2)  # the one that wrote the config file is the first
    one = post.connect("one")
    with pytest.raises(errors.TooMany):
        post.connect("two")
    one.profile(visibility="ghost")
    two = post.connect("two")
    with pytest.raises(errors.TooMany, match="already 2 names"):
        one.profile(visibility="visible")
    two.profile(visibility="ghost")
    three = post.connect("three")
    with pytest.raises(errors.TooMany, match="already 2 ghosts"):
        three.profile(visibility="ghost")
    assert three.profile().visibility == "visible"


# What is told of those who are listed


def waiting(agents):
    return {agent.name: agent.waiting for agent in agents}


def test_nobody_is_told_how_much_waits_for_others(post):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "hi")
    assert waiting(alice.agents()) == {"alice": 0, "bob": None, "human": None}
    assert waiting(bob.agents()) == {"alice": None, "bob": 1, "human": None}
    desk = open_desk_of_human(post.home, interface="cli")
    assert waiting(presence.list_agents(desk)) == {"alice": 0, "bob": 1, "human": 0}
    desk.close()


def test_nobody_is_told_when_another_did_something_without_being_attached(timed):
    alice, bob = timed.agents("alice", "bob")
    bob.close()
    left_ms = timed.now_ms
    timed.pass_s(60)
    desk = open_desk("bob", timed.post.home, interface="cli", options=Options(clock=timed))
    sending.send(desk, [Draft("alice", "still here")])
    desk.close()
    assert {agent.name: agent.seen_ms for agent in alice.agents()}["bob"] == left_ms


# Profiles


def test_a_profile_says_what_it_was_told_and_keeps_the_rest(post):
    alice, bob = post.agents("alice", "bob")
    bob.profile(harness="pi", directory="/work", tags=["Tests", "linux", "tests"], capabilities=["reads diffs", "runs them"])
    bob.profile(description="tester")
    (seen,) = [agent for agent in alice.agents() if agent.name == "bob"]
    assert (seen.harness, seen.directory, seen.description) == ("pi", "/work", "tester")
    assert (seen.tags, seen.capabilities) == (("linux", "tests"), ("reads diffs", "runs them"))
    assert bob.profile(tags=[], capabilities=()).tags == ()
    assert bob.profile().capabilities == ()


def test_agents_are_found_by_their_tags(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    bob.profile(tags=["tests"])
    carol.profile(tags=["tests"], visibility="hidden")
    assert names(alice.agents(tag="Tests")) == ["bob"]
    assert names(carol.agents(tag="tests")) == ["bob", "carol"]
    assert alice.agents(tag="nothing") == []


@pytest.mark.parametrize(
    "changes, why",
    [
        ({"visibility": "invisible"}, "it is one of visible, hidden, ghost"),
        ({"visibility": ["ghost"]}, "it is one of"),
        ({"status": "offline"}, "offline is found out"),
        ({"auto_accept": "yes"}, "it is True or False"),
        ({"tags": "tests"}, "they are a list of texts"),
        ({"tags": [1]}, "they are a list of texts"),
        ({"tags": ["no blanks"]}, "a tag is 1 to 63"),
        ({"tags": [""]}, "a tag is 1 to 63"),
        ({"capabilities": "reads"}, "they are a list of texts"),
        ({"capabilities": [None]}, "they are a list of texts"),
    ],
)
def test_what_a_profile_cannot_say_is_an_error_and_changes_nothing(post, changes, why):
    (alice,) = post.agents("alice")
    before = alice.profile()
    with pytest.raises(errors.BadValue, match=why):
        alice.profile(description="changed", **changes)
    assert alice.profile() == before


@pytest.mark.parametrize("name", ["description", "harness", "directory", "capabilities"])
def test_texts_of_a_profile_are_texts(post, name):
    (alice,) = post.agents("alice")
    with pytest.raises(errors.BadText, match="NUL"):
        alice.profile(**{name: ["a\0b"] if name == "capabilities" else "a\0b"})


def test_who_is_not_in_a_room_does_not_learn_of_its_hidden_members_by_the_status_of_what_was_said(post):
    alice, hidden, outsider = post.agents("alice", "hidden", "outsider")
    alice.create_room("dev")
    hidden.join("dev")
    hidden.profile(visibility="hidden")
    receipt = alice.send("#dev", "hello")
    assert [one.recipient for one in alice.status(receipt.id).deliveries] == ["hidden"]
    assert outsider.status(receipt.id).deliveries == ()


@pytest.mark.parametrize("at_a_time", [1, 2, 3, 100])
def test_what_is_listed_does_not_depend_on_how_many_become_columns_at_a_time(post, monkeypatch, at_a_time):
    monkeypatch.setattr(profiles, "AT_A_TIME", at_a_time)
    alice, bob, carol, dave = post.agents("alice", "bob", "carol", "dave")
    alice.profile(description="reviews", auto_accept=True, capabilities=["sql", 'a "b", c'], tags=["builders", "a"])
    carol.profile(visibility="hidden", status="busy")
    dave.profile(harness="pi", directory="/tmp", capabilities=["go"])
    bob.close()
    alice.send("dave", "hi")
    seen_by_dave = {one.name: one for one in dave.agents()}
    assert [*seen_by_dave] == ["alice", "bob", "dave", "human"]
    assert [seen_by_dave[name][2:5] for name in seen_by_dave] == [
        ("active", True, None), ("offline", False, None), ("active", True, 1), ("offline", False, None),
    ]  # fmt: skip
    assert [one.capabilities for one in seen_by_dave.values()] == [("sql", 'a "b", c'), (), ("go",), ()]
    assert [one.auto_accept for one in seen_by_dave.values()] == [True, False, False, False]
    assert seen_by_dave["alice"].tags == ("a", "builders")
    assert [one for one in carol.agents() if one.name == "carol"] == [carol.profile()]
    assert (carol.profile().visibility, carol.profile().declared) == ("hidden", "busy")
