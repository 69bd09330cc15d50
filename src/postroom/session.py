"""One side of a session, as an object: open it, talk, close it. Its state is the store's, so it survives the process."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType

from postroom.core.errors import SessionClosed
from postroom.core.message import DraftOptions, Receipt, composed
from postroom.core.session import SessionState
from postroom.core.types import TYPE_CHECKING, Self, Unpack
from postroom.delivery import Delivery

if TYPE_CHECKING:
    from postroom.agent import Agent
    from postroom.line import Line

CLOSE_S = 5.0


class Session:
    """A session with one other agent. A context manager: it is closed at the end of the block."""

    def __init__(self, agent: Agent, line: Line) -> None:
        self.id = line.id
        self.task = line.task
        self.peer = line.peer
        self._agent = agent
        self._line = line

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
        return self._line.state

    def send(self, body: str, **options: Unpack[DraftOptions]) -> Receipt:
        """Send DATA. Options as of `Agent.send`. Raises NotYourTurn when the session is not open."""
        return self._line.seat.say(self._line.root, composed("", body, options))

    def receive(self, timeout: float | None = 60) -> Delivery:
        """The next message of the other side, or a notice; the one before it is confirmed. `timeout` is in seconds, None waits for ever.

        Raises SessionClosed when the session is over, SessionDeclined, and SessionTimeout.
        """
        taken = self._line.seat.run(self._line.receiving(timeout))
        return Delivery.of(self._agent, self._line.hold(taken, timeout))

    def close(self, timeout: float = CLOSE_S) -> bool:
        """Say FIN, if nobody has yet, and wait up to `timeout` seconds (0: not at all) for FIN-ACK.

        What the other side still said comes to the inbox. Returns whether the session is closed on both sides.
        """
        return self._line.seat.run(self._line.closing(timeout))
