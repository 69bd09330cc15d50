"""A mailbox as a small model, and the store beside it: random senders, readers that die, a clock that jumps.

The model knows nothing of SQL. What must stay true: nothing lost, nothing twice as new, the order of each sender kept,
the counter of waiting messages equal to the mailbox, and states that move only along the table.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from postroom import warden
from postroom.core.errors import LeaseLost
from postroom.core.message import MOVES, Draft, Kind, State
from postroom.core.profile import Profile
from postroom.doorbell import Polling
from postroom.exchange import presence, reading, sending, tracing
from postroom.exchange.desk import Desk, Options, open_desk
from postroom.store import profiles
from postroom.store.agents import HUMAN, AttachedRow
from postroom.store.deliveries import Handed
from postroom.testing import PostRoom
from tests.times import START_US

pytestmark = pytest.mark.timeout(3_600)  # for `HYPOTHESIS_PROFILE=long`
AGENTS = ("ann", "ben")
READERS = [(name, number) for name in AGENTS for number in range(2)]
LEASE_S = 600
ENDED = {State.READ, State.ANSWERED, State.EXPIRED, State.REFUSED}


@dataclass
class Copy:
    """One message on its way to one recipient, as the model sees it."""

    seq: int
    body: str
    sender: str
    recipient: str
    expires: float | None
    state: State = State.DELIVERED
    holder: tuple[str, int] | None = None
    until: float = 0
    shown: bool = False


@dataclass
class Hands:
    """What one reader has in its hands."""

    handed: dict[int, Handed] = field(default_factory=dict)


class MailboxMachine(RuleBasedStateMachine):
    """Two agents with two readers each."""

    def __init__(self) -> None:
        super().__init__()
        self.post = PostRoom()
        self.now = 0.0
        self.desks: dict[tuple[str, int], Desk] = {}
        self.copies: list[Copy] = []
        self.hands: dict[tuple[str, int], Hands] = {reader: Hands() for reader in READERS}
        self.notices: dict[str, int] = dict.fromkeys(AGENTS, 0)
        self.sent: dict[str, tuple[str, Draft, int]] = {}
        self.seen: dict[tuple[int, str], State] = {}

    def teardown(self) -> None:
        for desk in self.desks.values():
            desk.close()
        self.post.close()

    @initialize()
    def connect(self) -> None:
        for reader in READERS:
            self._connect(reader)

    # What senders do

    @precondition(lambda self: self._few_wait())
    @rule(sender=st.sampled_from(AGENTS), to=st.sets(st.sampled_from(AGENTS), min_size=1), expires=st.sampled_from([None, 30, 30, 700]))
    def send(self, sender, to, expires):
        number = len(self.sent)
        draft = Draft(tuple(sorted(to)), f"message {number}", id=f"id-{number}", expires_in=expires)
        (receipt,) = sending.send(self.desks[sender, 0], [draft])
        assert receipt.state is State.DELIVERED
        self.sent[draft.id or ""] = (sender, draft, receipt.number)
        self._arrive(draft, sender, receipt.number)

    @precondition(lambda self: self._few_wait())
    @rule(sender=st.sampled_from(AGENTS), to=st.sampled_from(AGENTS), count=st.integers(1, 3))
    def send_many(self, sender, to, count):
        drafts = [Draft(to, f"batch {len(self.copies) + number}") for number in range(count)]
        for draft, receipt in zip(drafts, sending.send(self.desks[sender, 1], drafts), strict=True):
            self._arrive(draft, sender, receipt.number)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def send_again(self, data):
        sender, draft, seq = self.sent[data.draw(st.sampled_from(sorted(self.sent)))]
        (receipt,) = sending.send(self.desks[sender, 1], [draft])
        assert receipt.number == seq

    # What readers do

    @rule(reader=st.sampled_from(READERS), limit=st.integers(1, 4), read_on=st.booleans())
    def take(self, reader, limit, read_on):
        """Take, or confirm all in hand and take, as a loop over the inbox does."""
        confirm = list(self.hands[reader].handed.values()) if read_on else []
        lost = [one for one in confirm if self._is_lost(reader, one)]
        try:
            taken = reading.take(self.desks[reader], limit=limit, confirm=confirm)
        except LeaseLost:
            assert lost
            for one in lost:
                del self.hands[reader].handed[one.delivery]
            return
        assert not lost
        self._were_read(reader, confirm)
        self._were_handed(reader, taken, limit)

    @rule(reader=st.sampled_from(READERS), data=st.data())
    def confirm(self, reader, data):
        handed = list(self.hands[reader].handed.values())
        chosen = data.draw(st.lists(st.sampled_from(handed), unique_by=lambda one: one.delivery)) if handed else []
        lost = [one for one in chosen if self._is_lost(reader, one)]
        try:
            reading.confirm(self.desks[reader], chosen)
        except LeaseLost:
            assert lost
            for one in lost:
                del self.hands[reader].handed[one.delivery]
            return
        assert not lost
        self._were_read(reader, chosen)

    @rule(reader=st.sampled_from(READERS))
    def give_back(self, reader):
        handed, self.hands[reader].handed = list(self.hands[reader].handed.values()), {}
        reading.give_back(self.desks[reader], handed)
        self._came_back(reader)

    @rule(reader=st.sampled_from(READERS))
    def die_and_come_back(self, reader):
        """Killed: nothing is said; another process finds the bell dead and buries it."""
        desk = self.desks[reader]
        row = AttachedRow(desk.agent.id, desk.provenance, 0, "", None)
        desk.close()
        self.hands[reader].handed = {}
        self._connect(reader)
        with self.desks[reader].posting() as posting:
            presence.strike_off(posting, row)
        self._came_back(reader)

    @rule(reader=st.sampled_from(READERS), data=st.data())
    def answer(self, reader, data):
        handed = [one for one in self.hands[reader].handed.values() if one.message.sender != "postroom"]
        if handed:
            one = data.draw(st.sampled_from(handed))
            draft = Draft(one.message.sender, f"answer {len(self.copies)}", reply_to=str(one.message.number))
            (receipt,) = sending.send(self.desks[reader], [draft])
            copy = self._copy(one, reader[0])
            if copy.state in {State.DELIVERED, State.HANDED, State.READ}:
                copy.state = State.ANSWERED
            self._arrive(draft, reader[0], receipt.number)

    @rule(reader=st.sampled_from(READERS))
    def peek(self, reader):
        bodies = [message.body for message in reading.peek(self.desks[reader], limit=1_000) if message.kind is Kind.MESSAGE]
        assert bodies == [copy.body for copy in self._mailbox(reader[0])]

    @rule(reader=st.sampled_from(READERS))
    def be_a_ghost_for_a_moment(self, reader):
        """What the other one has sent goes back, also from the hands of readers; what one has sent to oneself stays."""
        returning = [copy for copy in self._mailbox(reader[0]) if copy.sender != reader[0]]
        assert presence.change(self.desks[reader], Profile(visibility="ghost")).returned == len(returning)
        for copy in returning:
            copy.state = State.REFUSED
            self.notices[copy.sender] += 1
        self.states_are_those_of_the_model_and_move_along_the_table()
        presence.set_profile(self.desks[reader], Profile(visibility="visible"))

    # Time

    @rule(seconds=st.sampled_from([31, 599, 601]), tended=st.sampled_from([True, True, False]))
    def pass_time(self, seconds, tended):
        self.now += seconds
        if tended:
            self.tend()

    @rule()
    def tend(self):
        warden.ring_timers(self.desks["ann", 0])
        for copy in self.copies:
            if copy.expires is None or copy.expires > self.now:
                continue
            if copy.state is State.HANDED and copy.until <= self.now:
                copy.state, copy.holder = State.DELIVERED, None
            if copy.state is State.DELIVERED:
                copy.state = State.EXPIRED
                self.notices[copy.sender] += 1

    # What must be true

    @invariant()
    def counters_equal_mailboxes(self):
        if self.desks:
            database = self.desks["ann", 0].database
            listed = {agent.name: agent.waiting or 0 for agent in profiles.listing(database, viewer=HUMAN)}
            for name in AGENTS:
                rows = list(database.execute("SELECT count(*) FROM delivery WHERE unread = ?", (self._id(name),)))
                assert listed[name] == rows[0][0]
                assert listed[name] >= len(self._mailbox(name))

    @invariant()
    def states_are_those_of_the_model_and_move_along_the_table(self):
        for copy in self.copies:
            receipt = tracing.status(self.desks[copy.sender, 0], str(copy.seq))
            (progress,) = (one for one in receipt.deliveries if one.recipient == copy.recipient)
            assert progress.state is copy.state, copy
            assert (progress.handovers > 0) == copy.shown
            before = self.seen.get((copy.seq, copy.recipient), State.ACCEPTED)
            assert progress.state in reachable(before)
            self.seen[copy.seq, copy.recipient] = progress.state

    # The model

    def _connect(self, reader):
        options = Options("relaxed", lambda: START_US + round(self.now * 1_000_000))
        desk = self.desks[reader] = open_desk(reader[0], self.post.home, interface="sdk", options=options)
        with desk.posting() as posting:
            posting.provenance()
        presence.reattach(desk, Polling())  # nothing rings here: a reader looks when the machine tells it to

    def _id(self, name):
        return self.desks[name, 0].agent.id

    def _arrive(self, draft, sender, seq):
        expires = None if draft.expires_in is None else self.now + draft.expires_in
        for recipient in (draft.to,) if isinstance(draft.to, str) else draft.to:
            self.copies.append(Copy(seq, draft.body, sender, recipient, expires))

    def _few_wait(self):
        """New messages come while there are few: then much happens to each."""
        return sum(copy.state not in ENDED for copy in self.copies) < 4

    def _mailbox(self, name):
        return [copy for copy in self.copies if copy.recipient == name and copy.state not in ENDED]

    def _copy(self, one, recipient):
        (copy,) = (copy for copy in self.copies if copy.seq == one.message.number and copy.recipient == recipient)
        return copy

    def _is_lost(self, reader, one):
        """Whether this reader is not the last one that had it in hands: another one was, or it went back into the mailbox."""
        return one.message.sender != "postroom" and self._copy(one, reader[0]).holder != reader

    def _were_read(self, reader, confirmed):
        for one in confirmed:
            del self.hands[reader].handed[one.delivery]
            if one.message.sender != "postroom":
                copy = self._copy(one, reader[0])
                if copy.state is State.HANDED:
                    copy.state = State.READ

    def _were_handed(self, reader, taken, limit):
        """Exactly the oldest messages that are free, in order, and new only once."""
        free = [copy for copy in self._mailbox(reader[0]) if self._is_free(copy)]
        letters = [one for one in taken if one.message.sender != "postroom"]
        assert [one.message.body for one in letters] == [copy.body for copy in free[: len(letters)]]
        assert len(taken) == limit or len(letters) == len(free)
        assert [one.delivery for one in taken] == sorted(one.delivery for one in taken)
        for one in letters:
            copy = self._copy(one, reader[0])
            assert one.message.redelivered == copy.shown
            copy.state, copy.holder, copy.shown = State.HANDED, reader, True
            copy.until = self.now + LEASE_S
        for one in taken:
            if one.message.sender == "postroom":
                self.notices[reader[0]] -= not one.message.redelivered
                assert self.notices[reader[0]] >= 0, "one notice for each message that expired or went back"
                self.hands[reader].handed.pop(one.delivery, None)
                reading.confirm(self.desks[reader], [one])
            else:
                self.hands[reader].handed[one.delivery] = one

    def _is_free(self, copy):
        if copy.expires is not None and copy.expires <= self.now:
            return False
        return copy.state is State.DELIVERED or (copy.state is State.HANDED and copy.until <= self.now)

    def _came_back(self, reader):
        for copy in self.copies:
            if copy.holder == reader and copy.state is State.HANDED:
                copy.state, copy.holder = State.DELIVERED, None


def reachable(state: State) -> set[State]:
    """The states that a delivery can come to, by any number of moves."""
    found, todo = {state}, [state]
    while todo:
        for following in MOVES[todo.pop()] - found:
            found.add(following)
            todo.append(following)
    return found


TestMailbox = MailboxMachine.TestCase
TestMailbox.settings = settings(max_examples=3 * settings().max_examples, stateful_step_count=50)
