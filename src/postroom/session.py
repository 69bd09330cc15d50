"""One side of a session, as an object: open it, talk, close it. Its state is the store's, so it survives the process."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic
from types import TracebackType

from postroom.core.errors import LeaseLost, NotYourTurn, SessionClosed, SessionDeclined, SessionTimeout
from postroom.core.message import DraftOptions, Kind, Receipt
from postroom.core.session import LIVE, SessionState, SessionView
from postroom.core.types import TYPE_CHECKING, Self, Unpack
from postroom.delivery import Delivery
from postroom.waiting import taking

if TYPE_CHECKING:
    from postroom.agent import Agent
    from postroom.store.deliveries import Handed
    from postroom.waiting import Steps

CLOSE_S = 5.0
TALK = frozenset({Kind.DATA, Kind.MESSAGE, Kind.NOTICE})
"""What is said in a session, and about it. The other kinds begin or end it."""


class Session:
    """A session with one other agent. A context manager: it is closed at the end of the block."""

    def __init__(self, agent: Agent, view: SessionView, root: int) -> None:
        self.id = view.id
        self.task = view.task
        self.peer = view.peer if view.opener == agent.name else view.opener
        self._agent = agent
        self._root = root
        self._in_hand: list[Handed] = []

    def __repr__(self) -> str:
        return f"<Session {self.id} with {self.peer}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __iter__(self) -> Iterator[Delivery]:
        """What the other side says, until it closes."""
        while True:
            try:
                yield self.receive(timeout=None)
            except SessionClosed:
                return

    @property
    def state(self) -> SessionState:
        """Where the session stands now."""
        return self._agent.session_state(self._root)

    def send(self, body: str, **options: Unpack[DraftOptions]) -> Receipt:
        """Send DATA. Options as of `Agent.send`. Raises NotYourTurn when the session is not open."""
        return self._agent.say(str(self._root), body, **options)

    def receive(self, timeout: float | None = 60) -> Delivery:
        """The next message of the other side, or a notice; the one before it is confirmed. `timeout` is in seconds, None waits for ever.

        Raises SessionClosed when the session is over, SessionDeclined, and SessionTimeout.
        """
        return Delivery.of(self._agent, self.hold(self._agent.run(self.receiving(timeout)), timeout))

    def close(self, timeout: float = CLOSE_S) -> bool:
        """Say FIN, if nobody has yet, and wait up to `timeout` seconds (0: not at all) for FIN-ACK.

        What the other side still said comes to the inbox. Returns whether the session is closed on both sides.
        """
        return self._agent.run(self.closing(timeout))

    # What the blocking and the async session are made of

    def receiving(self, timeout: float | None) -> Steps[list[Handed]]:
        """Confirm what is in hand and take the next message. Raises SessionClosed at the end, and again after it; SessionDeclined."""
        try:
            taken = yield from taking(self._agent, 1, 0, confirm=self._in_hand, claim=self._root)
        except LeaseLost:
            self._in_hand = []  # told once
            raise
        self._in_hand = []
        if not taken:
            ended = self.state not in LIVE  # looked at after the mailbox and before the next look: what was said until then is there
            taken = yield from taking(self._agent, 1, 0 if ended else timeout, claim=self._root)
            if not taken and not ended:
                return []
        if taken and taken[0].message.kind in TALK:
            return taken
        self._agent.confirm_handed(taken)
        if taken and taken[0].message.kind is Kind.SYN_ACK:  # of an offer that was made before a restart
            return (yield from self.receiving(timeout))
        if taken and taken[0].message.kind is Kind.SYN_NACK:
            raise SessionDeclined(peer=self.peer, session=self.id, reason=taken[0].message.body)
        raise SessionClosed(session=self.id, peer=self.peer)

    def hold(self, taken: list[Handed], timeout: float | None) -> Handed:
        """Keep what was received until the next one is. Raises SessionTimeout if nothing was."""
        self._in_hand = taken
        if not taken:
            raise SessionTimeout(peer=self.peer, session=self.id, seconds=timeout)
        return taken[0]

    def give_back(self, taken: list[Handed]) -> None:
        """Give back what nobody received."""
        self._agent.give_back_handed(taken)

    def let_go(self) -> None:
        """Let the session's messages come to whoever reads the mailbox."""
        self._agent.let_go(self._root)

    def awaiting(self, timeout: float) -> Steps[None]:
        """Wait for SYN-ACK. Raises SessionDeclined or SessionTimeout; an offer that nobody waits for any more is withdrawn."""
        until, answer = monotonic() + timeout, None
        early: list[Handed] = []
        try:
            while answer is None and (taken := (yield from taking(self._agent, 1, until - monotonic(), claim=self._root))):
                if taken[0].message.kind in TALK:
                    early += taken
                else:
                    self._agent.confirm_handed(taken)
                    answer = taken[0].message
        finally:
            self._agent.give_back_handed(early)
            if answer is None:
                self.abandon()
        if answer is None:
            raise SessionTimeout(peer=self.peer, session=self.id, seconds=timeout)
        if answer.kind is Kind.SYN_NACK:
            self.let_go()
            raise SessionDeclined(peer=self.peer, session=self.id, reason=answer.body)
        if answer.kind is Kind.LAPSE:
            self.let_go()
            raise SessionTimeout(peer=self.peer, session=self.id, seconds=timeout)

    def abandon(self) -> None:
        """Close without waiting; nothing, if the agent has left."""
        if self._agent.open:
            self._agent.run(self.closing(0))

    def closing(self, timeout: float) -> Steps[bool]:
        """Say FIN if nobody has, wait for FIN-ACK, and give back what the other side still said."""
        self._agent.confirm_handed(self._in_hand)
        self._in_hand = []
        try:
            self._agent.say_fin(str(self._root))
        except NotYourTurn:
            timeout = 0.0 if self.state not in LIVE else timeout
        until = monotonic() + timeout
        passed: list[Handed] = []
        try:
            while True:
                left = until - monotonic() if self.state in LIVE else 0.0  # closed: only fetch what is already here
                taken = yield from taking(self._agent, 1, left, claim=self._root)
                passed += [one for one in taken if one.message.kind in TALK]
                self._agent.confirm_handed([one for one in taken if one.message.kind not in TALK])
                if not taken:
                    break
        finally:
            self._agent.give_back_handed(passed)
            self.let_go()
        return self.state not in LIVE
