"""Limits of what a node does besides answering, each at its border: webhooks and alerts."""

from __future__ import annotations

import asyncio
import json

import pytest

from postroom.core import errors
from postroom.core.message import Draft
from postroom.core.webhook import Outcome
from postroom.exchange import reporting, webhooks
from postroom.node.webhooks import make
from tests.borders import border, limited
from tests.node.nodes import RunningNode
from tests.node.receiver import Receiver
from tests.waiting import until

URL = "http://127.0.0.1:9/"


def waiting(desk, hook):
    return webhooks.calls(desk, hook.id)


def fail(desk, timed):
    """Let the next call fail, when it is due."""
    timed.pass_s(30_000)
    ((_, call),) = reporting.due(desk, busy=set(), limit=1)
    reporting.settle(desk, call, Outcome(500))


@border("webhooks")
def test_an_agent_has_so_many_webhooks(post):
    limited(post, webhooks=2)
    desk = post.connect("alice")._seat.desk
    for _ in range(2):
        webhooks.add(desk, URL)
    with pytest.raises(errors.TooMany, match="2 webhooks of alice"):
        webhooks.add(desk, URL)


@border("webhook_bytes")
def test_a_call_holds_so_many_bytes_and_a_message_that_has_more_is_cut(post):
    alice, _ = post.agents("alice", "bob")
    desk = alice._seat.desk
    hook = webhooks.add(desk, URL, kinds=["message"]).webhook
    sizes: list[int] = []
    for _ in range(2):
        alice.send("bob", "ä" * 1_000)
        limits = desk.config.limits._replace(webhook_bytes=(sizes[0] - 1) if sizes else 262_144)
        desk.config = desk.config._replace(limits=limits)
        reporting.Reporter(desk).report()
        sizes.append(len(waiting(desk, hook)[-1].body.encode()))
    whole, cut = (json.loads(call.body)["data"] for call in waiting(desk, hook))
    assert ("left_out" in whole, len(whole["body"])) == (False, 1_000)
    assert sizes[1] <= sizes[0] - 1
    assert len(cut["body"]) + cut["left_out"] == 1_000
    assert cut["left_out"] < 20


@border("webhook_calls")
def test_so_many_calls_wait_and_the_rest_stays_in_the_log(post):
    limited(post, webhook_calls=3)
    alice, _ = post.agents("alice", "bob")
    desk = alice._seat.desk
    hook = webhooks.add(desk, URL, kinds=["message"]).webhook
    for number in range(5):
        alice.send("bob", str(number))
    reporter = reporting.Reporter(desk)
    for expected in ("012", "012", "12", "123", "23", "234"):
        if len(expected) == 2:
            ((_, call),) = reporting.due(desk, busy=set(), limit=1)
            reporting.settle(desk, call, Outcome(204))
        else:
            reporter.report()
        assert "".join(json.loads(call.body)["data"]["body"] for call in waiting(desk, hook)) == expected


@border("webhook_timeout_ms")
def test_a_receiver_may_take_so_long(post):
    limited(post, webhook_timeout_ms=50)
    desk = post.connect("alice")._seat.desk
    with Receiver() as receiver:
        hook = webhooks.add(desk, receiver.url("/")).webhook
        receiver.answers("/", 0)
        outcome = asyncio.run(make(*webhooks.trial(desk, hook.id), desk.config))
        assert (outcome.arrived, outcome.said) == (False, "there was no answer within 0.05 s")
        desk.config = desk.config._replace(limits=desk.config.limits._replace(webhook_timeout_ms=60_000))
        assert asyncio.run(make(*webhooks.trial(desk, hook.id), desk.config)).arrived


@border("webhook_retry_ms")
def test_a_call_that_failed_is_made_again_after_that_time_and_not_before_half_of_it(timed):
    limited(timed.post, webhook_retry_ms=60_000)
    alice, _ = timed.agents("alice", "bob")
    desk = alice._seat.desk
    webhooks.add(desk, URL, kinds=["message"])
    alice.send("bob", "hi")
    reporting.Reporter(desk).report()
    ((_, call),) = reporting.due(desk, busy=set(), limit=1)
    reporting.settle(desk, call, Outcome(500))
    timed.pass_s(29)
    assert reporting.due(desk, busy=set(), limit=1) == []
    timed.pass_s(31)
    assert len(reporting.due(desk, busy=set(), limit=1)) == 1


@border("webhook_attempts")
def test_a_call_is_tried_so_often(timed):
    limited(timed.post, webhook_attempts=3)
    alice, _ = timed.agents("alice", "bob")
    desk = alice._seat.desk
    hook = webhooks.add(desk, URL, kinds=["message"]).webhook
    alice.send("bob", "hi")
    reporting.Reporter(desk).report()
    given_up = []
    for _ in range(3):
        fail(desk, timed)
        given_up.append(waiting(desk, hook)[0].next_ms is None)
    assert given_up == [False, False, True]
    assert "none of 3 attempts got through" in (webhooks.list_webhooks(desk)[0].paused or "")


@border("webhook_given_up")
def test_so_many_calls_that_were_given_up_are_kept_and_then_it_is_paused(timed):
    """Of two messages the first is never taken, and the second at once: so it is not in vain to go on."""
    limited(timed.post, webhook_attempts=2, webhook_given_up=2)
    alice, _ = timed.agents("alice", "bob")
    desk = alice._seat.desk
    webhooks.add(desk, URL, kinds=["message"])
    standing = []
    for _ in range(2):
        alice.send_many([Draft("bob", "poison"), Draft("bob", "fine")])
        reporting.Reporter(desk).report()
        for status in (500, 204, 500):
            timed.pass_s(0 if status == 204 else 60)
            ((_, call),) = reporting.due(desk, busy=set(), limit=1)
            reporting.settle(desk, call, Outcome(status))
        standing.append(webhooks.list_webhooks(desk)[0])
    assert [one.given_up for one in standing] == [1, 2]
    assert [one.paused for one in standing] == [None, "2 calls were given up; retry or forget them"]
    assert webhooks.forget(desk, 1) == 2


@border("alert_ms")
def test_between_two_alerts_there_is_a_pause_and_what_comes_meanwhile_is_told_together(post, home):
    def configure(alert_ms):
        post.configure(f'[limits]\nalert_ms = {alert_ms}\n[node]\nalerts = ["json://127.0.0.1:{receiver.port}/"]\n')

    with Receiver() as receiver:
        configure(3_600_000)
        joe = post.connect("joe")
        with RunningNode(post.home, home) as node:
            joe.send("human", "first", reply_within=600)
            assert receiver.next().object["title"] == "Postroom: 1 request waits for you"
            until(lambda: "alert told" in node.said)
            for text in ("second", "third", "fourth"):
                joe.send("human", text, reply_within=600)
            configure(20)
            node.reload()
            assert receiver.next().object["title"] == "Postroom: 3 requests wait for you"
