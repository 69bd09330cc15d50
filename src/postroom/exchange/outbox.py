"""The messages of one transaction: numbered, put into mailboxes, written together at its end. Who may send is not decided here."""

from __future__ import annotations

from collections.abc import Sequence

from postroom.core.message import Letter, Progress, Receipt, State
from postroom.core.types import NamedTuple
from postroom.exchange.desk import Posting
from postroom.store import budgets, deliveries, messages, waits
from postroom.store.database import Row
from postroom.store.mailboxes import MailboxRow, numbered
from postroom.store.messages import MessageRow

HERE = 1
"""The node that messages of this post room come from."""


class Place(NamedTuple):
    """Where a message stands among the others: its thread (None: it begins one), what it answers, and why it is held, if it is."""

    root: int | None = None
    name: str = ""
    reply_to: int | None = None
    hops: int = 0
    held: str | None = None


class Author(NamedTuple):
    """In whose name a message is written, and how that one came in."""

    agent: int
    provenance: int


NEW_THREAD = Place()
NO_REFUSALS: dict[int, str] = {}


class Mailbox:
    """A recipient's mailbox as this transaction finds and leaves it. `due_us` is the pace from the desk's agent, see core/pace.py."""

    __slots__ = ("agent", "arrived", "attached", "due_us", "name", "paced", "waiting")

    def __init__(self, found: MailboxRow) -> None:
        self.agent, self.name, _, self.due_us, self.waiting, self.attached = found
        self.arrived = 0
        self.paced = False  # whether due_us is another now


class Outbox:
    """Collects the messages of one posting."""

    __slots__ = (
        "_deliveries",
        "_messages",
        "_next_delivery",
        "_next_seq",
        "author",
        "by_name",
        "due_us",
        "mailboxes",
        "posting",
        "receipts",
    )

    def __init__(self, posting: Posting) -> None:
        self.posting = posting
        self._next_seq, self._next_delivery, self.due_us = messages.next_ids(posting.database, posting.desk.agent.id)
        self.mailboxes: dict[int, Mailbox] = {}
        self.by_name: dict[str, Mailbox] = {}
        self.receipts: dict[str, tuple[Letter, Receipt]] = {}  # of this transaction's messages with an id of their own
        self.author = Author(posting.desk.agent.id, posting.provenance())
        self._messages: list[Row] = []  # in the order of the columns: plain tuples, a batch of 100 costs 8 % less
        self._deliveries: list[Row] = []

    @property
    def last(self) -> MessageRow:
        """The message that was put down last."""
        return MessageRow(*self._messages[-1])

    def mailbox(self, agent: int) -> Mailbox:
        """The mailbox of an agent."""
        return self.mailboxes.get(agent) or self.open(numbered(self.posting.database, agent, sender=self.author.agent))

    def open(self, found: MailboxRow) -> Mailbox:
        """Take a mailbox that was found into this transaction."""
        mailbox = self.mailboxes[found.agent] = self.by_name[found.name] = Mailbox(found)
        return mailbox

    def put(
        self, author: Author, letter: Letter, to: Sequence[Mailbox], *, place: Place = NEW_THREAD, refusals: dict[int, str] = NO_REFUSALS
    ) -> Receipt:
        """Put one message down: a delivery for each recipient, held, refused, or in the mailbox with the bell to be rung."""
        _, draft, kind, reply_by_ms, expires_ms, files = letter
        seq, now_ms, first = self._next_seq, self.posting.now_ms, self._next_delivery
        self._next_seq += 1
        self._messages.append(
            (
                seq, draft.id, HERE, author.agent, author.provenance, to[0].name if len(to) == 1 else " ".join([one.name for one in to]),
                now_ms, kind, draft.urgency, place.root, place.reply_to, draft.subject, draft.body, reply_by_ms, expires_ms, place.hops,
                bool(draft.follow), len(files), first, len(to), None, 0, seq,
            )
        )  # fmt: skip
        progress = tuple([self._deliver(seq, mailbox, place.held, refusals.get(mailbox.agent)) for mailbox in to])
        if files:
            messages.insert_attachments(self.posting.database, seq, files)
        if expires_ms is not None:
            waits.set_timer(self.posting.database, waits.Timer(expires_ms, "expire", seq))
        id = draft.id or str(seq)
        receipt = Receipt(id, seq, place.name or id, now_ms, progress)
        if draft.id is not None:
            self.receipts[draft.id] = letter, receipt
        return receipt

    def _deliver(self, seq: int, mailbox: Mailbox, held: str | None, refused: str | None) -> Progress:
        delivery, now_ms = self._next_delivery, self.posting.now_ms
        self._next_delivery += 1
        if refused is not None:
            self._deliveries.append((delivery, seq, mailbox.agent, None, State.REFUSED, refused, None, now_ms))
            return Progress(mailbox.name, State.REFUSED, online=False, reason=refused, ended_ms=now_ms)
        if held is not None:
            self._deliveries.append((delivery, seq, mailbox.agent, None, State.HELD, held, None, None))
            return Progress(mailbox.name, State.HELD, online=False, reason=held)
        mailbox.arrived += 1
        self.posting.bells[mailbox.agent] = mailbox.attached
        self._deliveries.append((delivery, seq, mailbox.agent, mailbox.agent, State.DELIVERED, None, now_ms, None))
        return Progress(mailbox.name, State.DELIVERED, bool(mailbox.attached), None, now_ms)

    def write(self) -> None:
        """Write everything that was put down."""
        database, sender = self.posting.database, self.posting.desk.agent.id
        messages.insert(database, self._messages)
        deliveries.insert(database, self._deliveries)
        meters = [(sender, 0, self.due_us)]
        for mailbox in self.mailboxes.values():
            if mailbox.paced:
                meters.append((sender, mailbox.agent, mailbox.due_us))
            if mailbox.arrived:
                meters.append((0, mailbox.agent, mailbox.arrived))
        budgets.set_meters(database, meters)
