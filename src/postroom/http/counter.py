"""The counter: where those are served who come without a seat, all with one connection. What waits there is written together.

So the disk is flushed once for all who send at the same moment. What is brief is done in the event loop while nobody else writes and the
disk is not busy, the rest by a thread. Whoever was here within a minute counts as online.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import Final, TypeVar

from postroom import doorbell
from postroom.config import Config, read_config
from postroom.core.errors import Closed, StoreBusy
from postroom.exchange import handover, presence, tokens
from postroom.exchange.desk import Desk, now_us, open_desk_of_human, register
from postroom.exchange.grouping import Outcome, together
from postroom.exchange.tokens import Bearer
from postroom.http.auth import Caller, Valid
from postroom.http.flusher import Flusher
from postroom.http.visitor import Visitor, hang_bell
from postroom.http.wishes import Told, Wish, answer, answer_all, attempt, nobody, nothing
from postroom.store import agents, deliveries
from postroom.store.agents import AgentRow, AttachedRow
from postroom.store.database import WAL_PAGES
from postroom.warden import ROUND_MS, Warden

Result = TypeVar("Result")
GROUP_MAX: Final = 64
"""So many acts are written together: 64 sends take 2 ms, others who write wait no longer than that."""
LARGE: Final = 2
"""So many times its usual size the WAL may have before somebody who sends makes it smaller."""
SOON_S: Final = 0.002
"""So long what nobody waits for lies there, if nothing else is asked meanwhile."""
BUSY_S: Final = 0.001
"""After so long it is tried again when another process, or a chore, was writing: a transaction takes less."""
TRIES: Final = 5
"""So often in a row; then the thread does it, which can wait, unless it is the one that writes."""
IDLE_S: Final = 60.0
FORGET_S: Final = 600.0
"""So long it is remembered what an agent took last: loops are known by that, see causes.py."""


class Counter:
    """Serves visitors. What is asked for in the event loop is done there or in the counter's thread: by who has the lock."""

    def __init__(self, home: str) -> None:
        self._desk = open_desk_of_human(home, interface="http")
        self._database = self._desk.database
        self._keeper = open_desk_of_human(home, interface="http")  # has a connection of its own: a checkpoint keeps nobody waiting
        self._warden = Warden(self._keeper, writes=self._database)
        self._keeping = False  # whether the thread is at the chores, or asked to
        self._visitors: dict[tuple[int, str], Visitor] = {}
        self._valid = Valid(self._database)
        self._wishes: SimpleQueue[Wish | None] = SimpleQueue()
        self._brief: list[Wish] = []  # to be done in this turn of the loop, if something is asked for
        self._asked = False
        self._tried = 0  # so often in a row another was writing
        self._lock = Lock()  # who has it uses the connection and what belongs to it
        self._flushes_begun = self._flushes_ended = 0
        self._gone: list[AttachedRow] = []  # processes that were found dead when somebody rang
        self._loop = asyncio.get_running_loop()
        self._open = True
        self._started = doorbell.start_time(os.getpid())
        self.bell = hang_bell(home)
        self._database.sync()  # so that the WAL is open
        self._flusher = Flusher(self._database)
        self._thread = Thread(target=self._serve, name="counter")
        self._thread.start()

    @property
    def config(self) -> Config:
        """The config in force here."""
        return self._desk.config

    async def do(self, job: Callable[[], Result], *, alone: bool = False, unless: Callable[[], bool] | None = None) -> Result | None:
        """Have something done: together with what else waits, in one transaction; or `alone`, without any. None if it was needless.

        If this is cancelled, it is done all the same.
        """
        if not self._open:
            raise Closed
        future: asyncio.Future[Result | None] = self._loop.create_future()
        self._wishes.put(Wish(job, lambda value: answer(future, value), alone, unless))
        return await future

    async def registered(self, caller: Caller) -> int:
        """The agent of a caller; a name that is new is registered."""
        return await self.do(lambda: self._agent(caller).id) or 0

    def ask(self, job: Callable[[], object], answer: Callable[[object], None], *, unless: Callable[[], bool] | None = None) -> None:
        """The same for what is brief, and not awaited: `answer` is called in the event loop, with what was returned or the error."""
        if not self._open:
            raise Closed
        if not self._asked:
            self._asked = True
            self._loop.call_soon(self._serve_brief)
        self._brief.append(Wish(job, answer, alone=False, unless=unless))

    def do_soon(self, job: Callable[[], object]) -> None:
        """Have something brief done that nobody waits for: together with what is asked next, or in a moment."""
        if self._open:
            if not self._brief:
                self._loop.call_later(SOON_S, self._serve_brief)
            self._brief.append(Wish(job, nobody, alone=False, unless=None))

    def _serve_brief(self) -> None:
        """Do what is brief here in the event loop, unless it had to wait for another process or the disk: then the thread does it."""
        self._asked = False
        if not self._brief:
            return
        if not self._lock.acquire(blocking=False):
            self._hand_over(self._some_brief())
            return
        busy = False
        try:
            flushing = self._flushes_begun != self._flushes_ended  # what is written meanwhile may have to wait for the disk
            if flushing and self._flusher.is_quick:
                return  # it is done when that is over
            wishes = self._some_brief()
            if flushing or self._database.suspect or not self._wishes.empty():
                self._hand_over(wishes)
                return
            try:
                self._perform(wishes, answer_all, patient=False)
            except StoreBusy:
                busy = True
        finally:
            self._lock.release()
        self._tried = self._tried + 1 if busy else 0
        if busy and (self._keeping or self._tried < TRIES):  # who is at the chores would come to it after all of them
            self._brief[:0] = wishes
            self._loop.call_later(BUSY_S, self._serve_brief)
        elif busy:
            self._hand_over(wishes)
        if not self._keeping and (self._gone or self._database.wal_pages >= WAL_PAGES * LARGE):
            self._keeping = True
            self._hand_over([Wish(nothing, nobody, alone=True, unless=None)])  # so that the thread does the chores

    def _some_brief(self) -> list[Wish]:
        """What is done next of what is brief. The rest has its turn soon."""
        wishes, self._brief = self._brief[:GROUP_MAX], self._brief[GROUP_MAX:]
        if self._brief and not self._asked:
            self._asked = True
            self._loop.call_soon(self._serve_brief)
        return wishes

    def _flushed(self, outcomes: list[Told]) -> None:
        self._flushes_ended += 1
        try:
            answer_all(outcomes)
        finally:
            self._serve_brief()

    def _hand_over(self, wishes: list[Wish]) -> None:
        for wish in wishes:
            self._wishes.put(wish)

    def note_use(self, bearer: Bearer) -> None:
        """Write down that a token was used, some time soon."""
        self.do_soon(lambda: tokens.note_use(self._desk, bearer))

    async def reload(self) -> Config:
        """Read the config file again. Raises BadConfig, and goes on with what was in force."""
        config = read_config(self._desk.database.home)
        await self.do(lambda: self._configure(config), alone=True)
        return config

    async def close(self) -> None:
        """Do what was asked for, then leave."""
        self._open = False
        wishes, self._brief = self._brief, []
        self._hand_over(wishes)
        self._wishes.put(None)
        await asyncio.to_thread(self._thread.join)

    # By who has the lock

    def visitor(self, caller: Caller, *, attaches: bool = True) -> Visitor:
        """The desk of a caller; a name that is new is registered. It counts as here for a while, unless it has a seat. For jobs."""
        visitor = self._visitors.get((caller.agent, caller.program)) or self._come(caller)  # its row is looked at once a second
        visitor.seen = monotonic()
        if attaches and not visitor.attached:
            self._attach(visitor)
        return visitor

    def holder(self, caller: Caller) -> Visitor:
        """The same for one whose token was valid before: raises Stale unless it is still. For jobs that are done together."""
        self.check(caller)
        return self.visitor(caller)

    def check(self, caller: Caller) -> None:
        """Raise Stale unless a token is valid that was before. For jobs and `unless`."""
        self._valid.check(caller, now_ms=self._desk.now_ms())

    def _come(self, caller: Caller) -> Visitor:
        agent = self._agent(caller)
        key = (agent.id, caller.program)
        if key not in self._visitors:
            desk = Desk(self._database, agent, self._desk.config, interface="http", clock=now_us)
            desk.program = caller.program
            desk.gone = self._gone
            self._visitors[key] = Visitor(desk)
        return self._visitors[key]

    def hook_desk(self, caller: Caller) -> Desk:
        """A desk for one hook of a caller. For jobs."""
        desk = Desk(self._database, self._agent(caller), self._desk.config, interface=handover.INTERFACE, clock=now_us)
        desk.program = caller.program
        return desk

    def _agent(self, caller: Caller) -> AgentRow:
        if caller.agent:
            return agents.by_id(self._database, caller.agent)
        found = agents.by_name(self._database, caller.name)
        return found or register(self._database, caller.name, self._desk.config.limits, now_ms=self._desk.now_ms())

    def has_nothing(self, caller: Caller) -> bool:
        """Whether a caller is here, and nothing waits that it may have now. Writes nothing. For `unless`."""
        visitor = self._visitors.get((caller.agent, caller.program))
        if visitor is None or not visitor.attached:
            return False
        visitor.seen = monotonic()
        return not self.ready([visitor.desk.agent.id])

    def ready(self, recipients: Sequence[int]) -> list[int]:
        """For which of some agents something waits that they may have now. For jobs."""
        now_ms = self._desk.now_ms()
        with self._desk.reading() as database:
            return [one for one in recipients if deliveries.waiting(database, one, now_ms=now_ms, limit=1)]

    def came_after(self, delivery: int) -> tuple[list[int], int]:
        """To whom something came after a delivery, and the last delivery; nobody when that is not known yet. For jobs."""
        with self._desk.reading() as database:
            return deliveries.recipients_after(database, delivery)

    def expect(self, caller: Caller) -> Visitor:
        """Let the bell ring for a visitor from now on, until `expect_no_more`. For jobs."""
        visitor = self.visitor(caller)
        visitor.waiting += 1
        if not visitor.has_bell:
            visitor.has_bell = True
            self._attach(visitor)
        return visitor

    def expect_no_more(self, visitor: Visitor) -> None:
        """One request of a visitor waits no longer. Its bell stays for the next one. For jobs."""
        visitor.waiting -= 1
        visitor.seen = monotonic()

    def _attach(self, visitor: Visitor) -> None:
        desk = visitor.desk
        with desk.posting() as posting:
            socket = self.bell.path if visitor.has_bell else None
            row = AttachedRow(desk.agent.id, posting.provenance(), os.getpid(), self._started, socket)
            agents.attach(posting.database, row, now_ms=posting.now_ms)
            agents.seen(posting.database, desk.agent.id, now_ms=posting.now_ms)
            presence.announce(posting, desk.agent.id)
        visitor.attached = True

    def _serve(self) -> None:
        """In the thread, until the end."""
        self._tend()  # what a node that was killed had in hand goes back at once
        tended = monotonic()
        going = True
        while going:
            wishes, going = self._gather(tended + ROUND_MS / 1000 - monotonic())
            if wishes:
                with self._lock:
                    self._perform(wishes, lambda outcomes: self._loop.call_soon_threadsafe(answer_all, outcomes), patient=True)
                self._after_sending()
            if monotonic() - tended >= ROUND_MS / 1000:
                tended = monotonic()
                self._tend()
        self._guarded(self._leave)
        self._flusher.close()
        attempt(self._warden.leave)
        self._warden.close()
        self._keeper.close()
        self._desk.close()
        self.bell.close()

    def _gather(self, patience_s: float) -> tuple[list[Wish], bool]:
        """What waits to be done; and whether it goes on after that."""
        wishes: list[Wish] = []
        try:
            wish = self._wishes.get(timeout=max(0.0, patience_s))
            while wish is not None:
                wishes.append(wish)
                if len(wishes) >= GROUP_MAX:
                    return wishes, True
                wish = self._wishes.get_nowait()
        except Empty:
            return wishes, True
        return wishes, False

    def _perform(self, wishes: list[Wish], tell: Callable[[list[Told]], object], *, patient: bool) -> None:
        """Do everything, and let those be told who wait for it. Raises StoreBusy, with nothing done, if not `patient`."""
        told: list[Told] = []
        needed = []
        certain = any(not wish.alone and wish.unless is None for wish in wishes)  # it is written anyhow, so nobody asks before
        for wish in wishes:
            before = attempt(wish.job if wish.alone else None if certain else wish.unless)
            if wish.alone or isinstance(before, Exception):
                told.append((wish, before))
            elif before is True:
                told.append((wish, None))
            else:
                needed.append(wish)
        safe: list[Told] = []
        for wish, (value, flushes) in zip(needed, self._together(needed, patient=patient), strict=True):
            (safe if flushes else told).append((wish, value))
        if safe and not patient and self._flusher.is_quick:
            failure = self._flusher.flush()
            told += safe if failure is None else [(wish, failure) for wish, _ in safe]
        elif safe:
            self._flush(safe)
        if told:
            tell(told)

    def _together(self, wishes: list[Wish], *, patient: bool) -> list[Outcome]:
        """The outcomes of what is done in one transaction."""
        if not wishes:
            return []
        try:
            return together(self._database, [wish.job for wish in wishes], patient=patient)
        except StoreBusy as error:
            if not patient:
                raise
            return [Outcome(error) for _ in wishes]
        except Exception as error:  # noqa: BLE001  # of the whole transaction: each is told
            self._visitors.clear()  # what was noted of them has not happened
            return [Outcome(error) for _ in wishes]

    def _flush(self, safe: list[Told]) -> None:
        """Let those be told who wait until the disk has it. After a failure nobody goes on before everything is written again."""
        self._flushes_begun += 1  # by who has the lock; they end in the loop

        def tell(failure: Exception | None) -> None:
            outcomes = [(wish, value if failure is None else failure) for wish, value in safe]
            self._loop.call_soon_threadsafe(self._flushed, outcomes)

        if self._database.suspect:
            failure = attempt(self._database.flush)
            tell(failure if isinstance(failure, Exception) else None)
        else:
            self._flusher.add(len(safe), tell)

    def _after_sending(self) -> None:
        if self._gone:
            gone = [self._gone.pop() for _ in range(len(self._gone))]
            if isinstance(attempt(lambda: presence.bury(self._keeper, gone)), Exception):
                self._gone += gone
        attempt(lambda: self._warden.checkpoint_if_large(times=LARGE))
        self._keeping = False

    def _guarded(self, chore: Callable[[], object]) -> None:
        """Do a chore that needs the counter's connection. One that fails is done another time."""
        with self._lock:
            attempt(chore)

    def _tend(self) -> None:
        """Once a second: look after the visitors, do the warden's chores."""
        self._guarded(self._see_to_visitors)
        self._keeping = True
        attempt(self._warden.tend)
        attempt(self._warden.checkpoint_if_large)
        self._keeping = False

    def _see_to_visitors(self) -> None:
        """Let those go who have not been here for long, see that the others are still noted."""
        now = monotonic()
        for key, visitor in list(self._visitors.items()):
            if visitor.attached and not visitor.waiting and now - visitor.seen > IDLE_S:
                visitor.attached = visitor.has_bell = False
                presence.detach(visitor.desk)
            if now - visitor.seen > FORGET_S and not visitor.attached:
                del self._visitors[key]
            elif visitor.attached and not presence.is_attached(visitor.desk):
                self._attach(visitor)
        presence.restore(self._desk, self.bell)

    def _configure(self, config: Config) -> None:
        self._desk.config = self._keeper.config = config
        for visitor in self._visitors.values():
            visitor.desk.config = config

    def _leave(self) -> None:
        for visitor in self._visitors.values():
            if visitor.attached:
                presence.detach(visitor.desk)
