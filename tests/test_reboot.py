"""After the machine was started anew nobody knows what was shown last: a power cut may have taken the note of it."""

from __future__ import annotations

import pytest

from postroom.store import place
from postroom.testing import PostRoom


def test_after_a_restart_of_the_machine_what_is_unread_comes_marked(post: PostRoom, monkeypatch: pytest.MonkeyPatch):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "read before")
    assert [(message.body, message.redelivered) for message in bob.inbox()] == [("read before", False)]
    alice.send("bob", "unread")
    bob.close()
    monkeypatch.setattr(place, "boot_id", lambda: "another run of the kernel")
    monkeypatch.setattr(place, "KERNEL_QUIET_S", 0)
    bob = post.connect("bob")
    assert [(message.body, message.redelivered) for message in bob.inbox()] == [("unread", True)]
    alice.send("bob", "after it")
    assert [(message.body, message.redelivered) for message in bob.inbox()] == [("after it", False)]


def test_a_restart_of_a_process_marks_nothing(post: PostRoom):
    alice, bob = post.agents("alice", "bob")
    bob.close()
    alice.send("bob", "unread")
    assert [(message.body, message.redelivered) for message in post.connect("bob").inbox()] == [("unread", False)]
