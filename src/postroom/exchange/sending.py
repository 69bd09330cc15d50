"""Sending: the rules about who may send what to whom, how fast and how long. Whatever agents say to each other comes through `post`."""

from __future__ import annotations

from collections.abc import Sequence

from postroom.core import pace
from postroom.core.address import RESERVED, Name, close_names
from postroom.core.errors import (
    AmbiguousId,
    BadValue,
    IdTaken,
    MailboxFull,
    NoSuchRecipient,
    NotYourMessage,
    ReservedName,
    TooFast,
    TooLarge,
    TooMany,
    WorldError,
)
from postroom.core.limits import Limits
from postroom.core.message import Attachment, Draft, Letter, Receipt, checked, id_text
from postroom.exchange import notices
from postroom.exchange.desk import Desk, Posting, admit
from postroom.exchange.outbox import NEW_THREAD, NO_REFUSALS, Mailbox, Outbox, Place
from postroom.store import agents, budgets, deliveries, mailboxes, messages, waits
from postroom.store.agents import AgentRow
from postroom.store.budgets import ThreadBudget
from postroom.store.database import Database
from postroom.store.messages import Parent

REASONS: dict[type[WorldError], str] = {
    TooFast: "too-fast: more than {limit_name} = {limit} from you",
    MailboxFull: "mailbox-full: {limit} messages wait there already",
}
"""Why one of several recipients was left out. The sentences of these errors are for when nothing was sent at all."""


def send(desk: Desk, drafts: Sequence[Draft]) -> list[Receipt]:
    """Send messages in one transaction: all of them, or none and an error. Safe on disk when it returns."""
    limits = desk.config.limits
    if len(drafts) > limits.batch:
        raise TooLarge(
            part="batch", size=len(drafts), unit="messages", limit_name="batch", limit=limits.batch, advice="Send several batches."
        )
    now_ms = desk.now_ms()
    letters = [checked(draft, limits, now_ms=now_ms) for draft in drafts]
    letters = [letter._replace(files=keep_files(desk, letter.draft)) if letter.draft.files else letter for letter in letters]
    with desk.posting(safe=True) as posting:
        outbox = Outbox(posting)
        receipts = [post(outbox, letter) for letter in letters]
        outbox.write()
    return receipts


def keep_files(desk: Desk, draft: Draft) -> tuple[Attachment, ...]:
    """Copy the files of a draft into the store, before the transaction: nobody else waits while a disk is busy."""
    from postroom.store import files

    return tuple(files.keep(desk.database.home, path, limit=desk.config.limits.file_bytes) for path in draft.paths)


def post(outbox: Outbox, letter: Letter) -> Receipt:
    """Put one message of the desk's agent down, or find it there already. Raises what forbids it."""
    draft = letter.draft
    recipients = [outbox.by_name.get(address.name) or recipient(outbox, address.name, create=draft.create) for address in letter.to]
    if draft.id is not None and (receipt := earlier(outbox, letter, recipients)):
        return receipt
    place = NEW_THREAD if draft.reply_to is None and draft.thread is None else placed(outbox, draft, recipients)
    return deliver(outbox, letter, recipients, place)


def deliver(outbox: Outbox, letter: Letter, recipients: list[Mailbox], place: Place) -> Receipt:
    """Put a message down at its place, at the pace that is allowed."""
    refusals = paced(outbox, recipients)
    receipt = outbox.put(outbox.author, letter, recipients, place=place, refusals=refusals)
    if refusals:
        tell_refusals(outbox, recipients, refusals)
    if letter.reply_by_ms is not None:
        expect_reply(outbox, receipt.seq, letter.reply_by_ms, [mailbox.agent for mailbox in recipients if mailbox.agent not in refusals])
    return receipt


def tell_refusals(outbox: Outbox, recipients: list[Mailbox], refusals: dict[int, str]) -> None:
    """Tell the sender also in its mailbox who did not take the last message, and why: not everybody reads receipts."""
    about = outbox.last
    for mailbox in recipients:
        if mailbox.agent in refusals:
            notices.notify(outbox, about.sender, "refused", about, recipient=mailbox.name, reason=refusals[mailbox.agent])


def recipient(outbox: Outbox, name: Name, *, create: bool) -> Mailbox:
    """The mailbox of a name. Raises NoSuchRecipient with close names, unless it is to be made."""
    database, sender = outbox.posting.database, outbox.author.agent
    found = mailboxes.named(database, name, sender=sender)
    if found is None and create and name not in RESERVED:
        admit(database, name, outbox.posting.desk.config.limits, now_ms=outbox.posting.now_ms)
        found = mailboxes.named(database, name, sender=sender)
    if found is None:
        raise NoSuchRecipient(name=name, close=close_names(name, agents.names(database)))
    if found.kind == "system":
        raise ReservedName(name=name)
    return outbox.open(found)


def earlier(outbox: Outbox, letter: Letter, recipients: list[Mailbox]) -> Receipt | None:
    """The receipt of a message that was sent before with the same id. Raises IdTaken when that was another message."""
    draft, database = letter.draft, outbox.posting.database
    assert draft.id is not None, "only a sender's own id can come twice"
    if draft.id in outbox.receipts:
        first, receipt = outbox.receipts[draft.id]
        if first != letter:
            raise IdTaken(id=draft.id, seq=receipt.seq)
        return receipt
    found = messages.by_sender_id(database, outbox.posting.desk.agent.id, draft.id)
    if found is None:
        return None
    said = (found.recipients, found.kind, found.subject, found.body)
    saying = (" ".join(mailbox.name for mailbox in recipients), letter.kind, draft.subject, draft.body)
    if said != saying or messages.attachments(database, found.seq) != letter.files:
        raise IdTaken(id=draft.id, seq=found.seq)
    thread = draft.id if found.thread is None else messages.called(database, found.thread)
    return Receipt(draft.id, found.seq, thread, found.sent_ms, deliveries.progress(database, found.seq))


def paced(outbox: Outbox, recipients: list[Mailbox]) -> dict[int, str]:
    """Charge the paces. Names the recipients that cannot take the message and why; raises when none of them can."""
    limits, now_us = outbox.posting.desk.config.limits, outbox.posting.now_us
    due = pace.due_after(outbox.due_us, now_us, len(recipients), limits.sender_per_minute)
    if wait := pace.wait_ms(due, now_us):
        raise too_fast("sender_per_minute", limits.sender_per_minute, wait)
    outbox.due_us = due
    refusals = NO_REFUSALS
    for mailbox in recipients:
        due = pace.due_after(mailbox.due_us, now_us, 1, limits.pair_per_minute)
        if due - now_us > pace.MINUTE_US or mailbox.waiting + mailbox.arrived >= limits.waiting:
            error = cannot_take(mailbox, pace.wait_ms(due, now_us), limits)
            if len(refusals) == len(recipients) - 1:  # the last one that could have taken it
                raise error
            refusals = refusals | {mailbox.agent: REASONS[type(error)].format_map(error.facts)}
        else:
            mailbox.due_us, mailbox.paced = due, True
    return refusals


def cannot_take(mailbox: Mailbox, wait_ms: int, limits: Limits) -> WorldError:
    """Why a recipient cannot take a message now."""
    if wait_ms:
        return too_fast("pair_per_minute", limits.pair_per_minute, wait_ms)
    return MailboxFull(name=mailbox.name, limit=limits.waiting)


def too_fast(name: str, limit: int, wait_ms: int) -> TooFast:
    """The error for a pace that is exceeded. For people the wait is rounded up to a tenth of a second."""
    return TooFast(limit_name=name, limit=limit, retry_after_ms=wait_ms, seconds=-(-wait_ms // 100) / 10)


def placed(outbox: Outbox, draft: Draft, recipients: list[Mailbox]) -> Place:
    """Where a message stands that names a thread or the message that it answers, with all that follows from an answer."""
    database, sender = outbox.posting.database, outbox.posting.desk.agent
    answered = resolve(database, draft.reply_to, sender) if draft.reply_to is not None else None
    threaded = resolve(database, draft.thread, sender) if draft.thread is not None else answered
    assert threaded is not None, "called for messages that name one or the other"
    if answered is not None and answered.root != threaded.root:
        raise BadValue(name="thread", value=draft.thread, why=f"message {draft.reply_to} is in another thread")
    hops = 0 if answered is None or sender.kind == "human" else answered.hops + 1
    held = budgeted(outbox, threaded.root, hops, recipients)
    if answered is not None and held is None and answered.sender in {mailbox.agent for mailbox in recipients}:
        note_answer(outbox.posting, answered, by=sender.id)
    return Place(threaded.root, messages.called(database, threaded.root), answered and answered.seq, hops, held)


def resolve(database: Database, id: str | int, agent: AgentRow) -> Parent:
    """The one message that an id means for an agent: sent by it or delivered to it. Raises NotYourMessage, AmbiguousId."""
    found = messages.referred(database, id_text(id), agent.id)
    if not found:
        raise NotYourMessage(id=id, agent=agent.name)
    if len(found) > 1:
        raise AmbiguousId(id=id, choices=", ".join(str(parent.seq) for parent in found))
    return found[0]


def budgeted(outbox: Outbox, root: int, hops: int, recipients: list[Mailbox]) -> str | None:
    """Count the turn of a thread. Says why the message is held, if it is, and tells everyone concerned when that happens first."""
    desk, database = outbox.posting.desk, outbox.posting.database
    sender, limits = desk.agent, desk.config.limits
    by_human = sender.kind == "human"
    before = budgets.thread(database, root) or ThreadBudget(0, messages.sender(database, root))
    if before.held:
        return None if by_human else before.held  # a human is heard, and the thread waits for a release all the same
    turns = pace.turns_after(before.turns, last=before.sender, sender=sender.id, by_human=by_human)
    held = pace.held_because(turns=turns, turns_max=limits.thread_turns, hops=hops, hops_max=limits.hops)
    budgets.set_thread(database, root, ThreadBudget(turns, sender.id, held))
    if held is not None:
        notices.notify_held(outbox, root, {sender.id, *(mailbox.agent for mailbox in recipients)}, held)
    return held


def note_answer(posting: Posting, answered: Parent, *, by: int) -> None:
    """Note that an agent answered a message: that counts as reading it, and nobody waits for the answer any more."""
    if deliveries.answered(posting.database, answered, by, now_ms=posting.now_ms):
        posting.wake(answered.sender)
    waits.close_request(posting.database, by, answered.seq)


def expect_reply(outbox: Outbox, seq: int, reply_by_ms: int, recipients: list[int]) -> None:
    """Note the open questions. Raises TooMany."""
    database, desk = outbox.posting.database, outbox.posting.desk
    limit = desk.config.limits.requests
    if waits.count_requests(database, desk.agent.id) + len(recipients) > limit:
        raise TooMany(limit=limit, things="messages of yours that expect an answer", limit_name="requests")
    for agent in recipients:
        waits.insert_request(database, agent, seq, desk.agent.id)
    waits.set_timer(database, waits.Timer(reply_by_ms, "deadline", seq))
