"""Watching: everything that happens in a post room, as the user sees it to whom the whole store belongs. Nothing is consumed or changed."""

from __future__ import annotations

from postroom.core.errors import AmbiguousId, NoSuchMessage
from postroom.core.message import Message, Receipt, State
from postroom.core.session import SessionView
from postroom.core.types import NamedTuple
from postroom.exchange.desk import Desk
from postroom.exchange.tracing import LATEST, catch_up, check_page, known, matching
from postroom.store import agents, deliveries, messages, search, sessions
from postroom.store import watching as stored
from postroom.store.messages import Parent
from postroom.store.watching import Step

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
    if sieve.agent is not None:
        with desk.reading() as database:
            sieve = sieve._replace(agent=agents.by_id(database, known(database, sieve.agent)).name)
    if sieve.thread is not None:
        root = referred(desk, sieve.thread).root
        with desk.reading() as database:
            sieve = sieve._replace(thread=messages.called(database, root))
    return sieve


class Feed:
    """What happens from now on, or with the newest messages before. Look into it a few times a second.

    Raises NoSuchAgent, NoSuchMessage, AmbiguousId for a sieve that would never let anything through.
    """

    def __init__(self, desk: Desk, sieve: Sieve, *, last: int) -> None:
        self._desk = desk
        self._sieve = settled(desk, sieve)
        self._version = -1
        self._states: dict[int, str] = {}  # of the deliveries of shown messages
        self._shown: dict[int, str] = {}  # seq and id of shown messages that are still under way
        with desk.reading() as database:
            self._seq = stored.last_seq(database)
        if last:
            found = history(desk, limit=last, before=self._seq + 1)
            self._seq = min((message.seq for message in found), default=self._seq + 1) - 1

    def news(self) -> list[Message | tuple[str, Step]]:
        """The messages that came since the last time; then the changes of state, each with the id of its message."""
        with self._desk.reading() as database:
            version = stored.version(database)
            if version == self._version:
                return []
            found = search.after(database, self._seq, limit=WINDOW)
            if len(found) < WINDOW:
                self._version = version
            if found:
                self._seq = found[-1].seq
            new = [message for message in found if self._sieve.lets(message)]
            self._shown |= {message.seq: message.id for message in new}
            return [*new, *self._changes()]

    def _changes(self) -> list[tuple[str, Step]]:
        for seq in list(self._shown)[:-WINDOW]:
            del self._shown[seq]
        if not self._shown:
            return []
        changes, under_way = [], set()
        for step in stored.steps(self._desk.database, min(self._shown), max(self._shown)):
            if step.seq in self._shown:
                if step.state != self._states.get(step.delivery) and (step.delivery in self._states or step.state not in SILENT):
                    changes.append((self._shown[step.seq], step))
                self._states[step.delivery] = step.state
                if step.state not in FINAL:
                    under_way.add(step.seq)
        self._shown = {seq: id for seq, id in self._shown.items() if seq in under_way}
        return changes


def history(desk: Desk, *, peer: str | None = None, before: int | None = None, since_ms: int = 0, limit: int = 50) -> list[Message]:
    """The newest messages of all agents, or of one, oldest first."""
    check_page(desk, limit)
    if peer is not None:
        catch_up(desk)
    with desk.reading() as database:
        agent = None if peer is None else known(database, peer)
        return search.history(database, agent=agent, before=before or LATEST, since_ms=since_ms, limit=limit)[::-1]


def find(desk: Desk, words: str, *, limit: int = 20) -> list[Message]:
    """The newest messages of all agents that match, newest first. Raises BadQuery."""
    check_page(desk, limit)
    catch_up(desk)
    return matching(desk, words, agent=None, limit=limit)


def status(desk: Desk, id: str) -> Receipt:
    """What became of any message. Raises NoSuchMessage, AmbiguousId."""
    found = message(desk, referred(desk, id).seq)
    with desk.reading() as database:
        return Receipt(found.id, found.seq, found.thread, found.sent_ms, deliveries.progress(database, found.seq))


def thread(desk: Desk, id: str, *, limit: int = 1000) -> list[Message]:
    """The thread that any message belongs to, oldest first."""
    root = referred(desk, id).root
    with desk.reading() as database:
        return search.thread(database, root, limit=limit)


def message(desk: Desk, seq: int) -> Message:
    """The message of that number, which exists."""
    with desk.reading() as database:
        (found,) = messages.messages(database, "WHERE m.seq = ?", (seq,))
        return found


def referred(desk: Desk, id: str) -> Parent:
    """The one message that an id means, whoever sent it. Raises NoSuchMessage, AmbiguousId."""
    with desk.reading() as database:
        found = messages.referred(database, id, None)
    if not found:
        raise NoSuchMessage(id=id)
    if len(found) > 1:
        raise AmbiguousId(id=id, choices=", ".join(str(parent.seq) for parent in found))
    return found[0]


def all_sessions(desk: Desk) -> list[SessionView]:
    """All sessions, oldest first."""
    with desk.reading() as database:
        return [sessions.view(database, offer) for offer in sessions.of_agent(database, None)]
