"""What must be true of a post room after a loss, judged by what its life had promised until then. Each broken promise is a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from postroom.core.errors import NoSuchMessage, NoSuchSession
from postroom.core.message import Receipt, State
from postroom.exchange import presence, reading, sending, sessions, tracing
from postroom.exchange.desk import Desk, Options, open_desk
from postroom.store.deliveries import Handed
from tests.faults.life import NAMES, START_US, Clock, said
from tests.faults.promises import Promises, Sent

HOUR_US = 3_600_000_000


class Aftermath:
    """Hours later, when every lease is over, the agents come back to what the loss left in `home`.

    They send again what has an id of its own, and read everything.
    """

    def __init__(self, promises: Promises, home: Path, *, at: int, vfs: str | None = None, hours: int = 1) -> None:
        self._promises = promises
        self._at = at
        options = Options(None, Clock(START_US + hours * HOUR_US), vfs)
        observer = open_desk("observer", str(home), interface="sdk", options=options)
        self._known = {listed.name for listed in presence.list_agents(observer)}
        observer.close()
        self._desks = {name: open_desk(name, str(home), interface="sdk", options=options) for name in NAMES}

    def broken_promises(self) -> list[str]:
        """Look at everything, then close the store."""
        broken = [*self._damage(), *self._forgotten_names(), *self._wrong_states(), *self._lost_and_disordered()]
        read_before = {(body, reader) for body, sent in self._promises.sent.items() for reader in self._out_of_mailbox(sent)}
        broken += self._read_by_nobody(read_before)
        self._send_again()
        drained = self._drain()
        broken += [*self._wrong_deliveries(read_before, drained), *self._wrong_flags(drained), *self._disorder(drained)]
        for desk in self._desks.values():
            desk.close()
        return broken

    def _damage(self) -> Iterator[str]:
        execute = self._desks["ann"].database.execute
        yield from (f"damage: {row}" for (row,) in execute("PRAGMA integrity_check") if row != "ok")
        yield from (f"dangling reference: {row}" for row in execute("PRAGMA foreign_key_check"))

    def _forgotten_names(self) -> Iterator[str]:
        for name, fact in self._promises.names.items():
            if fact.must_be_so(self._at) and name not in self._known:
                yield f"{name} was registered and is forgotten"

    def _wrong_states(self) -> Iterator[str]:
        for id, history in self._promises.states.items():
            sure = [index for index, (_, fact) in enumerate(history) if fact.must_be_so(self._at)]
            if not sure:
                continue
            possible = [state for state, fact in history[sure[-1] :] if fact.may_be_so(self._at)] + [history[sure[-1]][0]]
            states = [sessions.show(desk, id).state for desk in self._desks.values() if takes_part(desk, id)]
            if len(states) != len(NAMES) - 1 or not set(states) <= set(possible):
                yield f"session {id} is {states}, not {possible}"

    def _lost_and_disordered(self) -> Iterator[str]:
        last: dict[str, int] = {}
        for body, sent in self._promises.sent.items():
            if sent.accepted.must_be_so(self._at):
                receipt = self._receipt(sent)
                if receipt is None or receipt.number != sent.number:
                    yield f"lost: {brief(body)}"
                elif receipt.number < last.get(sent.sender, 0):
                    yield f"disorder: {brief(body)}"
                last[sent.sender] = sent.number or 0

    def _receipt(self, sent: Sent) -> Receipt | None:
        id = sent.draft.id or (str(sent.number) if sent.accepted.must_be_so(self._at) else None)
        if id is None:
            return None
        try:
            return tracing.status(self._desks[sent.sender], id)
        except NoSuchMessage:
            return None

    def _out_of_mailbox(self, sent: Sent) -> Iterator[str]:
        receipt = self._receipt(sent)
        for progress in receipt.deliveries if receipt else ():
            if progress.state in {State.READ, State.ANSWERED}:
                yield progress.recipient

    def _read_by_nobody(self, read: set[tuple[str, str]]) -> Iterator[str]:
        """An offer that was accepted or declined counts as read."""
        answered = {history[0][1].begun for history in self._promises.states.values()}
        for body, reader in read:
            fact = self._promises.read.get((body, reader))
            offered = self._promises.sent[body].accepted.begun in answered
            if not offered and not (fact and fact.may_be_so(self._at)):
                yield f"read by nobody: {brief(body)} by {reader}"

    def _send_again(self) -> None:
        """What has an id of its own: with a receipt or without, it must not matter."""
        for sent in self._promises.sent.values():
            if sent.draft.id is not None and sent.accepted.may_be_so(self._at):
                sending.send(self._desks[sent.sender], [sent.draft])

    def _drain(self) -> list[tuple[str, str, Handed]]:
        drained = []
        for reader, desk in self._desks.items():
            while taken := reading.take(desk, limit=7):
                drained += [(body, reader, one) for (body, _), one in said(taken, reader).items()]
                reading.confirm(desk, taken)
        return drained

    def _wrong_deliveries(self, read_before: set[tuple[str, str]], drained: list[tuple[str, str, Handed]]) -> Iterator[str]:
        times = Counter((body, reader) for body, reader, _ in drained)
        for body, sent in self._promises.sent.items():
            settled = sent.accepted.must_be_so(self._at) or (sent.draft.id is not None and sent.accepted.may_be_so(self._at))
            for reader in sent.recipients:
                found, key = times.pop((body, reader), 0), (body, reader)
                if found > 1 or (found and key in read_before):
                    yield f"doubled: {brief(body)} for {reader}"
                if settled and not found and key not in read_before:
                    yield f"never came: {brief(body)} for {reader}"
        yield from (f"from nowhere: {brief(key[0])} for {key[1]}" for key in times)

    def _wrong_flags(self, drained: list[tuple[str, str, Handed]]) -> Iterator[str]:
        for body, reader, one in drained:
            handed, read = self._promises.handed.get((body, reader)), self._promises.read.get((body, reader))
            if read and read.must_be_so(self._at):
                yield f"read before and again: {brief(body)} by {reader}"
            if handed and handed.must_be_so(self._at) and not one.message.redelivered:
                yield f"shown twice as new: {brief(body)} to {reader}"
            if one.message.redelivered and not (handed and handed.may_be_so(self._at)):
                yield f"never shown but redelivered: {brief(body)} to {reader}"

    def _disorder(self, drained: list[tuple[str, str, Handed]]) -> Iterator[str]:
        last: dict[tuple[str, str], int] = {}
        for body, reader, one in drained:
            key = (one.message.sender, reader)
            if one.message.number <= last.get(key, 0):
                yield f"out of order: {brief(body)} for {reader}"
            last[key] = one.message.number


def brief(body: str) -> str:
    return body.rstrip(" .")


def takes_part(desk: Desk, id: str) -> bool:
    try:
        sessions.show(desk, id)
    except NoSuchSession:
        return False
    return True
