"""Sessions against two models: the table of core/session.py, and the sentences of the protocol read once more by hand.

Both sides, the post room and the clock act at random. The second model is written from the words, not from the table,
so that a wrong table is found too.
"""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from postroom import warden
from postroom.core.errors import NotYourTurn
from postroom.core.message import Draft, Kind
from postroom.core.profile import Profile
from postroom.core.session import SessionState, Side, after
from postroom.exchange import presence, reading, sessions
from postroom.exchange.desk import Desk, Options, open_desk
from postroom.store.deliveries import Handed
from postroom.testing import PostRoom
from tests.times import START_US

pytestmark = pytest.mark.timeout(3_600)  # for `HYPOTHESIS_PROFILE=long`
HANDSHAKE_S = 30
IDLE_S = 86_400
OPENER, PEER = "ann", "ben"
SIDES = {OPENER: Side.OPENER, PEER: Side.PEER}


class ByHand:
    """What the protocol says, as six facts about one session."""

    def __init__(self, now: float, *, accepted: bool) -> None:
        self.answer: str | None = "accepted" if accepted else None
        self.fin: set[str] = set()
        self.fin_ack = False
        self.lapsed = False
        self.offered = now
        self.spoken = now

    @property
    def open(self) -> bool:
        """Accepted, and nobody has said FIN, nor did the post room end it."""
        return self.answer == "accepted" and not self.fin and not self.lapsed

    @property
    def over(self) -> bool:
        """Declined, lapsed, withdrawn before it was accepted, or both know of the end."""
        withdrawn = self.answer is None and bool(self.fin)
        return self.answer == "declined" or self.lapsed or withdrawn or len(self.fin) == 2 or self.fin_ack

    def may(self, name: str, kind: Kind) -> bool:
        """Whether a side may say this now."""
        if self.over:
            return False
        if kind in {Kind.SYN_ACK, Kind.SYN_NACK}:
            return name == PEER and self.answer is None
        if kind is Kind.DATA:
            return self.open
        assert kind is Kind.FIN
        return name not in self.fin and (self.answer == "accepted" or name == OPENER)

    def state(self) -> str:
        """The word for it."""
        if self.answer == "declined":
            return "declined"
        if self.lapsed and self.answer is None:
            return "lapsed"
        if self.over:
            return "closed"
        if self.fin:
            return "closing-by-opener" if OPENER in self.fin else "closing-by-peer"
        return "open" if self.answer else "offered"


class SessionMachine(RuleBasedStateMachine):
    """One opener, one peer, several sessions."""

    def __init__(self) -> None:
        super().__init__()
        self.post = PostRoom()
        self.now = 0.0
        self.desks: dict[str, Desk] = {}
        self.sessions: dict[str, ByHand] = {}
        self.table: dict[str, SessionState] = {}
        self.said: dict[str, list[str]] = {OPENER: [], PEER: []}
        self.heard: dict[str, list[str]] = {OPENER: [], PEER: []}
        self.hands: dict[str, list[Handed]] = {OPENER: [], PEER: []}

    def teardown(self) -> None:
        for desk in self.desks.values():
            desk.close()
        self.post.close()

    @initialize()
    def connect(self) -> None:
        for name in SIDES:
            self._connect(name)

    @precondition(lambda self: sum(not hand.over for hand in self.sessions.values()) < 2)
    @rule(auto_accept=st.booleans())
    def offer(self, auto_accept):
        id = f"session-{len(self.sessions)}"
        presence.set_profile(self.desks[PEER], Profile(auto_accept=auto_accept))
        sessions.open_session(self.desks[OPENER], self._syn(id))
        self.sessions[id] = ByHand(self.now, accepted=auto_accept)
        self.table[id] = SessionState.OPEN if auto_accept else SessionState.OFFERED

    @precondition(lambda self: self.sessions)
    @rule(data=st.data(), name=st.sampled_from([OPENER, PEER, None]))
    def change_nothing(self, data, name):
        """A duplicate SYN changes nothing, nor does the restart of a process."""
        if name is None:
            sessions.open_session(self.desks[OPENER], self._syn(self._some(data)))
        else:
            reading.give_back(self.desks[name], self.hands[name])
            self.hands[name] = []
            self.desks[name].close()
            self._connect(name)

    @precondition(lambda self: self.sessions)
    @rule(data=st.data(), name=st.sampled_from([OPENER, PEER]), kind=st.sampled_from([Kind.SYN_ACK, Kind.SYN_NACK]))
    def answer(self, data, name, kind):
        self._act(self._some(data), name, kind)

    @precondition(lambda self: self.sessions)
    @rule(data=st.data(), name=st.sampled_from([OPENER, PEER]))
    def talk(self, data, name):
        self._act(self._some(data), name, Kind.DATA)

    @precondition(lambda self: self.sessions)
    @rule(data=st.data(), name=st.sampled_from([OPENER, PEER]))
    def close(self, data, name):
        self._act(self._some(data), name, Kind.FIN)

    def _act(self, id, name, kind):
        hand, moved = self.sessions[id], after(self.table[id], SIDES[name], kind)
        assert hand.may(name, kind) == (moved is not None), f"the table and the words disagree about {kind} by {name} in {hand.state()}"
        try:
            self._say(name, id, kind)
        except NotYourTurn:
            assert moved is None
            return
        assert moved is not None
        self.table[id] = moved
        self._note(hand, name, kind)

    @rule(name=st.sampled_from([OPENER, PEER]), limit=st.integers(1, 5))
    def take(self, name, limit):
        """Take, which changes no session."""
        taken = reading.take(self.desks[name], limit=limit)
        self.hands[name] += taken
        self.heard[name] += [one.message.body for one in taken if one.message.kind is Kind.DATA and not one.message.redelivered]

    @rule(name=st.sampled_from([OPENER, PEER]))
    def read(self, name):
        """Confirm. A FIN that is read is acknowledged, unless the session is over already."""
        taken, self.hands[name] = self.hands[name], []
        reading.confirm(self.desks[name], taken)
        for one in taken:
            if one.message.kind is Kind.FIN:
                id = one.message.thread
                hand, moved = self.sessions[id], after(self.table[id], SIDES[name], Kind.FIN_ACK)
                assert (moved is not None) == (not hand.over)
                if moved is not None:
                    self.table[id] = moved
                    hand.fin_ack, hand.spoken = True, self.now

    @rule(seconds=st.sampled_from([29, 50_000]))
    def pass_time(self, seconds):
        self.now += seconds
        warden.ring_timers(self.desks[OPENER])
        for id, hand in self.sessions.items():
            silent = self.now - (hand.offered if hand.answer is None else hand.spoken)
            if not hand.over and silent >= (HANDSHAKE_S if hand.answer is None else IDLE_S):
                hand.lapsed, hand.spoken = True, self.now
                moved = after(self.table[id], Side.POSTROOM, Kind.LAPSE)
                assert moved is not None
                self.table[id] = moved

    @invariant()
    def everybody_agrees(self):
        for name, desk in self.desks.items():
            views = {view.id: view for view in sessions.list_sessions(desk)}
            assert list(views) == list(self.sessions)
            for id, view in views.items():
                assert view.state is self.table[id], f"{name} sees {view.state}"
                assert view.state == self.sessions[id].state()

    @invariant()
    def what_is_heard_was_said_in_that_order(self):
        for listener, speaker in ((OPENER, PEER), (PEER, OPENER)):
            assert self.heard[listener] == self.said[speaker][: len(self.heard[listener])]

    @rule()
    def read_everything(self):
        """What was sent before FIN is still delivered, and both are told of every end."""
        for name in (OPENER, PEER, OPENER):  # again: what the acknowledgements bring
            self.take(name, 1_000)
            self.read(name)
        for listener, speaker in ((OPENER, PEER), (PEER, OPENER)):
            assert self.heard[listener] == self.said[speaker]

    def _connect(self, name):
        options = Options("relaxed", lambda: START_US + round(self.now * 1_000_000))
        self.desks[name] = open_desk(name, self.post.home, interface="sdk", options=options)

    def _syn(self, id):
        return Draft(PEER, "task", id=id)

    def _some(self, data):
        return data.draw(st.sampled_from(list(self.sessions)[:-4:-1]))

    def _say(self, name, id, kind):
        desk = self.desks[name]
        if kind is Kind.SYN_ACK:
            sessions.accept(desk, id)
        elif kind is Kind.SYN_NACK:
            sessions.decline(desk, id, "no")
        elif kind is Kind.FIN:
            sessions.close(desk, id)
        else:
            body = f"{name} {len(self.said[name])}"
            sessions.say(desk, id, Draft("", body))
            self.said[name].append(body)

    def _note(self, hand, name, kind):
        hand.spoken = self.now
        if kind is Kind.SYN_ACK:
            hand.answer = "accepted"
        elif kind is Kind.SYN_NACK:
            hand.answer = "declined"
        elif kind is Kind.FIN:
            hand.fin.add(name)


TestSessions = SessionMachine.TestCase
TestSessions.settings = settings(max_examples=2 * settings().max_examples, stateful_step_count=50)
