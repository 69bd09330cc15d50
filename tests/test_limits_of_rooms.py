"""The limits about rooms, broadcasts, profiles and events: each holds exactly at its border."""

from __future__ import annotations

import pytest

from postroom.core import errors
from postroom.core.message import State
from tests.borders import border, limited


@border("rooms")
def test_an_agent_owns_as_many_rooms_as_its_limit_and_no_more(post):
    limited(post, rooms=2)
    alice, bob = post.agents("alice", "bob")
    alice.create_room("one")
    alice.create_room("two", policy="private")
    with pytest.raises(errors.TooMany, match="already 2 rooms of yours"):
        alice.create_room("three")
    for name in ("five", "six"):
        alice.create_room(name, policy="secret")
    with pytest.raises(errors.TooMany, match="already 2 rooms of yours"):
        alice.create_room("seven", policy="secret")
    bob.create_room("three")
    alice.destroy_room("one")
    alice.create_room("four")


@border("members")
def test_a_room_has_as_many_members_as_its_limit_and_no_more(post):
    limited(post, members=2)
    alice, bob, carol = post.agents("alice", "bob", "carol")
    alice.create_room("dev")
    bob.join("dev")
    with pytest.raises(errors.TooMany, match="already 2 members of #dev"):
        carol.join("dev")
    bob.leave("dev")
    carol.join("dev")


@border("room_per_minute")
def test_a_room_takes_as_much_a_minute_as_its_limit_and_then_as_time_goes_on(timed):
    limited(timed.post, room_per_minute=3)
    (alice,) = timed.agents("alice")
    alice.create_room("dev")
    for number in range(3):
        alice.send("#dev", str(number))
    with pytest.raises(errors.TooFast, match="room_per_minute = 3") as refused:
        alice.send("#dev", "3")
    assert refused.value.facts["retry_after_ms"] == 20_000
    timed.pass_s(20)
    assert alice.send("#dev", "3").state is State.DELIVERED


@border("sender_in_room_per_minute")
def test_a_sender_says_as_much_in_a_room_as_its_limit_and_then_as_time_goes_on(timed):
    limited(timed.post, sender_in_room_per_minute=3)
    alice, bob = timed.agents("alice", "bob")
    for name in ("dev", "ops"):
        alice.create_room(name, policy="secret" if name == "ops" else "public")
        for number in range(3):
            alice.send(f"#{name}", str(number))
    with pytest.raises(errors.TooFast, match="You are sending faster than sender_in_room_per_minute = 3") as refused:
        alice.send("#dev", "3")
    assert refused.value.facts["retry_after_ms"] == 20_000
    bob.join("dev")
    assert bob.send("#dev", "another sender is not slowed").state is State.DELIVERED
    timed.pass_s(20)
    assert alice.send("#dev", "3").state is State.DELIVERED


@border("broadcasts_per_minute")
def test_a_sender_broadcasts_as_often_as_its_limit_and_then_as_time_goes_on(timed):
    limited(timed.post, broadcasts_per_minute=2)
    alice, _ = timed.agents("alice", "bob")
    for address in ("@all", "ALL"):
        alice.send(address, "x")
    with pytest.raises(errors.TooFast, match="broadcasts_per_minute = 2") as refused:
        alice.send("@all", "x")
    assert refused.value.facts["retry_after_ms"] == 30_000
    timed.pass_s(30)
    assert alice.send("@all", "x").state is State.DELIVERED


@border("tags")
def test_an_agent_has_as_many_tags_as_its_limit_and_no_more(post):
    limited(post, tags=2)
    (alice,) = post.agents("alice")
    alice.profile(tags=["one", "two"])
    with pytest.raises(errors.PostroomError, match="tags"):
        alice.profile(tags=["one", "two", "three"])
    assert alice.profile().tags == ("one", "two")
