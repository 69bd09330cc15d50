"""Asking: a message, and the claim of this process to its answer, in one transaction."""

from __future__ import annotations

from postroom.core.message import Draft, Receipt, checked
from postroom.exchange.desk import Desk
from postroom.exchange.lookup import own_id
from postroom.exchange.outbox import Outbox
from postroom.exchange.sending import keep_files, post
from postroom.store import messages, waits


def ask(desk: Desk, draft: Draft) -> tuple[Receipt, int]:
    """Send a question whose answers and notices come to this process only, until `let_go` of the seq that is returned with the receipt."""
    letter = checked(draft, desk.config.limits, now_ms=desk.now_ms())
    letter = letter._replace(files=keep_files(desk, draft))
    with desk.posting(safe=True) as posting:
        outbox = Outbox(posting)
        receipt = post(outbox, letter)
        outbox.write()
        (sent,) = messages.referred(posting.database, own_id(desk.agent, receipt), desk.agent.id)
        waits.claim(posting.database, desk.agent.id, sent.seq, posting.provenance())
    return receipt, sent.seq


def claim(desk: Desk, seq: int) -> None:
    """Let the answers to a message, or the messages of a thread, come to this process only."""
    with desk.posting() as posting:
        waits.claim(posting.database, desk.agent.id, seq, posting.provenance())


def let_go(desk: Desk, seq: int) -> None:
    """Give a claim up: what still comes goes to any reader of the mailbox, which is woken for it. No more notices about the question."""
    with desk.posting() as posting:
        waits.unclaim(posting.database, desk.agent.id, seq, desk.provenance)
        waits.close_requests(posting.database, desk.agent.id, seq)
        posting.wake(desk.agent.id)
