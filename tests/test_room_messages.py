"""What is said in a room and to everyone: who gets it, in which order, who may read it later."""

from threading import Thread

import pytest

from postroom.core import errors
from postroom.core.message import Draft, Kind, State, Urgency


def bodies(messages):
    return [message.body for message in messages]


def room(post, *names, policy="public"):
    """A room in which all of these are; the first one owns it."""
    agents = post.agents(*names)
    agents[0].create_room("dev", policy=policy)
    for agent in agents[1:]:
        agents[0].invite("dev", agent.name)
        agent.join("dev")
        agent.confirm(agent.take())
    return agents


def test_each_member_but_the_author_gets_a_message_once(post):
    alice, bob, carol = room(post, "alice", "bob", "carol")
    (dave,) = post.agents("dave")
    receipt = alice.send("#dev", "hello")
    assert [(one.recipient, one.state) for one in receipt.deliveries] == [("bob", State.DELIVERED), ("carol", State.DELIVERED)]
    assert [bodies(agent.take()) for agent in (alice, bob, carol, dave)] == [[], ["hello"], ["hello"], []]


def test_a_message_says_which_room_it_was_said_in(post):
    alice, bob = room(post, "alice", "bob")
    alice.send("#DEV", "hello")
    (message,) = bob.take()
    assert (message.to, message.room) == (("#dev",), "dev")
    assert alice.status(alice.send("bob", "direct").id).state is State.DELIVERED
    assert bob.take()[0].room is None


def test_a_room_has_one_order_for_everybody(post):
    alice, bob, carol, dave = room(post, "alice", "bob", "carol", "dave")
    threads = [
        Thread(target=lambda agent=agent: [agent.send("#dev", f"{agent.name} {number}") for number in range(30)]) for agent in (alice, bob)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    heard = bodies(carol.take(limit=100))
    assert len(heard) == 60
    assert heard == bodies(dave.take(limit=100)) == bodies(alice.history(peer="#dev", limit=100))
    assert [body for body in heard if body.startswith("bob")] == [f"bob {number}" for number in range(30)]


def test_a_full_mailbox_does_not_stop_the_rest_and_is_named(post):
    post.configure("[limits]\nwaiting = 2\n")
    alice, _, carol = room(post, "alice", "bob", "carol")
    for number in range(2):
        alice.send("bob", str(number))
    receipt = alice.send("#dev", "hello")
    assert {one.recipient: (one.state, (one.reason or "")[:12]) for one in receipt.deliveries} == {
        "bob": (State.REFUSED, "mailbox-full"),
        "carol": (State.DELIVERED, ""),
    }
    assert bodies(carol.take()) == ["hello"]
    (notice,) = alice.take()
    assert (notice.kind, "bob" in notice.body, "carol" in notice.body) == (Kind.NOTICE, True, False)


def test_a_room_of_one_keeps_what_is_said_for_later(post):
    (alice,) = room(post, "alice")
    receipt = alice.send("#dev", "is anybody here?")
    assert (receipt.deliveries, receipt.state, alice.status(receipt.id)) == ((), State.DELIVERED, receipt)
    (bob,) = post.agents("bob")
    bob.join("dev")
    assert (bob.take(), bodies(bob.history(peer="#dev"))) == ([], ["is anybody here?"])


def test_who_is_not_a_member_cannot_speak_in_a_room(post):
    alice, bob = room(post, "alice", "bob")
    (dave,) = post.agents("dave")
    with pytest.raises(errors.NotAMember, match="postroom join dev"):
        dave.send("#dev", "hello")
    bob.leave("dev")
    with pytest.raises(errors.NotAMember, match="'dev'"):
        bob.send("#dev", "one more thing")
    assert alice.history(peer="#dev") == []


def test_an_unknown_room_is_an_error_and_never_an_empty_room(post):
    alice, bob = room(post, "alice", "bob")
    for act in (lambda: alice.send("#deb", "hello"), lambda: alice.history(peer="#deb")):
        with pytest.raises(errors.NoSuchRoom, match=r"'deb'\. Did you mean dev\?"):
            act()
    with pytest.raises(errors.NoSuchAgent, match="'dev'"):
        alice.send("dev", "a room is written with its sign")
    assert bob.take() == []


def test_an_answer_to_what_was_said_in_a_room_is_said_in_the_room_and_in_its_thread(post):
    alice, bob, carol = room(post, "alice", "bob", "carol")
    first = alice.send("#dev", "who reviews?")
    (message,) = bob.take()
    answer = message.reply("I do")
    assert [one.recipient for one in answer.deliveries] == ["alice", "carol"]
    assert [(message.thread, message.reply_to, message.room) for message in carol.take()] == [
        (first.id, None, "dev"),
        (first.id, first.id, "dev"),
    ]
    assert bodies(carol.thread(answer.id)) == ["who reviews?", "I do"]
    assert alice.status(first.id).deliveries[0].state is State.ANSWERED


def test_who_is_mentioned_is_told_at_once_and_the_others_are_not(post):
    alice, bob, carol = room(post, "alice", "bob", "carol")
    alice.send("#dev", "@Bob, look at this. Not @carolina; mail to x@carol or #@carol is none either")
    assert [agent.take()[0].urgency for agent in (bob, carol)] == [Urgency.NOW, Urgency.NEXT]


def test_who_is_mentioned_in_a_subject_is_mentioned(post):
    alice, bob, carol = room(post, "alice", "bob", "carol")
    first = alice.send("#dev", "PR 42", subject="for @bob")
    alice.send("", "and it is late", subject="@carol too", reply_to=first.id)
    assert [message.urgency for message in bob.take()] == [Urgency.NOW, Urgency.NEXT]
    assert [message.urgency for message in carol.take()] == [Urgency.NEXT, Urgency.NOW]


def test_who_has_muted_a_room_gets_its_messages_for_information_only_but_mentions_as_ever(post):
    alice, bob, carol = room(post, "alice", "bob", "carol")
    bob.mute("dev")
    rings = bob._seat.bell.rings
    alice.send("#dev", "chatter")
    assert bob._seat.bell.rings == rings
    alice.send("#dev", "@bob!")
    assert bob._seat.bell.rings == rings + 1
    assert [message.urgency for message in bob.take()] == [Urgency.INFO, Urgency.NOW]
    assert [message.urgency for message in carol.take()] == [Urgency.NEXT, Urgency.NEXT]


def test_sending_again_with_the_same_id_says_nothing_twice_also_after_leaving(post):
    alice, bob = room(post, "alice", "bob")
    first = bob.send("#dev", "done", id="d1")
    assert bob.send("#dev", "done", id="d1").number == first.number
    bob.leave("dev")
    assert bob.send("#dev", "done", id="d1").number == first.number
    with pytest.raises(errors.IdTaken):
        bob.send("@all", "done", id="d1")
    assert bodies(alice.take()) == ["done"]


def test_anybody_reads_the_history_of_a_public_room_and_only_members_that_of_others(post):
    alice, _ = room(post, "alice", "bob")
    (dave,) = post.agents("dave")
    alice.send("#dev", "in public")
    alice.create_room("inner", policy="private")
    alice.send("#inner", "among us")
    assert bodies(dave.history(peer="#dev")) == ["in public"]
    assert bodies(dave.search("public OR among")) == ["in public"]
    with pytest.raises(errors.NotAMember, match="inner"):
        dave.history(peer="#inner")


@pytest.mark.parametrize("policy", ["private", "secret"])
def test_who_joins_a_room_that_is_not_public_reads_what_is_said_from_then_on(post, policy):
    alice, bob = room(post, "alice", "bob", policy=policy)
    (carol,) = post.agents("carol")
    before = alice.send("#dev", "before")
    alice.invite("dev", "carol")
    carol.join("dev")
    alice.send("#dev", "after", thread=before.id)
    assert bodies(carol.history(peer="#dev")) == ["after"]
    assert bodies(carol.search("before OR after")) == ["after"]
    assert bodies(carol.thread(carol.history(peer="#dev")[0])) == ["after"]
    with pytest.raises(errors.NotYourMessage):
        carol.status(before.id)
    assert bodies(bob.history(peer="#dev")) == ["before", "after"]


@pytest.mark.parametrize("policy", ["private", "secret"])
def test_who_was_removed_keeps_what_it_got_and_reads_nothing_of_the_room_any_more(post, policy):
    alice, bob = room(post, "alice", "bob", policy=policy)
    said = alice.send("#dev", "among us")
    mine = bob.send("#dev", "my own words")
    alice.kick("dev", "bob", "enough")
    later = alice.send("#dev", "without bob")
    assert [message.body for message in bob.take() if message.kind is Kind.MESSAGE] == ["among us"]
    with pytest.raises(errors.NoSuchRoom if policy == "secret" else errors.NotAMember):
        bob.history(peer="#dev")
    with pytest.raises(errors.NoSuchRoom if policy == "secret" else errors.NotAMember):
        bob.send("", "still here", reply_to=said.id)
    assert bodies(bob.search("among OR words OR without")) == ["my own words", "among us"]
    assert bob.status(said.id).state is State.HANDED
    assert bodies(bob.thread(mine.id)) == ["my own words"]
    with pytest.raises(errors.NotYourMessage):
        bob.status(later.id)


def test_what_was_said_in_a_room_that_is_no_more_stays_with_those_who_got_it(post):
    alice, bob = room(post, "alice", "bob", policy="private")
    alice.send("#dev", "among us")
    bob.confirm(bob.take())
    alice.destroy_room("dev")
    assert "among us" in bodies(bob.history())
    assert bodies(bob.search("among")) == ["among us"]
    with pytest.raises(errors.NoSuchRoom):
        bob.history(peer="#dev")


def test_history_has_pages(post):
    alice, bob = room(post, "alice", "bob")
    for number in range(5):
        alice.send("#dev", str(number))
    page = bob.history(peer="#dev", limit=2)
    assert bodies(page) == ["3", "4"]
    assert bodies(bob.history(peer="#dev", limit=2, before=page[0])) == ["1", "2"]
    assert bob.history(peer="#dev", since_ms=page[1].sent_ms + 1) == []


def test_offline_members_get_everything_once_when_they_return(post):
    alice, bob = room(post, "alice", "bob")
    bob.close()
    for number in range(3):
        assert not alice.send("#dev", str(number)).deliveries[0].online
    assert bodies(post.connect("bob").inbox()) == ["0", "1", "2"]
    assert list(post.connect("bob").inbox()) == []


def test_a_room_cannot_be_asked_and_stands_alone(post):
    alice, _ = room(post, "alice", "bob")
    with pytest.raises(errors.BadValue, match="by name, not of a room"):
        alice.send("#dev", "who?", reply_within=60)
    with pytest.raises(errors.BadValue, match="send several messages"):
        alice.send(["#dev", "bob"], "hello")


def test_a_batch_may_mix_rooms_and_agents(post):
    alice, bob = room(post, "alice", "bob")
    receipts = alice.send_many([Draft("bob", "1"), Draft("#dev", "2"), Draft("bob", "3"), Draft("@all", "4")])
    assert [receipt.number for receipt in receipts] == sorted(receipt.number for receipt in receipts)
    assert bodies(bob.take()) == ["1", "2", "3", "4"]
    assert [one.waiting for one in bob.agents() if one.name == "bob"] == [4]
    bob.confirm(bob.take())


def test_whom_a_message_reaches_in_another_way_stands_in_his_place_among_the_others(post):
    post.configure("[limits]\nwaiting = 2\n")
    alice, bob, carol, dave, erin, fred = room(post, "alice", "bob", "carol", "dave", "erin", "fred")
    carol.mute("dev")
    dave.profile(visibility="ghost")
    alice.send_many([Draft("erin", "one"), Draft("erin", "two")])
    receipt = alice.send("#dev", "hello @fred")
    there = [("bob", State.DELIVERED), ("carol", State.DELIVERED), ("erin", State.REFUSED), ("fred", State.DELIVERED)]
    for told in (receipt, alice.status(receipt.id)):
        assert [(one.recipient, one.state) for one in told.deliveries] == there, "the ghost is not among them"
    assert [agent.take()[0].urgency for agent in (bob, carol, dave, fred)] == [Urgency.NEXT, Urgency.INFO, Urgency.NEXT, Urgency.NOW]
    assert bodies(erin.take()) == ["one", "two"]


def test_a_batch_does_not_fill_mailboxes_beyond_their_limit(post):
    post.configure("[limits]\nwaiting = 2\n")
    alice, bob, carol = room(post, "alice", "bob", "carol")
    carol.mute("dev")
    receipts = alice.send_many([Draft("#dev", str(number)) for number in range(3)])
    assert [[one.state for one in receipt.deliveries] for receipt in receipts] == [[State.DELIVERED] * 2] * 2 + [[State.REFUSED] * 2]
    assert [bodies(agent.take()) for agent in (bob, carol)] == [["0", "1"], ["0", "1"]]


def test_files_go_to_each_member(post, tmp_path):
    alice, bob, carol = room(post, "alice", "bob", "carol")
    (tmp_path / "plan.txt").write_text("step one")
    alice.send("#dev", "the plan", files=tmp_path / "plan.txt")
    for agent in (bob, carol):
        (message,) = agent.take()
        agent.save(message.attachments[0], tmp_path / f"{agent.name}.txt")
        assert (tmp_path / f"{agent.name}.txt").read_text() == "step one"


def test_a_room_keeps_its_own_pace(timed):
    timed.post.configure("[limits]\nroom_per_minute = 5\n")
    alice, bob = room(timed, "alice", "bob")  # that he was invited and joined counts, too
    for agent in (alice, bob, alice):
        agent.send("#dev", "go")
    with pytest.raises(errors.TooFast, match="room_per_minute = 5") as refused:
        bob.send("#dev", "go")
    wait_ms = refused.value.facts["retry_after_ms"]
    assert isinstance(wait_ms, int)
    assert 0 < wait_ms <= 20_000
    bob.send("alice", "directly")
    alice.create_room("other")
    alice.send("#other", "elsewhere")


def test_who_forgets_the_sign_of_a_room_is_reminded_of_it(post):
    alice, bob = post.agents("alice", "bob")
    alice.create_room("dev")
    alice.create_room("hush", policy="secret")
    with pytest.raises(errors.NoSuchRecipient, match="Did you mean the room '#dev'"):
        bob.send("dev", "hello")
    with pytest.raises(errors.NoSuchRecipient) as secret:
        bob.send("hush", "hello")
    assert "room" not in str(secret.value)
