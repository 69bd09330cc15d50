"""One side of a session, as an object: open it, talk, close it. Its state is the store's, so it survives the process."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic
from types import TracebackType

from postroom.core.errors import NotYourTurn, SessionClosed, SessionDeclined, SessionTimeout
from postroom.core.message import DraftOptions, Kind, Receipt
from postroom.core.session import LIVE, SessionState, SessionView
from postroom.core.types import TYPE_CHECKING, Self, Unpack
from postroom.delivery import Delivery

if TYPE_CHECKING:
    from postroom.agent import Agent
    from postroom.store.deliveries import Handed

CLOSE_S = 5.0


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
        return f"<Session {self.id} with {self.peer}: {self.state}>"

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
        return self._agent.session_view(self.id).state

    def send(self, body: str, **options: Unpack[DraftOptions]) -> Receipt:
        """Send DATA. Options as of `Agent.send`. Raises NotYourTurn when the session is not open."""
        return self._agent.say(self.id, body, **options)

    def receive(self, timeout: float | None = 60) -> Delivery:
        """The next message of the other side; the one before it is confirmed. `timeout` is in seconds, None waits for ever.

        Raises SessionClosed when the other side has closed, and SessionTimeout.
        """
        handed = self._next(timeout)
        if handed.message.kind is Kind.DATA:
            return Delivery.of(self._agent, handed)
        self._settle()
        raise SessionClosed(session=self.id, peer=self.peer)

    def close(self, timeout: float = CLOSE_S) -> bool:
        """Say FIN, if nobody has yet, and wait up to `timeout` seconds (0: not at all) for FIN-ACK.

        What the other side still said comes to the inbox. Returns whether the session is closed on both sides.
        """
        self._settle()
        try:
            self._agent.say_fin(self.id)
        except NotYourTurn:
            timeout = 0.0 if self.state not in LIVE else timeout
        until = monotonic() + timeout
        passed: list[Handed] = []
        try:
            while True:
                left = until - monotonic() if self.state in LIVE else 0.0  # closed: only fetch what is already here
                taken = self._agent.take_handed(1, left, claim=self._root)
                passed += [one for one in taken if one.message.kind is Kind.DATA]
                self._agent.confirm_handed([one for one in taken if one.message.kind is not Kind.DATA])
                if not taken:
                    break
        finally:
            self._agent.give_back_handed(passed)
            self._agent.let_go(self._root)
        return self.state not in LIVE

    def await_acceptance(self, timeout: float) -> None:
        """Wait for SYN-ACK. Raises SessionDeclined or SessionTimeout; an offer that was not answered in time is withdrawn."""
        try:
            answer = self._next(timeout).message
            self._settle()
        except SessionTimeout:
            self.close(timeout=0)
            raise
        if answer.kind is Kind.SYN_NACK:
            self._agent.let_go(self._root)
            raise SessionDeclined(peer=self.peer, session=self.id, reason=answer.body)
        if answer.kind is Kind.LAPSE:
            self._agent.let_go(self._root)
            raise SessionTimeout(peer=self.peer, session=self.id, seconds=timeout)

    def _next(self, timeout: float | None) -> Handed:
        """The next message of the thread that means something to this side: DATA, or an end, or the answer to an offer."""
        confirm, self._in_hand = self._in_hand, []
        taken = self._agent.take_handed(1, timeout, confirm=confirm, claim=self._root)
        if not taken:
            raise SessionTimeout(peer=self.peer, session=self.id, seconds=timeout)
        self._in_hand = taken
        return taken[0]

    def _settle(self) -> None:
        settled, self._in_hand = self._in_hand, []
        self._agent.confirm_handed(settled)
