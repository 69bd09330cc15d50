"""Limits of what agents say about themselves, of those that are away, and of what they are told, each at its border."""

from __future__ import annotations

import pytest

from postroom.core import errors
from postroom.exchange import tokens
from tests.borders import border, limited


@border("tags")
def test_an_agent_has_as_many_tags_as_the_limit_says(post):
    limited(post, tags=2)
    (alice,) = post.agents("alice")
    mine = alice.profile(tags=["a", "b"], capabilities=["reads", "writes"])
    assert (mine.tags, mine.capabilities) == (("a", "b"), ("reads", "writes"))
    for changes, unit in (({"tags": ["a", "b", "c"]}, "tags"), ({"capabilities": ["1", "2", "3"]}, "capabilities")):
        with pytest.raises(errors.TooLarge, match=rf"profile has 3 {unit}; the limit tags is 2\. Choose"):
            alice.profile(**changes)
    assert alice.profile() == mine


def listed(agent):
    return [one.name for one in agent.agents()]


@border("archive_days")
def test_who_is_away_for_long_is_archived(timed):
    limited(timed.post, archive_days=2)
    alice, bob = timed.agents("alice", "bob")
    bob.close()
    timed.pass_days(2)
    assert "bob" in listed(alice)
    timed.pass_s(3_601)
    assert "bob" not in listed(alice)
    assert [one.name for one in alice.agents(archived=True) if one.archived] == ["bob"]


def rows(agent):
    return agent._seat.desk.database.execute("SELECT count(*) FROM event").fetchall()[0][0]


@border("event_days")
def test_events_are_kept_for_so_many_days_however_many_there_are(timed):
    limited(timed.post, event_days=2)
    alice, bob = timed.agents("alice", "bob")
    for number in range(12):
        alice.send("bob", f"{number}")
        bob.confirm(bob.take())
    timed.pass_days(2)
    alice.send("bob", "new")
    bob.confirm(bob.take())
    timed.tend()
    assert rows(alice) == 13
    timed.pass_s(0.001)
    assert [event.message for event in alice.events()] == ["13"]
    assert rows(alice) == 1


@border("tokens")
def test_an_agent_has_as_many_valid_tokens_as_the_limit_says(post):
    limited(post, tokens=2)
    desk = post.connect("jack")._seat.desk
    first = tokens.create(desk).token
    tokens.create(desk)
    with pytest.raises(errors.TooMany, match=r"already 2 tokens of jack \(limit tokens\)"):
        tokens.create(desk)
    tokens.revoke(desk, first.id)
    assert tokens.create(desk)
