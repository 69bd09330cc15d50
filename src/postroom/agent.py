"""The SDK: an agent, blocking. Every verb is one call into the exchange, or what waiting.py makes of several."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from threading import RLock
from time import monotonic
from types import TracebackType

from postroom import waiting
from postroom.config import identity
from postroom.core.errors import Closed, Forked, PostroomError
from postroom.core.message import Attachment, Draft, DraftOptions, Kind, Message, Receipt, State
from postroom.core.session import SessionState, SessionView
from postroom.core.types import TYPE_CHECKING, Self, Unpack
from postroom.delivery import Delivery
from postroom.doorbell import Doorbell, Polling
from postroom.exchange import asking, presence, reading, sending, sessions, tracing
from postroom.exchange.desk import Desk, Options, open_desk
from postroom.paths import default_home
from postroom.session import Session
from postroom.store.agents import Listed
from postroom.store.deliveries import Handed
from postroom.warden import ROUND_MS, Warden

if TYPE_CHECKING:
    from postroom.waiting import Result, Steps


def connect(name: str | None = None, *, home: str | os.PathLike[str] | None = None, durability: str | None = None) -> Agent:
    """Take part as the agent `name` (default: $POSTROOM_AGENT), in the post room of this user or the one in the directory `home`.

    A new name is registered. `durability` is "safe" (accepted means safe against a power cut) or "relaxed" (against kill -9 only).
    Raises NoIdentity, BadName, ReservedName, BadConfig, and StoreUnusable and its kin when the store cannot be opened.
    """
    desk = open_desk(identity(name), os.fspath(home or default_home()), interface="sdk", options=Options(durability=durability))
    return Agent(desk)


class Agent:
    """An agent that takes part. Every method may be called from several threads; in a forked child connect again."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = RLock()
        self._pid = os.getpid()
        self._tended = monotonic()
        try:
            self._warden = Warden(desk)
            try:
                self._bell = presence.attach(desk)
            except BaseException:
                self._warden.close()
                raise
        except BaseException:
            desk.close()
            raise

    def __repr__(self) -> str:
        return f"<Agent {self.name} {'connected' if self._desk.open else 'closed'}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __iter__(self) -> Iterator[Delivery]:
        return self.inbox(wait=None)

    @property
    def name(self) -> str:
        """The name under which others write to this agent."""
        return self._desk.agent.name

    @property
    def home(self) -> str:
        """The directory of the post room."""
        return self._desk.database.home

    @property
    def _turn(self) -> RLock:
        """One thread at a time uses the connection; a forked child never, and it must not wait for a thread that it does not have."""
        if os.getpid() != self._pid:
            raise Forked(pid=self._pid)
        return self._lock

    # Sending

    def send(
        self,
        to: str | Sequence[str],
        body: str = "",
        *,
        subject: str = "",
        thread: str | None = None,
        reply_to: str | None = None,
        urgency: str = "next",
        reply_within: float | None = None,
        expires_in: float | None = None,
        files: Sequence[str | os.PathLike[str]] = (),
        id: str | None = None,
        create: bool = False,
        follow: bool = False,
    ) -> Receipt:
        """Send a message to one agent or several. When this returns, it is stored safely; the receipt says who was there to be woken.

        `reply_within` (seconds) says that an answer is expected: without one a notice comes back, also when the other goes idle or offline.
        `expires_in` (seconds) takes an unread message back, with a notice. `files` are paths. Sending again with the same `id` changes
        nothing and returns the first receipt. `create` makes a mailbox for a name that nobody has registered. `follow`: see `follow`.
        """
        draft = Draft(
            to if isinstance(to, str) else tuple(to), body, subject, thread, reply_to, urgency, reply_within, expires_in,
            tuple(os.fspath(path) for path in files), id, create, follow,
        )  # fmt: skip
        return self.send_many([draft])[0]

    def send_many(self, drafts: Iterable[Draft]) -> list[Receipt]:
        """Send several messages in one transaction: all of them, or none and an error."""
        with self._turn:
            self._warden.checkpoint_if_large(times=4)
            receipts = sending.send(self._desk, list(drafts))
            self._after_sending()
        return receipts

    def answer(self, message: Message, body: str, **options: Unpack[DraftOptions]) -> Receipt:
        """Answer a message, in the same thread; within a session, in the session."""
        if message.kind in {Kind.MESSAGE, Kind.NOTICE}:
            draft = Draft(message.sender, body, reply_to=str(message.seq))._replace(**options)
            return self.send_many([draft])[0]
        options["reply_to"] = str(message.seq)
        return self.say(str(message.seq), body, **options)

    def ask(self, to: str, body: str, *, timeout: float = 60, **options: Unpack[DraftOptions]) -> Delivery:
        """Send a question and wait for the answer, which no other reader of this mailbox gets. Options as of `send`.

        Raises NoAnswer after `timeout` seconds, or earlier when the question was refused; a later answer comes to the inbox.
        """
        taken = self.run(waiting.asking(self, Draft(to, body, reply_within=timeout)._replace(**options), timeout))
        self.confirm_handed(taken)
        return Delivery.of(self, taken[0])

    # Reading

    def inbox(self, wait: float | None = 0) -> Iterator[Delivery]:
        """What waits in the mailbox, oldest first; ends when nothing has come for `wait` seconds (None: never).

        A message is confirmed as read when the loop moves on. A loop that is left early, by `break` or by an error, gives its last message
        back unless `confirm` was called: it will come again, marked `redelivered`. Raises LeaseLost.
        """
        in_hand: list[Handed] = []
        try:
            while in_hand := self.run(waiting.taking(self, 1, wait, confirm=in_hand)):
                yield Delivery.of(self, in_hand[0])
        finally:
            self.give_back_handed(in_hand)

    def take(self, limit: int = 100, wait: float | None = 0) -> list[Delivery]:
        """Take up to `limit` waiting messages at once, waiting up to `wait` seconds (None: for ever) for the first.

        They stay in hand until `confirm`. If this process dies, or holds them longer than the limit `lease_ms`, others get them.
        """
        return [Delivery.of(self, handed) for handed in self.run(waiting.taking(self, limit, wait))]

    def confirm(self, messages: Iterable[Delivery]) -> None:
        """Confirm messages as read. Raises LeaseLost, and confirms none of them, if one was handed to another reader by now."""
        self.confirm_handed([message.handed for message in messages])

    def give_back(self, messages: Iterable[Delivery]) -> None:
        """Put messages back into the mailbox. They will come again, marked `redelivered`."""
        self.give_back_handed([message.handed for message in messages])

    def peek(self, limit: int = 100) -> list[Message]:
        """Look at what waits, without consuming it."""
        with self._turn:
            return reading.peek(self._desk, limit=limit)

    def save(self, attachment: Attachment, path: str | os.PathLike[str]) -> None:
        """Write an attached file to a new file at `path`. Raises NoSuchFile if there is one already."""
        from postroom.store import files

        files.save(self.home, attachment, os.fspath(path))

    # Finding out

    def status(self, id: str) -> Receipt:
        """What became of a message, for each recipient, with the time of each step."""
        with self._turn:
            return tracing.status(self._desk, id)

    def follow(self, id: str, *, until: State = State.READ, timeout: float = 60) -> Receipt:
        """Wait up to `timeout` seconds until a message has come as far as `until` for each recipient, or has ended. Returns how far."""
        return self.run(waiting.following(self, id, until, timeout))

    def history(self, *, peer: str | None = None, before: int | None = None, since_ms: int = 0, limit: int = 50) -> list[Message]:
        """The newest messages that this agent sent or received, oldest first; with one `peer`, or before the number `before`."""
        with self._turn:
            return tracing.history(self._desk, peer=peer, before=before, since_ms=since_ms, limit=limit)

    def thread(self, id: str) -> list[Message]:
        """The thread that a message belongs to, oldest first."""
        with self._turn:
            return tracing.thread(self._desk, id)

    def search(self, words: str, *, limit: int = 20) -> list[Message]:
        """The newest messages of this agent that match: words, "phrases", prefix*, AND, OR, NOT."""
        with self._turn:
            return tracing.find(self._desk, words, limit=limit)

    def agents(self) -> list[Listed]:
        """All agents by name, with their presence and how much waits for them."""
        with self._turn:
            return presence.list_agents(self._desk)

    def profile(self, *, status: str | None = None, description: str | None = None, auto_accept: bool | None = None) -> None:
        """Change what this agent says about itself: status "active", "idle" or "busy"; whether it accepts sessions by itself."""
        with self._turn:
            presence.set_profile(self._desk, status=status, description=description, auto_accept=auto_accept)

    # Sessions

    def session(self, to: str, task: str, *, timeout: float | None = None) -> Session:
        """Offer a session and wait until it is accepted. `timeout` is in seconds; default: the limit `handshake_ms`.

        Raises SessionDeclined with the reason, or SessionTimeout.
        """
        return self.run(self.opening(to, task, timeout))

    def accept(self, id: str) -> Session:
        """Accept an offered session."""
        with self._turn:
            sessions.accept(self._desk, id, claim=True)
            return self._session(id)

    def decline(self, id: str, reason: str) -> Receipt:
        """Decline an offered session, with a reason."""
        with self._turn:
            return sessions.decline(self._desk, id, reason)

    def resume(self, id: str) -> Session:
        """Go on with a session, after a restart of this process for instance: its messages come to this object only."""
        with self._turn:
            asking.claim(self._desk, sessions.find(self._desk, id).root)
            return self._session(id)

    def _session(self, id: str) -> Session:
        return Session(self, sessions.show(self._desk, id), sessions.find(self._desk, id).root)

    def sessions(self) -> list[SessionView]:
        """The sessions of this agent, oldest first."""
        with self._turn:
            return sessions.list_sessions(self._desk)

    def close(self) -> None:
        """Stop taking part. What is in hand goes back into the mailbox; what waits, waits. In a forked child: leave it to the parent."""
        if os.getpid() != self._pid:
            self._leave()
            return
        with self._lock:
            try:
                if self._desk.open:
                    presence.detach(self._desk)
            finally:
                self._leave()

    def _leave(self) -> None:
        if self._desk.open:
            self._desk.close()
            self._bell.close()
            self._warden.close()

    # What deliveries, sessions, waiting.py and aio.py are made of

    @property
    def open(self) -> bool:
        """Whether it takes part still."""
        return self._desk.open

    @property
    def bell(self) -> Doorbell | Polling:
        """What rings when something came."""
        return self._bell

    def run(self, steps: Steps[Result]) -> Result:
        """Go through something that takes time, in this thread."""
        rang = None
        try:
            while True:
                rings = self._bell.rings
                seconds = steps.send(rang)
                rang = self._bell.wait(rings, seconds)
        except StopIteration as end:
            result: Result = end.value
            return result
        finally:
            steps.close()

    def take_now(self, limit: int, *, confirm: Sequence[Handed] = (), claim: int | None = None) -> list[Handed]:
        """Confirm, and take what is there, in one transaction."""
        with self._turn:
            self._tend()
            return reading.take(self._desk, limit=limit, confirm=confirm, claim=claim)

    def look(self) -> bool:
        """No bell rang for a while: see whether it still hangs, and whether something waits all the same."""
        with self._turn:
            attached = presence.is_attached(self._desk)
            if presence.restore(self._desk, self._bell) or not attached:
                presence.reattach(self._desk, self._bell)
            self._tend()
            return reading.anything(self._desk)

    def ask_now(self, draft: Draft) -> Receipt:
        """Send a question, and claim its answers."""
        with self._turn:
            receipt = asking.ask(self._desk, draft)
            self._after_sending()
        return receipt

    def follow_now(self, id: str) -> None:
        """Ask to be woken at each change of state of a message."""
        with self._turn:
            tracing.follow(self._desk, id)

    def opening(self, to: str, task: str, timeout: float | None) -> Steps[Session]:
        """Offer a session and wait until it is accepted."""
        seconds = self._desk.config.limits.handshake_ms / 1000 if timeout is None else timeout
        with self._turn:
            receipt = sessions.open_session(self._desk, Draft(to, task, reply_within=seconds), claim=True)
            session = self._session(str(receipt.seq))
            self._after_sending()
        yield from session.awaiting(seconds)
        return session

    def confirm_handed(self, handed: Sequence[Handed]) -> None:
        """Confirm messages as the exchange handed them over."""
        if handed:
            with self._turn:
                reading.confirm(self._desk, handed)

    def give_back_handed(self, handed: Sequence[Handed]) -> None:
        """Put messages back. Closing has done so already."""
        if handed and self._desk.open:
            with self._turn:
                reading.give_back(self._desk, handed)

    def let_go(self, seq: int) -> None:
        """Give up the claim to a thread or to answers. Closing has done so already."""
        if self._desk.open:
            with self._turn:
                asking.let_go(self._desk, seq)

    def session_view(self, id: str) -> SessionView:
        """How a session stands."""
        with self._turn:
            return sessions.show(self._desk, id)

    def session_state(self, root: int) -> SessionState:
        """Where the session stands that begins with the message of this number."""
        with self._turn:
            return sessions.state(self._desk, root)

    def say(self, session_id: str, body: str, **options: Unpack[DraftOptions]) -> Receipt:
        """Send DATA in a session."""
        with self._turn:
            receipt = sessions.say(self._desk, session_id, Draft("", body)._replace(**options))
            self._after_sending()
        return receipt

    def say_fin(self, id: str) -> Receipt:
        """Send FIN in a session."""
        with self._turn:
            return sessions.close(self._desk, id)

    def _tend(self) -> None:
        if not self._desk.open:
            raise Closed
        self._warden.checkpoint_if_large()
        if (monotonic() - self._tended) * 1000 >= ROUND_MS:
            self._tended = monotonic()
            self._warden.tend()

    def _after_sending(self) -> None:
        """Take off processes that were found dead. A chore that fails must not deny that a message was sent: it is done another time."""
        if gone := self._desk.take_gone():
            try:
                presence.bury(self._desk, gone)
            except PostroomError:
                self._desk.gone += gone
