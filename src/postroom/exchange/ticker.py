"""A feed that several look at, and that can go on where it stopped: messages, what becomes of them, events. Nothing is consumed or changed.

What was told lately is kept, so who comes back soon misses nothing and gets nothing twice. Who was away for longer gets it from the log.
"""

from __future__ import annotations

from collections import deque
from itertools import islice

from postroom.core.event import Event
from postroom.core.message import Message
from postroom.core.types import NamedTuple
from postroom.exchange.desk import Desk
from postroom.exchange.watching import FINAL, SILENT, WINDOW, Change
from postroom.store import events, messages
from postroom.store import watching as stored

KEPT = 10_000
"""So much of what was told is kept for those who come back."""
OVERLAP_MS = 2_000
"""From the log, changes of state are told from so long before the last one on: a long transaction shows what it did late."""


class Place(NamedTuple):
    """A place in a feed: the item's number and the run of the feed that counted it; and, for the log, what had been told by then."""

    run: int
    number: int
    seq: int
    at_ms: int
    event: int


class Item(NamedTuple):
    """One thing that happened, the place after it, and the message that it is about."""

    place: Place
    what: Message | Change | Event
    about: Message | None = None


class Ticker:
    """What happens from now on, as far as the agent at the desk may see it. `run` is a number that no other feed had."""

    def __init__(self, desk: Desk, run: int) -> None:
        self._desk = desk
        self._known: dict[int, Message] = {}  # those of which changes are told, without their bodies
        self._states: dict[int, str] = {}
        self._kept: deque[Item] = deque(maxlen=KEPT)
        with desk.reading() as database:
            seq, event = messages.last_seq(database), events.last(database)
            self.place = Place(run, 0, seq, desk.now_ms(), event)
            for seen in stored.after(database, max(0, seq - WINDOW), viewer=desk.agent.id, limit=WINDOW):
                self._note(seen)
            for step in self._steps():
                self._states[step.delivery] = step.state

    def news(self) -> list[Item]:
        """What happened since the last time."""
        with self._desk.reading() as database:
            found: list[Item] = []
            while seen := stored.after(database, self.place.seq, viewer=self._desk.agent.id, limit=WINDOW):
                for one in seen:
                    self._note(one)
                    found.append(self._told(one.message, one.message, seq=one.seq))
                if len(seen) < WINDOW:
                    break
            steps = self._steps()
            found += [
                self._told(self._change(step), self._known[step.seq], at_ms=max(self.place.at_ms, step.at_ms or 0))
                for step in self._changed(steps)
            ]
            found += [self._told(event, event=row) for row, event in self._events(self.place.event)]
        self._forget(steps)
        self._kept.extend(found)
        return found

    def since(self, place: Place) -> list[Item]:
        """What happened between a place and now: from memory if that is known there, else from the log."""
        if place.run == self.place.run and self._kept and self._kept[0].place.number <= place.number + 1:
            return list(islice(self._kept, max(0, place.number + 1 - self._kept[0].place.number), None))
        if place.run == self.place.run and place.number == self.place.number:
            return []
        return self._from_log(place)

    def _from_log(self, place: Place) -> list[Item]:
        viewer, found = self._desk.agent.id, list[Item]()
        reached = self.place._replace(seq=place.seq, at_ms=place.at_ms, event=place.event)
        with self._desk.reading() as database:
            while seen := stored.after(database, reached.seq, viewer=viewer, limit=WINDOW):
                for one in seen:
                    if one.seq <= self.place.seq:
                        reached = reached._replace(seq=one.seq)
                        found.append(Item(reached, one.message, one.message))
                if len(seen) < WINDOW or seen[-1].seq >= self.place.seq:
                    break
            for step in sorted(self._steps(), key=lambda step: step.at_ms or 0):
                if (step.at_ms or 0) > place.at_ms - OVERLAP_MS and step.state not in SILENT and step.seq in self._known:
                    reached = reached._replace(at_ms=max(reached.at_ms, step.at_ms or 0))
                    found.append(Item(reached, self._change(step), self._known[step.seq]))
            for row, event in self._events(place.event):
                if row <= self.place.event:
                    reached = reached._replace(event=row)
                    found.append(Item(reached, event))
        return found

    def _told(self, what: Message | Change | Event, about: Message | None = None, *, seq: int = 0, at_ms: int = 0, event: int = 0) -> Item:
        before = self.place
        self.place = Place(before.run, before.number + 1, seq or before.seq, at_ms or before.at_ms, event or before.event)
        return Item(self.place, what, about)

    def _note(self, seen: stored.Seen) -> None:
        if seen.followed:
            self._known[seen.seq] = seen.message._replace(body="")

    def _steps(self) -> list[stored.Step]:
        if not self._known:
            return []
        return stored.steps(self._desk.database, min(self._known), max(self._known), viewer=self._desk.agent.id)

    def _changed(self, steps: list[stored.Step]) -> list[stored.Step]:
        changed = []
        for step in steps:
            if step.seq in self._known and step.state != self._states.get(step.delivery):
                if step.delivery in self._states or step.state not in SILENT:
                    changed.append(step)
                self._states[step.delivery] = step.state
        return sorted(changed, key=lambda step: step.at_ms or 0)

    def _change(self, step: stored.Step) -> Change:
        known = self._known[step.seq]
        return Change(known.id, step.recipient, step.state, step.reason, step.at_ms, known.sender)

    def _events(self, after: int) -> list[tuple[int, Event]]:
        names: dict[str, str] = {}
        database, agent = self._desk.database, self._desk.agent.id
        rows = events.stored(database, agent, after + 1, WINDOW)
        return [(row.id, event) for row in rows for event in events.told(database, row, names)]

    def _forget(self, steps: list[stored.Step]) -> None:
        """Let go of the oldest messages beyond the window, and of those that came to their end."""
        keep = set(sorted({step.seq for step in steps if step.state not in FINAL})[-WINDOW:])
        self._known = {seq: known for seq, known in self._known.items() if seq in keep}
        self._states = {step.delivery: step.state for step in steps if step.seq in keep}
