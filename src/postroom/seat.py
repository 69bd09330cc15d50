"""An agent's seat: its attached process, with desk, bell and warden. `Agent` and `AsyncAgent` are what users see of it.

What a verb does at once is one call into the exchange, made in turn; what takes time is in waiting.py and line.py.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from types import TracebackType

from postroom.config import identity
from postroom.core.errors import Closed, PostroomError
from postroom.core.message import Draft, MessageRef, Receipt, path_text
from postroom.core.types import TYPE_CHECKING, Self
from postroom.doorbell import Doorbell, Polling
from postroom.exchange import asking, events, presence, reading, sending, sessions, tracing
from postroom.exchange.desk import Desk, Options, open_desk
from postroom.paths import default_home
from postroom.store.deliveries import Handed
from postroom.store.events import Told
from postroom.turn import Turn
from postroom.warden import ROUND_MS, Warden

if TYPE_CHECKING:
    from postroom.waiting import Result, Steps


def take_seat(name: str | None, home: str | os.PathLike[str] | None, durability: str | None) -> Seat:
    """A seat for the agent `name` in the post room in `home`. See `connect`."""
    directory = path_text("home", default_home() if home is None else home)
    return Seat(open_desk(identity(name), directory, interface="sdk", options=Options(durability=durability)))


class Seat:
    """Where an agent takes part: the desk that its threads use in turn, the bell that wakes it, and the warden's chores."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.turn = Turn(desk)
        self._tended = monotonic()
        try:
            self.warden = Warden(desk)
            try:
                self.warden.catch_up()
                self.bell: Doorbell | Polling = presence.attach(desk)
            except BaseException:
                self.warden.close()
                raise
        except BaseException:
            desk.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.leave()

    @property
    def taken(self) -> bool:
        """Whether the agent takes part still."""
        return self.desk.open

    def leave(self) -> None:
        """Stop taking part. What is in hand goes back into the mailbox. In a forked child: leave it to the parent."""
        if os.getpid() != self.turn.pid:
            self._put_away()
            return
        with self.turn as desk:
            try:
                if desk.open:
                    presence.detach(desk)
                    self._leave_tidy()
            finally:
                self._put_away()

    def _leave_tidy(self) -> None:
        """A chore that fails must not deny what was done: it is left to the next one."""
        with suppress(PostroomError):
            self.warden.leave()

    def _put_away(self) -> None:
        if self.desk.open:
            self.desk.close()
            self.bell.close()
            self.warden.close()

    def run(self, steps: Steps[Result]) -> Result:
        """Go through something that takes time, in this thread."""
        rang = None
        try:
            while True:
                rings = self.bell.rings
                seconds = steps.send(rang)
                rang = self.bell.wait(rings, seconds)
        except StopIteration as end:
            result: Result = end.value
            return result
        finally:
            steps.close()

    # Reading

    def take(self, limit: int, *, confirm: Sequence[Handed] = (), claim: int | None = None) -> list[Handed]:
        """Confirm, and take what is there, in one transaction."""
        with self.turn as desk:
            self._tend()
            return reading.take(desk, limit=limit, confirm=confirm, claim=claim)

    def look(self) -> bool:
        """No bell rang for a while: see whether it still hangs, and whether something waits all the same."""
        with self.turn as desk:
            attached = presence.is_attached(desk)
            if presence.restore(desk, self.bell) or not attached:
                presence.reattach(desk, self.bell)
            self._tend()
            return reading.anything_urgent(desk)

    def confirm(self, handed: Sequence[Handed]) -> None:
        """Confirm messages as the exchange handed them over."""
        if handed:
            with self.turn as desk:
                reading.confirm(desk, handed)

    def give_back(self, handed: Sequence[Handed]) -> None:
        """Put messages back. Leaving has done so already."""
        if handed and self.desk.open:
            with self.turn as desk:
                reading.give_back(desk, handed)

    def put_back(self, handed: Sequence[Handed]) -> None:
        """Put messages back that nobody can have seen: they come as new. Leaving has done so already."""
        if handed and self.desk.open:
            from postroom.exchange import handover

            with self.turn as desk:
                handover.put_back(desk, handed)

    def let_go(self, seq: int) -> None:
        """Give up the claim to a thread or to answers. Leaving has done so already."""
        if self.desk.open:
            with self.turn as desk:
                asking.let_go(desk, seq)

    def follow(self, id: MessageRef) -> None:
        """Ask to be woken at each change of state of a message."""
        with self.turn as desk:
            tracing.follow(desk, id)

    def status(self, id: MessageRef) -> Receipt:
        """What became of a message."""
        with self.turn as desk:
            return tracing.status(desk, id)

    # Events

    def news(self) -> list[Told]:
        """The next events that the agent has not seen."""
        with self.turn as desk:
            return events.news(desk)

    def seen(self, told: Told) -> None:
        """Note that the agent has seen an event, and those before it."""
        with self.turn as desk:
            events.seen(desk, told.position)

    def listen(self, *, on: bool) -> None:
        """Let events ring the bell, or not any more. Leaving has let go of it already."""
        if self.desk.open:
            with self.turn as desk:
                events.listen(desk, on=on)

    # Sending

    def send(self, drafts: Sequence[Draft]) -> list[Receipt]:
        """Send messages in one transaction."""
        with self.turn as desk:
            self.warden.checkpoint_if_large(times=4)
            receipts = sending.send(desk, drafts)
            self.after_sending()
        return receipts

    def ask(self, draft: Draft) -> tuple[Receipt, int]:
        """Send a question, and claim its answers: those to the seq that is returned."""
        with self.turn as desk:
            asked = asking.ask(desk, draft)
            self.after_sending()
        return asked

    def say(self, session_id: MessageRef, draft: Draft) -> Receipt:
        """Send DATA in a session."""
        with self.turn as desk:
            receipt = sessions.say(desk, session_id, draft)
            self.after_sending()
        return receipt

    def after_sending(self) -> None:
        """Take off processes that were found dead. A chore that fails must not deny that a message was sent: it is done another time."""
        if gone := self.desk.take_gone():
            try:
                presence.bury(self.desk, gone)
            except PostroomError:
                self.desk.gone += gone

    def _tend(self) -> None:
        if not self.desk.open:
            raise Closed
        self.warden.checkpoint_if_large()
        if (monotonic() - self._tended) * 1000 >= ROUND_MS:
            self._tended = monotonic()
            self.warden.tend()
