"""Sending: the rules about who may send what to whom, how fast and how long. Whatever agents say to each other comes through `post`."""

from __future__ import annotations

from collections.abc import Sequence

from postroom.core import pace
from postroom.core.address import RESERVED, SYSTEM, Name, written
from postroom.core.errors import (
    BadValue,
    IdTaken,
    MailboxFull,
    NoSuchRecipient,
    ReservedName,
    TooFast,
    TooLarge,
    TooMany,
    WorldError,
)
from postroom.core.limits import Limits
from postroom.core.message import Attachment, Draft, Letter, Receipt, checked, id_text
from postroom.core.types import AtRest
from postroom.exchange import causes, crowds, notices
from postroom.exchange.desk import HUMAN_AGENT, POSTROOM_AGENT, Desk, Posting
from postroom.exchange.lookup import instead, resolve
from postroom.exchange.outbox import NO_REFUSALS, Crowd, Mailbox, Outbox, Place, written_to
from postroom.store import budgets, deliveries, mailboxes, messages, waits
from postroom.store.budgets import ThreadBudget
from postroom.store.mailboxes import MemberRow
from postroom.store.messages import Parent

TOLD_OF_STORM = -6
"""Stands for the recipient in the meters where the number is when a sender was refused for its pace last, in µs since 1970.

And for the sender where it is when one was refused for the pace of a room.
"""
CALM_US = 600_000_000
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
    try:
        with desk.posting(safe=True) as posting:
            outbox = Outbox(posting)
            receipts = [post(outbox, letter) for letter in letters]
            outbox.write()
    except (TooFast, MailboxFull) as error:
        if len(drafts) > 1:
            error.add_note(f"These {len(drafts)} messages are sent together or not at all: if it stays so, send them in smaller parts.")
        if isinstance(error, TooFast):
            tell_of_storm(desk, error)
        raise
    return receipts


def tell_of_storm(desk: Desk, error: TooFast) -> None:
    """Tell the human that an agent goes faster than it may, or all in a room together: once, until it has been quiet for a while."""
    room = str(error.facts["room"])
    with desk.reading() as database:
        key = (TOLD_OF_STORM, crowds.room_called(database, room)) if room else (desk.agent.id, TOLD_OF_STORM)
        if desk.clock() - budgets.meter(database, key) < CALM_US // 10:
            return  # a storm must cost nobody anything
    with desk.posting() as posting:
        if posting.now_us - budgets.meter(posting.database, key) > CALM_US:
            outbox = Outbox(posting)
            facts = {"agent": desk.agent.name, "room": room, "limit": f"{error.facts['limit_name']} = {error.facts['limit']}"}
            what = "storm-in-room" if room else "storm"
            notices.tell(outbox, HUMAN_AGENT, what, hidden=True, **facts)  # hidden: it may be about what others do not see
            outbox.write()
        budgets.set_meters(posting.database, [(*key, posting.now_us)])


def keep_files(desk: Desk, draft: Draft) -> tuple[Attachment, ...]:
    """Copy the files of a draft into the store, before the transaction: nobody else waits while a disk is busy."""
    from postroom.store import files

    return tuple(files.keep(desk.database.home, path, limit=desk.config.limits.file_bytes) for path in draft.paths)


def post(outbox: Outbox, letter: Letter) -> Receipt:
    """Put one message of the desk's agent down, or find it there already. Raises what forbids it."""
    draft = letter.draft
    if draft.id is not None and (receipt := earlier(outbox, letter)):
        return receipt
    opens = draft.reply_to is None and draft.thread is None
    if opens and letter.to in outbox.openings:  # so a batch costs a quarter less
        return deliver(outbox, letter, *outbox.openings[letter.to])
    answered = None if draft.reply_to is None else resolve(outbox.posting.database, draft.reply_to, outbox.posting.desk.agent)
    crowd = addressed(outbox, letter, answered)
    hidden = is_hidden(outbox, crowd)
    if opens:
        place = unthreaded(outbox, crowd, hidden=hidden)
        if not crowd.address:
            outbox.openings[letter.to] = crowd, place
    else:
        place = placed(outbox, draft, answered, crowd, hidden=hidden)
        if crowd.address:
            place = place._replace(address=crowd.address)
    if crowd.room is not None:
        place = place._replace(room=crowd.room.id)
    return deliver(outbox, letter, crowd, place)


def is_hidden(outbox: Outbox, crowd: Crowd) -> bool:
    """Whether others must not notice a message: it is said in a secret room, or from or to a ghost."""
    if crowd.address:
        return bool(outbox.ghost) or (crowd.room is not None and crowd.room.policy == "secret")
    return bool(outbox.ghost) or any(mailbox.ghost for mailbox in crowd.mailboxes)


def addressed(outbox: Outbox, letter: Letter, answered: Parent | None) -> Crowd:
    """Who gets a message: those it names, or a crowd. An answer that names nobody goes where the message came from."""
    create = letter.draft.create
    if not letter.to:
        assert answered is not None, "without a recipient there is a message to answer"
        if answered.room is None:
            return Crowd("", [known_mailbox(outbox, answered)])
        from postroom.store import rooms  # not loaded by those who write to one agent

        return crowds.of_room(outbox, rooms.name(outbox.posting.database, answered.room), letter.draft)
    if letter.to[0].kind != "agent":
        return crowds.of_address(outbox, letter.to[0], letter.draft)
    return Crowd("", [recipient(outbox, one.name, create=create, answered=answered) for one in letter.to])


def known_mailbox(outbox: Outbox, answered: Parent) -> Mailbox:
    """The mailbox of one who has written to the desk's agent.

    Raises ReservedName for the post room itself, NoSuchRecipient when it has become a ghost since.
    """
    if answered.sender == POSTROOM_AGENT:
        raise ReservedName(name=SYSTEM)
    mailbox = outbox.mailbox(answered.sender)
    if mailbox.ghost and not answered.hidden and outbox.author.agent not in (mailbox.agent, HUMAN_AGENT):
        raise nobody(outbox, mailbox.ghost)
    return mailbox


def nobody(outbox: Outbox, name: str) -> NoSuchRecipient:
    """The error for a name that nobody has, as far as the sender may know; it may be that of a room."""
    return NoSuchRecipient(name=name, close=instead(outbox.posting.database, name, outbox.author.agent))


def deliver(outbox: Outbox, letter: Letter, crowd: Crowd, place: Place) -> Receipt:
    """Put a message down at its place, at the pace that is allowed; or hold it, when a human has paused its sender."""
    together = crowd.address != ""
    refusals = crowds.paced(outbox, crowd, place) if together else paced(outbox, crowd.mailboxes, place)
    limit = outbox.posting.desk.config.limits.hops
    looping = place.hops > limit and place.held is None
    if looping:
        place = in_loop(outbox, crowd, place._replace(held=pace.too_many_hops(limit)))
    if outbox.paused is not None:
        place = or_held(outbox, place)
    if together:
        with AtRest():
            receipt = outbox.spread(letter, crowd, place=place, refusals=refusals)
    else:
        receipt = outbox.put(outbox.author, letter, crowd.mailboxes, place=place, refusals=refusals)
    seq = outbox.seq  # notices may follow
    if looping and place.root is None:
        hold_new_thread(outbox, crowd, pace.too_many_hops(limit))
    if refusals:
        tell_refusals(outbox, [one for one in crowd.everyone if one.agent in refusals], refusals, together=together)
    if letter.reply_by_ms is not None:
        asked = [one.agent for one in crowd.everyone if one.agent not in refusals and not (together and one.ghost)]
        expect_reply(outbox, seq, letter.reply_by_ms, asked)
    return receipt


def in_loop(outbox: Outbox, crowd: Crowd, place: Place) -> Place:
    """The place of one more step of a loop: beside those before it, if they are still held."""
    from postroom.exchange import loops  # not loaded by those who are in none

    return loops.join(outbox, crowd, place)


def hold_new_thread(outbox: Outbox, crowd: Crowd, reason: str) -> None:
    """Hold the thread that has just begun as one more step of a loop, and tell everyone concerned."""
    from postroom.exchange import loops

    about = outbox.last
    loops.begin(outbox, crowd, about)
    budgets.set_thread(outbox.posting.database, about.seq, ThreadBudget(0, about.sender, reason))
    notices.notify_held(outbox, about, {about.sender, *others(crowd)}, reason)


def others(crowd: Crowd) -> list[int]:
    """Who is told that a thread is held, besides its speaker: whom it names. Of a crowd only the next one who speaks is."""
    return [] if crowd.address else [mailbox.agent for mailbox in crowd.mailboxes]


def or_held(outbox: Outbox, place: Place) -> Place:
    """The place of a message, held when a human has paused its sender."""
    return place if outbox.paused is None else place._replace(held=f"{pace.PAUSED}: {outbox.paused}")


def tell_refusals(outbox: Outbox, refusing: Sequence[Mailbox | MemberRow], refusals: dict[int, str], *, together: bool) -> None:
    """Tell the sender also in its mailbox who did not take the last message, and why: not everybody reads receipts."""
    about = outbox.last
    if not together:
        for mailbox in refusing:
            notices.notify(outbox, about.sender, "refused", about, recipient=mailbox.name, reason=refusals[mailbox.agent])
    elif seen := [one for one in refusing if not one.ghost]:
        notices.notify(outbox, about.sender, "refused", about, recipient=crowds.names(seen), reason=refusals[seen[0].agent])


def recipient(outbox: Outbox, name: Name, *, create: bool, answered: Parent | None = None) -> Mailbox:
    """The mailbox of a name; of a ghost for who answers what it wrote. Raises NoSuchRecipient with close names, unless it is to be made."""
    known = outbox.by_name.get(name)
    if known is not None and not known.ghost:  # that a ghost was answered opens its mailbox for nothing else
        return known
    database, sender = outbox.posting.database, outbox.author.agent
    found = mailboxes.named(database, name, sender=sender)
    if found is None and answered is not None and answered.hidden and answered.room is None:
        author = outbox.mailbox(answered.sender)
        if name in (author.name, author.ghost):
            return author
    if found is None and create and name not in RESERVED:
        from postroom.exchange.naming import admit

        admit(outbox, name)
        found = mailboxes.named(database, name, sender=sender)
    if found is None:
        raise nobody(outbox, name)
    if found.kind == "system":
        raise ReservedName(name=name)
    return outbox.mailboxes.get(found.agent) or outbox.open(found)


def earlier(outbox: Outbox, letter: Letter) -> Receipt | None:
    """The receipt of a message that was sent before with the same id. Raises IdTaken when that was another message."""
    draft, database = letter.draft, outbox.posting.database
    assert draft.id is not None, "only a sender's own id can come twice"
    if draft.id in outbox.receipts:
        first, receipt = outbox.receipts[draft.id]
        if first != letter:
            raise IdTaken(id=draft.id)
        return receipt
    found = messages.by_sender_id(database, outbox.posting.desk.agent.id, draft.id)
    if found is None:
        return None
    to = " ".join(written(address) for address in letter.to) or found.recipients  # an answer names nobody
    if (found.recipients, found.kind, found.subject, found.body) != (to, letter.kind, draft.subject, draft.body):
        raise IdTaken(id=draft.id)
    if messages.attachments(database, found.seq) != letter.files:
        raise IdTaken(id=draft.id)
    thread = draft.id if found.thread is None else messages.called(database, found.thread)
    progress = deliveries.progress(database, found.seq, viewer=found.sender)
    return Receipt(draft.id, 0 if found.hidden else found.number, thread, found.sent_ms, progress)


def paced(outbox: Outbox, recipients: list[Mailbox], place: Place) -> dict[int, str]:
    """Charge the paces. Names the recipients that cannot take the message and why; raises when none of them can.

    What one says to a ghost is charged to the two alone: else it would slow the sender down where others can see it.
    """
    limits, now_us = outbox.posting.desk.config.limits, outbox.posting.now_us
    if outbox.ghost or not place.hidden:
        outbox.due_us = crowds.charged(outbox, len(recipients))
    refusals, unreserved = NO_REFUSALS, limits.unreserved
    for mailbox in recipients:
        reserved = mailbox.is_full(unreserved, hidden=place.hidden)
        per_minute = limits.into_reserve if reserved else limits.pair_per_minute
        due = pace.due_after(mailbox.due_us, now_us, 1, per_minute)
        full = reserved and mailbox.is_full(limits.waiting, hidden=place.hidden)
        if full or due - now_us > pace.MINUTE_US:
            error = MailboxFull(name=mailbox.name, limit=limits.waiting) if full else too_fast(mailbox, limits, per_minute, due - now_us)
            if len(refusals) == len(recipients) - 1:  # the last one that could have taken it
                raise error
            refusals = refusals | {mailbox.agent: REASONS[type(error)].format_map(error.facts)}
        else:
            mailbox.due_us, mailbox.paced = due, True
    return refusals


def too_fast(mailbox: Mailbox, limits: Limits, per_minute: int, ahead_us: int) -> TooFast:
    """The error for the pace of a pair, which is slower where only the reserve of a mailbox is left."""
    wait_ms = pace.wait_ms(ahead_us, 0)
    if per_minute == limits.pair_per_minute:
        return crowds.too_fast("pair_per_minute", per_minute, wait_ms)
    who = f"The mailbox of {mailbox.name!r} is nearly full, and you are"
    return crowds.too_fast("reserve_per_minute", per_minute, wait_ms, who=who)


def unthreaded(outbox: Outbox, crowd: Crowd, *, hidden: bool) -> Place:
    """Where a message stands that begins a thread."""
    hops = causes.hops_after(outbox.posting, None, hidden=hidden)
    return Place(hops=hops, hidden=hidden, address=crowd.address or written_to(crowd.mailboxes, hidden=hidden))


def placed(outbox: Outbox, draft: Draft, answered: Parent | None, crowd: Crowd, *, hidden: bool) -> Place:
    """Where a message stands that names a thread or the message that it answers, with all that follows from an answer.

    What is hidden belongs to no thread that others see, and nothing follows from it there: it begins one of its own.
    """
    database, sender = outbox.posting.database, outbox.posting.desk.agent
    threaded = answered if draft.thread is None else resolve(database, draft.thread, sender)
    assert threaded is not None, "called for messages that name one or the other"
    if answered is not None and answered.root != threaded.root:
        raise BadValue(name="thread", value=draft.thread, why=f"message {id_text(draft.reply_to or '')} is in another thread")
    hidden = hidden or bool(threaded.hidden)
    hops = causes.hops_after(outbox.posting, answered, hidden=hidden)
    if hidden and not threaded.hidden:
        if answered is not None and between_human_and_ghost(outbox, answered, crowd):
            waits.close_request(database, sender.id, answered.seq)
        return Place(reply_to=answered and answered.seq, hops=hops, hidden=True)
    held = budgeted(outbox, threaded.root, hops, crowd)
    speaks = held is None and outbox.paused is None
    if answered is not None and speaks and reaches(crowd, answered):
        note_answer(outbox.posting, answered, by=sender.id)
    return Place(threaded.root, messages.called(database, threaded.root), answered and answered.seq, hops, held, hidden=hidden)


def between_human_and_ghost(outbox: Outbox, answered: Parent, crowd: Crowd) -> bool:
    """Whether an answer goes from one of them to the other, who asked before it was a ghost: that it has come nobody else can notice."""
    if HUMAN_AGENT not in (outbox.author.agent, answered.sender):
        return False
    return any(one.agent == answered.sender and (one.ghost or outbox.ghost) for one in crowd.mailboxes)


def budgeted(outbox: Outbox, root: int, hops: int, crowd: Crowd) -> str | None:
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
        about = messages.row(database, root)
        assert about is not None, "a thread has a first message"
        notices.notify_held(outbox, about, {sender.id, *others(crowd)}, held)
    return held


def reaches(crowd: Crowd, answered: Parent) -> bool:
    """Whether an answer is said to who asked: by name, or where the question was said. In which rooms a ghost is must show nowhere."""
    if crowd.room is not None and crowd.room.id == answered.room:
        return True
    return any(one.agent == answered.sender and not (crowd.address and one.ghost) for one in crowd.everyone)


def note_answer(posting: Posting, answered: Parent, *, by: int) -> None:
    """Note that an agent answered a message: that counts as reading it, and nobody waits for the answer any more."""
    if deliveries.answered(posting.database, answered, by, now_ms=posting.now_ms):
        from postroom.exchange.events import Outcome, receipt

        receipt(posting, Outcome("answered", answered.seq, answered.sender, by))
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
