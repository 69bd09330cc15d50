"""The calls of one agent: what they do at once is done in the order in which they came; what waits then waits in a thread of its own."""

from __future__ import annotations

from queue import SimpleQueue
from threading import BoundedSemaphore, Thread
from time import monotonic

from postroom.core.errors import Bug, Closed, PostroomError
from postroom.core.types import TYPE_CHECKING
from postroom.mcp.advice import advice
from postroom.mcp.arguments import Arguments
from postroom.mcp.calls import Answer, HandedOver
from postroom.mcp.digest import Digest, digest
from postroom.mcp.protocol import tool_result
from postroom.mcp.reply import Reply, Tool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from postroom.mcp.calls import Call
    from postroom.mcp.guest import Guest
    from postroom.mcp.jsonrpc import Id
    from postroom.waiting import Steps

WAITING_MAX = 32
NOTHING = Digest("", [], 0)
TOO_MANY = f"{WAITING_MAX} calls wait already; let one of them end, or call without wait"


class Worker:
    """Does the calls of one agent. `answered` is told of each call that has come to its end."""

    def __init__(self, guest: Guest, tools: Mapping[str, Tool], answered: Callable[[Id], None]) -> None:
        self.guest = guest
        self._tools = tools
        self._answered = answered
        self._tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._waiting = BoundedSemaphore(WAITING_MAX)
        self._closing = False
        self._threads: list[Thread] = []
        self._thread = Thread(target=self._work, name="postroom-calls", daemon=True)
        self._thread.start()

    def do(self, call: Call) -> None:
        """Do a call, after those that came before it."""
        self._tasks.put(lambda: self._begin(call))

    def come_in(self) -> None:
        """Let the agent come in without a call."""
        self._tasks.put(self._come_in)

    def end(self) -> None:
        """Take nothing more. What came before is still begun, and what waits is answered."""
        self._closing = True
        self._tasks.put(None)
        self.guest.stir()

    def close(self, until: float) -> None:
        """Leave when all is answered, at the latest at a moment. Only when everything was begun is it known which threads wait."""
        self.end()
        self._thread.join(max(until - monotonic(), 0))
        self.guest.stir()  # those whose agent has come in since
        for thread in self._threads:
            thread.join(max(until - monotonic(), 0))
        self.guest.leave()

    # In the thread of the worker

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()

    def _come_in(self) -> None:
        try:
            _ = self.guest.agent
        except PostroomError:
            return  # whoever calls is told

    def _begin(self, call: Call) -> None:
        """Do what is done at once."""
        if call.cancelled:
            return
        tool, guest = self._tools[call.asked.tool], self.guest
        try:
            given = Arguments(call.asked.arguments, (*tool.properties, *tool.more))
            rings = guest.seat.bell.rings
            if not tool.speaks:
                guest.settle(call.asked.came_ns)
            begun = tool.run(guest, given)
            if isinstance(begun, Reply):
                self._finish(call, begun)
                return
            seconds = next(begun)
        except StopIteration as end:
            self._finish(call, end.value)
        except Exception as error:  # noqa: BLE001  # a call that fails is answered
            self._fail(call, error)
        else:
            guest.settle(call.asked.came_ns)
            self._wait_apart(call, begun, rings, seconds)

    def _wait_apart(self, call: Call, steps: Steps[Reply], rings: int, seconds: float) -> None:
        """Go on in a thread, unless there are too many."""
        if not self._waiting.acquire(blocking=False):
            steps.close()
            self._answer(call, f"not waited: {TOO_MANY}", is_error=True)
            return
        thread = Thread(target=self._wait, args=(call, steps, rings, seconds), name="postroom-wait", daemon=True)
        self._threads = [*(one for one in self._threads if one.is_alive()), thread]
        thread.start()

    # In a thread that waits

    def _wait(self, call: Call, steps: Steps[Reply], rings: int, seconds: float) -> None:
        bell = self.guest.seat.bell
        try:
            while True:
                rang = bell.wait(rings, seconds)
                if call.cancelled or self._closing:
                    steps.close()
                    self._answer(call, "ended before anything came", is_error=True)
                    return
                rings = bell.rings
                seconds = steps.send(rang)
        except StopIteration as end:
            self._finish(call, end.value)
        except Exception as error:  # noqa: BLE001  # a call that fails is answered
            self._fail(call, error)
        finally:
            self._waiting.release()

    # Answering

    def _fail(self, call: Call, error: Exception) -> None:
        if isinstance(error, Closed) or call.cancelled:
            self._answer(call, "the post room is closed", is_error=True)
            return
        self._finish(call, Reply(advice(failure(error), self._tools[call.asked.tool].style.calls)), is_error=True)

    def _finish(self, call: Call, reply: Reply, *, is_error: bool = False) -> None:
        """Answer with the outcome and with what is new. What the caller had in hand before is read now."""
        guest, tool = self.guest, self._tools[call.asked.tool]
        try:
            guest.settle(call.asked.came_ns)
            new = digest(guest, reply.taken, tool.style)
        except Exception as error:  # noqa: BLE001  # what was done was done, and is told
            self._answer(
                call, f"{reply.text}\n(new messages cannot be read: {advice(failure(error), tool.style.calls)})".strip(), is_error=is_error
            )
            return
        self._hand_over(call, "\n\n".join(filter(None, [reply.text, new.text])), new, is_error=is_error)

    def _hand_over(self, call: Call, text: str, new: Digest, *, is_error: bool) -> None:
        guest, id = self.guest, call.asked.id
        if not call.finish():
            guest.put_back(new.handed)
            return
        self._answered(id)
        call.answering.answer(
            Answer(
                tool_result(call.asked, text, is_error=is_error),
                lambda now_ns: guest.hand_over(HandedOver(id, new.handed, new.seen, now_ns)),
                lambda: guest.take_back(id),
            )
        )

    def _answer(self, call: Call, text: str, *, is_error: bool) -> None:
        self._hand_over(call, text, NOTHING, is_error=is_error)


def failure(error: Exception) -> PostroomError:
    """An error of ours; any other is a bug."""
    return error if isinstance(error, PostroomError) else Bug(what=f"{type(error).__name__}: {error}")
