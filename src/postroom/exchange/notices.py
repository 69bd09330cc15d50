"""What the post room itself says: a notice for everything that would otherwise happen in silence. The words of all notices are here."""

from __future__ import annotations

from postroom.core.message import Draft, Kind, Letter, Urgency
from postroom.exchange.desk import HUMAN_AGENT, POSTROOM_AGENT, POSTROOM_PROVENANCE
from postroom.exchange.outbox import Author, Outbox, Place
from postroom.store import messages
from postroom.store.messages import MessageRow

POSTROOM = Author(POSTROOM_AGENT, POSTROOM_PROVENANCE)

WORDS = {
    "expired": "Your message {id} to {recipient} expired before it was read.",
    "refused": "{recipient} did not take your message {id}: {reason}",
    "discarded": "Your message {id} to {recipient} was held and has been discarded: {reason}",
    "offline": "{recipient} went offline without answering your message {id}. It stays in the mailbox or history of {recipient}.",
    "idle": "{recipient} read your message {id} and went idle without answering.",
    "deadline": "{recipient} did not answer your message {id} in time.",
    "gone": "{recipient} is not here any more, and did not answer your message {id}.",
    "out-of-sight": "{recipient} cannot answer your message {id} any more: you are a ghost now.",
    "held": "Thread {id} is held ({reason}). What is sent in it waits for a human: postroom release {id}",
    "paused": "A human has paused you: {reason}. What you send is held, and nothing else of yours reaches others, until you are released.",
    "unpaused": "A human has released what you sent, and you are paused no more.",
    "storm": "{agent} sends faster than it may ({limit}) and is refused. To stop it: postroom pause {agent}",
    "storm-in-room": "In {room} more is said than may be ({limit}); the rest is refused. To see who speaks: postroom history '{room}'",
    "webhook": "Your webhook {id} ({address}) is paused: {why}. What happens is kept for it. To go on: postroom webhook retry {id}",
    "handshake": "The session {id} between {opener} and {peer} was not accepted in time.",
    "restored": "This post room is back in its state of {made}. Messages sent since are gone, and messages read since may come again.",
    "invited": '{by} invites you to the room {room}{about}\nTo join: postroom join {name}\nTo decline: postroom room decline {name} "why"',
    "uninvited": "{by} took your invitation to the room {room} back{why}",
    "invitation-declined": "{agent} declined your invitation to the room {room}: {reason}",
    "kicked": "{by} removed you from the room {room}{why}",
    "room-yours": "The room {room} is yours now: {why}.",
    "room-ended": "The room {room} is no more: {why}",
    "room-renamed": "The room {old} is called {room} now, as somebody who cannot see it has taken its name.",
    "renamed": "You are called {name} now: somebody who cannot see you took the name {old}. Others do not notice.",
    "session-idle": "The session {id} between {opener} and {peer} was silent for too long and has been closed.",
    "session-gone": "The session {id} between {opener} and {peer} has ended: {agent} is not here any more.",
    "session-ended": "The human has ended the session {id} between {opener} and {peer}: {reason}",
}


def notify(outbox: Outbox, to: int, what: str, about: MessageRow, *, hidden: bool = False, **facts: str) -> None:
    """Put a notice about a message into somebody's mailbox. Notices are never refused, held or answered by machine.

    One that comes or not by what a ghost does is `hidden`; so is each to a ghost. It stands beside a thread that others see, not in it.
    """
    id, mailbox = about.id or str(about.number), outbox.mailbox(to)
    body = WORDS[what].format(id=id, **facts)
    if about.hidden or not (hidden or mailbox.ghost):
        name = id if about.thread is None else messages.called(outbox.posting.database, about.thread)
        place = Place(about.thread or about.seq, name, about.seq, hidden=bool(about.hidden))
    else:
        place = Place(reply_to=about.seq, hidden=True)
    outbox.put(POSTROOM, letter(body, what), [mailbox], place=place)


def tell(outbox: Outbox, to: int, what: str, *, hidden: bool, **facts: str) -> None:
    """Put a notice that is about no message into somebody's mailbox. A hidden one has no number."""
    outbox.put(POSTROOM, letter(WORDS[what].format(**facts), what), [outbox.mailbox(to)], place=Place(hidden=hidden))


def letter(body: str, what: str, kind: Kind = Kind.NOTICE) -> Letter:
    """What the post room says, ready to be put into a mailbox."""
    return Letter((), Draft("", body, subject=f"notice: {what}", urgency=Urgency.NEXT), kind)


def notify_held(outbox: Outbox, about: MessageRow, sides: set[int], reason: str) -> None:
    """Tell both sides and the human, once, that the thread is held which begins with a message."""
    for side in sorted((sides | {HUMAN_AGENT}) - {POSTROOM_AGENT}):
        notify(outbox, side, "held", about, reason=reason)
