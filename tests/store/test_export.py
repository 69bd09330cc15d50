"""An export is everything as JSON lines, of one shape, page by page."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from postroom import Draft
from postroom.core.errors import NoSuchAgent
from postroom.exchange import holding, keeping
from tests.store.keepers import FAST, desk_of_human
from tests.times import Timed


def exported(home, **options):
    with desk_of_human(home) as desk:
        return [json.loads(line) for line in keeping.export(desk, **options)]


def bodies(found):
    return [line["body"] for line in found if line["type"] == "message"]


def test_messages_come_with_what_became_of_them(post, home):
    alice, bob = post.agents("alice", "bob")
    (home / "plan.txt").write_bytes(b"the plan")
    alice.send(["bob", "human"], "wörld ☃", subject="hello", files=[home / "plan.txt"], id="M-1")
    bob.confirm(bob.take())
    first, *rest = exported(post.home)
    assert first["type"] == "postroom"
    assert first["format"] == 1
    assert [line["name"] for line in rest if line["type"] == "agent"] == ["alice", "bob", "human"]
    (message,) = [line for line in rest if line["type"] == "message"]
    assert (message["id"], message["sender"], message["to"], message["body"]) == ("M-1", "alice", ["bob", "human"], "wörld ☃")
    assert [(one["recipient"], one["state"]) for one in message["deliveries"]] == [("bob", "read"), ("human", "delivered")]
    assert message["attachments"][0]["name"] == "plan.txt"
    assert len(message["attachments"][0]["sha256"]) == 64
    assert message["provenance"]["interface"] == "sdk"


def test_an_export_consumes_nothing(post):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "hi")
    exported(post.home)
    assert [(message.body, message.redelivered) for message in bob.take()] == [("hi", False)]


def test_all_lines_of_a_type_have_the_same_keys_in_the_same_order(post):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "one", reply_within=60)
    bob.take()[0].reply("two")
    with desk_of_human(post.home) as desk:
        found = [json.loads(line, object_pairs_hook=list) for line in keeping.export(desk)]
    shapes = {(line[0][1], tuple(key for key, _ in line)) for line in found}
    assert len(shapes) == 3


def test_only_what_one_agent_took_part_in(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    alice.send("bob", "to bob")
    alice.send("carol", "to carol")
    bob.send(["alice", "carol"], "to both")
    carol.send("alice", "to alice")
    assert bodies(exported(post.home, agent="bob")) == ["to bob", "to both"]
    with pytest.raises(NoSuchAgent):
        exported(post.home, agent="nobody")


def test_only_what_was_sent_since(post):
    clock = Timed(post)
    alice, _ = clock.agents("alice", "bob")
    alice.send("bob", "old")
    clock.now_us += 60_000_000
    alice.send("bob", "new")
    assert bodies(exported(post.home, since_ms=clock.now_ms)) == ["new"]


def test_every_page_is_there_once_and_in_order(post):
    post.connect("bob")
    post.configure(FAST)
    alice = post.connect("alice")
    alice.send_many([Draft("bob", str(number)) for number in range(237)])
    assert bodies(exported(post.home)) == [str(number) for number in range(237)]


def test_many_messages_need_no_more_memory_than_few(post):
    post.connect("bob")
    post.configure(FAST)
    alice = post.connect("alice")
    for _ in range(4):
        alice.send_many([Draft("bob", "x" * 10_000) for _ in range(500)])
    with desk_of_human(post.home) as desk:
        tracemalloc.start()
        try:
            total = sum(len(line) for line in keeping.export(desk))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert total > 20_000_000
    assert peak < 5_000_000


def exported_by(exporter, **options):
    return [json.loads(line) for line in keeping.export(exporter._seat.desk, **options)]


def test_an_agent_exports_what_it_took_part_in_and_whom_it_may_know_of(post):
    alice, bob, carol, ghost, hidden = post.agents("alice", "bob", "carol", "ghost", "hidden")
    carol.create_room("ours")
    for member in (alice, ghost, hidden):
        member.join("ours")
    ghost.profile(visibility="ghost")
    hidden.profile(visibility="hidden")
    alice.send("bob", "to bob")
    bob.send("carol", "to carol")
    carol.send("#ours", "in the room")
    found = exported_by(alice)
    assert bodies(found) == ["to bob", "in the room"]
    assert [line["name"] for line in found if line["type"] == "agent"] == ["alice", "bob", "carol", "human"]
    assert [line["waiting"] for line in found if line["type"] == "agent"] == [1, None, None, None]
    assert [one["recipient"] for one in found[-1]["deliveries"]] == ["alice", "hidden"]
    assert bodies(exported_by(carol, agent="bob")) == ["to carol"]
    with pytest.raises(NoSuchAgent):
        exported_by(alice, agent="ghost")


def test_what_is_held_on_its_way_to_an_agent_is_not_exported_by_it(post):
    alice, bob = post.agents("alice", "bob")
    with desk_of_human(post.home) as desk:
        holding.pause(desk, "alice", "wait")
    alice.send("bob", "held")
    assert ["held" in bodies(found) for found in (exported_by(alice), exported_by(bob), exported(post.home))] == [True, False, True]
