"""Watching: what happens in a post room, as far as the one who watches may see it. Nothing is consumed or changed."""

from __future__ import annotations

from postroom.core.message import Message, State
from postroom.core.types import NamedTuple
from postroom.exchange.desk import Desk
from postroom.exchange.lookup import known, resolve
from postroom.exchange.tracing import history
from postroom.store import agents, messages
from postroom.store import watching as stored

WINDOW = 1000
"""So many of the newest messages are looked at for changes of state."""
FINAL = frozenset({State.ANSWERED, State.EXPIRED, State.REFUSED})
SILENT = frozenset({State.ACCEPTED, State.DELIVERED})
"""The states that a new message is shown in without a word."""


class Sieve(NamedTuple):
    """Which messages are shown: those an agent sent or gets, of one thread, of one kind."""

    agent: str | None = None
    thread: str | None = None
    kind: str | None = None

    def lets(self, message: Message) -> bool:
        """Whether a message is shown."""
        return (
            (self.agent is None or self.agent == message.sender or self.agent in message.to)
            and (self.thread is None or self.thread == message.thread)
            and (self.kind is None or self.kind == message.kind)
        )


def settled(desk: Desk, sieve: Sieve) -> Sieve:
    """A sieve with the name and the thread as messages have them; any message of the thread may have been named."""
    with desk.reading() as database:
        if sieve.agent is not None:
            sieve = sieve._replace(agent=agents.by_id(database, known(database, sieve.agent, desk.agent.id)).name)
        if sieve.thread is not None:
            sieve = sieve._replace(thread=messages.called(database, resolve(database, sieve.thread, desk.agent).root))
    return sieve


class Change(NamedTuple):
    """A change of the state of a message, for one recipient."""

    id: str
    recipient: str
    state: str
    reason: str | None
    at_ms: int | None
    sender: str = ""


class Feed:
    """What happens from now on, or with the newest messages before. Look into it a few times a second.

    Raises NoSuchAgent, NoSuchMessage, AmbiguousId for a sieve that would never let anything through.
    """

    def __init__(self, desk: Desk, sieve: Sieve, *, last: int) -> None:
        self._desk = desk
        self._sieve = settled(desk, sieve)
        self._version = -1
        self._states: dict[int, str] = {}  # of the deliveries of shown messages
        self._shown: dict[int, Message] = {}  # by seq those that are still under way
        with desk.reading() as database:
            self._seq = messages.last_seq(database)
        if last and (found := history(desk, limit=last)):
            with desk.reading() as database:
                self._seq = resolve(database, found[0], desk.agent).seq - 1

    def news(self) -> list[Message | Change]:
        """The messages that came since the last time; then the changes of state."""
        with self._desk.reading() as database:
            version = stored.version(database)
            if version == self._version:
                return []
            found = stored.after(database, self._seq, viewer=self._desk.agent.id, limit=WINDOW)
            if len(found) < WINDOW:
                self._version = version
            if found:
                self._seq = found[-1].seq
            new = [one for one in found if self._sieve.lets(one.message)]
            self._shown |= {one.seq: one.message._replace(body="") for one in new if one.followed}
            return [*(one.message for one in new), *self._changes()]

    def _changes(self) -> list[Change]:
        for seq in list(self._shown)[:-WINDOW]:
            del self._shown[seq]
        if not self._shown:
            return []
        changes, under_way = [], set()
        for step in stored.steps(self._desk.database, min(self._shown), max(self._shown), viewer=self._desk.agent.id):
            if step.seq in self._shown:
                if step.state != self._states.get(step.delivery) and (step.delivery in self._states or step.state not in SILENT):
                    about = self._shown[step.seq]
                    changes.append(Change(about.id, step.recipient, step.state, step.reason, step.at_ms, about.sender))
                self._states[step.delivery] = step.state
                if step.state not in FINAL:
                    under_way.add(step.seq)
        self._shown = {seq: about for seq, about in self._shown.items() if seq in under_way}
        return changes
