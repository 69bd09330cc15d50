"""Where an agent does its verbs: at a desk and a seat here, or at those of a node elsewhere, see remote/. What can be asked of both.

A verb that is done at once is a function of the exchange. Whoever has it done by `desk.do` need not know where that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from postroom.core.types import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Concatenate, ParamSpec, TypeVar

    from postroom.config import Config
    from postroom.core.message import Draft, MessageRef, Receipt
    from postroom.exchange.desk import Desk
    from postroom.store.agents import AgentRow
    from postroom.store.deliveries import Handed
    from postroom.store.events import Told
    from postroom.waiting import Steps

    Given = ParamSpec("Given")
    Result = TypeVar("Result")


class AnyDesk(Protocol):
    """Where one agent does what is done at once."""

    @property
    def agent(self) -> AgentRow:
        """Who it is."""

    @property
    def config(self) -> Config:
        """What is configured where it is."""

    @property
    def is_new(self) -> bool:
        """Whether its name was registered when this desk was opened."""

    @property
    def open(self) -> bool:
        """Whether it can be used still."""

    @property
    def home(self) -> str:
        """The directory of the post room, or where the node is that has it."""

    def do(self, verb: Callable[Concatenate[Desk, Given], Result], *given: Given.args, **options: Given.kwargs) -> Result:
        """Have a verb of the exchange done."""

    def now_ms(self) -> int:
        """The time, in ms since 1970."""

    def close(self) -> None:
        """Leave it."""


class AnyBell(Protocol):
    """What wakes those who wait at a seat; see doorbell.py."""

    @property
    def path(self) -> str | None:
        """Where it can be rung, if it hangs here."""

    @property
    def rings(self) -> int:
        """How often it rang."""

    def descriptor(self) -> int:
        """A descriptor that is readable when it rings, to be closed by who asked for it; -1 where there is none."""

    def wait(self, rings: int, timeout_s: float) -> bool:
        """Wait until it has rung more than `rings` times."""

    def answer(self) -> None:
        """Take the ring that made the descriptor readable."""

    def close(self) -> None:
        """Take it down."""


class AnySeat(Protocol):
    """Where an agent takes part; see seat.py."""

    @property
    def desk(self) -> AnyDesk:
        """The desk that its threads use in turn."""

    @property
    def turn(self) -> AbstractContextManager[AnyDesk]:
        """The turn of one thread at the desk."""

    @property
    def bell(self) -> AnyBell:
        """What wakes those who wait."""

    @property
    def taken(self) -> bool:
        """Whether the agent takes part still."""

    def __enter__(self) -> Self:
        """Leave at the end of the block."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def leave(self) -> None:
        """Stop taking part."""

    def run(self, steps: Steps[Result]) -> Result:
        """Go through something that takes time, in this thread."""

    def take(self, limit: int, *, confirm: Sequence[Handed] = (), claim: int | None = None) -> list[Handed]:
        """Confirm, and take what is there."""

    def look(self) -> bool:
        """No bell rang for a while: whether something waits all the same."""

    def confirm(self, handed: Sequence[Handed]) -> None:
        """Confirm messages as they were handed over."""

    def give_back(self, handed: Sequence[Handed]) -> None:
        """Put messages back."""

    def put_back(self, handed: Sequence[Handed]) -> None:
        """Put messages back that nobody can have seen."""

    def let_go(self, seq: int) -> None:
        """Give up the claim to a thread or to answers."""

    def follow(self, id: MessageRef) -> None:
        """Ask to be woken at each change of state of a message."""

    def status(self, id: MessageRef) -> Receipt:
        """What became of a message."""

    def news(self) -> list[Told]:
        """The next events that the agent has not seen."""

    def seen(self, told: Told) -> None:
        """Note that the agent has seen an event."""

    def listen(self, *, on: bool) -> None:
        """Let events ring the bell, or not any more."""

    def send(self, drafts: Sequence[Draft]) -> list[Receipt]:
        """Send messages, all or none."""

    def ask(self, draft: Draft) -> tuple[Receipt, int]:
        """Send a question, and claim its answers."""

    def say(self, session_id: MessageRef, draft: Draft) -> Receipt:
        """Send DATA in a session."""

    def after_sending(self) -> None:
        """Do what follows from a message that was sent."""
