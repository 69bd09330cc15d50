"""A seat at a node: what `Agent`, `AsyncAgent` and the others know as a seat, while its desk, mailbox and bell are elsewhere.

A node that is started anew has forgotten it. Then another one is taken, what was claimed is claimed again, what was confirmed is told.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from secrets import token_urlsafe
from threading import Condition, Thread
from types import TracebackType

from postroom.core.errors import Closed, PostroomError
from postroom.core.message import Draft, MessageRef, Receipt, checked
from postroom.core.refusals import NotYourName, SeatGone, Unreachable
from postroom.core.types import TYPE_CHECKING, Self
from postroom.exchange import sending, sessions, tracing
from postroom.remote import files, values
from postroom.remote.bell import RemoteBell
from postroom.remote.caller import Ask
from postroom.remote.desk import RemoteDesk
from postroom.remote.hands import Hands
from postroom.remote.news import News
from postroom.store.deliveries import Handed
from postroom.store.events import Told
from postroom.turn import Turn

if TYPE_CHECKING:
    from postroom.waiting import Result, Steps

BELL_S = 25.0
"""So long one question for rings waits: less than most proxies allow."""
JOIN_S = 5.0
"""So long a thread is waited for that may be trying to connect just then."""
RETRY_S, RETRY_S_MAX = 0.05, 2.0
"""When to try again where nobody answers: soon, as a node is started anew within a second; later not so often."""


class RemoteSeat:
    """Where an agent takes part in a post room elsewhere."""

    def __init__(self, desk: RemoteDesk) -> None:
        self.desk = desk
        self.turn = Turn(desk)
        self.bell = RemoteBell()
        self._hands = Hands(desk)
        self._news = News(desk)
        self._listening = False
        self._heard = 0
        self._down = False
        self._ended = Condition()
        self._aside = desk.caller.aside()
        try:
            self._come_in(desk.caller.name)
        except BaseException:
            self._put_away()
            raise
        desk.again, desk.on_kept = self._sit_again, self._try_soon
        self._thread = Thread(target=self._hear, name="postroom-bell", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.leave()

    # Coming and going

    @property
    def taken(self) -> bool:
        """Whether the agent takes part still."""
        return self.desk.open

    @property
    def is_away(self) -> bool:
        """Whether the node could not be reached just now."""
        return self._down

    def _come_in(self, name: str | None) -> None:
        """Take the first seat. An agent that has been at this node before may come in while it is away. Raises NotYourName."""
        try:
            self._sit()
            self._clear_up()
            self._settle()
            self.desk.postbag.carry(self.desk)
        except Unreachable:
            if not self.desk.postbag.is_known(name):
                raise
            self._down = True
            name = None
        if name is not None and name != self.desk.agent.name:
            raise NotYourName(name=self.desk.agent.name, act="take part", other=name)

    def _sit(self) -> None:
        """Take a seat."""
        caller = self.desk.caller
        caller.sit(token_urlsafe(24))
        found = values.entry(caller.ask(Ask("seat-open", {})))
        self.desk.is_new = self.desk.is_new or bool(found["is_new"])
        self.desk.know(str(found["name"]), str(found["kind"]), found["limits"])
        self.desk.postbag.sit(str(caller.seat))

    def _sit_again(self) -> None:
        """Take another seat, and be there what one was at the last."""
        self._sit()
        for number, claim in self.desk.claims.items():
            self.desk.claims[number] = claim._replace(handle="")
        for number in list(self.desk.claims):
            self.desk.claim(number)
        if self._listening:
            self.desk.caller.ask(Ask("listen", {"on": True}))
        self._settle()

    def _clear_up(self) -> None:
        """Leave the seats of processes of this agent that were killed: what they had in hand is in the mailbox again."""
        for seat in self.desk.postbag.empty_seats():
            other = self.desk.caller.aside()
            other.seat = seat
            with suppress(PostroomError):
                other.ask(Ask("seat-close", {}), numbered=False)
            other.close()

    def _settle(self) -> None:
        """Tell the node which messages were read while it was away."""
        refs = self.desk.postbag.confirmed()
        if refs:
            found = values.entry(self.desk.caller.ask(Ask("settle", {"messages": refs})))
            self.desk.postbag.forget(map(str, values.rows(found["settled"])))

    def leave(self) -> None:
        """Stop taking part. What is in hand goes back into the mailbox. In a forked child: leave it to the parent."""
        if os.getpid() != self.turn.pid:
            return
        with self.turn as desk:
            if not desk.open:
                return
            try:
                desk.caller.ask(Ask("seat-close", {}))
                desk.postbag.put_down()
                desk.postbag.leave(desk.caller.seat)
            except PostroomError:
                pass  # it notices within a minute that nobody comes any more
            finally:
                self._put_away()
        self._thread.join(JOIN_S)

    def _put_away(self) -> None:
        with self._ended:
            self.desk.close()
            self._ended.notify_all()
        self._aside.cut()
        self.bell.close()

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

    # The bell

    def _hear(self) -> None:
        """Listen to the bell there, and ring the one here. In a thread of its own."""
        pause_s = RETRY_S
        while self.desk.open:
            try:
                self._listen()
                pause_s = RETRY_S
            except PostroomError:
                self._down = True
                with self._ended:
                    self._ended.wait_for(lambda: not self.desk.open, pause_s)
                pause_s = min(2 * pause_s, RETRY_S_MAX)
        self._aside.close()

    def _listen(self) -> None:
        """Ask once whether it rang. If the node was away, hand in what waits."""
        try:
            if self._ask_bell():
                self.bell.ring()
        except SeatGone:
            self._down = True
            with self.turn as desk:
                if desk.open and desk.caller.seat == self._aside.seat:
                    self._sit_again()
            self._heard = 0
        if self._down or not self.desk.postbag.is_empty:
            with self.turn as desk:
                if desk.open:
                    desk.postbag.carry(desk)
            self._down = False
            self.bell.ring()

    def _ask_bell(self) -> bool:
        self._aside.seat, self._aside.name = self.desk.caller.seat, self.desk.caller.name
        wait_s = 0.0 if self._down else BELL_S
        found = values.entry(self._aside.ask(Ask("bell", {"rings": self._heard, "wait": wait_s}, waits_s=wait_s), numbered=False))
        heard, self._heard = self._heard, int(str(found["rings"]))
        return self._heard != heard or bool(found["look"])

    def _try_soon(self) -> None:
        """Something waits to be handed in: see soon whether the node is back."""
        self._down = True
        self._aside.cut()

    # Reading

    def take(self, limit: int, *, confirm: Sequence[Handed] = (), claim: int | None = None) -> list[Handed]:
        """Confirm, and take what is there. While the node is away that is what it had handed over before."""
        with self.turn:
            self._check_open()
            return self._hands.take(limit, confirm=confirm, claim=claim)

    def look(self) -> bool:
        """The bell tells of everything."""
        return False

    def confirm(self, handed: Sequence[Handed]) -> None:
        """Confirm messages. While the node is away that is kept, and told when it is back."""
        if handed:
            with self.turn:
                self._check_open()
                self._hands.confirm(handed)

    def give_back(self, handed: Sequence[Handed]) -> None:
        """Put messages back. Leaving has done so already."""
        if handed and self.desk.open:
            with self.turn:
                self._hands.give_back(handed)
            self.bell.ring()

    def put_back(self, handed: Sequence[Handed]) -> None:
        """Put messages back that nobody can have seen. They come marked: the node cannot know that."""
        self.give_back(handed)

    def let_go(self, seq: int) -> None:
        """Give up the claim to a thread or to answers. Leaving has done so already."""
        if not self.desk.open:
            return
        with self.turn as desk:
            handle = desk.let_go(seq)
            if handle:
                try:
                    desk.caller.ask(Ask("let-go", {"claim": handle}))
                except (Unreachable, SeatGone):
                    return  # it went with the seat

    def follow(self, id: MessageRef) -> None:
        """Ask to be woken at each change of state of a message."""
        with self.turn as desk:
            if desk.postbag.receipt(id) is None:
                desk.do(tracing.follow, id)

    def status(self, id: MessageRef) -> Receipt:
        """What became of a message."""
        with self.turn as desk:
            return desk.do(tracing.status, id)

    # Events

    def news(self) -> list[Told]:
        """The next events that the agent has not seen; none while the node is away."""
        with self.turn:
            self._check_open()
            return self._news.ask()

    def seen(self, told: Told) -> None:
        """Note that the agent has seen an event. If the node forgot our seat meanwhile, the event comes again."""
        with self.turn:
            self._news.seen(told)

    def listen(self, *, on: bool) -> None:
        """Let events ring the bell, or not any more."""
        if not self.desk.open:
            return
        with self.turn as desk:
            self._listening = on
            try:
                desk.caller.ask(Ask("listen", {"on": on}))
            except (Unreachable, SeatGone):
                return  # done when there is a seat again

    # Sending

    def send(self, drafts: Sequence[Draft]) -> list[Receipt]:
        """Send messages, all or none."""
        with self.turn as desk:
            return desk.do(sending.send, drafts)

    def ask(self, draft: Draft) -> tuple[Receipt, int]:
        """Send a question, and claim its answers."""
        with self.turn as desk:
            self._check_open()
            limits = desk.config.limits
            letter = desk.postbag.letter(checked(draft, limits, now_ms=desk.now_ms()).draft, limits)
            handle = ""
            try:
                found = values.entry(desk.call(Ask("send", files.sent(desk.caller, letter) | {"claim": True})))
            except Unreachable:  # it goes when the node is back, and is claimed then
                (receipt,) = desk.write([letter])
            else:
                receipt, handle = values.receipt(found), str(found["claim"])
            return receipt, desk.claimed(f"{desk.agent.name}:{receipt.id}", handle, is_session=False)

    def say(self, session_id: MessageRef, draft: Draft) -> Receipt:
        """Send DATA in a session."""
        with self.turn as desk:
            return desk.do(sessions.say, session_id, draft)

    def after_sending(self) -> None:
        """The node does that."""

    def _check_open(self) -> None:
        if not self.desk.open:
            raise Closed
