"""Names that change: what stays, who is told, and who has to give a name up without anybody noticing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from postroom.core import errors
from postroom.exchange import naming
from postroom.exchange.desk import open_desk_of_human
from tests.waiting import SOON_S, until, until_it_waits


def names(agents):
    return [agent.name for agent in agents]


def happened(agent):
    return [(event.what, event.agent, event.text) for event in agent.events()]


def test_a_new_name_keeps_mailbox_history_and_profile(post):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "waiting")
    bob.profile(description="tester", tags=["tests"])
    bob.rename("rob")
    assert bob.name == "rob"
    assert [message.body for message in bob.take()] == ["waiting"]
    assert [message.body for message in alice.history(peer="rob")] == ["waiting"]
    (mine,) = alice.agents(tag="tests")
    assert (mine.name, mine.description) == ("rob", "tester")
    alice.send("rob", "hello")
    with pytest.raises(errors.NoSuchRecipient):
        alice.send("bob", "nobody")


def test_rooms_are_kept_and_told_once_each(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    for room in ("dev", "ops"):
        alice.create_room(room)
        bob.join(room)
    carol.join("dev")
    for agent in (alice, bob, carol):
        list(agent.events())
    bob.rename("rob")
    assert [(event.what, event.room, event.agent, event.text) for event in alice.events()] == [
        ("renamed", "dev", "rob", "bob"),
        ("renamed", "ops", "rob", "bob"),
    ]
    assert happened(carol) == [("renamed", "rob", "bob")]
    assert happened(bob) == []
    assert names(alice.members("dev")) == ["alice", "rob", "carol"]


def test_the_same_name_again_is_no_change(post):
    alice, bob = post.agents("alice", "bob")
    alice.create_room("dev")
    bob.join("dev")
    list(alice.events())
    bob.rename("Bob")
    assert happened(alice) == []


@pytest.mark.parametrize(
    "name, error", [("alice", errors.NameTaken), ("all", errors.ReservedName), ("", errors.BadName), (7, errors.BadName)]
)
def test_names_that_cannot_be_had(post, name, error):
    _, bob = post.agents("alice", "bob")
    with pytest.raises(error, match=repr(name)):
        bob.rename(name)
    assert bob.name == "bob"


def test_the_name_of_a_hidden_agent_is_taken(post):
    alice, bob = post.agents("alice", "bob")
    alice.profile(visibility="hidden")
    with pytest.raises(errors.NameTaken):
        bob.rename("alice")


def test_the_human_is_always_called_so(post):
    post.agents("alice")
    desk = open_desk_of_human(post.home, interface="cli")
    with pytest.raises(errors.BadValue, match="always called"):
        naming.rename(desk, "boss")
    desk.close()


def test_a_name_that_was_given_up_is_free(post):
    _, bob = post.agents("alice", "bob")
    bob.rename("rob")
    newcomer = post.connect("bob")
    bob.send("bob", "hi, newcomer")
    assert [message.body for message in newcomer.take()] == ["hi, newcomer"]


def test_other_processes_of_the_agent_learn_the_name(post):
    one, two = post.agents("bob", "bob")
    with ThreadPoolExecutor() as aside:
        waiting = aside.submit(two.take, 1, SOON_S)
        until_it_waits(two)
        one.rename("rob")
        until(lambda: two.name == "rob")
        one.send("rob", "end")
        assert waiting.result()


# Ghosts reserve no names


@pytest.fixture
def pair(post):
    """A ghost called `shade` and somebody who cannot know of it."""
    alice, shade = post.agents("alice", "shade")
    shade.profile(visibility="ghost")
    return alice, shade


def notices(agent):
    return [message.body for message in agent.take() if message.sender == "postroom"]


def test_a_ghost_gives_its_name_up_to_one_who_takes_it(pair):
    alice, shade = pair
    alice.rename("shade")
    assert alice.name == "shade"
    assert notices(shade) == ["You are called shade-2 now: somebody who cannot see you took the name shade. Others do not notice."]
    assert shade.profile().name == "shade-2"


def test_a_ghost_gives_its_name_up_to_a_mailbox_that_is_made(pair, post):
    alice, shade = pair
    receipt = alice.send("shade", "for the newcomer", create=True)
    assert receipt.id == "1", "the notice to the ghost has no number"
    assert len(notices(shade)) == 1
    assert [message.body for message in post.connect("shade").take()] == ["for the newcomer"]


def test_the_name_that_a_ghost_gets_is_free(pair, post):
    alice, shade = pair
    hidden = post.connect("shade-2")
    hidden.profile(visibility="hidden")
    alice.rename("shade")
    assert shade.profile().name == "shade-3"


def test_a_ghost_gives_its_name_up_to_another_ghost(pair):
    alice, shade = pair
    alice.profile(visibility="ghost")
    alice.rename("shade")
    assert (alice.profile().name, shade.profile().name) == ("shade", "shade-2")


def test_the_longest_name_is_shortened_for_its_ghost(post):
    alice, shade = post.agents("alice", "x" * 63)
    shade.profile(visibility="ghost")
    alice.rename("x" * 63)
    assert shade.profile().name == "x" * 61 + "-2"


def test_a_ghost_that_takes_a_name_tells_nobody(post):
    alice, shade = post.agents("alice", "shade")
    alice.create_room("dev")
    shade.join("dev")
    shade.profile(visibility="ghost")
    list(alice.events())
    shade.rename("phantom")
    assert happened(alice) == []


def test_who_became_a_ghost_is_told_of_by_the_name_of_then(post):
    alice, shade = post.agents("alice", "shade")
    alice.create_room("dev")
    shade.join("dev")
    shade.profile(status="busy")
    shade.profile(visibility="ghost")
    shade.rename("phantom")
    assert happened(alice) == [("member_left", "shade", "")]
