"""Sending, reading, asking: what a script sees."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from postroom.core import errors
from tests.cli.shell import end, environment, line_of
from tests.programs import Program


def test_a_message_is_sent_and_read(pair):
    assert pair.ok("send", "bob", "use port 8080", "--as", "alice") == "1 → bob: delivered\n"
    shown = pair.ok("inbox", "--as", "bob")
    assert "alice → bob" in shown
    assert "  │ use port 8080\n" in shown
    assert pair.ok("inbox", "--as", "bob") == ""


def test_who_one_is_comes_from_the_environment_too(pair):
    pair.ok("send", "bob", "hi", POSTROOM_AGENT="alice")
    assert [message["sender"] for message in pair.objects("inbox", POSTROOM_AGENT="bob")] == ["alice"]


def test_options_may_stand_anywhere(pair):
    pair.ok("--as", "alice", "send", "bob", "--subject", "-s-", "first")
    pair.ok("send", "--as=alice", "bob", "second", "--urgency=now")
    pair.ok("--json", "send", "--", "bob", "--third", POSTROOM_AGENT="alice")
    found = pair.objects("inbox", "--as", "bob")
    assert [message["body"] for message in found] == ["first", "second", "--third"]
    assert [message["subject"] for message in found] == ["-s-", "", ""]
    assert [message["urgency"] for message in found] == ["next", "now", "next"]


@pytest.mark.parametrize("body", ["-5", "- one item", "", "-", "two\nlines", "nothing but --words"])
def test_a_body_is_what_was_said(pair, body):
    pair.ok("send", "bob", body, "--subject", "s", "--as", "alice", stdin="-")
    assert [message["body"] for message in pair.objects("inbox", "--as", "bob")] == [body]


def test_several_recipients_are_separated_by_commas(pair):
    assert pair.ok("send", "alice,bob", "both", "--as", "carol") == "1 → alice: delivered\n1 → bob: delivered\n"
    assert pair.objects("inbox", "--as", "alice")[0]["to"] == ["alice", "bob"]


def test_the_receipt_is_json_on_request(pair):
    (receipt,) = pair.objects("send", "bob", "hi", "--as", "alice")
    assert receipt["id"] == receipt["thread"] == "1"
    assert receipt["state"] == "delivered"
    assert [each["recipient"] for each in receipt["deliveries"]] == ["bob"]


def test_a_body_comes_from_standard_input(pair):
    pair.ok("send", "bob", "-", "--as", "alice", stdin="from a pipe\nof two lines\n")
    assert pair.objects("inbox", "--as", "bob")[0]["body"] == "from a pipe\nof two lines"


def test_an_answer_finds_its_thread(pair):
    pair.ok("send", "bob", "which port?", "--as", "alice", "--reply-within", "60")
    pair.ok("send", "alice", "8080", "--as", "bob", "--reply-to", "1")
    (answer,) = pair.objects("inbox", "--as", "alice")
    assert (answer["thread"], answer["reply_to"]) == ("1", "1")
    assert "answered" in pair.ok("status", "1", "--as", "alice")
    assert [message["body"] for message in pair.objects("thread", "2", "--as", "alice")] == ["which port?", "8080"]


def test_sending_again_with_the_same_id_changes_nothing(pair):
    first = pair.objects("send", "bob", "hi", "--id", "m-1", "--as", "alice")
    assert pair.objects("send", "bob", "hi", "--id", "m-1", "--as", "alice") == first
    assert len(pair.objects("inbox", "--as", "bob")) == 1
    assert pair("send", "bob", "other", "--id", "m-1", "--as", "alice").code == 64


def test_an_unknown_name_is_an_error_with_close_names(pair):
    done = pair("send", "bobb", "hi", "--as", "alice")
    assert done.code == 67
    assert "Did you mean bob?" in done.err
    assert pair.ok("send", "bobb", "hi", "--as", "alice", "--create")


def test_peeking_consumes_nothing(pair):
    pair.ok("send", "bob", "hi", "--as", "alice")
    assert pair.ok("inbox", "--peek", "--as", "bob") == pair.ok("inbox", "--peek", "--as", "bob")
    assert len(pair.objects("inbox", "--as", "bob")) == 1


def test_a_limit_leaves_the_rest_for_later(pair):
    for number in range(3):
        pair.ok("send", "bob", f"{number}", "--as", "alice")
    done = pair("inbox", "--limit", "2", "--json", "--as", "bob")
    assert [message["body"] for message in done.objects] == ["0", "1"]
    assert done.err == '{"note": "more is waiting: run it again"}\n', "a script wants to know it, too"
    assert [message["body"] for message in pair.objects("inbox", "--limit", "2", "--as", "bob")] == ["2"]


def test_waiting_ends_with_the_first_message(pair):
    waiting = pair.start("inbox", "--wait", "60", "--json", "--as", "bob")
    until_online(pair, "bob")
    assert pair.ok("send", "bob", "there you are", "--as", "alice") == "1 → bob: delivered (online)\n"
    assert '"there you are"' in line_of(waiting)
    waiting.communicate(timeout=60)
    assert waiting.returncode == 0
    assert pair.objects("status", "1", "--as", "alice")[0]["state"] == "read"


def test_what_a_killed_reader_had_in_hand_comes_at_the_first_call(pair):
    pair.ok("send", "bob", "deploy", "--as", "alice")
    code = "import os, postroom; postroom.connect('bob').take(1); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code], check=False, env=environment(pair.home))
    (message,) = pair.objects("inbox", "--as", "bob")
    assert (message["body"], message["redelivered"]) == ("deploy", True)


def test_waiting_in_vain_ends_by_itself(pair):
    assert pair.ok("inbox", "--wait", "0.01", "--as", "bob") == ""


def test_following_goes_on_until_it_is_told_to_end(pair):
    following = pair.start("inbox", "--follow", "--as", "bob")
    for number in range(3):
        pair.ok("send", "bob", f"number {number}", "--as", "alice")
        line_of(following)
        assert line_of(following) == f"  │ number {number}"
    assert end(following, signal.SIGTERM) == 143
    assert "online" not in pair.ok("send", "bob", "later", "--as", "alice")


def test_an_interrupt_ends_quietly(pair):
    following = pair.start("inbox", "--follow", "--as", "bob")
    until_online(pair, "bob")
    assert end(following, signal.SIGINT) == 130


def test_a_question_gets_its_answer_and_nothing_else(pair):
    asking = pair.start("ask", "bob", "which port?", "--timeout", "60", "--as", "alice")
    (question,) = pair.objects("inbox", "--wait", "60", "--as", "bob")
    pair.ok("send", "alice", "unrelated", "--as", "bob")
    pair.ok("send", "alice", "8080", "--reply-to", question["id"], "--as", "bob")
    out, errors = asking.communicate(timeout=60)
    assert (asking.returncode, out, errors) == (0, b"8080\n", b"")
    assert [message["body"] for message in pair.objects("inbox", "--as", "alice")] == ["unrelated"]


def test_an_answer_in_json_is_the_whole_message(pair):
    asking = pair.start("ask", "bob", "which port?", "--json", "--as", "alice")
    (question,) = pair.objects("inbox", "--wait", "60", "--as", "bob")
    pair.ok("send", "alice", "8080", "--reply-to", question["id"], "--as", "bob")
    assert '"body": "8080"' in line_of(asking)
    asking.communicate(timeout=60)
    assert asking.returncode == 0


def test_a_question_that_nobody_answers_fails_in_time(pair):
    done = pair("ask", "bob", "hello?", "--timeout", "0.05", "--as", "alice")
    assert done.code == 75
    assert "No answer from 'bob'" in done.err
    assert done.err.count("\n") == 1


def test_a_message_that_is_not_read_expires_without_any_process_staying(pair):
    pair.ok("send", "bob", "quick", "--expires", "0.001", "--as", "alice")
    assert pair.ok("inbox", "--as", "bob") == ""
    (notice,) = pair.objects("inbox", "--as", "alice")
    assert notice["subject"] == "notice: expired"
    assert "expired" in pair.ok("status", "1", "--as", "alice")


@pytest.mark.parametrize("verb", [["inbox"], ["inbox", "--peek"], ["inbox", "--wait", "0.01"], ["history"], ["search", "notice"]])
def test_what_is_due_is_seen_by_the_first_call_that_looks_though_no_process_stays(pair, verb):
    pair.ok("send", "bob", "which port?", "--reply-within", "0.001", "--as", "alice")
    assert "notice: deadline" in [found["subject"] for found in pair.objects(*verb, "--as", "alice")]


def test_what_has_become_of_it_is_seen_by_the_first_call_that_looks(pair):
    pair.ok("send", "bob", "quick", "--expires", "0.001", "--as", "alice")
    assert pair.objects("status", "1", "--as", "alice")[0]["state"] == "expired"
    pair.ok("send", "bob", "quick", "--expires", "0.001", "--id", "second", "--as", "alice")
    assert pair("status", "second", "--wait", "read", "--timeout", "0.01", "--as", "alice").code == errors.CameBack.exit_code
    pair.ok("send", "bob", "quick", "--expires", "0.001", "--as", "alice")
    assert [event["what"] for event in pair.objects("events", "--as", "alice")] == ["expired"] * 3


def test_that_a_reader_was_killed_is_told_by_the_first_call_that_looks(pair):
    with Program("bob", "print('here')") as bob:
        assert bob.line() == "here"
        pair.ok("send", "bob", "which port?", "--reply-within", "600", "--as", "alice")
        bob.kill()
    assert [found["subject"] for found in pair.objects("inbox", "--as", "alice")] == ["notice: offline"]


def test_the_wal_stays_small_where_no_process_stays(pair):
    wal = pair.home / "postroom" / "store.db-wal"
    fills = "from postroom import Draft\nfor _ in range(20): me.send_many([Draft('bob', 'x' * 2000)] * 20)\nprint('full')"
    with Program("carol", fills) as carol:
        assert carol.line() == "full"
        pair.ok("send", "bob", "not alone", "--as", "alice")
        assert wal.stat().st_size >= 600_000, "an attached process does it when it has time"
        carol.kill()
    pair.ok("inbox", "--as", "alice")  # notices that carol is gone
    pair.ok("send", "bob", "alone", "--as", "alice")
    assert wal.stat().st_size == 0
    assert len(pair.objects("inbox", "--limit", "1000", "--as", "bob")) > 100


def test_waiting_for_a_state_ends_when_it_is_reached(pair):
    pair.ok("send", "bob", "hi", "--as", "alice")
    waiting = pair.start("status", "1", "--wait", "read", "--json", "--as", "alice")
    until_online(pair, "alice")
    pair.ok("inbox", "--as", "bob")
    assert '"state": "read"' in line_of(waiting)
    waiting.communicate(timeout=60)
    assert waiting.returncode == 0


def test_waiting_for_a_state_in_vain_is_an_error(pair):
    pair.ok("send", "bob", "hi", "--as", "alice")
    assert pair("status", "1", "--wait", "read", "--timeout", "0.01", "--as", "alice").code == 75
    pair.ok("send", "bob", "hi", "--expires", "0.001", "--as", "alice")
    assert pair("status", "2", "--wait", "read", "--as", "alice").code == 76


def test_files_come_along(pair, home):
    (home / "notes.txt").write_bytes(b"\x00\xff notes")
    pair.ok("send", "bob", "see file", "--file", str(home / "notes.txt"), "--file", str(home / "notes.txt"), "--as", "alice")
    assert "file notes.txt (8 bytes)" in pair.ok("inbox", "--as", "bob")
    (home / "saved").mkdir()
    pair.ok("files", "1", "--save", str(home / "saved"), "--as", "bob")
    assert sorted(path.name for path in (home / "saved").iterdir()) == ["1-notes.txt", "notes.txt"]
    assert (home / "saved" / "notes.txt").read_bytes() == b"\x00\xff notes"
    assert pair("files", "1", "--save", str(home / "saved"), "--as", "bob").code == 66, "nothing is written over"
    assert [file["name"] for file in pair.objects("files", "1", "--as", "bob")] == ["notes.txt", "notes.txt"]


def until_online(shell, name):
    """Wait until a process of an agent can be woken."""
    from tests.waiting import until

    until(lambda: name in shell.ok("agents", "--online", "--names").split())


def test_a_look_into_the_mailbox_that_ends_is_no_going_offline(pair):
    pair.ok("send", "bob", "which port?", "--reply-within", "60", "--as", "alice")
    assert "which port?" in pair.ok("inbox", "--wait", "5", "--as", "bob")
    assert pair.ok("inbox", "--as", "alice") == ""
