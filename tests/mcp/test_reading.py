"""What counts as read: what an answer handed over, when the same agent calls again. Until then it comes again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import postroom
from tests.cli.shell import environment
from tests.mcp.serving import SERVER, lines_with, text_of
from tests.waiting import until

THREADED = "some-program"
"""Codex says of each call for which thread it is made, and so may others. Into Codex mail is also pushed; that is tested elsewhere."""


@pytest.fixture
def alice(home):
    with postroom.connect("alice") as agent:
        yield agent


@pytest.fixture
def bob(serve, alice):
    served = serve("--name", "bob")
    served.call("inbox")
    return served


def state(alice, receipt) -> str:
    return str(alice.status(receipt.id).state)


def test_a_message_is_read_when_its_reader_calls_again(alice, bob):
    sent = alice.send("bob", "hello")
    assert "| hello" in bob.call("inbox")
    assert state(alice, sent) == "handed"
    assert "hello" not in bob.call("agents")
    assert state(alice, sent) == "read"


def test_every_result_brings_what_waits(alice, bob):
    for tool in ("agents", "history", "profile", "room", "inbox"):
        alice.send("bob", f"for {tool}")
        assert f"| for {tool}" in bob.call(tool)
    alice.send("bob", "for send")
    assert "| for send" in bob.call("send", to="alice", body="hi")
    alice.send("bob", "for an error")
    assert "| for an error" in bob.refused("send", to="nobody", body="hi")


def test_what_was_handed_over_comes_again_when_the_server_is_killed(alice, bob, serve):
    sent = alice.send("bob", "hello")
    bob.call("inbox")
    bob.kill()
    again = serve("--name", "bob").call("inbox")
    assert lines_with(again, f'id="{sent.id}"', 'redelivered="yes"')
    assert "| hello" in again


def test_what_was_read_does_not_come_again(alice, bob, serve):
    alice.send("bob", "hello")
    bob.call("inbox")
    bob.call("inbox")
    bob.kill()
    assert serve("--name", "bob").call("inbox").startswith("no new messages")


def test_a_call_that_was_made_before_the_answer_was_written_confirms_nothing(alice, bob):
    for _ in range(2):
        bob.begin("inbox", wait=50)
    bob.request("ping")  # so both calls have been read
    sent = []
    for body in ("one", "two"):
        sent.append(alice.send("bob", body))
        assert f"| {body}" in text_of(bob.line())
    assert [state(alice, one) for one in sent] == ["handed", "handed"]
    bob.call("agents")
    assert [state(alice, one) for one in sent] == ["read", "read"]


def test_what_another_reader_has_by_now_is_no_longer_ours_to_confirm(home, alice, serve):
    (home / "postroom" / "config.toml").write_text("[limits]\nlease_ms = 400\n")
    first, second = serve("--name", "bob"), serve("--name", "bob")
    assert first.call("inbox").startswith("no new messages")
    sent = [alice.send("bob", body) for body in ("one", "two")]
    assert first.call("inbox").count("<peer-message") == 2
    again = until(lambda: lines_with(second.call("inbox"), "<peer-message"))
    assert all('redelivered="yes"' in line for line in again)
    assert first.call("agents").startswith("you are bob")
    second.call("agents")
    until(lambda: [state(alice, one) for one in sent] == ["read", "read"] or second.call("inbox") is None)


def test_another_thread_of_the_same_program_confirms_nothing(alice, serve):
    served = serve(client=THREADED)
    first, second = {"threadId": "t1"}, {"threadId": "t2"}
    name = served.call("profile", first).split()[2]
    sent = alice.send(name, "hello")
    assert "| hello" in served.call("inbox", first)
    assert "hello" not in served.call("inbox", second)
    assert state(alice, sent) == "handed"
    served.call("inbox", first)
    assert state(alice, sent) == "read"


def test_a_cancelled_wait_takes_nothing(alice, bob):
    call = bob.begin("inbox", wait=50)
    bob.tell("notifications/cancelled", {"requestId": call})
    assert bob.request("ping")["result"] == {}
    alice.send("bob", "hello")
    got = bob.call("inbox", wait=50)
    assert "| hello" in got
    assert "redelivered" not in got
    assert bob.is_silent()


def test_what_a_cancelled_call_had_handed_over_comes_again(alice, bob):
    alice.send("bob", "hello")
    call = bob.begin("inbox")
    assert "| hello" in bob.result(call)
    bob.tell("notifications/cancelled", {"requestId": call})
    assert lines_with(bob.call("inbox"), 'redelivered="yes"')


def test_what_is_said_follows_from_what_is_in_hand(alice, bob):
    alice.send("bob", "ping")
    bob.call("inbox")
    bob.call("send", to="alice", body="pong, without saying to what")
    (answer,) = alice.take()
    assert answer.hops == 1


def test_a_result_has_twenty_messages_at_the_most(alice, bob):
    for number in range(45):
        alice.send("bob", f"message {number}")
    first, second, third = (bob.call("inbox") for _ in range(3))
    assert [text.count("<peer-message") for text in (first, second, third)] == [20, 20, 5]
    assert first.splitlines()[-1] == "25 more: call inbox"
    assert second.splitlines()[-1] == "5 more: call inbox"
    assert "more:" not in third
    bodies = [line for text in (first, second, third) for line in text.splitlines() if line.startswith("| ")]
    assert bodies == [f"| message {number}" for number in range(45)]


def test_a_result_has_eight_kilobytes_of_messages_at_the_most(alice, bob):
    for _ in range(4):
        alice.send("bob", "é" * 2_500)
    got = []
    while "| é" in (text := bob.call("inbox")):
        assert len(text.encode()) <= 8_500
        assert "redelivered" not in text
        got.append(text)
    assert sum(text.count("<peer-message") for text in got) == 4


def test_a_long_message_is_cut_and_its_rest_is_found(alice, bob):
    body = " ".join(f"word {number} – ü" for number in range(2_000))
    sent = alice.send("bob", body)
    assert f'cut; the rest: history(id="{sent.id}", offset=' in bob.call("inbox")
    whole, offset = "", "0"
    while offset:
        part = bob.call("history", id=sent.id, offset=offset)
        assert len(part.encode()) <= 8_500
        (line,) = lines_with(part, "| ")
        whole += line.removeprefix("| ")
        hint = lines_with(part, "the rest: history(")
        offset = hint[0].rpartition("=")[2].rstrip(")") if hint else ""
    assert whole == body


def test_a_model_is_told_where_the_bytes_of_a_file_are(alice, bob, home):
    (home / "plan.txt").write_text("step one")
    alice.send("bob", "see the plan", files=[home / "plan.txt"])
    for text in (bob.call("inbox"), bob.call("history", id=1), bob.call("history", query="plan")):
        (line,) = lines_with(text, '"plan.txt" is at ')
        assert Path(line.partition(" is at ")[2]).read_text() == "step one"
        assert not line.startswith("|")


def test_events_are_told_once(alice, bob):
    alice.create_room("ops")
    bob.call("room", action="join", room="ops")
    alice.set_topic("ops", 'the "weekend"\n</peer-message>')
    assert "alice set the topic of #ops: \"the 'weekend' <\\/peer-message>\"" in bob.call("inbox")
    assert "topic" not in bob.call("inbox")


def test_what_happens_in_a_room_is_told_in_a_line_each(alice, bob, serve):
    alice.create_room("ops")
    bob.call("room", action="join", room="ops")
    carol = serve("--name", "carol")
    carol.call("room", action="join", room="ops")
    alice.kick("ops", "carol", "wrong room")
    alice.describe_room("ops", description="night shift", policy="private")
    alice.transfer("ops", "bob")
    told = bob.call("inbox")
    for line in ("carol left #ops (removed by alice)", 'alice said what #ops is for: "night shift"', "alice made #ops private"):
        assert lines_with(told, line), told
    assert "| The room #ops is yours now: alice handed it to you." in told


def test_events_come_again_when_the_server_is_killed(alice, bob, serve):
    alice.create_room("ops")
    bob.call("room", action="join", room="ops")
    alice.set_topic("ops", "backups")
    assert "backups" in bob.call("inbox")
    bob.kill()
    assert "backups" in serve("--name", "bob").call("inbox")


def test_a_first_contact_is_marked(alice, bob, serve):
    alice.send("bob", "one")
    assert lines_with(bob.call("inbox"), 'first-contact="yes"')
    alice.send("bob", "two")
    assert "first-contact" not in bob.call("inbox")
    bob.end()
    alice.send("bob", "three")
    assert "first-contact" not in serve("--name", "bob").call("inbox")


def test_an_agent_to_which_one_wrote_is_known(alice, bob):
    bob.call("send", to="alice", body="hi")
    alice.send("bob", "hi yourself")
    assert "first-contact" not in bob.call("inbox")


def test_parallel_calls_do_not_wait_for_each_other(alice, bob):
    waiting = [bob.begin("inbox", wait=50) for _ in range(10)]
    asking = bob.begin("send", to="alice", body="which port?", wait=50)
    assert bob.call("profile").startswith("you are bob")
    (question,) = alice.take(wait=60)
    question.reply("8080")
    assert "| 8080" in bob.result(asking)
    answered = []
    for number in range(10):
        alice.send("bob", f"number {number}")
        line = bob.line()
        answered.append(line["id"])
        assert f"| number {number}" in text_of(line)
    assert sorted(answered) == waiting


def test_only_so_many_calls_wait(alice, bob):
    calls = [bob.begin("inbox", wait=50) for _ in range(33)]
    last = bob.answer(calls[-1])
    assert last["result"]["isError"]
    assert "32 calls wait already" in last["result"]["content"][0]["text"]
    for call in calls[:-1]:
        bob.tell("notifications/cancelled", {"requestId": call})
    alice.send("bob", "hello")
    assert "| hello" in bob.call("inbox", wait=50)


def test_calls_made_at_once_are_done_in_their_order(alice, bob):
    calls = [bob.begin("send", to="alice", body=str(number)) for number in range(100)]
    for call in calls:
        bob.result(call)
    assert [message.body for message in alice.take(limit=100)] == [str(number) for number in range(100)]


def test_two_servers_talk_to_each_other(pair):
    alice, bob = pair
    asked = alice.begin("send", to="bob", body="which port?", wait="50")
    question = bob.call("inbox", wait=50)
    assert lines_with(question, 'from="alice"', 'expects-reply="yes"')
    bob.call("send", reply_to=1, body="8080")
    answer = alice.result(asked)
    assert answer.startswith("sent 1 to bob")
    assert "| 8080" in answer


ORPHAN = """
import subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdin=0, stdout=2)
print(child.pid, flush=True)
child.wait()
"""


def lives(pid: int) -> bool:
    """Whether a process runs, and is no corpse that nobody buries."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(") ")[2][0] not in "ZX"
    except FileNotFoundError:
        return False


def test_a_server_ends_with_the_process_that_started_it_also_when_its_input_stays_open(home):
    reading, writing = os.pipe()
    parent = subprocess.Popen(
        [sys.executable, "-c", ORPHAN, *SERVER, "--name", "bob"],
        stdin=reading,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(home),
    )
    try:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        os.write(writing, b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}\n')
        os.write(writing, b'{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"inbox","arguments":{"wait":50}}}\n')
        with postroom.connect("alice") as alice:
            until(lambda: any(one.name == "bob" and one.online for one in alice.agents()))
            parent.send_signal(signal.SIGKILL)
            parent.wait()
            until(lambda: not lives(pid))
            assert not next(one for one in alice.agents() if one.name == "bob").online
    finally:
        parent.kill()
        parent.wait()
        if parent.stdout is not None:
            parent.stdout.close()
        os.close(reading)
        os.close(writing)
