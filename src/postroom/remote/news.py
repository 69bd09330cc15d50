"""The events of an agent elsewhere: each has a number here, the same when it comes again because it was not seen."""

from __future__ import annotations

from postroom.core.event import Event
from postroom.core.refusals import SeatGone, Unreachable
from postroom.remote import values
from postroom.remote.caller import Ask
from postroom.remote.desk import RemoteDesk
from postroom.store.events import Told


class News:
    """What was told and not seen yet. To be used in turn."""

    def __init__(self, desk: RemoteDesk) -> None:
        self._desk = desk
        self._numbers = 0
        self._known: dict[tuple[Event, int], int] = {}  # an event, how many like it were told before it, and its number
        self._handles: dict[int, tuple[str, str]] = {}  # the seat at which it was told last, and its handle there

    def ask(self) -> list[Told]:
        """The next events, oldest first; none while the node is away."""
        try:
            found = values.rows(self._desk.call(Ask("events", {"wait": 0})))
        except Unreachable:
            return []
        seat, known = self._desk.caller.seat or "", self._known
        self._known, self._handles = {}, {}
        told = []
        for one in found:
            event = values.event(one)
            key = (event, sum(event == other for other, _ in self._known))
            self._numbers += 1
            number = self._known[key] = known.get(key, self._numbers)
            self._handles[number] = (seat, str(values.entry(one)["handle"]))
            told.append(Told(number, event))
        return told

    def seen(self, told: Told) -> None:
        """Note that an event was seen, and those before it."""
        seat, handle = self._handles.get(told.position, ("", ""))
        if handle and seat == self._desk.caller.seat:
            try:
                self._desk.caller.ask(Ask("seen", {"event": handle}))
            except (Unreachable, SeatGone):
                return
