"""A life of a post room on one disk: random acts of a few agents, and what each act promises once it has returned.

The acts are those of postroom.exchange. What must be true after a loss is said in aftermath.py.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from postroom.core.message import Draft, Kind
from postroom.core.session import SessionState
from postroom.exchange import reading, sending, sessions
from postroom.exchange.desk import Desk, Options, open_desk
from postroom.store.deliveries import Handed
from postroom.warden import Warden
from tests.faults.disk import Disk
from tests.faults.promises import Fact, Promises, Sent

NAMES = ("ann", "ben", "cid")
START_US = 1_700_000_000_000_000
WORDS = frozenset({Kind.MESSAGE, Kind.SYN, Kind.DATA})  # what agents say to each other, told apart by its text


class Killed(BaseException):
    """The process died here."""


class Clock:
    """A time that goes on by itself, in µs."""

    def __init__(self, now_us: int = START_US) -> None:
        self._now_us = now_us

    def __call__(self) -> int:
        self._now_us += 1_000
        return self._now_us


class Life:
    """What the agents did, and what may and what must be true of it at each moment of the disk."""

    def __init__(self, disk: Disk, random: Random, *, durability: str = "safe") -> None:
        self.disk = disk
        self.random = random
        self.promises = Promises()
        self.dies_at_the_next_flush = False
        self._options = Options(durability, Clock(), disk.vfs)
        self._unsure: list[Fact] = []
        self._bodies = 0
        self._hands: dict[str, list[Handed]] = {name: [] for name in NAMES}
        self.desks: dict[str, Desk] = {}

    @property
    def moment(self) -> int:
        return len(self.disk.events)

    def flush(self, descriptor: int) -> None:
        """Stands in for os.fdatasync."""
        if self.dies_at_the_next_flush:
            self.dies_at_the_next_flush = False
            raise Killed
        self.disk.flush(descriptor)

    def begin(self) -> None:
        """All agents connect; the first makes the store."""
        for name in NAMES:
            self.promises.names[name] = Fact(self.moment)
            self.desks[name] = self._open(name)
            self.promises.names[name].sure = self.moment

    def go_on(self, acts: int) -> None:
        """Do so many acts."""
        for _ in range(acts):
            begun = self.moment
            self.random.choice(ACTS)(self)
            self._note_sessions(begun)

    def end(self) -> None:
        for desk in self.desks.values():
            desk.close()

    # Acts

    def send(self) -> None:
        self._send([self._draft()])

    def send_many(self) -> None:
        self._send([self._draft() for _ in range(self.random.randint(2, 8))])

    def send_again(self) -> None:
        known = [sent for sent in self.promises.sent.values() if sent.draft.id is not None and sent.number is not None]
        if known:
            sent = self.random.choice(known)
            (receipt,) = sending.send(self.desks[sent.sender], [sent.draft])
            assert receipt.number == sent.number, "a message sent twice is one message"
            self._promise()

    def die_between_commit_and_flush(self) -> None:
        """A sender that is killed there has no receipt; it sends again."""
        draft = self._draft(named=True)
        begun, sender = self.moment, self._somebody()
        self.promises.sent[draft.body] = Sent(sender, draft, Fact(begun))
        self.dies_at_the_next_flush = True
        try:
            sending.send(self.desks[sender], [draft])
        except Killed:
            self._restart(sender)
        self.dies_at_the_next_flush = False  # a relaxed sender does not flush
        self._accepted(self.promises.sent[draft.body], sending.send(self.desks[sender], [draft])[0].number)
        self._promise()

    def take(self) -> None:
        self._take(confirm=[])

    def confirm(self) -> None:
        reader = self._somebody()
        count = self.random.randint(0, len(self._hands[reader]))
        read, self._hands[reader] = self._hands[reader][:count], self._hands[reader][count:]
        begun = self.moment
        reading.confirm(self.desks[reader], read)
        self._note_read(read, reader, begun)

    def read_on(self) -> None:
        """As a loop over the inbox does: confirm and take in one transaction."""
        reader = self._somebody()
        self._take(reader, confirm=self._hands[reader])

    def give_back(self) -> None:
        reader = self._somebody()
        reading.give_back(self.desks[reader], self._hands[reader])
        self._hands[reader] = []

    def restart(self) -> None:
        self._restart(self._somebody())

    def checkpoint(self) -> None:
        self.desks[self._somebody()].database.checkpoint(all_of_it=self.random.random() < 0.5)

    def tend(self) -> None:
        warden = Warden(self.desks[self._somebody()])
        warden.tend()
        warden.close()

    def offer_session(self) -> None:
        opener, peer = self.random.sample(NAMES, 2)
        begun, draft = self.moment, Draft(peer, self._next_body(), reply_within=1_000)
        sent = self.promises.sent[draft.body] = Sent(opener, draft, Fact(begun))
        receipt = sessions.open_session(self.desks[opener], draft)
        self._accepted(sent, receipt.number)
        self._note_sessions(begun)
        self._promise()

    def go_on_with_session(self) -> None:
        views = [view for desk in self.desks.values() for view in sessions.list_sessions(desk)]
        if not views:
            return
        begun, view = self.moment, self.random.choice(views)
        match view.state:
            case SessionState.OFFERED if self.random.random() < 0.7:
                sessions.accept(self.desks[view.peer], view.id)
            case SessionState.OFFERED:
                sessions.decline(self.desks[view.peer], view.id, "no time")
            case SessionState.OPEN if self.random.random() < 0.7:
                self._say(view.id, *self.random.sample((view.opener, view.peer), 2))
            case SessionState.OPEN:
                sessions.close(self.desks[view.opener], view.id)
            case _:
                return
        self._note_sessions(begun)
        self._promise()

    # What acts have in common

    def _open(self, name: str) -> Desk:
        return open_desk(name, str(self.disk.root), interface="sdk", options=self._options)

    def _restart(self, name: str) -> None:
        """As after kill -9: nothing is said, the kernel closes the files."""
        self.desks[name].database.close()
        self._hands[name] = []
        self.desks[name] = self._open(name)

    def _somebody(self) -> str:
        return self.random.choice(NAMES)

    def _draft(self, *, named: bool = False) -> Draft:
        body = f"{self._next_body()} {'.' * self.random.choice((0, 10, 3_000))}"
        id = f"id-{self._bodies}" if named or self.random.random() < 0.7 else None
        return Draft(tuple(self.random.sample(NAMES, self.random.choice((1, 1, 2)))), body, id=id)

    def _next_body(self) -> str:
        self._bodies += 1
        return f"message {self._bodies}"

    def _send(self, drafts: list[Draft]) -> None:
        begun, sender = self.moment, self._somebody()
        for draft in drafts:
            self.promises.sent[draft.body] = Sent(sender, draft, Fact(begun))
        for draft, receipt in zip(drafts, sending.send(self.desks[sender], drafts), strict=True):
            self._accepted(self.promises.sent[draft.body], receipt.number)
        self._promise()

    def _say(self, id: str, speaker: str, listener: str) -> None:
        draft = Draft(listener, self._next_body())
        sent = self.promises.sent[draft.body] = Sent(speaker, draft, Fact(self.moment))
        self._accepted(sent, sessions.say(self.desks[speaker], id, draft).number)

    def _take(self, reader: str | None = None, *, confirm: list[Handed]) -> None:
        reader = reader or self._somebody()
        begun = self.moment
        taken = reading.take(self.desks[reader], limit=self.random.randint(1, 5), confirm=confirm)
        self._note_read(confirm, reader, begun)
        for key, one in said(taken, reader).items():
            assert one.message.redelivered == (key in self.promises.handed), "new is new once"
            self._unsure.append(self.promises.handed.setdefault(key, Fact(begun)))
        self._hands[reader] = [one for one in self._hands[reader] if one not in confirm] + taken

    def _note_read(self, read: list[Handed], reader: str, begun: int) -> None:
        for key in said(read, reader):
            self._unsure.append(self.promises.read.setdefault(key, Fact(begun)))

    def _note_sessions(self, begun: int) -> None:
        for name in NAMES:
            for view in sessions.list_sessions(self.desks[name]):
                known = self.promises.states.setdefault(view.id, [])
                if not known or known[-1][0] is not view.state:
                    known.append((view.state, Fact(begun)))
                    self._unsure.append(known[-1][1])

    def _accepted(self, sent: Sent, number: int) -> None:
        sent.number = number
        self._unsure.append(sent.accepted)

    def _promise(self) -> None:
        """A verb that promises safety has returned: so is everything that returned before it, as the log has one order."""
        for fact in self._unsure:
            fact.sure = fact.sure if fact.sure is not None else self.moment
        self._unsure = []


def said(handed: list[Handed], reader: str) -> dict[tuple[str, str], Handed]:
    """What agents said, of all that is in the hands of a reader, by its body and that reader."""
    return {(one.message.body, reader): one for one in handed if one.message.kind in WORDS}


ACTS: list[Callable[[Life], None]] = [
    *[Life.send] * 6,
    *[Life.take] * 4,
    *[Life.read_on] * 4,
    *[Life.confirm] * 2,
    *[Life.go_on_with_session] * 4,
    Life.send_many,
    Life.send_again,
    Life.die_between_commit_and_flush,
    Life.give_back,
    Life.restart,
    Life.checkpoint,
    Life.tend,
    Life.offer_session,
]
