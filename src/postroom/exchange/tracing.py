"""Tracing: what became of a message, and finding messages again. Nothing here consumes anything."""

from __future__ import annotations

import re

from postroom.core.errors import BadQuery, BadValue, NoSuchAgent
from postroom.core.message import Message, Receipt
from postroom.exchange.desk import Desk
from postroom.exchange.sending import resolve
from postroom.store import agents, deliveries, messages, search
from postroom.store.database import Database

INDEX_STEP = 500
LATEST = 1 << 62
OPERATOR = re.compile(r"(?<!\S)(AND|OR|NOT)(?!\S)")


def status(desk: Desk, id: str | int) -> Receipt:
    """What became of a message that the desk's agent sent or received. Raises NoSuchMessage, AmbiguousId."""
    with desk.reading() as database:
        found = resolve(database, id, desk.agent)
        (message,) = messages.messages(database, "WHERE m.seq = ?", (found.seq,))
        return Receipt(message.id, message.seq, message.thread, message.sent_ms, deliveries.progress(database, found.seq))


def follow(desk: Desk, id: str | int) -> None:
    """Let the sender be woken at each change of state of a message."""
    with desk.posting() as posting:
        messages.set_followed(posting.database, resolve(posting.database, id, desk.agent).seq)


def history(desk: Desk, *, peer: str | None = None, before: int | None = None, since_ms: int = 0, limit: int = 50) -> list[Message]:
    """The newest messages that the desk's agent took part in, oldest first; with one peer, or before a seq, if told."""
    check_page(desk, limit)
    check_whole("before", before or LATEST, "it is the number of a message, its `seq`")
    check_whole("since_ms", since_ms, "it is a time in ms since 1970")
    catch_up(desk)
    page = {"before": before or LATEST, "since_ms": since_ms, "limit": limit}
    with desk.reading() as database:
        if peer is None:
            found = search.history(database, agent=desk.agent.id, **page)
        else:
            found = search.with_peer(database, (desk.agent.id, known(database, peer)), **page)
    return found[::-1]


def thread(desk: Desk, id: str | int, *, limit: int | None = None) -> list[Message]:
    """The first page of the thread that a message belongs to, oldest first."""
    limit = desk.config.limits.page if limit is None else limit
    check_page(desk, limit)
    with desk.reading() as database:
        return search.thread(database, resolve(database, id, desk.agent).root, limit=limit)


def find(desk: Desk, words: str, *, limit: int = 20) -> list[Message]:
    """The newest messages of the desk's agent that match, newest first: words, "phrases", prefix*, AND, OR, NOT. Raises BadQuery."""
    check_page(desk, limit)
    catch_up(desk)
    return matching(desk, words, agent=desk.agent.id, limit=limit)


def matching(desk: Desk, words: str, *, agent: int | None, limit: int) -> list[Message]:
    """Search a caught-up index. What FTS5 cannot read as an expression is searched word by word.

    Not where an operator has no word on a side: to search for its name would find something else. Raises BadQuery.
    """
    if not isinstance(words, str):
        raise BadQuery(query=words, why="it is not text")
    if not re.search(r"\w", words):
        raise BadQuery(query=words, why="it has no word")
    with desk.reading() as database:
        try:
            return search.find(database, words, agent=agent, limit=limit)
        except search.Unreadable as error:
            if OPERATOR.search(words):
                raise BadQuery(query=words, why="an operator stands between two words; what has other characters is quoted") from error
            quoted = " ".join(f'"{word}"' for word in re.findall(r"\w+", words))
            return search.find(database, quoted, agent=agent, limit=limit)


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


def check_whole(name: str, value: object, why: str) -> None:
    """A number that the store can compare with its own."""
    if not isinstance(value, int) or not 0 <= value <= LATEST:
        raise BadValue(name=name, value=value, why=why)


def known(database: Database, name: str) -> int:
    """The id of an agent. Raises NoSuchAgent."""
    from postroom.core.address import close_names, fold_name

    agent = agents.by_name(database, fold_name(name))
    if agent is None:
        raise NoSuchAgent(name=name, close=close_names(name, agents.names(database)))
    return agent.id
