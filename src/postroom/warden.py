"""The warden: chores that belong to nobody, done by whichever waiting process holds the lock. Nothing needs them at once."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator

from postroom.core.errors import WorldError
from postroom.core.message import State
from postroom.core.session import LIVE, SessionState
from postroom.exchange import crowds, events, notices, presence, sessions, tracing
from postroom.exchange.desk import HUMAN_AGENT, Desk
from postroom.exchange.events import Outcome
from postroom.exchange.outbox import Outbox
from postroom.store import agents, deliveries, messages, search, waits
from postroom.store import sessions as stored
from postroom.store.database import LONE_WAL_PAGES, WAL_PAGES, Database
from postroom.store.messages import MessageRow
from postroom.store.place import touch_kernel
from postroom.store.waits import Timer

ROUND_MS = 1_000
"""How often a waiting process looks into its mailbox although no bell rang, and does the chores."""
SWEEP_MS = 5_000
"""How often the bells of all attached processes are tried."""
PRUNE_MS = 3_600_000
"""How often old threads are pruned, if the config says so. When it was done last is the time of the lock file."""
BATCH = 100
FORGET_EVENTS = 1_000
"""So many old events go at once: 2 ms."""
FORGET_ROUNDS = 10


class Warden:
    """The chores of one process. Does them only while it holds the lock of the store, which the kernel passes on when it dies."""

    def __init__(self, desk: Desk, *, writes: Database | None = None) -> None:
        self._desk = desk
        self._writes = writes or desk.database  # the connection of this process that makes the WAL longer
        self._lock = os.open(os.path.join(desk.database.home, "warden.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._swept_ms = 0
        self._pruning: Iterator[object] | None = None

    def tend(self) -> None:
        """Do what is due, unless another process is at it."""
        presence.bury(self._desk, self._desk.take_gone())
        self._alone(self._chores)

    def catch_up(self) -> None:
        """Do only what is due, before somebody looks who must see it. A store without room for that can be looked at all the same."""
        presence.look(self._desk)
        try:
            self._alone(lambda: ring_timers(self._desk))
        except WorldError:
            return  # it stays due

    def checkpoint_if_large(self, *, times: int = 1) -> None:
        """Keep the WAL small under load: a reader does it between two looks into its mailbox, a sender only when nobody else did."""
        if self._wal_pages >= WAL_PAGES * times:
            self._alone(lambda: self._checkpoint(all_of_it=True))

    def leave(self) -> None:
        """Leave a small WAL behind: where no process stays, the next one would have to read all of it."""
        if self._wal_pages < LONE_WAL_PAGES:
            return
        with self._desk.reading() as database:
            others = agents.all_attached(database)
        if others:
            self.checkpoint_if_large(times=4)
        else:
            self._desk.database.empty_wal()

    def close(self) -> None:
        """Give the lock up."""
        os.close(self._lock)

    def _alone(self, work: Callable[[], object]) -> None:
        """Do something under the lock, unless another process has it."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        try:
            work()
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _chores(self) -> None:
        desk = self._desk
        ring_timers(desk)
        now_ms = desk.now_ms()
        if now_ms - self._swept_ms >= SWEEP_MS:
            self._swept_ms = now_ms
            touch_kernel(desk.database.home)
            presence.sweep(desk)
        index_some(desk)
        forget_events(desk)
        self._prune_some()
        if self._wal_pages:
            self._checkpoint(all_of_it=False)

    @property
    def _wal_pages(self) -> int:
        """How long the WAL is, as the last commits of this process found it."""
        return max(self._writes.wal_pages, self._desk.database.wal_pages)

    def _checkpoint(self, *, all_of_it: bool) -> None:
        self._desk.database.checkpoint(all_of_it=all_of_it)
        self._writes.wal_pages = self._desk.database.wal_pages

    def _prune_some(self) -> None:
        """Forget a little of what is old: what a round does must not delay a reader."""
        desk = self._desk
        if self._pruning is None and desk.now_ms() - os.fstat(self._lock).st_mtime_ns // 1_000_000 < PRUNE_MS:
            return
        from postroom.exchange import keeping

        if self._pruning is None:
            presence.archive(desk)
            days = desk.config.prune_days
            self._pruning = keeping.prune_in_steps(desk, older_than_days=days) if days else iter(())
        if next(self._pruning, None) is None:
            self._pruning = None
            keeping.collect_files(desk)
            os.utime(self._lock, ns=(desk.clock() * 1000, desk.clock() * 1000))


def index_some(desk: Desk) -> None:
    """Bring the search index a little further."""
    with desk.reading() as database:
        behind = search.behind(database)
    if behind > 0:
        with desk.posting() as posting:
            search.index_some(posting.database, tracing.INDEX_STEP)


def forget_events(desk: Desk) -> None:
    """Forget the oldest events beyond the limit, faster than busy agents make new ones."""
    for _ in range(FORGET_ROUNDS):
        if not events.prune(desk, limit=FORGET_EVENTS):
            return


def ring_timers(desk: Desk) -> None:
    """Do what is due by the clock: expire messages, tell askers, lapse and close sessions."""
    while True:
        with desk.reading() as database:
            due = waits.due(database, now_ms=desk.now_ms(), limit=BATCH)
        if not due:
            return
        with desk.posting(safe=True) as posting:
            outbox = Outbox(posting)
            for timer in due:
                waits.strike(posting.database, timer)
                about = messages.row(posting.database, timer.message)
                if about is not None:
                    ACTS[timer.what](outbox, about)
            outbox.write()


def expire(outbox: Outbox, about: MessageRow) -> None:
    """Take a message that nobody read in time out of the mailboxes, and tell its sender. What is in hands may still be read."""
    posting = outbox.posting
    unread = []
    for delivery in range(about.delivery, about.delivery + about.fan_out):
        in_hands_ms = deliveries.end_lease(posting.database, delivery, now_ms=posting.now_ms)
        if in_hands_ms is not None:
            waits.set_timer(posting.database, Timer(in_hands_ms, "expire", about.seq))
            continue
        ended = deliveries.end(posting.database, delivery, State.EXPIRED, "expired: not read in time", now_ms=posting.now_ms)
        if ended is not None:
            waits.close_request(posting.database, ended.recipient, about.seq)
            events.receipt(posting, Outcome("expired", about.seq, about.sender, ended.recipient))
            unread.append(outbox.mailbox(ended.recipient))
    seen = [one for one in unread if not one.ghost or about.sender in (one.agent, HUMAN_AGENT)]
    if seen:
        hidden = all(one.ghost for one in seen)
        notices.notify(outbox, about.sender, "expired", about, hidden=hidden, recipient=crowds.names(seen))


def deadline(outbox: Outbox, about: MessageRow) -> None:
    """Tell an asker that the time for an answer is over."""
    database = outbox.posting.database
    for request in waits.requests_of(database, about):
        waits.close_request(database, request.recipient, request.message)
        recipient = outbox.mailbox(request.recipient)
        notices.notify(outbox, request.asker, "deadline", about, hidden=bool(recipient.ghost), recipient=recipient.name)


def handshake(outbox: Outbox, about: MessageRow) -> None:
    """Let a session lapse whose offer nobody answered."""
    lapse(outbox, about, frozenset({SessionState.OFFERED}), "handshake")


def idle(outbox: Outbox, about: MessageRow) -> None:
    """Close a session in which nothing was said for long, or look again later."""
    posting = outbox.posting
    quiet_until = stored.last_active_ms(posting.database, about.seq) + posting.desk.config.limits.session_idle_ms
    if quiet_until > posting.now_ms:
        waits.set_timer(posting.database, Timer(quiet_until, "idle", about.seq))
    else:
        lapse(outbox, about, LIVE, "session-idle")


def lapse(outbox: Outbox, about: MessageRow, states: frozenset[SessionState], what: str) -> None:
    """End a session in the name of the post room, and tell both sides."""
    database = outbox.posting.database
    found = stored.offer(database, about.seq)
    assert found is not None, "sessions have these timers, nothing else"
    if stored.state(database, found) in states:
        sessions.lapse(outbox, found, what)


ACTS = {"expire": expire, "deadline": deadline, "handshake": handshake, "idle": idle}
