"""What an agent has written for a node that is away, and what it has taken out there and not settled: kept in a satchel until it can be.

Drafts are handed in one after the other, in the order in which they were written, each by an id of its own: what came twice is there once.
"""

from __future__ import annotations

import fcntl
import json
import os
from base64 import b32encode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256

from postroom import doorbell
from postroom.core.address import SYSTEM
from postroom.core.errors import CallerError, PostroomError
from postroom.core.limits import Limits
from postroom.core.message import Draft, Kind, Message, MessageRef, Progress, Provenance, Receipt, State, Urgency, id_text
from postroom.core.plain import plain
from postroom.core.refusals import Unreachable
from postroom.core.types import TYPE_CHECKING
from postroom.remote import values
from postroom.remote.bus import Bus
from postroom.store import files
from postroom.store.place import make_private, note_down
from postroom.store.satchel import Kept, Queued, Satchel

if TYPE_CHECKING:
    from postroom.remote.desk import RemoteDesk
    from postroom.remote.values import Object

WAITING = "waiting for bus"
URL = "_url"
"""The file, beside the satchels for a node, that says where it is: no agent has such a name."""
ID_BYTES = 10
"""As base32 16 characters: among a million messages of one sender two of them are the same once in 10^12 times."""


def digest(text: str) -> str:
    """A text that may be long or secret as a part of a file's name."""
    return sha256(text.encode()).hexdigest()[:16]


def own_process() -> tuple[int, str]:
    """In whose hands a message is here."""
    return os.getpid(), doorbell.start_time(os.getpid())


class Postbag:
    """The satchel of one agent for one node, made when the node has been reached once. Without a place for it nothing is kept."""

    def __init__(self, root: str, bus: Bus) -> None:
        self._root = os.path.join(root, "remote")
        self._home = root
        self._url = bus.url
        self._bus = digest(bus.url)
        self._owner = None if bus.token is None else os.path.join(self._root, self._bus, f"token-{digest(bus.token)}")
        self._satchel: Satchel | None = None
        self._name: str | None = None

    def close(self) -> None:
        """Close the satchel."""
        satchel, self._satchel = self._satchel, None
        if satchel is not None:
            satchel.close()

    def _directory(self, name: str) -> str:
        return os.path.join(self._root, self._bus, name)

    def owner(self) -> str | None:
        """Whose the token is, if that was learnt before."""
        if self._owner is None or not os.path.isfile(self._owner):
            return None
        with open(self._owner, encoding="ascii") as file:
            return file.read().strip() or None

    def is_known(self, name: str | None) -> bool:
        """Whether an agent has reached this node from here before, so that it may be away now."""
        name = name or self.owner()
        if name is None or not os.path.isdir(self._directory(name)):
            return False
        self.belongs_to(name)
        return self._satchel is not None

    def belongs_to(self, name: str) -> None:
        """Open the satchel of an agent."""
        if self._name == name and self._satchel is not None:
            return
        self.close()
        directory = self._directory(name)
        try:
            for part in (self._home, self._root, os.path.dirname(directory)):
                make_private(part)
            self._satchel = Satchel(directory)
            if not os.path.exists(at := os.path.join(os.path.dirname(directory), URL)):
                note_down(at, self._url)
            if self._owner is not None and self.owner() != name:
                note_down(self._owner, name)
        except (OSError, PostroomError):  # a sandbox that may write nowhere: what cannot be sent is told at once
            self._satchel = None
        self._name = name

    # What was written

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits to be handed in."""
        return self._satchel is None or not self._satchel.queued(limit=1)

    def named(self, draft: Draft) -> Draft:
        """A draft with an id, so that to send it again does nothing."""
        return draft if draft.id is not None else draft._replace(id=b32encode(os.urandom(ID_BYTES)).decode().lower())

    def letter(self, draft: Draft, limits: Limits) -> Object:
        """A draft as JSON; its files are still where they are. Raises NoSuchFile, TooLarge."""
        for path in draft.paths:
            if os.path.isfile(path):
                files.check_size(os.path.basename(path), os.path.getsize(path), limits.file_bytes)
        named: list[Object] = [{"name": os.path.basename(path), "path": os.path.abspath(path)} for path in draft.paths]
        return values.drafted(self.named(draft), named)

    def put(self, letters: Sequence[Object], desk: RemoteDesk) -> list[Receipt]:
        """Keep letters behind those that wait already, and hand in what can be. Raises what forbids one of these."""
        assert self._satchel is not None, "asked before"
        now_ms = desk.now_ms()
        kept = [self._with_files(letter) for letter in letters]
        self._satchel.queue([(str(letter["id"]), json.dumps(letter)) for letter in kept], now_ms=now_ms)
        done = self.carry(desk, fresh=frozenset(str(letter["id"]) for letter in letters))
        return [done.get(str(letter["id"])) or waiting_receipt(letter, now_ms, None) for letter in letters]

    def _with_files(self, letter: Object) -> Object:
        """A letter whose files are in the satchel, too: they may change before they are sent."""
        if "files" not in letter:
            return letter
        assert self._satchel is not None, "asked before"
        kept = []
        for file in map(values.entry, values.rows(letter["files"])):
            copy = files.keep(self._satchel.directory, str(file["path"]), limit=1 << 62)
            kept.append({"name": file["name"], "path": os.path.join(self._satchel.directory, "files", copy.sha256)})
        return letter | {"files": kept}

    def carry(self, desk: RemoteDesk, *, fresh: frozenset[str] = frozenset()) -> dict[str, Receipt]:
        """Hand in what waits, oldest first, until nothing waits or the node does not take it now. Raises what forbids a `fresh` letter."""
        done: dict[str, Receipt] = {}
        with self._alone() as alone:
            while alone and self._satchel is not None and (waiting := self._satchel.queued(limit=1)):
                one = waiting[0]
                try:
                    (done[one.id],) = desk.hand_in([values.entry(json.loads(one.draft))])
                except Unreachable:
                    break
                except PostroomError as error:
                    if one.id in fresh:
                        self._satchel.handed_in([one.place])
                        raise
                    if not isinstance(error, CallerError):  # it is busy, or a mailbox is full: another time
                        break
                    self._refused(one, error)
                    continue
                self._satchel.handed_in([one.place])
        return done

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Let one process hand in at a time. False if another one does."""
        if self._satchel is None:
            yield False
            return
        lock = os.open(os.path.join(self._satchel.directory, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(lock)

    def _refused(self, one: Queued, error: PostroomError) -> None:
        """Tell the sender that a letter, which was accepted here, will not arrive."""
        assert self._satchel is not None, "asked before"
        draft = values.entry(json.loads(one.draft))
        to = ", ".join(map(str, addressed(draft)))
        body = f"Your message {one.id} to {to} was kept while the bus was away. It was refused there: {error}"
        notice = Message(
            f"{one.id}.refused", 0, SYSTEM, (self._name or "",), "notice: refused", body, one.at_ms, one.id, one.id, Kind.NOTICE,
            Urgency.NEXT, None, None, 0, "here", Provenance(SYSTEM, 0, SYSTEM),
        )  # fmt: skip
        self._satchel.take([(ref(notice), json.dumps(plain(notice)))], holder=(0, ""), own=True)
        self._satchel.refuse(one.place, str(error))

    def receipt(self, id: MessageRef) -> Receipt | None:
        """What became of a letter that the node does not have; None if it is not here."""
        if self._satchel is None:
            return None
        found = self._satchel.find(id_text(id).removeprefix(f"{self._name}:"))
        return None if found is None else waiting_receipt(values.entry(json.loads(found.draft)), found.at_ms, found.reason)

    # Seats

    def sit(self, seat: str) -> None:
        """Note the seat of this process, for those who come after it if it is killed."""
        if self._satchel is not None:
            self._satchel.sit(seat, holder=own_process())

    def empty_seats(self) -> list[str]:
        """Seats whose processes are no more, once: what they had in hand is kept from others until the node notices."""
        if self._satchel is None:
            return []
        found = [seat for seat, pid, started in self._satchel.seats() if not doorbell.alive(pid, started)]
        self._satchel.leave(found)
        return found

    def leave(self, seat: str | None) -> None:
        """Forget a seat that was left."""
        if self._satchel is not None and seat is not None:
            self._satchel.leave([seat])

    # What was taken out

    def hold(self, messages: Iterable[Message]) -> None:
        """Keep messages that are in the hands of this process."""
        if self._satchel is not None and (rows := [(ref(one), json.dumps(plain(one))) for one in messages]):
            self._satchel.take(rows, holder=own_process())

    def left_behind(self, *, away: bool) -> list[Message]:
        """Messages that no living process has in hand: notices written here; and while the node is away what it had handed over before."""
        kept = [] if self._satchel is None else self._satchel.taken(own=None if away else True)
        return [values.message(json.loads(one.message)) for one in kept if is_free(one)]

    def confirmed(self) -> list[str]:
        """Messages that were confirmed here, which the node does not know."""
        return [] if self._satchel is None else self._satchel.refs(own=False, read=True)

    def own(self) -> set[str]:
        """The notices that were written here."""
        return set() if self._satchel is None else set(self._satchel.refs(own=True))

    def note_read(self, refs: Iterable[str]) -> None:
        """Keep that messages were confirmed, until the node knows it."""
        if self._satchel is not None:
            self._satchel.read(refs)

    def put_down(self) -> None:
        """Let go of what is in the hands of this process: the node has it back. A notice that was written here waits again."""
        own = os.getpid()
        held = [] if self._satchel is None else [one for one in self._satchel.taken() if one.pid == own and not one.read]
        self.forget([one.ref for one in held if not one.own])
        self.put_back([one.ref for one in held if one.own])

    def put_back(self, refs: Iterable[str]) -> None:
        """Let notices that were written here wait again."""
        if self._satchel is not None:
            self._satchel.put_back(refs)

    def rename(self, name: str) -> None:
        """Let the satchel be that of another name, unless that has one."""
        if self._name is not None and self._satchel is not None and not os.path.exists(self._directory(name)):
            self.close()
            os.rename(self._directory(self._name), self._directory(name))

    def forget(self, refs: Iterable[str]) -> None:
        """Drop messages of which the node knows what became of them."""
        if self._satchel is not None:
            self._satchel.forget(refs)


def is_free(one: Kept) -> bool:
    """Whether a message was not confirmed, and no living process has it."""
    return not one.read and not (one.pid and doorbell.alive(one.pid, one.started))


def ref(message: Message) -> str:
    """What tells a message from all others."""
    return f"{message.sender}:{message.id}"


def addressed(letter: Object) -> list[object]:
    """To whom a letter goes: names, or a session."""
    to = letter.get("to") or letter.get("session")
    return values.rows(to) if isinstance(to, list) else [to]


def waiting_receipt(letter: Object, at_ms: int, refused: str | None) -> Receipt:
    """What is known of a letter that is still here."""
    to = addressed(letter)
    state, reason, ended = (State.ACCEPTED, WAITING, None) if refused is None else (State.REFUSED, f"refused: {refused}", at_ms)
    id = str(letter["id"])
    return Receipt(id, 0, id, at_ms, tuple(Progress(str(name), state, online=False, reason=reason, ended_ms=ended) for name in to))
