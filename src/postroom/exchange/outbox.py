"""The messages of one transaction: numbered, put into mailboxes, written together at its end. Who may send is not decided here."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from itertools import repeat

from postroom.core.message import Letter, Progress, Receipt, State, Urgency
from postroom.core.types import TYPE_CHECKING, NamedTuple, made
from postroom.exchange.desk import Posting
from postroom.store import budgets, deliveries, mailboxes, messages, waits
from postroom.store.database import Row
from postroom.store.mailboxes import MailboxRow, MemberRow, numbered
from postroom.store.messages import MessageRow

if TYPE_CHECKING:
    from postroom.core.address import Address
    from postroom.store.agents import AttachedRow
    from postroom.store.rooms import RoomRow

HERE = 1
"""The node that messages of this post room come from."""


class Place(NamedTuple):
    """Where a message stands among the others: its thread (None: it begins one), what it answers, and why it is held, if it is.

    `room` is where it is said; who is not concerned must not notice a `hidden` one, not even by the numbers of other messages.
    `address` says to whom, if it is known already: that of a room or broadcast is.
    """

    root: int | None = None
    name: str = ""
    reply_to: int | None = None
    hops: int = 0
    held: str | None = None
    room: int | None = None
    hidden: bool = False
    address: str = ""


class Author(NamedTuple):
    """In whose name a message is written, and how that one came in."""

    agent: int
    provenance: int


NEW_THREAD = Place()
NO_REFUSALS: dict[int, str] = {}
NO_MEMBERS: list[MemberRow] = []
NO_URGENCIES: dict[int, str] = {}
NONE = repeat(None)
RANDOM_BYTES = 5
"""Of the id of a hidden message: of its sender's million messages two have the same once in two stores; then the second is refused."""


class Mailbox:
    """A recipient's mailbox as this transaction finds and leaves it. `due_us` is the pace from the desk's agent, see core/pace.py."""

    __slots__ = ("agent", "arrived", "attached", "delivered", "due_us", "ghost", "name", "paced", "urgency", "waiting")

    def __init__(self, found: MailboxRow) -> None:
        self.agent, self.name, _, self.ghost, self.due_us, self.waiting, self.attached = found
        self.arrived = 0  # counted as in the store, see mailboxes.units
        self.delivered: Progress | None = None  # that of each message which is delivered here in this transaction
        self.paced = False  # whether due_us is another now
        self.urgency: str | None = None  # of the next message for this recipient, if it is another than its sender chose

    def is_full(self, limit: int, *, hidden: bool) -> bool:
        """Whether as many wait as may, of those that are hidden or of the others: who is not concerned must not see a mailbox fill up."""
        value = self.waiting + self.arrived
        return value >= limit and mailboxes.counted(value)[hidden] >= limit


def written_to(to: Sequence[Mailbox | MemberRow], *, hidden: bool) -> str:
    """Who a message goes to, by the names that those know who may see it."""
    return " ".join([one.name if hidden else one.ghost or one.name for one in to])


NO_MAILBOXES: list[Mailbox] = []


class Crowd(NamedTuple):
    """Who gets a message: the mailboxes of those it names; or the members behind one address, as it is written, and the room, if it is one.

    `urgencies` are those of the next message, for those members for whom it is another than its sender chose.
    """

    address: str
    mailboxes: list[Mailbox] = NO_MAILBOXES
    members: list[MemberRow] = NO_MEMBERS
    room: RoomRow | None = None
    urgencies: dict[int, str] = NO_URGENCIES

    @property
    def everyone(self) -> Sequence[Mailbox | MemberRow]:
        """All of them."""
        return self.members if self.address else self.mailboxes


class Outbox:
    """Collects the messages of one posting."""

    __slots__ = (
        "_deliveries",
        "_delivery",
        "_messages",
        "_number",
        "author",
        "by_name",
        "due_us",
        "ghost",
        "mailboxes",
        "openings",
        "paces",
        "paused",
        "posting",
        "receipts",
        "seq",
    )

    def __init__(self, posting: Posting) -> None:
        self.posting = posting
        begun = messages.beginning(posting.database, posting.desk.agent.id)
        self.seq, self._number, self._delivery, self.due_us, self.ghost, self.paused = begun
        self.mailboxes: dict[int, Mailbox] = {}
        self.by_name: dict[str, Mailbox] = {}
        self.openings: dict[tuple[Address, ...], tuple[Crowd, Place]] = {}  # of messages to agents by name that begin a thread
        self.paces: dict[tuple[int, int], int] = {}  # of rooms and broadcasts
        self.receipts: dict[str, tuple[Letter, Receipt]] = {}  # of this transaction's messages with an id of their own
        self.author = Author(posting.desk.agent.id, posting.provenance())
        self._messages: list[Row] = []  # in the order of the columns: plain tuples, a batch of 100 costs 8 % less
        self._deliveries: list[Row] = []

    @property
    def last(self) -> MessageRow:
        """The message that was put down last."""
        return MessageRow(*self._messages[-1])

    def called(self, seq: int) -> str:
        """What a message is called, also one of this transaction."""
        own = next((MessageRow(*row) for row in self._messages if row[0] == seq), None)
        return messages.called(self.posting.database, seq) if own is None else own.id or str(own.number)

    def mailbox(self, agent: int) -> Mailbox:
        """The mailbox of an agent."""
        return self.mailboxes.get(agent) or self.open(numbered(self.posting.database, agent, sender=self.author.agent))

    def open(self, found: MailboxRow) -> Mailbox:
        """Take a mailbox that was found into this transaction."""
        mailbox = self.mailboxes[found.agent] = self.by_name[found.name] = Mailbox(found)
        return mailbox

    def pace(self, key: tuple[int, int]) -> int:
        """The pace of a room or of a sender's broadcasts, by its key in the meters, as this transaction finds it."""
        if key not in self.paces:
            self.paces[key] = budgets.meter(self.posting.database, key)
        return self.paces[key]

    def put(
        self, author: Author, letter: Letter, to: Sequence[Mailbox], *, place: Place = NEW_THREAD, refusals: dict[int, str] = NO_REFUSALS
    ) -> Receipt:
        """Put one message down: a delivery for each recipient, held, refused, or in the mailbox with the bell to be rung."""
        self.seq += 1
        urgency, progress = letter.draft.urgency, []
        for delivery, mailbox in enumerate(to, self._delivery + 1):
            step = self._deliver(delivery, mailbox, place, urgency, refusals.get(mailbox.agent) if refusals else None)
            if not mailbox.ghost:
                progress.append(step)
        return self._note(author, letter, to, place, progress)

    def spread(self, letter: Letter, crowd: Crowd, *, place: Place, refusals: dict[int, str]) -> Receipt:
        """Put one message of the desk's agent down for a crowd, as `put` does; one by one only for those who do not just get it."""
        members, urgency, now_ms = crowd.members, letter.draft.urgency, self.posting.now_ms
        self.seq, first = self.seq + 1, self._delivery + 1
        agents, names = [one.agent for one in members], [one.name for one in members]
        apart = refusals.keys() | crowd.urgencies.keys() if place.held is None else set(agents)
        attached = self._spread(first, agents, apart, place, refusals) if place.held is None else {}
        if urgency != Urgency.INFO:
            self.posting.bells.update({agent: rows for agent, rows in attached.items() if agent not in apart})
        online = map(attached.__contains__, agents)
        steps = [*made(Progress, zip(names, repeat(State.DELIVERED), online, NONE, repeat(now_ms), NONE, NONE, NONE, NONE, repeat(0)))]
        for index, one in enumerate(members) if apart else ():
            if one.agent in apart:
                mailbox = Mailbox(MailboxRow(one.agent, one.name, "", one.ghost, 0, one.waiting, attached.get(one.agent, [])))
                mailbox.urgency = crowd.urgencies.get(one.agent)
                steps[index] = self._deliver(first + index, mailbox, place, urgency, refusals.get(one.agent))
        told = [step for step, one in zip(steps, members, strict=True) if not one.ghost]
        return self._note(self.author, letter, members, place, told)

    def _spread(
        self, first: int, agents: list[int], apart: Collection[int], place: Place, refusals: dict[int, str]
    ) -> dict[int, list[AttachedRow]]:
        """Put this message into the mailboxes of a crowd, and count it there, also for those apart. Returns the processes to be woken.

        At once, so that the next message finds these mailboxes as they are now. SQLite takes lists apart faster than values can be bound.
        """
        database, now_ms = self.posting.database, self.posting.now_ms
        everyone = str(agents)
        reached = str([agent for agent in agents if agent not in refusals]) if refusals else everyone
        alike = str([0 if agent in apart else agent for agent in agents]) if apart else everyone
        mailboxes.count_in(database, reached, mailboxes.units(hidden=place.hidden))
        deliveries.spread(database, self.seq, alike, first=first, now_ms=now_ms)
        return mailboxes.attached(database, reached)

    def _note(self, author: Author, letter: Letter, to: Sequence[Mailbox | MemberRow], place: Place, progress: list[Progress]) -> Receipt:
        """Put down what all recipients get, and say what it is called."""
        _, draft, kind, reply_by_ms, expires_ms, files = letter
        seq, now_ms, id, number = self.seq, self.posting.now_ms, draft.id, 0
        if not place.hidden:
            self._number = number = self._number + 1
        elif id is None:
            id = f"+{os.urandom(RANDOM_BYTES).hex()}"
        self._messages.append(
            (
                seq, id, HERE, author.agent, author.provenance, place.address or written_to(to, hidden=place.hidden), now_ms, kind,
                draft.urgency, place.root, place.reply_to,
                draft.subject, draft.body, reply_by_ms, expires_ms, place.hops, bool(draft.follow), len(files), self._delivery + 1, len(to),
                place.room, place.hidden, self._number, place.held is not None,
            )
        )  # fmt: skip
        self._delivery += len(to)
        if files:
            messages.insert_attachments(self.posting.database, seq, files)
        if expires_ms is not None:
            waits.set_timer(self.posting.database, waits.Timer(expires_ms, "expire", seq))
        called = id or str(number)
        receipt = Receipt(called, number, place.name or called, now_ms, tuple(progress))
        if draft.id is not None:
            self.receipts[draft.id] = letter, receipt
        return receipt

    def _deliver(self, delivery: int, mailbox: Mailbox, place: Place, urgency: str, refused: str | None) -> Progress:
        seq, now_ms = self.seq, self.posting.now_ms
        if refused is not None:
            self._deliveries.append((delivery, seq, mailbox.agent, None, State.REFUSED, refused, None, now_ms, None))
            return Progress(mailbox.name, State.REFUSED, online=False, reason=refused, ended_ms=now_ms)
        if place.held is not None:
            self._deliveries.append((delivery, seq, mailbox.agent, None, State.HELD, place.held, None, None, mailbox.urgency))
            return Progress(mailbox.name, State.HELD, online=False, reason=place.held)
        mailbox.arrived += mailboxes.HIDDEN if place.hidden else 1  # as mailboxes.units says
        if (mailbox.urgency or urgency) != Urgency.INFO:
            self.posting.bells[mailbox.agent] = mailbox.attached
        self._deliveries.append((delivery, seq, mailbox.agent, mailbox.agent, State.DELIVERED, None, now_ms, None, mailbox.urgency))
        if mailbox.delivered is None:
            mailbox.delivered = Progress(mailbox.name, State.DELIVERED, bool(mailbox.attached), None, now_ms)
        return mailbox.delivered

    def write(self) -> None:
        """Write everything that was put down."""
        database, sender = self.posting.database, self.posting.desk.agent.id
        messages.insert(database, self._messages)
        deliveries.insert(database, self._deliveries)
        meters = [(sender, 0, self.due_us), *[(*key, due_us) for key, due_us in self.paces.items()]]
        for mailbox in self.mailboxes.values():
            if mailbox.paced:
                meters.append((sender, mailbox.agent, mailbox.due_us))
            if mailbox.arrived:
                meters.append((0, mailbox.agent, mailbox.arrived))
        budgets.set_meters(database, meters)
