"""The messages of one transaction: numbered, put into mailboxes, written together at its end. Who may send is not decided here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from postroom.core.message import Letter, Progress, Receipt, State
from postroom.exchange.desk import Posting
from postroom.store import budgets, deliveries, messages, waits
from postroom.store.agents import AgentRow
from postroom.store.deliveries import DeliveryRow
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


class Outbox:
    """Collects the messages of one posting."""

    __slots__ = ("_delivery_rows", "_message_rows", "_next_delivery", "_next_seq", "arrivals", "directory", "paces", "posting")

    def __init__(self, posting: Posting) -> None:
        self.posting = posting
        self.directory: dict[str, AgentRow] = {}
        self.paces: dict[tuple[int, int], int] = {}
        self.arrivals: dict[int, int] = {}
        self._next_seq, self._next_delivery = messages.next_ids(posting.database)
        self._message_rows: list[MessageRow] = []
        self._delivery_rows: list[DeliveryRow] = []

    @property
    def next_seq(self) -> int:
        """The number that the next message gets."""
        return self._next_seq

    def pace(self, sender: int, recipient: int = 0) -> int:
        """The pace of a sender, or from a sender to a recipient, as this transaction leaves it."""
        key = (sender, recipient)
        return self.paces[key] if key in self.paces else budgets.meter(self.posting.database, sender, recipient)

    def waiting(self, recipient: int) -> int:
        """How many messages wait in a mailbox, with those of this transaction."""
        return budgets.meter(self.posting.database, 0, recipient) + self.arrivals.get(recipient, 0)

    def put(
        self,
        author: Author,
        letter: Letter,
        recipients: Sequence[AgentRow],
        *,
        place: Place = NEW_THREAD,
        refusals: dict[int, str] = NO_REFUSALS,
    ) -> Receipt:
        """Put one message down: a delivery for each recipient, held, refused, or in the mailbox with the bell to be rung."""
        draft, now_ms = letter.draft, self.posting.now_ms
        seq, first = self._next_seq, self._next_delivery
        self._message_rows.append(
            MessageRow(
                seq, draft.id, HERE, author.agent, author.provenance, " ".join([agent.name for agent in recipients]), now_ms,
                letter.kind, draft.urgency, place.root, place.reply_to, draft.subject, draft.body, letter.reply_by_ms, letter.expires_ms,
                place.hops, draft.follow, len(letter.files), first, len(recipients),
            )
        )  # fmt: skip
        progress = tuple([self._deliver(seq, agent, place.held, refusals.get(agent.id)) for agent in recipients])
        self._next_seq += 1
        if letter.files:
            messages.insert_attachments(self.posting.database, seq, letter.files)
        if letter.expires_ms is not None:
            waits.set_timer(self.posting.database, waits.Timer(letter.expires_ms, "expire", seq))
        id = draft.id or str(seq)
        return Receipt(id, seq, place.name or id, now_ms, progress)

    def _deliver(self, seq: int, agent: AgentRow, held: str | None, refused: str | None) -> Progress:
        now_ms = self.posting.now_ms
        delivery = self._next_delivery
        self._next_delivery += 1
        if refused is not None:
            self._delivery_rows.append(DeliveryRow(delivery, seq, agent.id, None, State.REFUSED, refused, None, now_ms))
            return Progress(agent.name, State.REFUSED, online=False, reason=refused, ended_ms=now_ms)
        if held is not None:
            self._delivery_rows.append(DeliveryRow(delivery, seq, agent.id, None, State.HELD, held, None, None))
            return Progress(agent.name, State.HELD, online=False, reason=held)
        self.arrivals[agent.id] = self.arrivals.get(agent.id, 0) + 1
        online = self.posting.wake(agent.id)
        self._delivery_rows.append(DeliveryRow(delivery, seq, agent.id, agent.id, State.DELIVERED, None, now_ms, None))
        return Progress(agent.name, State.DELIVERED, online, None, now_ms)

    def write(self) -> None:
        """Write everything that was put down."""
        database = self.posting.database
        messages.insert(database, self._message_rows)
        deliveries.insert(database, self._delivery_rows)
        budgets.set_meters(database, self.paces, self.arrivals)
