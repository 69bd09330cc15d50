"""The SDK: an agent, blocking. Every verb is one call into the exchange, or what waiting.py and line.py make of several."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from types import TracebackType

from postroom import waiting
from postroom.core.errors import BadValue
from postroom.core.event import Event
from postroom.core.message import Attachment, Draft, DraftOptions, Kind, Message, MessageRef, Receipt, State, composed, path_text
from postroom.core.profile import ProfileOptions, profile_with
from postroom.core.room import Invited, Member, Room
from postroom.core.session import SessionView
from postroom.core.types import TYPE_CHECKING, Self, Unpack
from postroom.delivery import Delivery, in_hand
from postroom.exchange import invitations, naming, presence, reading, rooms, sessions, tracing
from postroom.line import accepted, offering, resumed
from postroom.session import Session
from postroom.store.profiles import Listed

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Concatenate, ParamSpec, TypeVar

    from postroom.exchange.desk import Desk
    from postroom.places import AnySeat
    from postroom.store.deliveries import Handed

    Given = ParamSpec("Given")
    Result = TypeVar("Result")


def connect(
    name: str | None = None,
    *,
    home: str | os.PathLike[str] | None = None,
    durability: str | None = None,
    url: str | None = None,
    token: str | None = None,
) -> Agent:  # fmt: skip
    """Take part as the agent `name` (default: $POSTROOM_AGENT), in the post room of this user or the one in the directory `home`.

    With `url` (default: $POSTROOM_URL) in that of a node elsewhere: "http://HOST:8091", "https://...", "unix:///PATH". There the `token`
    (default: $POSTROOM_TOKEN, or what is in the file $POSTROOM_TOKEN_FILE) says who comes, so the name may be left out.
    A new name is registered. `durability` is "safe" (accepted means safe against a power cut) or "relaxed" (against kill -9 only).
    Raises NoIdentity, BadName, ReservedName, BadConfig; StoreUnusable and its kin when the store cannot be opened and no node answers
    beside it; BadUrl, BadToken, NotYourName, Unreachable.
    """
    from postroom.remote.finding import take_any_seat  # costs those who are in the post room already 5 ms

    return Agent(take_any_seat(name, home, durability, url=url, token=token))


class Agent:
    """An agent that takes part. Every method may be called from several threads; in a forked child connect again."""

    def __init__(self, seat: AnySeat) -> None:
        self._seat = seat

    def __repr__(self) -> str:
        return f"<Agent {self.name} {'connected' if self._seat.taken else 'closed'}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __iter__(self) -> Iterator[Delivery]:
        return self.inbox(wait=None)

    @property
    def name(self) -> str:
        """The name under which others write to this agent."""
        return self._seat.desk.agent.name

    @property
    def home(self) -> str:
        """The directory of the post room."""
        return self._seat.desk.home

    def _do(self, verb: Callable[Concatenate[Desk, Given], Result], *given: Given.args, **options: Given.kwargs) -> Result:
        with self._seat.turn as desk:
            return desk.do(verb, *given, **options)

    # Sending

    def send(
        self,
        to: str | Collection[str],
        body: str = "",
        *,
        subject: str = "",
        thread: MessageRef | None = None,
        reply_to: MessageRef | None = None,
        urgency: str = "next",
        reply_within: float | None = None,
        expires_in: float | None = None,
        files: str | os.PathLike[str] | Collection[str | os.PathLike[str]] = (),
        id: str | None = None,
        create: bool = False,
        follow: bool = False,
    ) -> Receipt:
        """Send a message to one agent or several. When this returns, it is stored safely; the receipt says who was there to be woken.

        `reply_within` (seconds) says that an answer is expected: without one a notice comes back, also when the other goes idle or offline.
        `expires_in` (seconds) takes an unread message back, with a notice. `files` are paths, or one path. Sending again with the same `id`
        changes nothing and returns the first receipt. `create` makes a mailbox for a name that nobody has registered. For `follow` see
        there.
        """
        draft = Draft(to, body, subject, thread, reply_to, urgency, reply_within, expires_in, files, id, create, follow)
        return self._seat.send([draft])[0]

    def send_many(self, drafts: Iterable[Draft]) -> list[Receipt]:
        """Send several messages in one transaction: all of them, or none and an error."""
        return self._seat.send(listed(drafts))

    def answer(self, message: Message, body: str, **options: Unpack[DraftOptions]) -> Receipt:
        """Answer a message, in the same thread; within a session, in the session. Options as of `send`."""
        if not isinstance(message, Message):
            raise BadValue(name="message", value=message, why="it is a message; to answer an id: send('', body, reply_to=id)")
        draft = composed("", body, {"reply_to": message, **options})
        if message.kind in {Kind.MESSAGE, Kind.NOTICE}:
            return self._seat.send([draft])[0]
        return self._seat.say(message, draft)

    def ask(self, to: str, body: str, *, timeout: float = 60, **options: Unpack[DraftOptions]) -> Delivery:
        """Send a question and wait for the answer, which no other reader of this mailbox gets. Options as of `send`.

        Raises NoAnswer after `timeout` seconds, or earlier when the question was refused; a later answer comes to the inbox.
        """
        draft = composed(to, body, {"reply_within": timeout, **options})
        taken = self._seat.run(waiting.asking(self._seat, draft, timeout))
        self._seat.confirm(taken)
        return Delivery.of(self, taken[0])

    # Reading

    def inbox(self, wait: float | None = 0) -> Iterator[Delivery]:
        """What waits in the mailbox, oldest first; ends when nothing has come for `wait` seconds (None: never).

        A message is confirmed as read when the loop moves on. A loop that is left early, by `break` or by an error, gives its last message
        back unless `confirm` was called: it will come again, marked `redelivered`. Raises LeaseLost.
        """
        until = waiting.deadline("wait", wait)
        last: list[Handed] = []
        try:
            while last := self._seat.run(waiting.taking(self._seat, 1, until, confirm=last)):
                yield Delivery.of(self, last[0])
                until = waiting.deadline("wait", wait)
        finally:
            self._seat.give_back(last)

    def take(self, limit: int = 100, wait: float | None = 0, *, confirm: Iterable[Delivery] = ()) -> list[Delivery]:
        """Take up to `limit` waiting messages at once, waiting up to `wait` seconds (None: for ever) for the first.

        They stay in hand until they are confirmed: by `confirm`, or with the next `take`, which confirms the messages given as `confirm` in
        its own transaction. If this process dies, or holds them longer than the limit `lease_ms`, others get them. Raises LeaseLost.
        """
        taking = waiting.taking(self._seat, limit, waiting.deadline("wait", wait), confirm=in_hand(confirm))
        return [Delivery.of(self, handed) for handed in self._seat.run(taking)]

    def confirm(self, messages: Iterable[Delivery]) -> None:
        """Confirm messages as read. Raises LeaseLost, and confirms none of them, if one was handed to another reader by now."""
        self._seat.confirm(in_hand(messages))

    def give_back(self, messages: Iterable[Delivery]) -> None:
        """Put messages back into the mailbox. They will come again, marked `redelivered`."""
        self._seat.give_back(in_hand(messages))

    def peek(self, limit: int = 100) -> list[Message]:
        """Look at what waits, without consuming it."""
        return self._do(reading.peek, limit=limit)

    def save(self, attachment: Attachment, path: str | os.PathLike[str]) -> None:
        """Write an attached file to a new file at `path`. Raises NoSuchFile if there is one already."""
        if not isinstance(attachment, Attachment):
            raise BadValue(name="attachment", value=attachment, why="it is one of a message's attachments")
        self._do(tracing.save, attachment, path_text("path", path))

    def events(self, wait: float | None = 0) -> Iterator[Event]:
        """What happened besides messages: who came and went in your rooms, what became of what you sent. Oldest first.

        Ends when nothing has happened for `wait` seconds (None: never). An event counts as seen when the loop moves on; a loop that is left
        early sees its last one again. It is for all processes of this agent together, and kept as long as the limit `events` allows.
        """
        until = waiting.deadline("wait", wait)
        while told := self._seat.run(waiting.hearing(self._seat, until)):
            for one in told:
                yield one.event
                self._seat.seen(one)
            until = waiting.deadline("wait", wait)

    # Finding out

    def status(self, id: MessageRef) -> Receipt:
        """What became of a message, for each recipient, with the time of each step."""
        return self._seat.status(id)

    def follow(self, id: MessageRef, *, until: State | str = State.READ, timeout: float = 60) -> Receipt:
        """Wait up to `timeout` seconds until a message has come as far as `until` for each recipient, or has ended. Returns how far."""
        return self._seat.run(waiting.following(self._seat, id, until, timeout))

    def history(self, *, peer: str | None = None, before: MessageRef | None = None, since_ms: int = 0, limit: int = 50) -> list[Message]:
        """The newest messages that this agent sent or received, oldest first; with one `peer` or in one `#room`; or before one."""
        return self._do(tracing.history, peer=peer, before=before, since_ms=since_ms, limit=limit)

    def thread(self, id: MessageRef) -> list[Message]:
        """The thread that a message belongs to, oldest first."""
        return self._do(tracing.thread, id)

    def search(self, words: str, *, limit: int = 20) -> list[Message]:
        """The newest messages of this agent that match: words, "phrases", prefix*, AND, OR, NOT."""
        return self._do(tracing.find, words, limit=limit)

    # Among others

    def agents(self, *, tag: str | None = None, archived: bool = False) -> list[Listed]:
        """The agents by name, with their presence; only those with a tag, also those that have been away for long, if told.

        Hidden agents and ghosts are not among them, except this one.
        """
        return self._do(presence.list_agents, tag=tag, archived=archived)

    def profile(self, **changes: Unpack[ProfileOptions]) -> Listed:
        """How this agent is listed, after changing what is given.

        `status` is "active", "idle" or "busy". `description` says what it does, `capabilities` what it can do, `harness` in which program
        it lives, `directory` where it works. `tags` are names under which agents are found. `auto_accept` is whether it accepts sessions
        by itself. `visibility` is "visible", "hidden" (not listed; who knows the name can write) or "ghost" (there for nobody).
        """
        return self._do(presence.change, profile_with(changes))

    def rename(self, name: str) -> None:
        """Take another name. Mailbox, rooms and history stay, and the rooms are told. Raises NameTaken, BadName, ReservedName."""
        self._do(naming.rename, name)

    # Sessions

    def session(self, to: str, task: str, *, timeout: float | None = None) -> Session:
        """Offer a session and wait until it is accepted. `timeout` is in seconds; default: the limit `handshake_ms`.

        Raises SessionDeclined with the reason, SessionTimeout, or SessionClosed when the other side has gone or a human ended it.
        """
        return Session(self, self._seat.run(offering(self._seat, to, task, timeout)))

    def accept(self, id: MessageRef) -> Session:
        """Accept an offered session."""
        return Session(self, accepted(self._seat, id))

    def decline(self, id: MessageRef, reason: str) -> Receipt:
        """Decline an offered session, with a reason."""
        return self._do(sessions.decline, id, reason)

    def resume(self, id: MessageRef) -> Session:
        """Go on with a session, after a restart of this process for instance: its messages come to this object only."""
        return Session(self, resumed(self._seat, id))

    def sessions(self) -> list[SessionView]:
        """The sessions of this agent, oldest first."""
        return self._do(sessions.list_sessions)

    # Rooms

    def create_room(self, name: str, *, policy: str = "public", description: str = "") -> Room:
        """Make a room and be its owner. `policy` is "public", "private" (others see its name, and join when invited) or "secret"."""
        return self._do(rooms.create, name, policy=policy, description=description)

    def rooms(self) -> list[Room]:
        """The rooms that this agent may know of, by name."""
        return self._do(rooms.list_rooms)

    def room(self, name: str) -> Room:
        """One room, and what this agent is in it. Raises NoSuchRoom."""
        return self._do(rooms.show, name)

    def members(self, room: str) -> list[Member]:
        """Who is in a room, the longest first."""
        return self._do(rooms.members, room)

    def join(self, room: str) -> Room:
        """Become a member: what is sent to `#room` from now on comes to the inbox. Raises NotInvited."""
        return self._do(rooms.join, room)

    def leave(self, room: str) -> None:
        """Be a member no more. The room of an owner who leaves goes to the longest member, and ends with the last one."""
        self._do(rooms.leave, room)

    def invite(self, room: str, *agents: str) -> list[Invited]:
        """Invite agents into a room; a notice tells each how to join. Returns what became of each."""
        return self._do(invitations.invite, room, agents)

    def decline_invitation(self, room: str, reason: str) -> None:
        """Decline an invitation; who invited is told why."""
        self._do(invitations.decline, room, reason)

    def kick(self, room: str, agent: str, reason: str = "") -> None:
        """Remove a member, or take an invitation back; the agent is told why. For the owner."""
        self._do(rooms.kick, room, agent, reason)

    def transfer(self, room: str, agent: str) -> None:
        """Make another member the owner. For the owner."""
        self._do(rooms.transfer, room, agent)

    def describe_room(self, room: str, *, description: str | None = None, policy: str | None = None) -> Room:
        """Say what a room is for, or close it further: public, private, secret. For the owner."""
        return self._do(rooms.describe, room, description=description, policy=policy)

    def set_topic(self, room: str, topic: str) -> Room:
        """Say what a room is about just now. For every member."""
        return self._do(rooms.set_topic, room, topic)

    def mute(self, room: str, *, on: bool = True) -> None:
        """Let messages in a room not wake this agent unless they mention it; they come all the same. `on=False` undoes that."""
        self._do(rooms.mute, room, on=bool(on))

    def destroy_room(self, room: str, reason: str = "") -> None:
        """End a room; its members are told. For the owner."""
        self._do(rooms.destroy, room, reason)

    def close(self) -> None:
        """Stop taking part. What is in hand goes back into the mailbox; what waits, waits. In a forked child: leave it to the parent."""
        self._seat.leave()


def listed(drafts: Iterable[Draft]) -> list[Draft]:
    """Several drafts as a list. Raises BadValue."""
    try:
        each = iter(drafts)
    except TypeError:
        raise BadValue(name="drafts", value=drafts, why="they are a list of postroom.Draft(to, body)") from None
    return list(each)
