"""What goes to everyone, or to everyone with a tag; and what happens to those who do it in a loop."""

from contextlib import suppress

import pytest

from postroom.core import errors
from postroom.core.message import Kind, State


def bodies(messages):
    return [message.body for message in messages if message.kind is Kind.MESSAGE]


@pytest.mark.parametrize("address", ["@all", "ALL", "@ALL"])
def test_a_broadcast_comes_to_every_agent_that_is_listed_but_the_sender(post, address):
    agents = alice, bob, carol, *unlisted = post.agents("alice", "bob", "carol", "hidden", "ghost")
    for agent in unlisted:
        agent.profile(visibility=agent.name)
    receipt = alice.send(address, "the printer is on fire")
    assert [one.recipient for one in receipt.deliveries] == ["bob", "carol"]
    assert [bodies(agent.take()) for agent in agents] == [[], ["the printer is on fire"], ["the printer is on fire"], [], []]
    assert bob.history()[0].to == ("@all",)
    assert carol.history()[0].room is None


def test_who_was_away_gets_a_broadcast_when_it_returns_and_who_came_later_does_not(post):
    alice, bob = post.agents("alice", "bob")
    bob.close()
    alice.send("@all", "hello")
    (carol,) = post.agents("carol")
    assert (bodies(carol.take()), bodies(post.connect("bob").take())) == ([], ["hello"])


def test_a_tag_reaches_those_who_have_it(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    bob.profile(tags=["review", "python"])
    carol.profile(tags=["python"])
    assert [one.recipient for one in alice.send("@tag:review", "look").deliveries] == ["bob"]
    assert [one.recipient for one in bob.send("@TAG:Python", "look").deliveries] == ["carol"]
    with pytest.raises(errors.NobodyThere, match="@tag:rust"):
        alice.send("@tag:rust", "look")


def test_a_tag_that_only_a_ghost_has_is_a_tag_that_nobody_has(post):
    alice, bob = post.agents("alice", "bob")
    bob.profile(tags=["review"], visibility="ghost")
    with pytest.raises(errors.NobodyThere) as nobody:
        alice.send("@tag:review", "look")
    with pytest.raises(errors.NobodyThere) as never:
        alice.send("@tag:never", "look")
    assert str(nobody.value).replace("review", "never") == str(never.value)


def test_a_broadcast_to_nobody_is_an_error(post):
    (alice,) = post.agents("alice")
    with pytest.raises(errors.NobodyThere, match="@all"):
        alice.send("@all", "hello?")


def test_an_answer_to_a_broadcast_comes_to_its_author_only(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    alice.send("@all", "who is free?")
    bob.take()[0].reply("I am")
    assert bodies(alice.take()) == ["I am"]
    assert bodies(carol.take()) == ["who is free?"]


def test_each_sender_has_ten_broadcasts_a_minute_and_is_told_when_to_try_again(timed):
    alice, bob = timed.agents("alice", "bob")
    for number in range(10):
        alice.send("@all", str(number))
    with pytest.raises(errors.TooFast, match="broadcasts_per_minute = 10") as refused:
        alice.send("@all", "10")
    bob.send("@all", "another sender is not slowed")
    alice.send("bob", "nor is a direct message")
    wait_ms = refused.value.facts["retry_after_ms"]
    assert isinstance(wait_ms, int)
    timed.pass_s(wait_ms / 1000)
    assert alice.send("@all", "10").state is State.DELIVERED
    assert bodies(bob.take()) == [*map(str, range(10)), "nor is a direct message", "10"]


def test_the_human_is_told_once_of_an_agent_that_broadcasts_in_a_loop(timed):
    (alice, _), human = timed.agents("alice", "bob"), timed.human()

    def loop():
        for number in range(30):
            with suppress(errors.TooFast):
                alice.send("@all", str(number))

    for _ in range(3):
        loop()
    (notice,) = human.take()
    assert (notice.subject, "postroom pause alice" in notice.body) == ("notice: storm", True)
    timed.pass_s(3_600)
    loop()
    assert len(human.take()) == 1, "a new storm is told anew"


def test_a_ghost_cannot_speak_where_everybody_would_see_it(post):
    alice, bob = post.agents("alice", "bob")
    bob.create_room("dev")
    alice.join("dev")
    alice.profile(visibility="ghost")
    for address in ("@all", "#dev", "@tag:x"):
        with pytest.raises(errors.GhostSpeaks, match="visibility hidden"):
            alice.send(address, "boo")
    alice.profile(visibility="hidden")
    assert alice.send("@all", "boo").state is State.DELIVERED
    assert bodies(bob.take()) == ["boo"]


def test_a_broadcast_that_many_have_not_read_in_time_comes_back_once_and_names_them(timed):
    alice, bob, *_ = timed.agents("alice", "bob", *[f"agent{number:02}" for number in range(30)])
    alice.send("@all", "in the next minute, please", expires_in=60)
    bob.confirm(bob.take())
    timed.pass_s(61)
    (notice,) = alice.take()
    assert (notice.subject, "bob" in notice.body, "agent00, agent01" in notice.body) == ("notice: expired", False, True)
    assert "and 10 more" in notice.body
