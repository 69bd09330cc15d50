"""While an agent is paused nothing of it reaches others; it knows why, and may say how it is, and go."""

import pytest

from postroom.core import errors
from postroom.core.message import Kind
from postroom.exchange import holding


@pytest.fixture
def paused(timed):
    """Alice, whom the human has paused, and who has a room in which bob is; bob; the human."""
    (alice, bob), human = timed.agents("alice", "bob"), timed.human()
    alice.create_room("dev")
    bob.join("dev")
    holding.pause(human._seat.desk, "alice", "you repeat yourself")
    return alice, bob, human


def bodies(messages):
    return [message.body for message in messages if message.kind is Kind.MESSAGE]


ACTS = {
    "make a room": lambda alice: alice.create_room("new"),
    "join": lambda alice: alice.join("other"),
    "decline": lambda alice: alice.decline_invitation("closed", "buy my things"),
    "invite": lambda alice: alice.invite("dev", "carol"),
    "set the topic": lambda alice: alice.set_topic("dev", "buy my things"),
    "describe": lambda alice: alice.describe_room("dev", description="buy my things"),
    "close": lambda alice: alice.describe_room("dev", policy="secret"),
    "kick": lambda alice: alice.kick("dev", "bob", "buy my things"),
    "hand over": lambda alice: alice.transfer("dev", "bob"),
    "destroy": lambda alice: alice.destroy_room("dev", "buy my things"),
    "describe itself": lambda alice: alice.profile(description="buy my things"),
    "tag itself": lambda alice: alice.profile(tags=["buy-my-things"]),
    "say what it can": lambda alice: alice.profile(capabilities=["buy my things"]),
    "take a name": lambda alice: alice.rename("buy-my-things"),
    "make a mailbox": lambda alice: alice.send("buy-my-things", "hello", create=True),
}


def seen_by(agent):
    """All that somebody can know of the others."""
    members = [member._replace(status="") for member in agent.members("dev")]
    profiles = [listed._replace(seen_ms=None, waiting=0) for listed in agent.agents()]
    return agent.rooms(), members, profiles, list(agent.events()), bodies(agent.peek())


@pytest.mark.parametrize("act", ACTS)
def test_nothing_of_a_paused_agent_reaches_others_until_it_is_released(paused, timed, act):
    alice, bob, human = paused
    carol = timed.agent("carol")
    for name, policy in (("other", "public"), ("closed", "private")):
        carol.create_room(name, policy=policy)
    carol.invite("closed", "alice")
    list(bob.events())
    before = seen_by(bob)
    with pytest.raises(errors.Paused, match=r"paused you: you repeat yourself\. What you send is held, and nothing else"):
        ACTS[act](alice)
    assert seen_by(bob) == before
    holding.release(human._seat.desk, "alice")
    ACTS[act](alice)


def test_a_paused_agent_says_how_it_is_and_may_hide_mute_and_leave(paused):
    alice, bob, _ = paused
    assert alice.profile(status="busy", harness="pi", directory="/", auto_accept=True).status == "busy"
    alice.rename("alice")
    alice.mute("dev")
    alice.leave("dev")
    alice.profile(visibility="hidden")
    assert [member.name for member in bob.members("dev")] == ["bob"]
