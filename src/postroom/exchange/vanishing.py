"""What happens to mail, questions and sessions when an agent becomes a ghost: they end at that moment, in sight of everybody concerned.

So afterwards nothing is left between it and the others that could end by what the ghost does, or wait for ever for what it does not do.
"""

from __future__ import annotations

from postroom.core.message import Kind, State
from postroom.core.session import LIVE
from postroom.exchange import events, notices, sessions
from postroom.exchange.desk import Posting
from postroom.exchange.events import Outcome
from postroom.exchange.outbox import Outbox
from postroom.store import agents, deliveries, messages, waits
from postroom.store import sessions as stored
from postroom.store.messages import MessageRow

GONE = "gone: it is not here any more"
SPOKEN = frozenset({Kind.MESSAGE, Kind.DATA, Kind.SYN_NACK})
"""What somebody has said. The rest of a session's messages say where it stands, and its end says that."""


def vanish(posting: Posting, agent: int) -> int:
    """End what an agent has open with those who see no ghosts, before it is one. Returns how many messages went back."""
    outbox = Outbox(posting)
    name = agents.known_name(posting.database, agent, hidden=False)
    returned = return_mail(outbox, agent, name)
    end_questions(outbox, agent, name)
    end_sessions(outbox, agent, name)
    outbox.write()
    return returned


def vanish_again(posting: Posting) -> None:
    """The same for all who are ghosts, where the past came back in which they were none yet."""
    for agent in agents.ghosts(posting.database):
        vanish(posting, agent)


def return_mail(outbox: Outbox, agent: int, name: str) -> int:
    """Return what was sent to the agent by name and that it has not read. Returns how many messages those are that somebody has said."""
    posting, returned = outbox.posting, 0
    for delivery, message in deliveries.returning(posting.database, agent):
        about = row(posting, message)
        deliveries.end(posting.database, delivery, State.REFUSED, GONE, now_ms=posting.now_ms)
        waits.close_request(posting.database, agent, message)
        events.receipt(posting, Outcome("refused", message, about.sender, agent, GONE))
        if about.followed:
            posting.wake(about.sender)
        if about.kind in SPOKEN:
            notices.notify(outbox, about.sender, "refused", about, recipient=name, reason=GONE)
            returned += 1
    return returned


def end_questions(outbox: Outbox, agent: int, name: str) -> None:
    """Close the questions to the agent that it has read and not answered, and those of its own that nobody can answer any more."""
    posting = outbox.posting
    for request in waits.requests_in_sight(posting.database, agent):
        about = row(posting, request.message)
        if request.recipient == agent:
            notices.notify(outbox, request.asker, "gone", about, recipient=name)
        else:
            asked = agents.known_name(posting.database, request.recipient, hidden=False)
            notices.notify(outbox, request.asker, "out-of-sight", about, recipient=asked)
        waits.close_request(posting.database, request.recipient, request.message)


def end_sessions(outbox: Outbox, agent: int, name: str) -> None:
    """End the agent's sessions, and tell both sides."""
    database = outbox.posting.database
    for found in stored.in_sight(database, agent):
        if stored.state(database, found) in LIVE:
            sessions.lapse(outbox, found, "session-gone", agent=name)


def row(posting: Posting, message: int) -> MessageRow:
    """A message that something is still open about."""
    found = messages.row(posting.database, message)
    assert found is not None, "what is unread or awaited is never pruned"
    return found
