"""Webhooks: what happens is told to a receiver, signed, once in meaning, whatever dies meanwhile; and nothing its agent may not see."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import subprocess

import pytest

from postroom import connect
from postroom.core import errors, refusals
from postroom.core import webhook as rules
from postroom.core.webhook import Outcome
from postroom.exchange import holding, keeping, reading, reporting, webhooks
from postroom.exchange.desk import open_desk_of_human
from tests.cli.shell import PROGRAM, SOON_S, environment
from tests.node.nodes import RunningNode
from tests.node.receiver import Receiver
from tests.ports import free_port
from tests.store.keepers import query
from tests.waiting import until

SOON_AGAIN = "[limits]\nwebhook_retry_ms = 20\n"


@pytest.fixture
def start(post, home):
    """Starts nodes for the post room."""
    nodes = []

    def begin(**options):
        nodes.append(RunningNode(post.home, home, **options))
        return nodes[-1]

    yield begin
    for node in nodes:
        node.close()


def is_signed(secret, received, *, skew_s=0):
    """What every receiver does, see https://www.standardwebhooks.com."""
    timestamp = str(int(received.headers["webhook-timestamp"]) + skew_s)
    signed = f"{received.id}.{timestamp}.{received.body}".encode()
    digest = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256)
    return hmac.compare_digest(received.headers["webhook-signature"], "v1," + base64.b64encode(digest).decode())


def told(receiver, number):
    """What comes next: the type of each call, and what it is about."""
    return [(one["type"], one["data"].get("body", one["data"].get("state"))) for one in (receiver.next().object for _ in range(number))]


# What is told


def test_a_message_and_what_becomes_of_it_are_told_signed(post, human, receiver, start):
    alice, bob = post.agents("alice", "bob")
    added = webhooks.add(human, receiver.url("/hook?key=1"), "alice")
    start()
    receipt = alice.send("bob", "use port 8080 ✓", subject="ports")
    first = receiver.next()
    assert first.path == "/hook?key=1"
    assert first.headers["Content-Type"] == "application/json"
    assert is_signed(added.secret, first)
    assert not is_signed(added.secret, first, skew_s=1)
    assert not is_signed(rules.secret_of(b"x" * 32), first)
    message = first.object
    assert message["type"] == "message"
    assert message["timestamp"].endswith("Z")
    shown = {key: message["data"][key] for key in ("id", "sender", "to", "subject", "body")}
    assert shown == {"id": receipt.id, "sender": "alice", "to": ["bob"], "subject": "ports", "body": "use port 8080 ✓"}
    bob.confirm(bob.take())
    second = receiver.next()
    assert second.id != first.id
    change = second.object
    assert change["type"] == "state"
    assert [change["data"][key] for key in ("id", "sender", "recipient", "state")] == [receipt.id, "alice", "bob", "read"]
    until(lambda: webhooks.list_webhooks(human)[0].waiting == 0)
    assert webhooks.list_webhooks(human)[0].worked_ms is not None


def test_calls_come_in_order_and_once(post, human, receiver, start):
    alice, _ = post.agents("alice", "bob")
    webhooks.add(human, receiver.url("/"), kinds=["message"])
    start()
    for number in range(250):
        alice.send("bob", str(number))
    calls = [receiver.next() for _ in range(250)]
    assert [call.object["data"]["body"] for call in calls] == [str(number) for number in range(250)]
    assert len({call.id for call in calls}) == 250
    until(lambda: webhooks.list_webhooks(human)[0].waiting == 0)
    assert receiver.nothing_came()


def test_what_happened_before_is_not_told(post, human, receiver, start):
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "before")
    webhooks.add(human, receiver.url("/"))
    start()
    alice.send("bob", "after")
    bob.confirm(bob.take())
    assert told(receiver, 3) == [("message", "after"), ("state", "read"), ("state", "read")], "also of the one before, it is read now"


def test_what_happened_while_no_node_ran_is_told(post, human, receiver, start):
    alice, bob = post.agents("alice", "bob")
    webhooks.add(human, receiver.url("/"))
    alice.send("bob", "hello?")
    bob.confirm(bob.take())
    start()
    assert told(receiver, 2) == [("message", "hello?"), ("state", "read")]


def test_a_webhook_is_told_what_it_asked_for(post, human, receiver):
    alice, bob = post.agents("alice", "bob")
    states = webhooks.add(human, receiver.url("/states"), kinds=["state"]).webhook
    events = webhooks.add(human, receiver.url("/events"), "alice", kinds=["event"]).webhook
    alice.create_room("ops")
    bob.join("ops")
    alice.send("bob", "hi")
    bob.confirm(bob.take())
    reporting.Reporter(human).report()
    kinds = {hook.id: [json.loads(call.body)["type"] for call in webhooks.calls(human, hook.id)] for hook in (states, events)}
    assert kinds == {states.id: ["state"], events.id: ["event"]}
    assert json.loads(webhooks.calls(human, events.id)[0].body)["data"]["what"] == "member_joined"


def test_every_message_that_was_read_at_once_is_told(post, human, receiver):
    alice, bob = post.agents("alice", "bob")
    hook = webhooks.add(human, receiver.url("/"), "alice", kinds=["state"]).webhook
    ids = [alice.send("bob", str(number)).id for number in range(150)]
    bob.confirm(bob.take(150))
    reporter = reporting.Reporter(human)
    while reporter.report():
        pass
    post.connect("carol").send("alice", "something else")
    reporter.report()
    assert [json.loads(call.body)["data"]["id"] for call in webhooks.calls(human, hook.id)][:100] == ids[:100]


def test_a_message_that_is_too_large_is_cut_and_says_so(post, receiver):
    post.configure("[limits]\nwebhook_bytes = 2000\n")
    alice, _ = post.agents("alice", "bob")
    desk = open_desk_of_human(post.home, interface="sdk")
    hook = webhooks.add(desk, receiver.url("/")).webhook
    alice.send("bob", "é\n" * 5_000)
    reporting.Reporter(desk).report()
    (call,) = webhooks.calls(desk, hook.id)
    data = json.loads(call.body)["data"]
    assert len(call.body.encode()) <= 2_000
    assert len(data["body"]) + data["left_out"] == 10_000
    assert len(data["body"]) > 400
    desk.close()


# What may not be seen


def bodies(human, hook):
    reporter = reporting.Reporter(human)
    while reporter.report():
        pass
    return [json.loads(call.body)["data"].get("body") for call in webhooks.calls(human, hook.id)]


def test_an_agent_s_webhook_sees_what_the_agent_may_see_and_the_human_s_everything(post, human, receiver):
    _, bob, carol = post.agents("alice", "bob", "carol")
    of_alice = webhooks.add(human, receiver.url("/"), "alice").webhook
    of_human = webhooks.add(human, receiver.url("/")).webhook
    bob.create_room("plot", policy="secret")
    bob.invite("plot", "carol")
    carol.join("plot")
    carol.send("#plot", "in secret")
    bob.create_room("town")
    bob.send("#town", "in public")
    bob.send("carol", "between us")
    bob.send("alice", "to alice")
    carol.confirm(carol.take())
    assert bodies(human, of_alice) == ["in public", "to alice"]
    seen = bodies(human, of_human)
    assert {"in secret", "in public", "between us", "to alice"} <= set(seen)
    names = " ".join(call.body for call in webhooks.calls(human, of_alice.id))
    assert "plot" not in names
    assert "carol" not in names


def test_the_traces_of_what_is_out_of_sight_do_not_reach_a_webhook(post, human, receiver):
    alice, bob, _ = post.agents("alice", "bob", "carol")
    hook = webhooks.add(human, receiver.url("/"), "alice").webhook
    for _ in range(3):
        bob.send("carol", "out of sight")
    before = webhooks.list_webhooks(alice._seat.desk)
    reporting.Reporter(human).report()
    assert webhooks.list_webhooks(alice._seat.desk) == before
    assert webhooks.calls(alice._seat.desk, hook.id) == []
    bob.send("alice", "in sight")
    reporting.Reporter(human).report()
    (call,) = webhooks.calls(alice._seat.desk, hook.id)
    assert call.name.startswith("msg_")
    assert len(call.name) == 28
    assert json.loads(call.body)["data"]["body"] == "in sight"


def test_what_is_held_is_told_to_its_recipient_when_it_is_released_and_never_when_it_is_discarded(post, human, receiver):
    alice, bob = post.agents("alice", "bob")
    hook = webhooks.add(human, receiver.url("/"), "bob", kinds=["message"]).webhook
    holding.pause(human, "alice", "too loud")
    for text in ("first", "second"):
        alice.send("bob", text)
    bob.send("alice", "are you there?")
    assert bodies(human, hook) == ["are you there?"]
    holding.release(human, "alice")
    assert bodies(human, hook) == ["are you there?", "first", "second"]
    holding.pause(human, "alice", "again")
    alice.send("bob", "third")
    assert len(bodies(human, hook)) == 3
    holding.discard(human, "alice", "no")
    holding.release(human, "alice")
    assert bodies(human, hook) == ["are you there?", "first", "second"]
    assert human.database.execute("SELECT count(*) FROM webhook_held").fetchall() == [(0,)]


def test_an_agent_keeps_its_own_webhooks_and_the_human_all(post, human, receiver):
    alice, bob = post.agents("alice", "bob")
    of_alice, of_bob = alice._seat.desk, bob._seat.desk
    mine = webhooks.add(of_alice, receiver.url("/")).webhook
    assert (mine.agent, webhooks.list_webhooks(of_bob)) == ("alice", [])
    assert [one.agent for one in webhooks.list_webhooks(human)] == ["alice"]
    for act in (webhooks.remove, webhooks.retry, webhooks.forget, webhooks.calls, webhooks.trial):
        with pytest.raises(refusals.NoSuchWebhook):
            act(of_bob, mine.id)
    assert webhooks.remove(human, mine.id) == mine
    assert webhooks.list_webhooks(of_alice) == []


@pytest.mark.parametrize(
    "url",
    [
        "", "ftp://example.com/", "https:///x", "example.com/x", "http://user:secret@example.com/", "http://example.com/#secret",
        "http://example.com/ secret", "http://example.com/\r\nX-Secret: 1", "http://example.com:0/", "http://example.com:99999/",
        "http://[::1/secret", "http://exämple.com/", "http://example.com/" + "secret" * 400,
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_called_is_refused_and_not_said(post, url):
    with pytest.raises(errors.BadValue, match="the address of a webhook") as caught:
        webhooks.add(post.connect("alice")._seat.desk, url)
    assert "secret" not in str(caught.value)


def test_kinds_are_those_of_the_table(post, receiver):
    desk = post.connect("alice")._seat.desk
    for kinds in (["messages"], []):
        with pytest.raises(errors.BadValue, match="message, state, event"):
            webhooks.add(desk, receiver.url("/"), kinds=kinds)


# What fails


def test_a_call_that_failed_is_made_again_with_its_name(post, human, receiver, start):
    post.configure(SOON_AGAIN)
    alice, _ = post.agents("alice", "bob")
    webhooks.add(human, receiver.url("/"))
    receiver.answers("/", 500, 429, 302)
    start()
    alice.send("bob", "once")
    calls = [receiver.next() for _ in range(4)]
    assert {(call.path, call.id, call.body) for call in calls} == {("/", calls[0].id, calls[0].body)}, "nobody was sent elsewhere"
    until(lambda: webhooks.list_webhooks(human)[0].waiting == 0)
    assert webhooks.list_webhooks(human)[0].given_up == 0


def test_a_call_that_fails_too_often_is_given_up_in_sight_and_made_again_when_told(post, human, receiver, start):
    post.configure(SOON_AGAIN + "webhook_attempts = 4\n")
    alice, _ = post.agents("alice", "bob")
    hook = webhooks.add(human, receiver.url("/"), kinds=["message"]).webhook
    receiver.answers("/", 400, 400, 400, 400)
    start()
    alice.send("bob", "poison")
    until(lambda: webhooks.list_webhooks(human)[0].given_up == 1)
    paused = webhooks.list_webhooks(human)[0].paused
    assert paused is not None
    assert "none of 4 attempts got through; the last time it answered 400" in paused
    notice = until(lambda: [one.body for one in reading.peek(human, limit=10)])
    assert "is paused" in notice[0]
    assert "postroom webhook retry 1" in notice[0]
    alice.send("bob", "later")
    assert webhooks.retry(human, hook.id) == 1
    came = [receiver.next().object["data"]["body"] for _ in range(7)]
    assert came[:5] == ["poison"] * 5
    assert came[6] == "later", "after the notice to the human"
    until(lambda: webhooks.list_webhooks(human)[0].waiting == 0)
    assert webhooks.list_webhooks(human)[0].given_up == 0


def test_one_call_that_is_never_taken_does_not_hold_the_others_up(post, human, receiver, start):
    post.configure(SOON_AGAIN)
    alice, _ = post.agents("alice", "bob")
    webhooks.add(human, receiver.url("/"), kinds=["message"])
    receiver.answers("/", 500)
    start()
    alice.send("bob", "first")
    assert receiver.next().object["data"]["body"] == "first"
    alice.send("bob", "second")
    assert sorted(receiver.next().object["data"]["body"] for _ in range(2)) == ["first", "second"]


def test_a_receiver_that_is_gone_is_called_no_more(post, human, receiver, start):
    alice, _ = post.agents("alice", "bob")
    webhooks.add(human, receiver.url("/"))
    receiver.answers("/", 410)
    start()
    alice.send("bob", "hi")
    until(lambda: webhooks.list_webhooks(human)[0].paused == "it answered 410, gone")
    assert webhooks.list_webhooks(human)[0].waiting >= 1, "what it was to be told is kept"


def test_a_receiver_that_never_answers_holds_no_other_up(post, human, receiver, start):
    post.configure(SOON_AGAIN + "webhook_timeout_ms = 500\n")
    alice, _ = post.agents("alice", "bob")
    for number in range(5):
        receiver.answers(f"/stuck{number}", *[0] * 50)
        webhooks.add(human, receiver.url(f"/stuck{number}"), kinds=["message"])
    webhooks.add(human, receiver.url("/quick"), kinds=["message"])
    node = start()
    for number in range(20):
        alice.send("bob", str(number))
    quick: set[str] = set()  # in any order: one that is too slow for once is made again
    while len(quick) < 20:
        call = receiver.next()
        if call.path == "/quick":
            quick.add(call.object["data"]["body"])
    until(lambda: "there was no answer within 0.5 s" in node.said)


def test_a_receiver_that_is_away_costs_a_few_calls_and_loses_none(post, human, start):
    """While it is away, the log keeps what it is to be told; when it is back, everything comes in order, but for what had failed."""
    post.configure("[limits]\nwebhook_retry_ms = 50\nwebhook_calls = 5\n")
    alice, _ = post.agents("alice", "bob")
    port = free_port()
    webhooks.add(human, f"http://127.0.0.1:{port}/", kinds=["message"])
    node = start()
    for number in range(40):
        alice.send("bob", str(number))
    until(lambda: node.said.count("webhook call failed") >= 6)
    assert webhooks.list_webhooks(human)[0].waiting <= 5
    with Receiver(port) as back:
        came = [back.next() for _ in range(40)]
        assert sorted(int(call.object["data"]["body"]) for call in came) == list(range(40))
        until(lambda: webhooks.list_webhooks(human)[0].waiting == 0)
        assert back.nothing_came()


def test_a_node_that_is_killed_tells_everything_and_nothing_twice_under_another_name(post, human, receiver, start):
    alice, _ = post.agents("alice", "bob")
    webhooks.add(human, receiver.url("/"), kinds=["message"])
    came: dict[str, str] = {}
    for turn in range(3):
        node = start()
        for number in range(40):
            alice.send("bob", f"{turn}/{number}")
        for _ in range(15):
            call = receiver.next()
            came.setdefault(call.id, call.body)
            assert came[call.id] == call.body
        node.kill()
    start()
    while len(came) < 120:
        call = receiver.next()
        assert came.setdefault(call.id, call.body) == call.body
    assert sorted(json.loads(body)["data"]["body"] for body in came.values()) == sorted(f"{a}/{b}" for a in range(3) for b in range(40))
    until(lambda: webhooks.list_webhooks(human)[0].waiting == 0)


def test_waits_grow_fourfold_up_to_eight_hours_and_spread():
    waits = [rules.wait_ms(attempts, 5_000, 0) for attempts in range(1, 12)]
    assert waits[:4] == [5_000, 20_000, 80_000, 320_000]
    assert waits[-1] == 28_800_000
    assert 80_000 < sum(waits[:9]) / 1000 < 90_000, "ten attempts take about a day"
    assert rules.wait_ms(3, 5_000, 1.0) == 40_000


def test_a_receiver_is_left_alone_for_as_long_as_it_says(timed, receiver):
    alice, _ = timed.agents("alice", "bob")
    desk = alice._seat.desk
    hook = webhooks.add(desk, receiver.url("/")).webhook
    alice.send("bob", "hi")
    reporting.Reporter(desk).report()
    ((_, call),) = reporting.due(desk, busy=set(), limit=10)
    reporting.settle(desk, call, Outcome(503, retry_after_s=3_600))
    timed.pass_s(3_599)
    assert reporting.due(desk, busy=set(), limit=10) == []
    timed.pass_s(2)
    assert [one.webhook for _, one in reporting.due(desk, busy=set(), limit=10)] == [hook.id]


# What is kept of them


def test_a_removed_webhook_leaves_nothing(post, human, receiver):
    alice, _ = post.agents("alice", "bob")
    hook = webhooks.add(human, receiver.url("/")).webhook
    alice.send("bob", "hi")
    reporter = reporting.Reporter(human)
    reporter.report()
    ((_, call),) = reporting.due(human, busy=set(), limit=10)
    webhooks.remove(human, hook.id)
    reporting.settle(human, call, Outcome(204))
    assert reporter.report() is False
    for table in ("webhook", "webhook_call", "webhook_held"):
        assert query(post.home, f"SELECT count(*) FROM {table}") == [(0,)]  # noqa: S608  # a name of ours


def test_a_webhook_that_comes_back_with_a_backup_is_paused_until_told(post, human, receiver, home):
    post.connect("alice")
    hook = webhooks.add(human, receiver.url("/")).webhook
    keeping.back_up(post.home, str(home / "copy"))
    connect("bob", home=home / "elsewhere").close()  # so it is another post room, and as a whole written over
    keeping.restore(str(home / "copy"), str(home / "elsewhere"))
    desk = open_desk_of_human(str(home / "elsewhere"), interface="sdk")
    (found,) = webhooks.list_webhooks(desk)
    assert (found.id, found.paused) == (hook.id, "it came back with a backup, and may have been removed since")
    desk.close()


def test_a_post_room_that_goes_back_in_time_tells_what_happens_then(post, human, receiver, start, home):
    alice, _ = post.agents("alice", "bob")
    webhooks.add(human, receiver.url("/"), "bob", kinds=["message"])
    start()
    alice.send("bob", "before")
    assert told(receiver, 1) == [("message", "before")]
    keeping.back_up(post.home, str(home / "copy"))
    alice.send("bob", "undone")
    assert told(receiver, 1) == [("message", "undone")]
    keeping.restore(str(home / "copy"), post.home)
    alice.send("bob", "afterwards")
    (_, notice), last = told(receiver, 2)
    assert notice.startswith("This post room is back in its state of")
    assert last == ("message", "afterwards")
    assert not [one for one in keeping.examine(post.home) if "webhooks" in one.what]


# The command line


def test_the_command_line_adds_lists_tests_and_removes(shell, receiver):
    shell.ok("profile", "--as", "jack")
    secret = shell.ok("webhook", "add", "-", "--agent", "jack", "--note", "the board", stdin=receiver.url("/key-4711") + "\n").strip()
    assert secret.startswith("whsec_")
    (listed,) = shell.objects("webhook", "list", "--as", "jack")
    assert (listed["id"], listed["agent"], listed["kinds"], listed["note"]) == (1, "jack", ["message", "state"], "the board")
    assert listed["address"] == f"http://127.0.0.1:{receiver.port}/…"
    shown = shell.ok("webhook", "list", "--as", "jack")
    assert ("never worked" in shown, "4711" in shown, secret in shown) == (True, False, False)
    assert shell.ok("webhook", "test", "1", "--as", "jack") == "webhook 1 works: it answered 204\n"
    call = receiver.next()
    assert (call.path, call.object["type"], is_signed(secret, call)) == ("/key-4711", "test", True)
    receiver.answers("/key-4711", 500)
    failed = shell("webhook", "test", "1", "--as", "jack")
    assert (failed.code, "it answered 500" in failed.err, "4711" in failed.err) == (69, True, False)
    assert shell.ok("webhook", "calls", "1", "--as", "jack") == ""
    assert shell.ok("webhook", "retry", "1", "--as", "jack").startswith("webhook 1 goes on")
    assert shell.ok("webhook", "forget", "1", "--as", "jack") == "0 calls of webhook 1 forgotten\n"
    assert shell.ok("webhook", "remove", "1", "--as", "jack") == "webhook 1 of jack is no more\n"
    assert shell("webhook", "remove", "1", "--as", "jack").code == 67


def test_only_the_person_at_a_terminal_lets_a_webhook_see_everything(shell, receiver):
    done = shell("webhook", "add", receiver.url("/"))
    assert (done.code, "--agent" in done.err) == (77, True)
    with shell.terminal("webhook", "add", receiver.url("/")) as terminal:
        code, seen = terminal.end()
    assert (code, "whsec_" in seen) == (0, True)
    with shell.terminal("webhook", "list", columns=200) as terminal:
        assert "human" in terminal.end()[1]


def test_a_secret_goes_into_a_private_file(shell, receiver):
    shell.ok("profile", "--as", "jack")
    path = shell.home / "secret"
    shell.ok("webhook", "add", receiver.url("/"), "--as", "jack", "--save", str(path))
    assert path.read_text(encoding="ascii").startswith("whsec_")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_secret_that_nobody_got_signs_nothing(shell, receiver):
    shell.ok("profile", "--as", "jack")
    command = f"{' '.join(PROGRAM)} webhook add {receiver.url('/')} --as jack > /dev/full"
    done = subprocess.run(["sh", "-c", command], env=environment(shell.home), capture_output=True, timeout=SOON_S, check=False)
    assert done.returncode == 74
    assert shell.objects("webhook", "list", "--as", "jack") == []
