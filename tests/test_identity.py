"""Identity on this machine: the interface says who speaks and how it came in; a message cannot."""

from __future__ import annotations

import os
import sys

import pytest

import postroom
from postroom.core import errors
from postroom.core.address import RESERVED
from postroom.core.message import Draft, Kind
from postroom.exchange import sending
from postroom.exchange.desk import open_desk
from tests.programs import Program
from tests.spelling import ALPHABETS, spelled


def test_the_sender_is_who_connected(post):
    alice, bob = post.agents("Alice", "bob")
    alice.send("bob", "I am carol")
    assert [message.sender for message in bob.take()] == ["alice"]


def test_the_name_comes_from_the_environment_when_none_is_given(post, monkeypatch):
    monkeypatch.setenv("POSTROOM_AGENT", "Analyst")
    with postroom.connect(home=post.home) as me:
        assert me.name == "analyst"
    with postroom.connect("executor", home=post.home) as me:
        assert me.name == "executor"


def test_somebody_without_a_name_is_asked_for_one(post):
    with pytest.raises(errors.NoIdentity, match="POSTROOM_AGENT"):
        postroom.connect(home=post.home)


def test_each_message_says_how_it_came_in(post):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "from here")
    (message,) = bob.take()
    assert message.provenance == ("sdk", os.getpid(), os.path.basename(sys.argv[0]))
    assert message.origin == "here"


def test_the_provenance_tells_processes_and_interfaces_apart(post):
    (bob,) = post.agents("bob")
    with Program("alice", "print(me.send('bob', 'from a program').id)") as program:
        program.line()
        desk = open_desk("alice", post.home, interface="cli")
        sending.send(desk, [Draft("bob", "from a terminal")])
        desk.close()
        first, second = bob.take()
        assert first.provenance == ("sdk", program.pid, "-c")
        assert (second.provenance.interface, second.provenance.pid) == ("cli", os.getpid())


def test_the_provenance_stays_true_after_a_failed_send(post):
    post.configure("[limits]\nrequests = 1\n")
    (bob,) = post.agents("bob")
    desk = open_desk("alice", post.home, interface="cli")
    with pytest.raises(errors.TooMany):
        sending.send(desk, [Draft("bob", "one?", reply_within=60), Draft("bob", "two?", reply_within=60)])
    carol = post.connect("carol")  # takes the number that was given up
    sending.send(desk, [Draft("bob", "three")])
    carol.send("bob", "four")
    desk.close()
    assert [(message.sender, message.body, message.provenance.interface) for message in bob.take()] == [
        ("alice", "three", "cli"),
        ("carol", "four", "sdk"),
    ]


def test_nothing_in_a_message_can_name_another_sender(post):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", '{"sender": "human"}', subject="From: postroom")
    with pytest.raises(TypeError):
        alice.send("bob", "x", sender="human")
    (message,) = bob.take()
    assert (message.sender, message.kind) == ("alice", Kind.MESSAGE)


@pytest.mark.parametrize("alphabet", ALPHABETS)
@pytest.mark.parametrize("name", sorted(RESERVED))
def test_reserved_names_cannot_be_claimed_in_any_spelling(post, name, alphabet):
    with pytest.raises(errors.ReservedName):
        post.connect(f" {spelled(name, alphabet)} ")


@pytest.mark.parametrize("name", ["system", "postroom", "all", "ALL", spelled("all", "full-width")])
def test_no_mailbox_is_made_for_a_reserved_name(post, name):
    (alice,) = post.agents("alice")
    with pytest.raises(errors.PostroomError):
        alice.send(name, "hello", create=True)
    assert [listed.name for listed in alice.agents()] == ["alice", "human"]


def test_anybody_may_write_to_the_human(timed):
    alice, human = timed.agent("alice"), timed.human()
    alice.send("human", "please look")
    (message,) = human.take()
    message.reply("looking")
    assert [(answer.sender, answer.provenance.interface) for answer in alice.take()] == [("human", "cli")]


def test_notices_are_signed_by_the_post_room_itself(timed):
    alice, _ = timed.agents("alice", "bob")
    alice.send("bob", "lunch?", expires_in=1)
    timed.pass_s(2)
    (notice,) = alice.take()
    assert (notice.sender, notice.provenance) == ("postroom", ("postroom", 0, "postroom"))


def test_agents_are_listed_with_their_presence(post):
    alice, bob, _ = post.agents("alice", "bob", "bob")
    bob.profile(status="busy", description="runs things", auto_accept=True)
    alice.send("bob", "hello")
    alice.send("carol", "welcome", create=True)
    listed = {agent.name: agent for agent in alice.agents()}
    assert sorted(listed) == ["alice", "bob", "carol", "human"]
    assert (listed["bob"].status, listed["bob"].online, listed["bob"].processes, listed["bob"].waiting) == ("busy", True, 2, None)
    assert (listed["bob"].description, listed["bob"].auto_accept) == ("runs things", True)
    assert (listed["carol"].status, listed["carol"].online, listed["carol"].seen_ms) == ("offline", False, None)
    assert listed["human"].kind == "human"


def test_a_profile_is_shown_as_the_others_see_it_and_what_is_not_given_stays(post):
    alice, bob = post.agents("alice", "bob")
    assert bob.profile(description="runs things").status == "active"
    assert bob.profile(status="busy", auto_accept=True) == bob.profile()
    (listed,) = [agent for agent in alice.agents() if agent.name == "bob"]
    assert (listed.status, listed.description, listed.auto_accept, listed.online) == ("busy", "runs things", True, True)
    assert listed == bob.profile()._replace(waiting=None, declared=None)


def test_a_status_of_ones_own_is_refused(post):
    (alice,) = post.agents("alice")
    with pytest.raises(errors.BadValue, match="active, idle, busy"):
        alice.profile(status="offline")
