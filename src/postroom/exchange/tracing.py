"""Tracing: what became of a message, and finding messages again. Nothing here consumes anything."""

from __future__ import annotations

import re

from postroom.core.address import RESERVED
from postroom.core.errors import BadQuery, BadValue, PostroomError
from postroom.core.message import Attachment, Message, MessageRef, Receipt
from postroom.exchange.desk import Desk
from postroom.exchange.lookup import known, readable_room, resolve
from postroom.store import deliveries, messages, search
from postroom.store.search import Page

INDEX_STEP = 500
LATEST = 1 << 62
OPERATOR = re.compile(r"(?<!\S)(AND|OR|NOT)(?!\S)")


def status(desk: Desk, id: MessageRef) -> Receipt:
    """What became of a message that the desk's agent may see. Raises NotYourMessage, NoSuchMessage, AmbiguousId."""
    with desk.reading() as database:
        seq = resolve(database, id, desk.agent).seq
        (message,) = messages.messages(database, "WHERE m.seq = ?", (seq,))
        progress = deliveries.progress(database, seq, viewer=desk.agent.id)
        return Receipt(message.id, message.number, message.thread, message.sent_ms, progress)


def message(desk: Desk, id: MessageRef) -> Message:
    """A message that the desk's agent may see. Raises as `status`."""
    with desk.reading() as database:
        (found,) = messages.messages(database, "WHERE m.seq = ?", (resolve(database, id, desk.agent).seq,))
        return found


def is_first_contact(desk: Desk, message: Message) -> bool:
    """Whether the sender of a message has never had anything to do with the desk's agent before."""
    sender = message.sender
    if sender in RESERVED or sender == desk.agent.name:
        return False
    try:
        return not desk.do(history, peer=sender, before=f"{sender}:{message.id}", limit=1)
    except PostroomError:  # a ghost: there is no telling
        return True


def place_of(desk: Desk, attachment: Attachment) -> str:
    """Where the bytes of an attached file lie, for one who has its message."""
    from postroom.store import files

    return files.kept(desk.home, attachment.sha256)


def check_file(desk: Desk, digest: str) -> None:
    """Raise FileLost, as if it were not there, unless a file belongs to a message that the desk's agent sent, got, or may see."""
    viewer = desk.agent.id
    with desk.reading() as database:
        for found in messages.with_file(database, digest):
            if messages.may_see(database, found, viewer) or messages.is_recipient(database, found, viewer):
                return
    from postroom.store import files

    raise files.missing(digest)


def save(desk: Desk, attachment: Attachment, path: str) -> None:
    """Write an attached file that the desk's agent may see to a new file. Raises NotSaved, FileLost, DiskFull."""
    from postroom.store import files

    check_file(desk, attachment.sha256)
    files.save(desk.home, attachment, path)


def follow(desk: Desk, id: MessageRef) -> None:
    """Let the sender be woken at each change of state of a message."""
    with desk.posting() as posting:
        messages.set_followed(posting.database, resolve(posting.database, id, desk.agent).seq)


def history(desk: Desk, *, peer: str | None = None, before: MessageRef | None = None, since_ms: int = 0, limit: int = 50) -> list[Message]:
    """The newest messages that the desk's agent took part in, oldest first; with one agent, in one `#room`, before a message, if told.

    The human sees those of everybody, a stranger those of public rooms. Raises NoSuchAgent, NoSuchRoom, NotAMember.
    """
    check_page(desk, limit)
    check_time("since_ms", since_ms)
    catch_up(desk)
    viewer = desk.agent.id
    with desk.reading() as database:
        page = Page(LATEST if before is None else resolve(database, before, desk.agent).seq, since_ms, limit)
        if peer is None:
            found = search.history(database, page, viewer=viewer)
        elif str(peer).lstrip().startswith("#"):
            room = readable_room(database, peer, viewer)
            found = search.in_room(database, page, room=room.id, viewer=viewer)
        else:
            found = search.with_peer(database, page, viewer=viewer, peer=known(database, peer, viewer))
    return found[::-1]


def thread(desk: Desk, id: MessageRef, *, limit: int | None = None) -> list[Message]:
    """The first page of the thread that a message belongs to, as far as the desk's agent may see it, oldest first."""
    limit = desk.config.limits.page if limit is None else limit
    check_page(desk, limit)
    catch_up(desk)
    with desk.reading() as database:
        return search.thread(database, resolve(database, id, desk.agent).root, viewer=desk.agent.id, limit=limit)


def find(desk: Desk, words: str, *, limit: int = 20) -> list[Message]:
    """The newest messages that the desk's agent may see and that match, newest first: words, "phrases", prefix*, AND, OR, NOT.

    What FTS5 cannot read as an expression is searched word by word. Not where an operator has no word on a side: to search for its name
    would find something else. Raises BadQuery.
    """
    check_page(desk, limit)
    if not isinstance(words, str):
        raise BadQuery(query=words, why="it is not text")
    if not re.search(r"\w", words):
        raise BadQuery(query=words, why="it has no word")
    catch_up(desk)
    with desk.reading() as database:
        try:
            return search.find(database, words, viewer=desk.agent.id, limit=limit)
        except search.Unreadable as error:
            if OPERATOR.search(words):
                raise BadQuery(query=words, why="an operator stands between two words; what has other characters is quoted") from error
            quoted = " ".join(f'"{word}"' for word in re.findall(r"\w+", words))
            return search.find(database, quoted, viewer=desk.agent.id, limit=limit)


def catch_up(desk: Desk) -> None:
    """Bring the index up to the last message, in steps that nobody else has to wait for."""
    with desk.reading() as database:
        left = search.behind(database)
    while left > 0:
        with desk.posting() as posting:
            search.index_some(posting.database, INDEX_STEP)
        left -= INDEX_STEP


def check_page(desk: Desk, limit: object) -> None:
    """A page has a size."""
    if not isinstance(limit, int) or not 0 < limit <= desk.config.limits.page:
        raise BadValue(name="limit", value=limit, why=f"a page has 1 to {desk.config.limits.page} messages")


def check_time(name: str, value: object) -> None:
    """A time that the store can compare with its own. Raises BadValue."""
    if not isinstance(value, int) or not 0 <= value <= LATEST:
        raise BadValue(name=name, value=value, why="it is a time in ms since 1970")
