"""Paces against a naive model that counts in a sliding minute, and turns of threads against a plain count."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from postroom.core import pace
from postroom.core.errors import NothingHeld, TooFast
from postroom.core.limits import Limits
from postroom.core.message import Draft, State
from postroom.exchange import holding, sending
from postroom.exchange.desk import Desk, Options, open_desk, open_desk_of_human
from postroom.testing import PostRoom
from tests.times import START_US

MINUTE_US = 60_000_000
pytestmark = pytest.mark.timeout(3_600)  # for `HYPOTHESIS_PROFILE=long`
AGENTS = ("ann", "ben", "cid")
STEPS = st.lists(st.tuples(st.integers(0, 30_000_000), st.integers(1, 4)), max_size=60)


def spoken(steps, per_minute):
    """When messages came through, at random times and in random numbers at once; and when some did not."""
    now, due, passed, refused = START_US, 0, [], []
    for wait, count in steps:
        now += wait
        after = pace.due_after(due, now, count, per_minute)
        if pace.wait_ms(after, now):
            refused.append((now, count, pace.wait_ms(after, now), due))
        else:
            due = after
            passed += [now] * count
    return passed, refused


@given(STEPS, st.integers(1, 20))
def test_no_sliding_minute_has_more_than_twice_the_limit(steps, per_minute):
    """The cell rate algorithm lets a whole allowance through at once, and refills it meanwhile: at most twice in any minute."""
    passed, _ = spoken(steps, per_minute)
    for start in passed:
        assert len([moment for moment in passed if start <= moment < start + MINUTE_US]) <= 2 * per_minute


@given(STEPS, st.integers(1, 20))
def test_on_average_nobody_is_faster_than_the_limit(steps, per_minute):
    passed, _ = spoken(steps, per_minute)
    if passed:
        minutes = (passed[-1] - passed[0]) / MINUTE_US
        assert len(passed) <= per_minute * (1 + minutes) + 1


@given(STEPS, st.integers(1, 20))
def test_who_stays_within_the_naive_limit_is_never_refused(steps, per_minute):
    """Nobody is refused who would have sent at most the limit within the last minute."""
    passed, refused = spoken(steps, per_minute)
    for now, count, _, _ in refused:
        lately = [moment for moment in passed if now - MINUTE_US < moment <= now]
        assert len(lately) + count > per_minute or count > per_minute


@given(STEPS, st.integers(1, 20))
def test_who_waits_as_long_as_told_is_let_through(steps, per_minute):
    _, refused = spoken(steps, per_minute)
    for now, count, wait, due in refused:
        if count <= per_minute:
            later = now + wait * 1000
            assert not pace.wait_ms(pace.due_after(due, later, count, per_minute), later)
            sooner = later - 2_000
            assert pace.wait_ms(pace.due_after(due, sooner, count, per_minute), sooner)


@given(st.integers(1, 1_000))
def test_the_whole_allowance_comes_through_at_once_and_not_one_more(per_minute):
    passed, _ = spoken([(0, 1)] * (per_minute + 3), per_minute)
    assert len(passed) == per_minute


class ThreadMachine(RuleBasedStateMachine):
    """Threads in which three agents talk, with a budget of two turns, and a human who releases or discards."""

    TURNS = 2

    def __init__(self) -> None:
        super().__init__()
        self.post = PostRoom()
        self.post.configure(f"[limits]\nthread_turns = {self.TURNS}\nhops = {Limits().hops}\nsender_per_minute = 30\n")
        self.now_us = START_US
        self.desks: dict[str, Desk] = {}
        self.threads: list[str] = []
        self.speakers: list[list[str]] = []
        self.held: list[list[int]] = []
        self.is_held: list[bool] = []
        self.delivered: list[int] = []
        self.allowance: dict[str, int] = dict.fromkeys(AGENTS, 30)

    def teardown(self) -> None:
        for desk in self.desks.values():
            desk.close()
        self.human.close()
        self.post.close()

    @initialize()
    def connect(self) -> None:
        for name in AGENTS:
            options = Options("relaxed", lambda: self.now_us)
            self.desks[name] = open_desk(name, self.post.home, interface="sdk", options=options)
        self.human = open_desk_of_human(self.post.home, interface="cli")

    @rule(name=st.sampled_from(AGENTS))
    def begin(self, name):
        receipt = self._send(name, Draft(AGENTS, "begin"))
        if receipt:
            self.threads.append(receipt.id)
            self.speakers.append([name])
            self.held.append([])
            self.is_held.append(False)
            self.delivered.append(receipt.number)

    @rule(name=st.sampled_from(AGENTS), data=st.data())
    def go_on(self, name, data):
        if not self.threads:
            return
        thread = data.draw(st.integers(0, len(self.threads) - 1))
        receipt = self._send(name, Draft(AGENTS, "go on", thread=self.threads[thread]))
        if receipt is None:
            return
        if not self.is_held[thread]:
            self.speakers[thread].append(name)
            turns = sum(one != other for one, other in pairwise(self.speakers[thread]))
            self.is_held[thread] = turns > self.TURNS
        assert receipt.state is (State.HELD if self.is_held[thread] else State.DELIVERED)
        (self.held[thread] if self.is_held[thread] else self.delivered).append(receipt.number)

    def _look_at(self, thread, *, release):
        desk, id = self.desks["ann"], self.threads[thread]
        return holding.release(desk, id) if release else holding.discard(desk, id, "enough")

    @rule(data=st.data(), release=st.booleans())
    def look(self, data, release):
        if not self.threads:
            return
        thread = data.draw(st.integers(0, len(self.threads) - 1))
        if not self.is_held[thread]:
            with pytest.raises(NothingHeld):
                self._look_at(thread, release=release)
            return
        done = self._look_at(thread, release=release)
        assert done == len(self.held[thread])
        if release:
            self.delivered += self.held[thread]
        self.held[thread] = []
        self.is_held[thread] = False
        self.speakers[thread] = self.speakers[thread][-1:]

    @rule()
    def pass_a_minute(self):
        self.now_us += MINUTE_US
        self.allowance = dict.fromkeys(AGENTS, 30)

    @invariant()
    def what_is_held_is_listed(self):
        if self.desks:
            listed = {thread.id: thread.messages for thread in holding.held(self.human)}
            threads = zip(self.threads, self.held, self.is_held, strict=True)
            expected = {id: len(held) for id, held, is_held in threads if is_held}
            assert listed == expected

    @invariant()
    def what_is_not_held_is_in_the_mailbox(self):
        if self.desks:
            rows = self.desks["ann"].database.execute(
                "SELECT m.number FROM delivery d JOIN message m ON m.seq = d.message WHERE d.unread = ? AND m.kind = 'message'",
                (self.desks["ann"].agent.id,),
            )
            assert sorted(seq for (seq,) in rows) == sorted(self.delivered)

    def _send(self, name, draft):
        """The receipt, or None when the sender is too fast, which the model knows before."""
        if self.allowance[name] < len(AGENTS):
            with pytest.raises(TooFast):
                sending.send(self.desks[name], [draft])
            return None
        self.allowance[name] -= len(AGENTS)
        (receipt,) = sending.send(self.desks[name], [draft])
        return receipt


TestThreads = ThreadMachine.TestCase
TestThreads.settings = settings(max_examples=settings().max_examples, stateful_step_count=50)
