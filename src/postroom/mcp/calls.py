"""One call of a tool: what it was called with, to whom its answer goes, and that it can be cancelled until it is answered."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from postroom.core.types import TYPE_CHECKING, NamedTuple
from postroom.mcp.jsonrpc import Id, Object, written

if TYPE_CHECKING:
    from postroom.mcp.pipe import Pipe
    from postroom.store.deliveries import Handed


class Answer(NamedTuple):
    """An answer. `before` is told when (ns) it is about to be written, `failed` that nobody listens any more."""

    response: Object
    before: Callable[[int], None]
    failed: Callable[[], None]


class Answering:
    """Writes the answer to one request on a line of its own."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def answer(self, answer: Answer) -> None:
        """Write it."""
        write(self._pipe, answer.response, [answer])

    def skip(self) -> None:
        """It was cancelled: nothing is written."""


class Gathering(Answering):
    """Writes the answers to a batch, together, when all are there."""

    def __init__(self, pipe: Pipe, expected: int) -> None:
        super().__init__(pipe)
        self._expected = expected
        self._lock = Lock()
        self._answers: list[Answer] = []

    def answer(self, answer: Answer) -> None:
        """Keep it, or write all of them."""
        with self._lock:
            self._answers.append(answer)
        self._write()

    def skip(self) -> None:
        """Wait for one answer less."""
        with self._lock:
            self._expected -= 1
        self._write()

    def _write(self) -> None:
        with self._lock:
            if len(self._answers) < self._expected or not self._answers:
                return
            answers, self._answers = self._answers, []
        write(self._pipe, [one.response for one in answers], answers)


def write(pipe: Pipe, value: Object | list[Object], answers: list[Answer]) -> None:
    """Write a value in which there are some answers."""

    def before(now_ns: int) -> None:
        for one in answers:
            one.before(now_ns)

    try:
        pipe.write(written(value), before)
    except OSError:
        for one in answers:
            one.failed()


class Asked(NamedTuple):
    """What a call asks for, and when it came (ns)."""

    id: Id
    tool: str
    arguments: Object
    came_ns: int
    is_modern: bool


class Call:
    """A call that is under way."""

    def __init__(self, asked: Asked, answering: Answering) -> None:
        self.asked = asked
        self.answering = answering
        self.cancelled = self._done = False
        self._lock = Lock()

    def cancel(self) -> bool:
        """Let nobody answer it any more. False if it was answered already."""
        with self._lock:
            if not self._done:
                self.cancelled = True
        if self.cancelled:
            self.answering.skip()
        return self.cancelled

    def finish(self) -> bool:
        """Be the one who answers it. False if it was cancelled."""
        with self._lock:
            self._done = not self.cancelled
        return self._done


class HandedOver(NamedTuple):
    """What an answer handed over, and when (ns): whoever calls after that has read it.

    `seen` is the position after the last event that it told of, or 0.
    """

    call: Id
    handed: list[Handed]
    seen: int
    at_ns: int
