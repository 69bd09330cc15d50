"""A desk at a node: verbs are done there. What is said while the node is away goes into the satchel, and on from there in its order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from time import time_ns

from postroom import identity
from postroom.config import Config
from postroom.core.address import HUMAN, Name, fold_name
from postroom.core.errors import Closed, NoSuchMessage, NotRegistered, PostroomError
from postroom.core.limits import Limits
from postroom.core.message import Attachment, Draft, MessageRef, Receipt, Seq, checked
from postroom.core.refusals import NotThere, OnlyHere, SeatGone, Unreachable
from postroom.core.types import TYPE_CHECKING, NamedTuple
from postroom.exchange import crowds, handover, keeping, naming, presence, reading, rooms, sending, sessions, tracing
from postroom.exchange.handover import Wanted
from postroom.exchange.sessions import Begun
from postroom.remote import files, values
from postroom.remote.caller import Ask, Caller
from postroom.remote.postbag import Postbag
from postroom.remote.verbs import ROWS, Row, called, said
from postroom.store.agents import AgentRow

if TYPE_CHECKING:
    from typing import Concatenate, ParamSpec, TypeVar

    from postroom.exchange.desk import Desk
    from postroom.remote.values import Json, Object

    Given = ParamSpec("Given")
    Result = TypeVar("Result")


class Claim(NamedTuple):
    """What is claimed here: the message whose answers or session it is, by its sender and id; and its handle at the present seat, or ""."""

    ref: str
    handle: str
    is_session: bool
    is_live: bool = True


class RemoteDesk:
    """Where one agent does, at a node, what is done at once. Not for several threads at once."""

    def __init__(self, caller: Caller, postbag: Postbag) -> None:
        self.caller = caller
        self.postbag = postbag
        self.is_new = False
        self.open = True
        self.again: Callable[[], None] | None = None  # takes a new seat when the node has forgotten ours
        self.on_kept: Callable[[], None] | None = None  # is told that something waits to be handed in
        self.claims: dict[int, Claim] = {}
        self._numbers = 0
        self._who: AgentRow | None = None
        self._limits: Limits | None = None

    @property
    def home(self) -> str:
        """Where the node is."""
        return self.caller.bus.url

    @property
    def agent(self) -> AgentRow:
        """Who it is, as the node knows it; or as it did, if it cannot be asked."""
        if self._who is None:
            self.ask_who()
        assert self._who is not None, "asked"
        return self._who

    @property
    def config(self) -> Config:
        """The limits in force at the node; those of every new post room, if it cannot be asked."""
        if self._limits is None:
            try:
                self._limits = limits_of(self.call(Ask("limits", {}, looks=True)))
            except Unreachable:
                return Config()
        return Config(limits=self._limits)

    def now_ms(self) -> int:
        """The time, in ms since 1970."""
        return time_ns() // 1_000_000

    def close(self) -> None:
        """Leave the desk."""
        self.open = False
        self.caller.close()
        self.postbag.close()

    def know(self, name: str, kind: str, limits: Json = None) -> None:
        """Note who it is."""
        self._who = AgentRow(0, Name(name), kind, "active", 0)
        self.caller.name = name
        if limits is not None:
            self._limits = limits_of(limits)
        self.postbag.belongs_to(name)

    def ask_who(self, *, registers: bool = False) -> None:
        """Find out who it is; a name that is new is registered, if told. Raises NotRegistered, NoIdentity, BadToken."""
        try:
            mine = values.listed(self.call(Ask("profile", {}, looks=True)))
        except NotRegistered:
            if not registers:
                raise
            mine = values.listed(self.call(Ask("profile", {})))
            self.is_new = True
        except Unreachable:
            name = self.caller.name or self.postbag.owner()
            if name is None or not self.postbag.is_known(name):
                raise
            self._who = AgentRow(0, Name(name), "human" if name == HUMAN else "agent", "active", 0)
            return
        self.know(mine.name, mine.kind)

    # Verbs

    def do(self, verb: Callable[Concatenate[Desk, Given], Result], *given: Given.args, **options: Given.kwargs) -> Result:
        """Have a verb done. Raises what it raises here; Unreachable, OnlyHere."""
        if not self.open:
            raise Closed
        done: Result
        if verb in APART:
            done = APART[verb](self, *given, **options)  # type: ignore[assignment]  # what a verb gives is told apart by its row
        elif verb in ROWS:
            done = self.by_row(ROWS[verb], said(ROWS[verb], self.claimless(given), options))  # type: ignore[assignment]
        else:
            raise OnlyHere(verb=verb.__name__.replace("_", "-"), url=self.home)
        return done

    def by_row(self, row: Row, given: Object) -> object:
        """Have a verb done that has a row."""
        try:
            found = self.call(Ask(row.name, given, looks=row.looks))
        except PostroomError as error:
            if not (self.caller.uncertain and type(error).__name__ in row.settled):
                raise
            found = self.outcome(row, given, error)
        return self.read(row.gives, found)

    def outcome(self, row: Row, given: Object, error: PostroomError) -> Json:
        """What came of a verb that was done the first time, although its answer was lost."""
        if row is ROWS[rooms.create]:
            return self.call(Ask("room", {"name": given["name"]}, looks=True))
        if row is ROWS[sessions.begin]:
            return self.call(Ask("session-go-on", given))
        if row.gives is values.nothing:
            return None
        raise error

    def read(self, gives: Callable[[Json], object], found: Json) -> object:
        """An answer as a value. Raises NotThere."""
        try:
            return gives(found)
        except (ValueError, TypeError, KeyError) as error:
            raise NotThere(url=self.home, why=f"its answer cannot be read ({error})") from error

    def call(self, asked: Ask, *, numbered: bool = True) -> Json:
        """Ask the node. One that has forgotten our seat, as it was started anew, is asked at a new one."""
        try:
            return self.caller.ask(asked, numbered=numbered)
        except SeatGone:
            if self.again is None:
                raise
        was_uncertain = self.caller.uncertain
        self.again()
        try:
            return self.caller.ask(asked, numbered=numbered)
        finally:
            self.caller.uncertain = self.caller.uncertain or was_uncertain

    # Claims

    def claimed(self, ref: str, handle: str, *, is_session: bool) -> int:
        """Note a claim. Returns the number by which it is known here."""
        self._numbers += 1
        self.claims[self._numbers] = Claim(ref, handle, is_session)
        return self._numbers

    def claim(self, number: int) -> str:
        """The handle of a claim at the present seat; "" if the message is not there yet, as it waits to be handed in."""
        claim = self.claims[number]
        if claim.is_live and not claim.handle:
            try:
                found = values.entry(self.caller.ask(Ask("claim", {"id": claim.ref})))
            except NoSuchMessage:
                return ""
            self.claims[number] = claim._replace(handle=str(found["claim"]))
        return self.claims[number].handle

    def let_go(self, number: int) -> str:
        """Give up a claim. A session is known by its number also afterwards. Returns the handle, if there was one."""
        claim = self.claims.pop(number, None)
        if claim is not None and claim.is_session:
            self.claims[number] = claim._replace(handle="", is_live=False)
        return claim.handle if claim is not None else ""

    def claimless(self, given: tuple[object, ...]) -> tuple[object, ...]:
        """Arguments in which a claim is the message that it is about."""
        return tuple(self.claims[one].ref if isinstance(one, Seq) else one for one in given)

    def begun(self, found: object) -> Begun:
        """A session that goes on here, and its claim."""
        assert isinstance(found, Begun)
        return found._replace(root=self.claimed(f"{found.view.opener}:{found.view.id}", str(found.root), is_session=True))

    # Sending

    def send(self, drafts: Sequence[Draft]) -> list[Receipt]:
        """Send messages; while the node is away, or something waits to be sent, they go into the satchel."""
        limits, now_ms = self.config.limits, self.now_ms()
        letters = [self.postbag.letter(checked(draft, limits, now_ms=now_ms).draft, limits) for draft in drafts]
        return self.write(letters)

    def write(self, letters: Sequence[Object]) -> list[Receipt]:
        """Hand letters in, or keep them behind those that wait."""
        self.postbag.is_known(self.caller.name)
        if self.postbag.is_empty:
            try:
                return self.hand_in(letters)
            except Unreachable:
                if not self.postbag.is_known(self.caller.name):
                    raise
        receipts = self.postbag.put(letters, self)
        if self.on_kept is not None and not self.postbag.is_empty:
            self.on_kept()
        return receipts

    def hand_in(self, letters: Sequence[Object]) -> list[Receipt]:
        """Give letters to the node, all or none."""
        ready = [files.sent(self.caller, letter) for letter in letters]
        if len(ready) > 1 or not ready:
            found = self.read(values.several(values.receipt), self.call(Ask("send-many", {"drafts": ready})))
            assert isinstance(found, list)
            return found
        (letter,) = ready
        asked = Ask("send", letter)
        if "session" in letter:
            asked = Ask("session-send", {name: letter[name] for name in letter if name != "to"})
        receipt = self.read(values.receipt, self.call(asked))
        assert isinstance(receipt, Receipt)
        return [receipt]

    def status(self, id: MessageRef) -> Receipt:
        """What became of a message. One that is still in the satchel waits for the bus."""
        self.postbag.is_known(self.caller.name)
        waiting = self.postbag.receipt(id)
        if waiting is not None:
            self.postbag.carry(self)
            waiting = self.postbag.receipt(id)
        if waiting is not None:
            return waiting
        row = ROWS[tracing.status]
        found = self.by_row(row, said(row, (id,), {}))
        assert isinstance(found, Receipt)
        return found


def limits_of(found: Json) -> Limits:
    """The limits of a node, as far as they are known here."""
    given = values.entry(found)
    return Limits(**{name: value for name, value in given.items() if name in Limits._fields and isinstance(value, int)})


def open_session(desk: RemoteDesk, draft: Draft, *, claim: bool = False) -> Receipt:
    """Offer a session, and wait for nothing."""
    assert not claim, "sessions.offer does that"
    row = Row("session-open", (), values.receipt)
    found = desk.by_row(row, said(row, (desk.postbag.named(draft),), {}))
    assert isinstance(found, Receipt)
    return found


def offer(desk: RemoteDesk, draft: Draft) -> Begun:
    """Offer a session whose answer comes to this seat."""
    row = ROWS[sessions.offer]
    return desk.begun(desk.by_row(row, said(row, (desk.postbag.named(draft),), {})))


def begin(desk: RemoteDesk, id: MessageRef) -> Begun:
    """Accept an offered session."""
    row = ROWS[sessions.begin]
    return desk.begun(desk.by_row(row, said(row, (id,), {})))


def resume(desk: RemoteDesk, id: MessageRef) -> Begun:
    """Go on with a session."""
    row = ROWS[sessions.resume]
    return desk.begun(desk.by_row(row, said(row, (id,), {})))


def rename(desk: RemoteDesk, name: str) -> None:
    """Take another name; the satchel goes along."""
    row = ROWS[naming.rename]
    desk.by_row(row, said(row, (name,), {}))
    desk.postbag.rename(fold_name(name))
    desk.know(fold_name(name), desk.agent.kind)


def say(desk: RemoteDesk, id: MessageRef, draft: Draft) -> Receipt:
    """Send DATA in a session."""
    (session,) = desk.claimless((id,))
    letter = desk.postbag.letter(draft, desk.config.limits) | {"session": called(session), "body": draft.body}
    return desk.write([letter])[0]


def save(desk: RemoteDesk, attachment: Attachment, path: str) -> None:
    """Fetch an attached file."""
    files.fetch(desk.caller, attachment, path)


def count(desk: RemoteDesk, draft: Draft) -> int:
    """How many a draft would reach, as far as the caller may know them."""
    to = [draft.to] if isinstance(draft.to, str) else list(draft.to)
    if len(to) > 1 or not to:
        return len(to)
    if to[0].startswith("#"):
        return len(desk.do(rooms.members, to[0][1:])) - 1
    tag = to[0].lower().removeprefix("@tag:") if to[0].lower().startswith("@tag:") else None
    found = desk.do(presence.list_agents, tag=tag)
    return sum(agent.kind == "agent" and agent.name != desk.agent.name and agent.visibility == "visible" for agent in found)


def export(desk: RemoteDesk, *, agent: str | None = None, since_ms: int = 0) -> Iterator[str]:
    """Write out what the agent may see."""
    from postroom.remote.feed import export

    return export(desk.caller, agent=agent, since_ms=since_ms)


def anything_free(_desk: RemoteDesk) -> bool:
    """Whether a look into the mailbox may be worth it: it costs as much as to find out."""
    return True


def lives(desk: RemoteDesk, name: str) -> bool:
    """Whether a process takes part under a name now."""
    return any(one.online for one in desk.do(presence.list_agents) if one.name == name)


def wanted(desk: RemoteDesk, *, limit: int) -> Wanted:
    """What waits for an agent, and whether it is busy."""
    waiting = desk.do(reading.peek, limit=limit)
    return Wanted({one.urgency for one in waiting}, bool(waiting) and desk.do(presence.listed).declared == "busy")


def place_of(desk: RemoteDesk, _attachment: Attachment) -> str:
    """Where the bytes of an attached file lie."""
    return f"the node {desk.home}, out of your reach"


APART: dict[object, Callable[..., object]] = {  # type: ignore[explicit-any]  # each has arguments of its own
    sending.send: RemoteDesk.send,
    tracing.status: RemoteDesk.status,
    tracing.save: save,
    sessions.open_session: open_session,
    sessions.offer: offer,
    sessions.begin: begin,
    sessions.resume: resume,
    naming.rename: rename,
    sessions.say: say,
    crowds.count: count,
    keeping.export: export,
    handover.anything_free: anything_free,
    handover.wanted: wanted,
    tracing.is_first_contact: tracing.is_first_contact,  # of verbs that are done by either desk
    tracing.place_of: place_of,
    identity.lives: lives,
}
"""Verbs of which more has to be known than a row says."""
