"""What has been promised by a post room on one disk, and from which moment of that disk on. Moments are numbers of its events."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from postroom.core.message import Draft
from postroom.core.session import SessionState


@dataclass(slots=True)
class Fact:
    """Something that became so: perhaps after `begun`, surely from `sure` on."""

    begun: int
    sure: int | None = None

    def may_be_so(self, at: int) -> bool:
        return self.begun < at

    def must_be_so(self, at: int) -> bool:
        return self.sure is not None and self.sure <= at


@dataclass(slots=True)
class Sent:
    """A message; its body names it here. `number` is what its receipt said, `draft.id` what its sender called it."""

    sender: str
    draft: Draft
    accepted: Fact
    number: int | None = None

    @property
    def recipients(self) -> tuple[str, ...]:
        return (self.draft.to,) if isinstance(self.draft.to, str) else tuple(self.draft.to)


@dataclass(slots=True)
class Promises:
    """The messages by their body, what became of each for each reader, the states of each session, the names."""

    sent: dict[str, Sent] = field(default_factory=dict)
    handed: dict[tuple[str, str], Fact] = field(default_factory=dict)
    read: dict[tuple[str, str], Fact] = field(default_factory=dict)
    states: dict[str, list[tuple[SessionState, Fact]]] = field(default_factory=dict)
    names: dict[str, Fact] = field(default_factory=dict)

    def once_all_may_be_read(self) -> Promises:
        """What is still promised when somebody has begun to read everything, and perhaps came to the end."""
        states = {id: [*history, (SessionState.CLOSED, Fact(-1))] for id, history in self.states.items()}
        return replace(self, handed=self._perhaps(self.handed), read=self._perhaps(self.read), states=states)

    def _perhaps(self, facts: dict[tuple[str, str], Fact]) -> dict[tuple[str, str], Fact]:
        keys = [(body, reader) for body, sent in self.sent.items() for reader in sent.recipients]
        return {key: Fact(-1, facts[key].sure if key in facts else None) for key in keys}
