"""The line of a session: one side of it, attached. The blocking and the async session are what users see of it."""

from __future__ import annotations

from time import monotonic

from postroom.core.errors import LeaseLost, NotYourTurn, SessionClosed, SessionDeclined, SessionTimeout
from postroom.core.message import Draft, Kind, MessageRef, Seq, check_seconds
from postroom.core.session import LIVE, SessionState
from postroom.core.types import TYPE_CHECKING
from postroom.exchange import sessions
from postroom.exchange.sessions import Begun
from postroom.places import AnySeat
from postroom.waiting import AT_ONCE, deadline, taking

if TYPE_CHECKING:
    from postroom.core.message import Message
    from postroom.store.deliveries import Handed
    from postroom.waiting import Steps

TALK = frozenset({Kind.DATA, Kind.MESSAGE, Kind.NOTICE})
"""What is said in a session, and about it. The other kinds begin or end it."""
NOT_IN_TIME = "notice: handshake"
"""How the post room says that an offer has lapsed, and not that a human ended it or that one side has gone."""


def offering(seat: AnySeat, to: str, task: str, timeout: float | None) -> Steps[Line]:
    """Offer a session and wait until it is accepted."""
    if timeout is not None:
        check_seconds("timeout", timeout)
    with seat.turn as desk:
        seconds = desk.config.limits.handshake_ms / 1000 if timeout is None else timeout
        line = Line(seat, desk.do(sessions.offer, Draft(to, task, reply_within=seconds)))
        seat.after_sending()
    yield from line.awaiting(seconds)
    return line


def accepted(seat: AnySeat, id: MessageRef) -> Line:
    """Accept an offered session."""
    with seat.turn as desk:
        return Line(seat, desk.do(sessions.begin, id))


def resumed(seat: AnySeat, id: MessageRef) -> Line:
    """Go on with a session: its messages come here only."""
    with seat.turn as desk:
        return Line(seat, desk.do(sessions.resume, id))


class Line:
    """One side of a session that goes on at this seat."""

    def __init__(self, seat: AnySeat, begun: Begun) -> None:
        view = begun.view
        self.id = view.id
        self.task = view.task
        self.peer = view.peer if view.opener == seat.desk.agent.name else view.opener
        self.seat = seat
        self.root = Seq(begun.root)
        self._in_hand: list[Handed] = []

    @property
    def state(self) -> SessionState:
        """Where the session stands now."""
        with self.seat.turn as desk:
            return desk.do(sessions.state, self.root)

    def receiving(self, timeout: float | None) -> Steps[list[Handed]]:
        """Confirm what is in hand and take the next message. Raises SessionClosed at the end, and again after it; SessionDeclined."""
        until = deadline("timeout", timeout)
        try:
            taken = yield from taking(self.seat, 1, AT_ONCE, confirm=self._in_hand, claim=self.root)
        except LeaseLost:
            self._in_hand = []  # told once
            raise
        self._in_hand = []
        if not taken:
            ended = self.state not in LIVE  # looked at after the mailbox and before the next look: what was said until then is there
            taken = yield from taking(self.seat, 1, AT_ONCE if ended else until, claim=self.root)
            if not taken and not ended:
                return []
        if taken and taken[0].message.kind in TALK:
            return taken
        self.seat.confirm(taken)
        if taken and taken[0].message.kind is Kind.SYN_ACK:  # of an offer that was made before a restart
            return (yield from self.receiving(timeout))
        if taken and taken[0].message.kind is Kind.SYN_NACK:
            raise SessionDeclined(peer=self.peer, session=self.id, reason=taken[0].message.body)
        raise self.over(taken[0].message if taken else None)

    def hold(self, taken: list[Handed], timeout: float | None) -> Handed:
        """Keep what was received until the next one is. Raises SessionTimeout if nothing was."""
        self._in_hand = taken
        if not taken:
            raise SessionTimeout(peer=self.peer, session=self.id, seconds=timeout)
        return taken[0]

    def over(self, last: Message | None) -> SessionClosed:
        """The error for a session that is over, with what the post room said of it."""
        why = f" {last.body}" if last is not None and last.kind is Kind.LAPSE else ""
        return SessionClosed(session=self.id, peer=self.peer, why=why)

    def let_go(self) -> None:
        """Let the session's messages come to whoever reads the mailbox."""
        self.seat.let_go(self.root)

    def awaiting(self, timeout: float) -> Steps[None]:
        """Wait for SYN-ACK. Raises SessionDeclined, SessionTimeout, SessionClosed; an offer that nobody waits for any more is withdrawn."""
        until, answer = monotonic() + timeout, None
        early: list[Handed] = []
        try:
            while answer is None and (taken := (yield from taking(self.seat, 1, until, claim=self.root))):
                if taken[0].message.kind in TALK:
                    early += taken
                else:
                    self.seat.confirm(taken)
                    answer = taken[0].message
        finally:
            self.seat.give_back(early)
            if answer is None:
                self.abandon()
        if answer is None:
            raise SessionTimeout(peer=self.peer, session=self.id, seconds=timeout)
        if answer.kind is Kind.SYN_NACK:
            self.let_go()
            raise SessionDeclined(peer=self.peer, session=self.id, reason=answer.body)
        if answer.kind is Kind.LAPSE:
            self.let_go()
            if answer.subject != NOT_IN_TIME:
                raise self.over(answer)
            raise SessionTimeout(peer=self.peer, session=self.id, seconds=timeout)

    def abandon(self) -> None:
        """Close without waiting; nothing, if the agent has left."""
        if self.seat.taken:
            self.seat.run(self.closing(0))

    def closing(self, timeout: float) -> Steps[bool]:
        """Say FIN if nobody has, wait for FIN-ACK, and give back what the other side still said."""
        until = deadline("timeout", timeout)
        self.seat.confirm(self._in_hand)
        self._in_hand = []
        try:
            with self.seat.turn as desk:
                desk.do(sessions.close, self.root)
        except NotYourTurn:
            until = until if self.state in LIVE else AT_ONCE
        passed: list[Handed] = []
        try:
            while True:
                moment = until if self.state in LIVE else AT_ONCE  # closed: only fetch what is already here
                taken = yield from taking(self.seat, 1, moment, claim=self.root)
                passed += [one for one in taken if one.message.kind in TALK]
                self.seat.confirm([one for one in taken if one.message.kind not in TALK])
                if not taken:
                    break
        finally:
            self.seat.give_back(passed)
            self.let_go()
        return self.state not in LIVE
