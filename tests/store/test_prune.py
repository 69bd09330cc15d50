"""Pruning forgets what is old and settled, and nothing else; what is left can be searched, read and answered as before."""

from __future__ import annotations

import hashlib
import os
from contextlib import ExitStack, suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postroom.core.errors import NoSuchMessage, SessionClosed
from postroom.exchange import holding, keeping, sessions
from postroom.store import pruning
from postroom.store.pruning import Pruned
from postroom.testing import PostRoom
from tests.programs import Program
from tests.store.keepers import FAST, SENDING, desk_of_human, faults, lines, query
from tests.times import Timed

DAY_S = 86_400
READING = "for message in me:\n    print(message.number)\n"


def prune(clock, days=30, **options) -> Pruned:
    agent = next(agent for agent in clock.post._agents if agent._seat.desk.open and agent._seat.desk.clock is clock)
    return keeping.prune(agent._seat.desk, older_than_days=days, **options)


def subjects(home):
    return [body for (body,) in query(home, "SELECT body FROM message ORDER BY seq")]


def read_all(*agents):
    for agent in agents:
        agent.confirm(agent.take(1000))


@pytest.fixture
def pair(timed):
    return timed.agents("alice", "bob")


def grow_old(clock, sender, days=31):
    """Let time pass, and let the newest message be a new one."""
    clock.now_us += round(days * DAY_S * 1_000_000)
    sender.send("bob", "new")


def test_what_was_read_long_ago_goes_with_all_its_traces(timed, pair, home):
    alice, bob = pair
    (home / "plan.txt").write_bytes(b"the plan")
    alice.send(["bob", "human"], "old", files=[home / "plan.txt"], expires_in=3600, reply_within=60)
    for message in bob.inbox():
        message.reply("read")
    timed.pass_s(7200)
    read_all(alice, timed.human())
    assert alice.search("old")
    grow_old(timed, alice)
    os.utime(os.path.join(timed.post.home, "files", hashlib.sha256(b"the plan").hexdigest()), (0, 0))
    gone = prune(timed)
    assert (gone.threads, gone.messages, gone.files, gone.bytes) == (1, 4, 1, 8)
    assert subjects(timed.post.home) == ["new"]
    for table in ("attachment", "timer", "request", "thread_budget"):
        assert query(timed.post.home, f"SELECT * FROM {table}") == []  # noqa: S608  # the names above
    assert os.listdir(os.path.join(timed.post.home, "files")) == []
    assert alice.search("old") == []
    assert [message.body for message in alice.search("new")] == ["new"]
    assert faults(timed.post.home) == []


def test_counting_first_removes_nothing(timed, pair):
    alice, bob = pair
    alice.send("bob", "old")
    read_all(bob)
    grow_old(timed, alice)
    assert prune(timed, dry_run=True) == Pruned(threads=1, messages=1)
    assert subjects(timed.post.home) == ["old", "new"]
    assert prune(timed) == Pruned(threads=1, messages=1)


def test_what_is_unread_stays_however_old(timed, pair):
    alice, bob = pair
    alice.send("bob", "old")
    grow_old(timed, alice, days=3000)
    assert prune(timed) == Pruned()
    assert [message.body for message in bob.take()] == ["old", "new"]


def test_what_is_in_hands_stays(timed, pair):
    alice, bob = pair
    alice.send("bob", "old")
    in_hand = bob.take()
    grow_old(timed, alice)
    assert prune(timed) == Pruned()
    bob.confirm(in_hand)
    assert prune(timed).messages == 1


def test_a_thread_stays_whole_while_one_message_of_it_is_young_or_unread(timed, pair):
    alice, bob = pair
    alice.send("bob", "old question")
    bob.take()[0].reply("old answer")
    grow_old(timed, alice)
    assert prune(timed) == Pruned(), "the answer is unread"
    alice.take()[0].reply("young thanks")
    assert prune(timed) == Pruned(), "the thanks are young"
    grow_old(timed, alice)
    read_all(bob)
    assert prune(timed).messages == 4


def test_an_answer_that_is_awaited_keeps_the_question(timed, pair):
    alice, bob = pair
    alice.send("bob", "which port?", reply_within=60 * DAY_S)
    read_all(bob)
    grow_old(timed, alice)
    assert prune(timed) == Pruned()
    bob.send("alice", "8080", reply_to="1")
    read_all(alice)
    grow_old(timed, alice)
    assert prune(timed).messages == 2


def test_an_open_session_stays_and_a_closed_one_goes(timed, pair):
    alice, bob = pair
    timed.post.configure(f"[limits]\nsession_idle_ms = {365 * DAY_S * 1000}\n")
    carol = timed.agent("carol")
    bob.profile(auto_accept=True)
    session = carol.session("bob", "review")
    session.send("see auth")
    read_all(bob)
    carol.close()
    grow_old(timed, alice)
    assert prune(timed) == Pruned()
    sessions.close(bob._seat.desk, session.id)
    carol = timed.agent("carol")
    with pytest.raises(SessionClosed):
        carol.resume(session.id).receive(timeout=5)
    read_all(bob)
    grow_old(timed, alice)
    assert prune(timed).threads == 1, "what was new before; carol still has the session at hand"
    carol.close()
    assert prune(timed).threads == 1
    assert bob.sessions() == []


def test_a_thread_that_is_held_stays_until_a_human_has_looked(timed, pair):
    alice, _ = pair
    timed.post.configure("[limits]\nthread_turns = 2\n")
    agents = {"bob": timed.agent("bob"), "carol": timed.agent("carol")}
    bob, carol = agents.values()
    carol.send("bob", "one")
    for sender, to, last in (("bob", "carol", "1"), ("carol", "bob", "2"), ("bob", "carol", "3")):
        agents[sender].send(to, "again", reply_to=last, expires_in=60)
    timed.pass_s(120)
    human = timed.human()
    read_all(bob, carol, human)
    states = {state for (state,) in query(timed.post.home, "SELECT state FROM delivery")}
    assert states <= {"read", "answered", "expired"}, "nothing is left to wait for but the human"
    grow_old(timed, alice)
    prune(timed)
    assert "one" in subjects(timed.post.home)
    with desk_of_human(timed.post.home) as desk:
        holding.release(desk, "1")
    prune(timed)
    assert "one" not in subjects(timed.post.home)


def test_the_last_message_stays_so_that_no_number_is_used_twice(timed, pair):
    alice, bob = pair
    last = alice.send("bob", "old").number
    read_all(bob)
    timed.now_us += 31 * DAY_S * 1_000_000
    assert prune(timed) == Pruned()
    assert alice.send("bob", "new").number == last + 1


def test_a_message_that_was_pruned_is_unknown_in_words(timed, pair):
    alice, bob = pair
    alice.send("bob", "old")
    read_all(bob)
    grow_old(timed, alice)
    prune(timed)
    with pytest.raises(NoSuchMessage):
        alice.status("1")
    with pytest.raises(NoSuchMessage):
        bob.send("alice", "late", reply_to="1")


def test_a_thread_longer_than_a_slice_goes_in_several_transactions(timed, pair):
    alice, bob = pair
    alice.send("bob", "first")
    for number in range(pruning.SLICE * 2):
        alice.send("bob", str(number), thread="1")
    read_all(bob)
    alice.history()
    grow_old(timed, alice)
    assert prune(timed) == Pruned(threads=1, messages=pruning.SLICE * 2 + 1)
    assert faults(timed.post.home) == []


def test_messages_that_are_not_indexed_yet_go_too_and_the_index_stays_sound(timed, pair):
    alice, bob = pair
    alice.send("bob", "apple indexed")
    alice.search("apple")
    alice.send("bob", "apple not indexed")
    read_all(bob)
    grow_old(timed, alice)
    assert prune(timed).messages == 2
    alice.send("bob", "apple new")
    assert [message.body for message in alice.search("apple")] == ["apple new"]
    assert faults(timed.post.home) == []


def test_how_a_process_came_in_is_forgotten_when_it_has_ended_and_nothing_is_left_of_it(post):
    clock = Timed(post)
    clock.now_us = 1_700_000_000_000_000
    alice, bob = clock.agents("alice", "bob")
    with Program("carol", 'print(me.send("bob", "hi").number)') as carol:
        carol.line()
        carol.kill()
    read_all(bob)
    query(post.home, "UPDATE message SET sent_ms = 1; UPDATE provenance SET since_ms = 1 WHERE id > 1")
    alice.send("bob", "new")
    clock.tend()
    gone = prune(clock)
    assert (gone.messages, gone.connections) == (1, 0), "the last one's number would be used again"
    clock.agent("dave")
    assert prune(clock).connections == 1
    assert faults(post.home) == []


def test_the_claim_of_a_process_that_ended_without_a_word_is_given_up(timed, pair):
    alice, _bob = pair
    with Program("carol", "print(me.name)") as carol:
        carol.line()
        carol.kill()
    query(
        timed.post.home,
        "DELETE FROM attached WHERE agent = (SELECT id FROM agent WHERE name = 'carol');"
        " INSERT INTO claim SELECT 3, 1, id FROM provenance WHERE agent = (SELECT id FROM agent WHERE name = 'carol')",
    )
    alice.send("bob", "hi")
    assert any("claims are held" in what for what in faults(timed.post.home))
    prune(timed)
    assert faults(timed.post.home) == []


def test_a_young_file_stays_as_its_message_may_be_on_its_way(timed, pair, home):
    alice, _bob = pair
    (home / "plan.txt").write_bytes(b"the plan")
    directory = os.path.join(timed.post.home, "files")
    alice.send("bob", "see the plan", files=[home / "plan.txt"])
    (name,) = os.listdir(directory)
    for spare in ("0" * 64, "incoming-1-abc", f"leaving-{'1' * 64}"):
        with open(os.path.join(directory, spare), "wb"):
            pass
        os.utime(os.path.join(directory, spare), (timed.now_ms / 1000, timed.now_ms / 1000))
    os.utime(os.path.join(directory, name), (0, 0))
    assert prune(timed).files == 0
    timed.now_us += 3_700_000_000
    assert prune(timed).files == 3
    assert os.listdir(directory) == [name]


def test_a_file_that_was_aside_when_its_remover_died_comes_back(timed, pair, home):
    alice, _ = pair
    (home / "plan.txt").write_bytes(b"the plan")
    alice.send("bob", "see the plan", files=[home / "plan.txt"])
    directory = os.path.join(timed.post.home, "files")
    (name,) = os.listdir(directory)
    os.rename(os.path.join(directory, name), os.path.join(directory, f"leaving-{name}"))
    prune(timed)
    assert os.listdir(directory) == [name]


def test_the_warden_prunes_now_and_then_if_the_config_says_so(timed):
    post = timed.post
    post.configure("prune_days = 30\n")
    alice, bob = timed.agents("alice", "bob")
    alice.send("bob", "old")
    read_all(bob)
    grow_old(timed, alice)
    os.utime(os.path.join(post.home, "warden.lock"), (timed.now_ms / 1000, timed.now_ms / 1000))
    timed.pass_s(60)
    assert subjects(post.home) == ["old", "new"], "it was done a minute ago"
    timed.pass_s(3600)
    for _ in range(5):
        timed.pass_s(1)
    assert subjects(post.home) == ["new"]
    assert os.stat(os.path.join(post.home, "warden.lock")).st_mtime > timed.now_ms / 1000 - 10


def test_the_warden_prunes_nothing_by_itself(timed, pair):
    alice, bob = pair
    alice.send("bob", "old")
    read_all(bob)
    grow_old(timed, alice)
    os.utime(os.path.join(timed.post.home, "warden.lock"), (0, 0))
    for _ in range(5):
        timed.pass_s(1)
    assert subjects(timed.post.home) == ["old", "new"]


def test_pruning_while_others_send_and_read_loses_nothing(post):
    post.connect("sink").close()
    post.configure(FAST)
    with ExitStack() as stack:
        senders = [stack.enter_context(Program(f"sender{number}", SENDING)) for number in range(3)]
        reader = stack.enter_context(Program("sink", READING))
        desk = stack.enter_context(desk_of_human(post.home))
        seen: list[int] = []
        sent: list[int] = []
        removed = 0
        for _ in range(10):
            sent += [seq for sender in senders for seq in lines(sender, 20)]
            seen += lines(reader, 40)
            removed += keeping.prune(desk, older_than_days=0).messages
        for sender in senders:
            sender.kill()
        (last,) = query(post.home, "SELECT max(seq) FROM message")[0]
        while seen[-1] < last:
            seen += lines(reader, 1)
        reader.kill()
    assert removed > 100
    assert seen == sorted(set(seen))
    assert set(sent) <= set(seen), "what was acknowledged has been read, pruned or not"
    assert faults(post.home) == []


# Any history: what may go, goes; what must stay, stays.

ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.sampled_from(["alice", "bob"]), st.booleans(), st.booleans()),
        st.tuples(st.just("reply"), st.integers(0, 30), st.sampled_from(["alice", "bob"]), st.booleans()),
        st.tuples(st.just("take"), st.sampled_from(["alice", "bob"]), st.integers(1, 5)),
        st.tuples(st.just("read"), st.sampled_from(["alice", "bob"]), st.integers(1, 5)),
        st.tuples(st.just("wait"), st.integers(1, 20)),
        st.tuples(st.just("index")),
        st.tuples(st.just("prune"), st.integers(0, 30)),
    ),
    max_size=30,
)
MUST_STAY = """
SELECT coalesce(m.thread, m.seq) FROM message m JOIN delivery d ON d.message = m.seq
WHERE d.state IN ('held', 'delivered', 'handed') OR m.sent_ms >= {before_ms}
UNION SELECT coalesce(m.thread, m.seq) FROM message m JOIN request q ON q.message = m.seq
UNION SELECT coalesce(thread, seq) FROM message WHERE seq = (SELECT max(seq) FROM message)
"""


def act(clock, agents, what, *how):
    with suppress(NoSuchMessage):
        match what:
            case "send":
                sender, expects, expires = how
                to = ["bob" if sender == "alice" else "alice", *(["human"] if expires else [])]
                options = {"reply_within": 5 * DAY_S if expects else None, "expires_in": 3 * DAY_S if expires else None}
                agents[sender].send(to, "apple", **options)
            case "reply":
                number, sender, _ = how
                agents[sender].send("bob" if sender == "alice" else "alice", "pear", reply_to=str(number))
            case "take":
                agents[how[0]].take(how[1])
            case "read":
                agents[how[0]].confirm(agents[how[0]].take(how[1]))
            case "wait":
                clock.pass_s(how[0] * DAY_S)
            case "index":
                agents["alice"].search("apple")
            case _:
                check_prune(clock, agents, how[0])


def check_prune(clock, agents, days):
    home = clock.post.home
    before_ms = clock.now_ms - days * DAY_S * 1000
    threads = {root for (root,) in query(home, "SELECT coalesce(thread, seq) FROM message")}
    stay = {root for (root,) in query(home, MUST_STAY.format(before_ms=before_ms))}
    peeked = {name: [message.number for message in agent.peek(1000)] for name, agent in agents.items()}
    gone = prune(clock, days)
    left = {root for (root,) in query(home, "SELECT coalesce(thread, seq) FROM message")}
    assert left == stay
    assert gone.threads == len(threads) - len(left)
    assert {name: [message.number for message in agent.peek(1000)] for name, agent in agents.items()} == peeked
    found = {message.number for message in agents["alice"].search("apple OR pear", limit=1000)}
    mine = {seq for (seq,) in query(home, "SELECT seq FROM message WHERE body IN ('apple', 'pear')")}
    assert found == mine
    assert faults(home) == []


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(acts=ACTS)
def test_pruning_removes_what_is_old_and_settled_and_nothing_else(acts):
    with PostRoom() as post:
        clock = Timed(post)
        agents = {name: clock.agent(name) for name in ("alice", "bob")}
        for what in [*acts, ("wait", 6), ("prune", 5)]:
            act(clock, agents, *what)
