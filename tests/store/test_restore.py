"""A restore: everything is as it was, those who run go on, nobody's mail is mixed up, and what was there is kept."""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from postroom import Draft, connect
from postroom.core.errors import LeaseLost, NoSuchSession, Outdated, StoreUnusable
from postroom.core.message import State
from postroom.core.refusals import BadBackup, BadToken
from postroom.exchange import keeping, tokens, webhooks
from postroom.exchange.desk import open_desk
from postroom.testing import PostRoom
from tests.programs import Program
from tests.store.keepers import FAST, SENDING, faults, lines, query, settle

READING = """
for message in me:
    print(message.number)
"""


@pytest.fixture
def copy(home):
    """Where backups go."""
    return str(home / "copy")


def bodies(agent):
    return [(message.body, message.redelivered) for message in agent.take(1000) if message.kind != "notice"]


def notices(agent):
    return [message.subject for message in agent.peek(1000) if message.kind == "notice"]


def test_messages_come_back_as_they_were(post, copy):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "before", id="M-1")
    keeping.back_up(post.home, copy)
    alice.send("bob", "after", id="M-2")
    done = keeping.restore(copy, post.home)
    assert (done.messages, done.rolled_back, done.whole) == (1, 1, False)
    assert bodies(bob) == [("before", False)]
    assert alice.send("bob", "after", id="M-2").number > 2, "its number was used before"
    assert faults(post.home) == []


def test_what_comes_back_for_one_that_is_a_ghost_by_now_goes_back_to_its_sender(post, copy):
    alice, bob = post.agents("alice", "bob")
    sent = alice.send("bob", "before", reply_within=60)
    asked = bob.send("alice", "will you?", reply_within=60)
    keeping.back_up(post.home, copy)
    bob.profile(visibility="ghost")
    bob.rename("bert")
    keeping.restore(copy, post.home)
    assert bodies(bob) == []
    assert bodies(alice) == [("will you?", False)]
    assert [(one.recipient, one.state) for one in alice.status(sent.id).deliveries] == [("bob", State.REFUSED)]
    assert "notice: refused" in notices(alice)
    assert [message.reply_to for message in bob.history() if message.subject == "notice: out-of-sight"] == [asked.id]
    assert query(post.home, "SELECT count(*) FROM request") == [(0,)]
    assert faults(post.home) == []


def test_what_was_read_since_comes_again_and_says_so(post, copy):
    alice, bob = post.agents("alice", "bob")
    alice.send_many([Draft("bob", "read since"), Draft("bob", "never seen")])
    keeping.back_up(post.home, copy)
    bob.confirm(bob.take(1))
    keeping.restore(copy, post.home)
    assert bodies(bob) == [("read since", True), ("never seen", False)]


def test_what_was_answered_since_without_being_handed_over_comes_again_and_says_so(post, copy):
    alice, bob = post.agents("alice", "bob")
    seq = alice.send("bob", "which port?", reply_within=60).id
    keeping.back_up(post.home, copy)
    bob.send("alice", "8080", reply_to=seq)
    keeping.restore(copy, post.home)
    assert bodies(bob) == [("which port?", True)]


def test_a_reader_in_the_middle_of_its_work_confirms_as_if_nothing_had_happened(post, copy):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "work")
    keeping.back_up(post.home, copy)
    in_hand = bob.take()
    keeping.restore(copy, post.home)
    assert bodies(bob) == [], "it is still in hand"
    bob.confirm(in_hand)
    assert alice.status("1").state is State.READ
    assert faults(post.home) == []


def test_what_is_newer_and_in_hands_just_now_stays_with_all_that_belongs_to_it(post, copy, home):
    alice, bob = post.agents("alice", "bob")
    first = alice.send("bob", "before")
    keeping.back_up(post.home, copy)
    (home / "plan.txt").write_bytes(b"the plan")
    alice.send(["bob", "human"], "do this", files=[home / "plan.txt"], reply_to=first.id, reply_within=60)
    alice.send("bob", "too new", reply_to="2")
    in_hand = bob.take(2)
    keeping.restore(copy, post.home)
    in_hand[1].reply("done")
    bob.confirm(in_hand)
    (answer,) = [message for message in alice.take() if message.kind != "notice"]
    assert (answer.body, answer.reply_to, answer.thread) == ("done", "2", "1")
    assert query(post.home, "SELECT count(*) FROM request") == [(1,)], "the human has not answered"
    assert bodies(bob) == []
    assert faults(post.home) == []


def test_a_message_sent_anew_after_one_restore_does_not_meet_itself_in_another(post, copy, home):
    alice, bob = post.agents("alice", "bob")
    keeping.back_up(post.home, str(home / "empty"))
    alice.send("bob", "once", id="M-1")
    keeping.back_up(post.home, copy)
    keeping.restore(str(home / "empty"), post.home)
    alice.send("bob", "once", id="M-1")
    in_hand = [message for message in bob.take() if message.kind != "notice"]
    keeping.restore(copy, post.home)
    assert bodies(bob) == [("once", True)]
    with pytest.raises(LeaseLost):
        bob.confirm(in_hand)


def test_a_session_message_in_hands_that_is_gone_is_an_error_when_it_is_confirmed(post, copy):
    alice, bob = post.agents("alice", "bob")
    keeping.back_up(post.home, copy)
    bob.profile(auto_accept=True)
    alice.session("bob", "review")
    in_hand = bob.take()
    keeping.restore(copy, post.home)
    with pytest.raises(LeaseLost):
        bob.confirm(in_hand)


def test_what_a_dead_process_had_in_hands_is_in_the_mailbox(post, copy):
    alice = post.connect("alice")
    with Program("bob", "print(me.take(wait=30)[0].body)") as bob:
        alice.send("bob", "work", create=True)
        assert bob.line() == "work"
        keeping.back_up(post.home, copy)
        bob.kill()
    (successor,) = post.agents("bob")
    assert bodies(successor) == [("work", True)]
    keeping.restore(copy, post.home)
    successor.close()
    assert bodies(post.connect("bob")) == [("work", True)]


def test_names_that_are_new_since_stay_registered(post, copy):
    alice = post.connect("alice")
    keeping.back_up(post.home, copy)
    carol = post.connect("carol")
    carol.send("alice", "gone")
    keeping.restore(copy, post.home)
    carol.send("alice", "here I am")
    assert [(message.sender, message.body) for message in alice.take() if message.kind != "notice"] == [("carol", "here I am")]


def test_those_who_were_here_since_are_told_and_the_human_too(post, copy):
    alice, bob = post.agents("alice", "bob")
    gone = post.connect("gone")
    gone.close()
    query(post.home, "UPDATE agent SET seen_ms = 1 WHERE name = 'gone'")
    keeping.back_up(post.home, copy)
    keeping.restore(copy, post.home)
    assert notices(alice) == notices(bob) == ["notice: restored"]
    assert query(post.home, "SELECT recipients FROM message") == [("human",), ("alice",), ("bob",)]


def test_who_did_something_since_without_staying_is_told_too(post, copy):
    alice, _ = post.agents("alice", "bob")
    keeping.back_up(post.home, copy)
    query(post.home, "UPDATE agent SET seen_ms = 1")
    desk = open_desk("carol", post.home, interface="cli")
    with desk.posting() as posting:
        posting.provenance()
    desk.close()
    alice.close()
    keeping.restore(copy, post.home)
    assert "carol" in [to for (to,) in query(post.home, "SELECT recipients FROM message")]


def test_names_that_changed_since_stay_and_nothing_is_taken_for_another_post_room(post, copy):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "before")
    bob.profile(tags=["tests"])
    keeping.back_up(post.home, copy)
    bob.rename("rob")
    post.connect("bob").send("alice", "from the new bob")
    bob.profile(tags=[])
    bob.close()
    assert not keeping.restore(copy, post.home).whole
    assert [(agent.name, agent.tags) for agent in alice.agents() if agent.tags] == [("rob", ("tests",))]
    assert [message.body for message in post.connect("rob").take() if message.kind != "notice"] == ["before"]


def test_the_identity_is_new_and_profiles_of_the_present_stay(post, copy):
    alice = post.connect("alice")
    keeping.back_up(post.home, copy)
    before = query(post.home, "SELECT identity FROM store")
    alice.profile(description="busy with auth", status="busy")
    keeping.restore(copy, post.home)
    assert query(post.home, "SELECT identity FROM store") != before
    assert [(one.description, one.status, one.online) for one in alice.agents() if one.name == "alice"] == [
        ("busy with auth", "busy", True)
    ]


def test_a_session_that_was_open_goes_on_and_one_that_is_newer_is_gone(post, copy):
    alice, bob = post.agents("alice", "bob")
    bob.profile(auto_accept=True)
    session = alice.session("bob", "review")
    keeping.back_up(post.home, copy)
    newer = alice.session("bob", "newer")
    keeping.restore(copy, post.home)
    session.send("still here")
    with pytest.raises(NoSuchSession):
        newer.send("hello?")
    assert [(one.task, one.state, one.messages) for one in bob.sessions()] == [("review", "open", 1)]
    assert faults(post.home) == []


def test_search_and_history_find_what_is_there_and_nothing_else(post, copy):
    alice, _ = post.agents("alice", "bob")
    alice.send("bob", "apple")
    assert alice.search("apple")
    keeping.back_up(post.home, copy)
    alice.send("bob", "banana")
    assert alice.search("banana")
    keeping.restore(copy, post.home)
    assert [message.body for message in alice.search("apple")] == ["apple"]
    assert alice.search("banana") == []
    assert [message.body for message in alice.history() if message.kind != "notice"] == ["apple"]
    assert faults(post.home) == []


def test_files_come_back(post, copy, home):
    alice, bob = post.agents("alice", "bob")
    (home / "plan.txt").write_bytes(b"the plan")
    alice.send("bob", "see the plan", files=[home / "plan.txt"])
    keeping.back_up(post.home, copy)
    name = hashlib.sha256(b"the plan").hexdigest()
    Path(post.home, "files", name).write_bytes(b"other")
    assert keeping.restore(copy, post.home).missing == ()
    (message, *_) = bob.take()
    message.save(message.attachments[0], home / "again.txt")
    assert (home / "again.txt").read_bytes() == b"the plan"


def test_a_file_that_nobody_has_is_named(post, copy, home):
    alice, _ = post.agents("alice", "bob")
    (home / "plan.txt").write_bytes(b"the plan")
    alice.send("bob", "see the plan", files=[home / "plan.txt"])
    keeping.back_up(post.home, copy)
    shutil.rmtree(os.path.join(copy, "files"))
    shutil.rmtree(os.path.join(post.home, "files"))
    assert keeping.restore(copy, post.home).missing == (hashlib.sha256(b"the plan").hexdigest(),)


def test_what_was_there_is_a_backup_that_can_be_restored(post, copy):
    alice, bob = post.agents("alice", "bob")
    keeping.back_up(post.home, copy)
    alice.send("bob", "newer")
    done = keeping.restore(copy, post.home)
    assert done.kept is not None
    keeping.restore(done.kept, post.home)
    assert bodies(bob) == [("newer", True)]
    assert faults(post.home) == []


def test_numbers_are_never_used_twice_however_often_one_restores(post, copy):
    alice, bob = post.agents("alice", "bob")
    keeping.back_up(post.home, copy)
    used = set()
    for number in range(5):
        seq = alice.send("bob", str(number)).number
        assert seq not in used
        used.add(seq)
        keeping.restore(copy, post.home)
        used |= {seq for (seq,) in query(post.home, "SELECT seq FROM message")}
    assert bob.peek()


def test_a_new_machine_gets_everything_with_the_config(post, copy, home):
    alice, _ = post.agents("alice", "bob")
    post.configure("prune_days = 7\n")
    alice.send("bob", "hi")
    keeping.back_up(post.home, copy)
    done = keeping.restore(copy, str(home / "elsewhere"))
    assert (done.messages, done.rolled_back, done.kept, done.whole) == (1, 0, None, False)
    assert (home / "elsewhere" / "config.toml").read_text() == "prune_days = 7\n"
    bob = connect("bob", home=home / "elsewhere")
    try:
        assert bodies(bob) == [("hi", True)], "it may have been read since"
    finally:
        bob.close()
    assert faults(str(home / "elsewhere")) == []


def test_a_new_machine_gets_rooms_with_their_members_and_events(post, copy, home):
    alice, bob = post.agents("alice", "bob")
    alice.create_room("ops", policy="private", description="keeps it running")
    alice.invite("ops", "bob")
    bob.join("ops")
    alice.send("#ops", "it runs")
    keeping.back_up(post.home, copy)
    keeping.restore(copy, str(home / "elsewhere"))
    with connect("bob", home=home / "elsewhere") as bob_there, connect("alice", home=home / "elsewhere") as alice_there:
        assert [(room.name, room.policy, room.owner, room.members) for room in bob_there.rooms()] == [("ops", "private", "alice", 2)]
        assert [member.name for member in bob_there.members("ops")] == ["alice", "bob"]
        assert [message.body for message in bob_there.history(peer="#ops")] == ["it runs"]
        bob_there.send("#ops", "still")
        assert [message.body for message in alice_there.inbox() if message.kind != "notice"] == ["still"]
        bob_there.profile(status="busy")
        assert [event.what for event in alice_there.events()] == ["member_joined", "member_status"]
    assert faults(str(home / "elsewhere")) == []


def test_a_new_machine_gets_all_but_what_could_do_harm(post, copy, home):
    """Table by table; webhooks are paused, as they may have been removed since, and no token opens anything."""
    alice, _ = post.agents("alice", "bob")
    alice.send("bob", "hello")
    with closing(open_desk("bob", post.home, interface="cli")) as desk:
        webhooks.add(desk, "http://127.0.0.1:9/board", note="the board")
        secret = tokens.create(desk).secret
    keeping.back_up(post.home, copy)
    there = str(home / "elsewhere")
    keeping.restore(copy, there)
    with closing(open_desk("bob", there, interface="cli")) as desk:
        (webhook,) = webhooks.list_webhooks(desk)
        assert (webhook.note, "came back with a backup" in str(webhook.paused)) == ("the board", True)
        assert tokens.list_tokens(desk, gone=True) == []
        with pytest.raises(BadToken):
            tokens.checked(desk, secret)
        counted = numbers_of_rows(desk)
    with closing(open_desk("bob", post.home, interface="cli")) as desk:
        before = numbers_of_rows(desk)
    never = {"token", "attached", "claim", "participant", "alerted"}
    more = {"message", "delivery", "provenance", "event", "meter"}  # the restore itself tells of it
    same = before.keys() - never - more
    assert {name: counted[name] for name in same} == {name: before[name] for name in same}
    assert all(counted[name] >= before[name] for name in more)


def numbers_of_rows(desk):
    """How many rows each table has."""
    execute = desk.database.execute
    tables = execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%' AND name NOT LIKE 'search%'")
    return {name: execute(f"SELECT count(*) FROM {name}").fetchall()[0][0] for (name,) in tables.fetchall()}  # noqa: S608


def test_webhooks_that_were_removed_since_stay_away_where_the_post_room_is_the_same(post, copy):
    (bob,) = post.agents("bob")
    with closing(open_desk("bob", post.home, interface="cli")) as desk:
        added = webhooks.add(desk, "http://127.0.0.1:9/board")
        keeping.back_up(post.home, copy)
        webhooks.remove(desk, added.webhook.id)
    keeping.restore(copy, post.home)
    with closing(open_desk("bob", post.home, interface="cli")) as desk:
        assert webhooks.list_webhooks(desk) == []
    assert bob.name == "bob"


def test_a_room_that_was_destroyed_since_comes_back_and_who_left_another_stays_out(post, copy):
    alice, bob = post.agents("alice", "bob")
    for room in ("ops", "dev"):
        alice.create_room(room)
        bob.join(room)
    alice.send("#ops", "before")
    keeping.back_up(post.home, copy)
    alice.destroy_room("ops")
    alice.kick("dev", "bob")
    keeping.restore(copy, post.home)
    assert [member.name for member in alice.members("ops")] == ["alice", "bob"]
    assert [message.body for message in alice.history(peer="#ops")] == ["before"]
    assert [member.name for member in alice.members("dev")] == ["alice"]
    assert faults(post.home) == []


def test_a_destroyed_room_whose_name_another_one_has_by_now_stays_away(post, copy):
    alice, bob = post.agents("alice", "bob")
    alice.create_room("ops")
    keeping.back_up(post.home, copy)
    alice.destroy_room("ops")
    bob.create_room("ops")
    keeping.restore(copy, post.home)
    assert [member.name for member in alice.members("ops")] == ["bob"]
    assert faults(post.home) == []


def test_running_agents_go_on_over_a_restore(post, copy):
    """Four senders and a reader run; the store is taken back several times; what is sent afterwards arrives, once and in order."""
    post.connect("sink").close()
    post.configure(FAST)
    with ExitStack() as stack:
        senders = [stack.enter_context(Program(f"sender{number}", SENDING)) for number in range(4)]
        reader = stack.enter_context(Program("sink", READING))
        seen = lines(reader, 20)
        keeping.back_up(post.home, copy)
        for _ in range(3):
            for sender in senders:
                lines(sender, 20)
            keeping.restore(copy, post.home)
        (last,) = query(post.home, "SELECT max(seq) FROM message")[0]
        for sender in senders:
            while lines(sender, 1)[0] <= last:
                pass
        while seen[-1] <= last + 100:
            seen += lines(reader, 1)
        for program in [*senders, reader]:
            program.kill()
    new = [seq for seq in seen if seq > last]
    assert new == sorted(set(new)), "nothing that was sent since is handed over twice"
    assert faults(post.home) == []


# Stores that must be written over as a whole


@pytest.fixture
def left(post, copy):
    """A post room with a backup, that nobody uses any more, so that it can be damaged."""
    alice, bob = post.agents("alice", "bob")
    alice.send_many([Draft("bob", f"{number} " * 200) for number in range(50)])
    keeping.back_up(post.home, copy)
    alice.close()
    bob.close()
    settle(post.home)
    return post


DAMAGE = {
    "no database": lambda _: b"not a database at all " * 100,
    "cut off": lambda content: content[: len(content) // 2],
    "junk in the middle": lambda content: content[:8192] + b"\xff" * 8192 + content[16384:],
    "an empty file": lambda _: b"",
    "another page size": lambda content: content[:16] + b"\x10\x00" + content[18:],
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_store_is_kept_and_replaced(left, copy, damage):
    path = Path(left.home, "store.db")
    path.write_bytes(damage(path.read_bytes()))
    broken = path.read_bytes()
    done = keeping.restore(copy, left.home)
    if done.whole:
        assert done.kept is not None
        assert Path(done.kept, "store.db").read_bytes() == broken
    bob = left.connect("bob")
    assert len(bodies(bob)) == 50
    assert done.messages == 50
    assert faults(left.home) == []


def test_a_damaged_store_that_others_use_is_left_alone(left, copy):
    path = Path(left.home, "store.db")
    content = path.read_bytes()
    with Program("carol", "print(me.name)") as carol:
        assert carol.line() == "carol"
        with path.open("r+b") as file:  # as a failing disk would
            file.seek(8192)
            file.write(b"\xff" * 8192)
        with pytest.raises(StoreUnusable, match="other processes use it"):
            keeping.restore(copy, left.home)
        carol.kill()
    assert path.stat().st_size == len(content)
    assert keeping.restore(copy, left.home).whole
    assert faults(left.home) == []


def test_the_backup_of_another_post_room_is_restored_only_while_nobody_is_here(post, copy):
    with PostRoom() as other:
        one, _ = other.agents("one", "two")
        one.send("two", "from elsewhere")
        keeping.back_up(other.home, copy)
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "hi")
    with pytest.raises(StoreUnusable, match="other processes use it"):
        keeping.restore(copy, post.home)
    assert bodies(bob) == [("hi", False)]
    alice.close()
    bob.close()
    done = keeping.restore(copy, post.home)
    assert done.whole
    assert done.kept is not None
    assert bodies(post.connect("two")) == [("from elsewhere", True)]
    assert query(done.kept, "SELECT body FROM message") == [("hi",)]


# Backups that are none


def test_a_directory_without_a_manifest_is_no_backup(post, home):
    post.connect("alice")
    with pytest.raises(BadBackup, match=r"it has no manifest\.json\. Name"):
        keeping.restore(str(home), post.home)
    with pytest.raises(BadBackup, match="it does not exist"):
        keeping.restore(str(home / "nowhere"), post.home)
    (home / "letter").write_text("Dear diary")
    with pytest.raises(BadBackup, match="it is not a directory"):
        keeping.restore(str(home / "letter"), post.home)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 9}'])
def test_a_manifest_that_says_nothing_useful_is_an_error_in_words(text, post, home):
    post.connect("alice")
    (home / "manifest.json").write_text(text)
    with pytest.raises(BadBackup, match=r"does not say what a backup holds|its format is 9") as error:
        keeping.restore(str(home), post.home)
    assert "Error(" not in str(error.value)


def test_a_backup_without_its_store_is_none(post, copy):
    post.connect("alice")
    keeping.back_up(post.home, copy)
    os.unlink(os.path.join(copy, "store.db"))
    with pytest.raises(BadBackup, match=r"it has no store\.db"):
        keeping.restore(copy, post.home)


def test_changed_bytes_are_noticed_and_nothing_is_touched(post, copy):
    alice, bob = post.agents("alice", "bob")
    keeping.back_up(post.home, copy)
    alice.send("bob", "hi")
    with open(os.path.join(copy, "store.db"), "r+b") as file:
        file.seek(5000)
        file.write(b"x")
    with pytest.raises(BadBackup, match="not the ones that were written"):
        keeping.restore(copy, post.home)
    assert bodies(bob) == [("hi", False)]
    assert not [name for name in os.listdir(post.home) if name.startswith(("restoring", "before"))]


def test_a_backup_of_a_newer_version_is_refused(post, copy):
    post.connect("alice")
    keeping.back_up(post.home, copy)
    query(copy, "PRAGMA user_version = 99")
    manifest = Path(copy, "manifest.json")
    text = manifest.read_text()
    digest = hashlib.sha256(Path(copy, "store.db").read_bytes()).hexdigest()
    manifest.write_text(text.replace(text.split('"store.db": "')[1][:64], digest))
    with pytest.raises(Outdated):
        keeping.restore(copy, post.home)
