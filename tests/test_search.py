"""Finding messages again: history, threads and search show what one took part in, and consume nothing."""

from __future__ import annotations

import pytest

from postroom.core import errors
from postroom.core.message import Draft, State


def bodies(messages):
    return [message.body for message in messages]


def test_the_history_is_what_one_sent_and_received_oldest_first(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    alice.send("bob", "one")
    bob.send("alice", "two")
    bob.send("carol", "not for alice")
    alice.send("alice", "three")
    assert bodies(alice.history()) == ["one", "two", "three"]
    assert bodies(carol.history()) == ["not for alice"]


def test_the_history_can_be_paged_backwards(post):
    alice, _ = post.agents("alice", "bob")
    alice.send_many([Draft("bob", str(number)) for number in range(7)])
    last = alice.history(limit=3)
    assert bodies(last) == ["4", "5", "6"]
    assert bodies(alice.history(limit=3, before=last[0].number)) == ["1", "2", "3"]
    assert bodies(alice.history(limit=3, before=2)) == ["0"]
    assert bodies(alice.history(limit=3, before=1)) == []


def test_the_history_can_be_asked_since_a_time(timed):
    alice, _ = timed.agents("alice", "bob")
    alice.send("bob", "old")
    timed.pass_s(10)
    alice.send("bob", "new")
    assert bodies(alice.history(since_ms=timed.now_ms)) == ["new"]
    assert bodies(alice.history(since_ms=timed.now_ms, peer="bob")) == ["new"]
    assert bodies(alice.history(since_ms=timed.now_ms + 1)) == []


def test_the_history_with_one_peer_leaves_the_others_out(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    alice.send("bob", "to bob")
    alice.send("carol", "to carol")
    carol.send("alice", "from carol")
    alice.send(["bob", "carol"], "to both")
    bob.send("carol", "between others")
    assert bodies(alice.history(peer="Carol")) == ["to carol", "from carol", "to both"]


def test_the_history_with_a_peer_that_does_not_exist_is_an_error(post):
    alice, _ = post.agents("alice", "bob")
    with pytest.raises(errors.NoSuchAgent, match="Did you mean bob"):
        alice.history(peer="bobb")


def test_looking_back_consumes_nothing(post):
    alice, bob = post.agents("alice", "bob")
    sent = alice.send("bob", "hello world")
    assert bodies(bob.history()) == bodies(bob.search("hello")) == bodies(bob.thread(sent.id)) == ["hello world"]
    assert alice.status(sent.id).state is State.DELIVERED
    assert [message.redelivered for message in bob.take()] == [False]


def test_a_thread_is_shown_from_any_of_its_messages(post):
    alice, bob = post.agents("alice", "bob")
    first = alice.send("bob", "one", id="start")
    answer = bob.send("alice", "two", reply_to="start")
    alice.send("bob", "three", thread=answer.id)
    alice.send("bob", "another thread")
    for id in ("start", str(first.number), answer.id):
        assert bodies(alice.thread(id)) == bodies(bob.thread(id)) == ["one", "two", "three"]
    assert {message.thread for message in bob.thread("start")} == {"start"}


def test_a_thread_is_shown_whatever_the_size_of_a_page(post):
    post.configure("[limits]\npage = 2\n")
    alice, _ = post.agents("alice", "bob")
    first = alice.send("bob", "1")
    for number in ("2", "3"):
        alice.send("bob", number, thread=first.id)
    assert bodies(alice.thread(first.id)) == ["1", "2"]


def test_search_finds_words_in_subject_and_body_newest_first(post):
    alice, _ = post.agents("alice", "bob")
    alice.send("bob", "the port is 8080")
    alice.send("bob", "done", subject="about the port")
    alice.send("bob", "nothing to see")
    assert bodies(alice.search("port")) == ["done", "the port is 8080"]


@pytest.mark.parametrize(
    "words, found",
    [
        ("blue house", ["a blue house"]),
        ('"blue house"', ["a blue house"]),
        ('"house blue"', []),
        ("hou*", ["a blue house", "the houses"]),
        ("blue OR houses", ["a blue house", "the houses", "blue"]),
        ("blue NOT house", ["blue"]),
        ("BLUE", ["a blue house", "blue"]),
        ("uber", ["über"]),
        ("(", None),
        ("blue-", ["a blue house", "blue"]),
        ('blue "', ["a blue house", "blue"]),
        ("nosuch:blue", []),
        ("", None),
    ],
)
def test_a_search_understands(post, words, found):
    (alice,) = post.agents("alice")
    for body in ("a blue house", "the houses", "blue", "über"):
        alice.send("alice", body)
    if found is None:
        with pytest.raises(errors.BadQuery):
            alice.search(words)
    else:
        assert sorted(bodies(alice.search(words))) == sorted(found)


def test_search_shows_only_what_one_took_part_in(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    alice.send("bob", "the secret word")
    assert bodies(alice.search("secret")) == bodies(bob.search("secret")) == ["the secret word"]
    assert carol.search("secret") == []


def test_search_finds_what_was_sent_a_moment_ago(post):
    (alice,) = post.agents("alice")
    for number in range(3):
        alice.send("alice", f"needle {number}")
        assert len(alice.search("needle")) == number + 1


def test_search_catches_up_with_many_messages(post):
    (alice,) = post.agents("alice")
    alice.send_many([Draft("alice", "hay") for _ in range(700)])
    alice.send_many([Draft("alice", "hay") for _ in range(700)])
    alice.send("alice", "needle")
    assert bodies(alice.search("needle")) == ["needle"]
    assert len(alice.search("hay", limit=1_000)) == 1_000


@pytest.mark.parametrize("limit", [0, -1, 1_001])
def test_a_page_has_a_size(post, limit):
    (alice,) = post.agents("alice")
    for look in (alice.history, lambda limit: alice.search("x", limit=limit)):
        with pytest.raises(errors.BadValue, match="1 to 1000"):
            look(limit=limit)
