"""What a message is, the states of its deliveries, and which draft may become one. Everything that affects those states is in MOVES."""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum
from functools import lru_cache

from postroom.core.address import Address, read_address
from postroom.core.errors import BadId, BadText, BadValue, NoLinks, NoRecipient, NothingSaid, TooLarge
from postroom.core.limits import Limits
from postroom.core.types import NamedTuple, Protocol, TypedDict


class Kind(StrEnum):
    """What a message is for. All but `message` and `notice` belong to sessions."""

    MESSAGE = "message"
    NOTICE = "notice"
    SYN = "syn"
    SYN_ACK = "syn-ack"
    SYN_NACK = "syn-nack"
    DATA = "data"
    FIN = "fin"
    FIN_ACK = "fin-ack"
    LAPSE = "lapse"


class Urgency(StrEnum):
    """When the recipient should look: at once, after what it is doing, or whenever it likes."""

    NOW = "now"
    NEXT = "next"
    INFO = "info"


class State(StrEnum):
    """Where a message is on its way to one recipient."""

    ACCEPTED = "accepted"  # stored, on its way
    HELD = "held"  # stored, waiting for a human to release it
    DELIVERED = "delivered"  # in the mailbox
    HANDED = "handed"  # in the hands of a reader that has not confirmed yet
    READ = "read"  # confirmed by the reader
    ANSWERED = "answered"
    EXPIRED = "expired"
    REFUSED = "refused"


_ORDER = {state: number for number, state in enumerate(State)}
MOVES: dict[State, frozenset[State]] = {
    State.ACCEPTED: frozenset({State.HELD, State.DELIVERED, State.EXPIRED, State.REFUSED}),
    State.HELD: frozenset({State.DELIVERED, State.EXPIRED, State.REFUSED}),
    State.DELIVERED: frozenset({State.HANDED, State.ANSWERED, State.EXPIRED, State.REFUSED}),
    State.HANDED: frozenset({State.DELIVERED, State.READ, State.ANSWERED, State.REFUSED}),
    State.READ: frozenset({State.ANSWERED}),
    State.ANSWERED: frozenset(),
    State.EXPIRED: frozenset(),
    State.REFUSED: frozenset(),
}


def before(state: State) -> list[State]:
    """The states from which a delivery may come into this one."""
    return [earlier for earlier, later in MOVES.items() if state in later]


class Attachment(NamedTuple):
    """A file of a message. `name` is what its sender called it and never a path; `sha256` is where the bytes are found."""

    name: str
    bytes: int
    sha256: str


class Provenance(NamedTuple):
    """How a message came in, as the interface saw it: never taken from the message itself."""

    interface: str  # sdk, cli, mcp, http, postroom
    pid: int
    program: str


class Path(Protocol):
    """A path as an object, as pathlib's are."""

    def __fspath__(self) -> str: ...


class Draft(NamedTuple):
    """A message that is to be sent. Times are seconds from now; `files` are paths, or one path.

    `to` is one name or several, a `#room`, `@all` or `@tag:x`; or nothing with `reply_to`: an answer goes where the message came from.
    `reply_within` says that an answer is expected. `id` makes sending again harmless.
    `create` makes mailboxes for names that nobody has registered yet. `follow` wakes the sender at each change of state.
    """

    to: str | Collection[str]
    body: str = ""
    subject: str = ""
    thread: MessageRef | None = None
    reply_to: MessageRef | None = None
    urgency: str = Urgency.NEXT
    reply_within: float | None = None
    expires_in: float | None = None
    files: str | Path | Collection[str | Path] = ()
    id: str | None = None
    create: bool = False
    follow: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of `files`. Raises BadValue."""
        if isinstance(self.files, Collection) and not isinstance(self.files, str | bytes):
            return tuple(path_text("files", path) for path in self.files)
        return (path_text("files", self.files),)


class DraftOptions(TypedDict, total=False):
    """The fields of a draft that can be given by name."""

    subject: str
    thread: MessageRef | None
    reply_to: MessageRef | None
    urgency: str
    reply_within: float | None
    expires_in: float | None
    files: str | Path | Collection[str | Path]
    id: str | None
    create: bool
    follow: bool


class Message(NamedTuple):
    """A message as its reader sees it. Immutable; `id` is unique per sender, `number` among all messages here (0: it has none)."""

    id: str
    number: int
    sender: str
    to: tuple[str, ...]
    subject: str
    body: str
    sent_ms: int
    thread: str
    reply_to: str | None
    kind: Kind
    urgency: Urgency
    reply_by_ms: int | None
    expires_ms: int | None
    hops: int
    origin: str
    provenance: Provenance
    attachments: tuple[Attachment, ...] = ()
    redelivered: bool = False

    @property
    def room(self) -> str | None:
        """The name of the room in which it was said."""
        return self.to[0][1:] if self.to[0].startswith("#") else None

    @property
    def expects_reply(self) -> bool:
        """Whether the sender waits for an answer."""
        return self.reply_by_ms is not None


MessageRef = str | int | Message
"""What can be said to mean a message: its id, `sender:id`, its number, or the message itself."""


class Seq(int):
    """The place of a message in the store, among all others. It is never shown: it would tell how much is said out of sight."""


class Progress(NamedTuple):
    """What became of a message for one recipient, with the time (ms since 1970) of each step that happened."""

    recipient: str
    state: State
    online: bool  # a process of the recipient was attached
    reason: str | None = None
    delivered_ms: int | None = None
    handed_ms: int | None = None
    read_ms: int | None = None
    answered_ms: int | None = None
    ended_ms: int | None = None
    handovers: int = 0


class Receipt(NamedTuple):
    """What `send` and `status` know about a message: its id, its thread, and its progress for each recipient."""

    id: str
    number: int
    thread: str
    sent_ms: int
    deliveries: tuple[Progress, ...]

    @property
    def state(self) -> State:
        """The state of the only delivery, or of the one that is least far. What nobody was there to get counts as delivered."""
        if len(self.deliveries) == 1:
            return self.deliveries[0].state
        return min((progress.state for progress in self.deliveries), key=_ORDER.__getitem__, default=State.DELIVERED)

    def has_come_to(self, state: State | str) -> bool:
        """Whether every recipient is as far as `state`, or will never be."""
        wanted = _ORDER[state_named("state", state)]
        return not self.deliveries or _ORDER[self.state] >= wanted


class Letter(NamedTuple):
    """A draft that was checked: addresses read, texts measured, times absolute."""

    to: tuple[Address, ...]
    draft: Draft
    kind: Kind
    reply_by_ms: int | None = None
    expires_ms: int | None = None
    files: tuple[Attachment, ...] = ()


SAYING = frozenset({Kind.MESSAGE, Kind.SYN, Kind.DATA})
"""Kinds of messages that are there to say something; the others mean something by themselves."""
YEAR_S = 31_536_000
ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


def checked(draft: Draft, limits: Limits, *, now_ms: int, kind: Kind = Kind.MESSAGE) -> Letter:
    """Check everything about a draft that needs no store."""
    if not isinstance(draft, Draft):
        raise BadValue(name="a draft", value=draft, why="it is a postroom.Draft(to, body)")
    check_text("body", draft.body, limits.body_bytes, "body_bytes")
    if draft.subject != "":
        check_text("subject", draft.subject, limits.subject_bytes, "subject_bytes")
    if draft.id is not None:
        check_id(draft.id)
    if draft.urgency not in _URGENCIES:
        raise BadValue(name="urgency", value=draft.urgency, why="it is one of now, next, info")
    if draft.files and len(draft.paths) > limits.files_per_message:
        raise TooLarge(
            part="message", size=len(draft.paths), unit="files", limit_name="files_per_message", limit=limits.files_per_message,
            advice="Pack them into one file.",
        )  # fmt: skip
    reply_by_ms = None if draft.reply_within is None else moment("reply_within", draft.reply_within, now_ms)
    expires_ms = None if draft.expires_in is None else moment("expires_in", draft.expires_in, now_ms)
    to = () if draft.to == "" and draft.reply_to is not None else addresses(draft.to, limits)
    if reply_by_ms is not None and to and to[0].kind != "agent":
        raise BadValue(name="to", value=draft.to, why="an answer is expected of agents by name, not of a room or of everyone")
    if not draft.body and draft.subject == "" and not draft.files and kind in SAYING:
        raise NothingSaid
    return Letter(to, draft, kind, reply_by_ms, expires_ms)


_URGENCIES = tuple(urgency.value for urgency in Urgency)


def composed(to: str | Collection[str], body: str, options: DraftOptions) -> Draft:
    """A draft with options given by name. Raises BadValue for an option that there is not."""
    try:
        return Draft(to, body)._replace(**options)
    except ValueError:
        known = Draft._fields[2:]
        unknown = next(name for name in options if name not in known)
        raise BadValue(name="an option", value=unknown, why=f"the options are {', '.join(known)}") from None


def addresses(to: str | Collection[str], limits: Limits) -> tuple[Address, ...]:
    """Read the recipients, each once, in the order given: agents, or one room, or everyone. Other nodes are errors that say so."""
    if isinstance(to, str):
        return (local(to),)
    if not are_texts(to):
        raise BadValue(name="to", value=to, why="it is the name of an agent, or a list of names")
    if not to:
        raise NoRecipient
    if len(to) > limits.recipients:
        facts = {"part": "message", "size": len(to), "unit": "recipients", "advice": "Send several messages."}
        raise TooLarge(limit_name="recipients", limit=limits.recipients, **facts)
    read = tuple(dict.fromkeys(local(text) for text in to))
    if len(read) > 1 and any(address.kind != "agent" for address in read):
        raise BadValue(name="to", value=to, why="a message goes to agents, or to one room, or to everyone; send several messages")
    return read


@lru_cache(maxsize=4096)
def local(text: str) -> Address:
    """Read an address in this post room. Raises NoLinks for the others."""
    address = read_address(text)
    if address.node is not None:
        raise NoLinks(address=text)
    return address


def are_texts(values: object) -> bool:
    """Whether this is a list of texts, or the like; nothing that is used up by looking."""
    return isinstance(values, Collection) and all(isinstance(text, str) for text in values)


def check_text(part: str, text: str, limit: int, limit_name: str, *, advice: str = "Send it as a file instead.") -> None:
    """A text must be Unicode without NUL, and small enough when written as UTF-8."""
    if not isinstance(text, str):
        raise BadText(part=part, why=f"it is {type(text).__name__}, not str")
    if "\0" in text:
        raise BadText(part=part, why="it contains a NUL character")
    try:
        size = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError as error:
        raise BadText(part=part, why=f"character {error.start} is half a surrogate pair") from None
    if size > limit:
        raise TooLarge(part=part, size=size, unit="bytes", limit_name=limit_name, limit=limit, advice=advice)


def check_id(text: object) -> None:
    """A sender's own id must not look like the numbers that the store gives."""
    if not isinstance(text, str) or not ID.fullmatch(text) or text.isdigit():
        raise BadId(id=text)


def moment(name: str, seconds: float, now_ms: int) -> int:
    """Turn seconds from now into a point in time. A year is the most that may lie ahead."""
    check_seconds(name, seconds)
    return now_ms + round(seconds * 1000)


def check_seconds(name: str, seconds: float) -> None:
    """A time to wait is above zero and at most a year."""
    if not is_above(seconds, 0) or seconds > YEAR_S:
        raise BadValue(name=name, value=seconds, why="it is a number of seconds above 0 and at most a year")


def is_above(number: float, bound: float) -> bool:
    """Whether this is a number, and above the bound."""
    try:
        return number > bound
    except TypeError:
        return False


def id_text(id: MessageRef) -> str:
    """An id as text. The number of a message may come as a number, and the message for its id. Raises BadValue."""
    if isinstance(id, str):
        return id
    if isinstance(id, Message):
        return id.id
    if not isinstance(id, int):
        raise BadValue(name="id", value=id, why="it is the id of a message, as text, or its number; or the message itself")
    return str(id)


def path_text(name: str, path: object) -> str:
    """A path as text. Raises BadValue."""
    text = path if isinstance(path, str) else getattr(path, "__fspath__", lambda: None)()
    if not isinstance(text, str) or not text:
        raise BadValue(name=name, value=path, why="a path is text or a pathlib.Path, and not empty")
    return text


def state_named(name: str, state: State | str) -> State:
    """A state by its text. Raises BadValue."""
    try:
        return State(state)
    except ValueError:
        raise BadValue(name=name, value=state, why=f"it is one of {', '.join(State)}") from None
