"""A hook of a session whose post room is at a node: one request, and a second one for what could not be shown. It never waits long."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import TracebackType

from postroom import identity
from postroom.config import named
from postroom.core.errors import PostroomError
from postroom.core.message import Message, Urgency
from postroom.core.refusals import Unreachable
from postroom.core.types import TYPE_CHECKING, Self
from postroom.identity import Guest
from postroom.remote import values
from postroom.remote.bus import Bus, bus_at
from postroom.remote.caller import Ask
from postroom.remote.finding import bus_beside, remote_desk

if TYPE_CHECKING:
    from postroom.remote.desk import RemoteDesk

ANSWER_S = 1.0
"""So long a hook waits for each of two answers: the shortest that a harness allows a hook is 3 s."""


class Visit:
    """One hook of an agent at a node."""

    def __init__(self, desk: RemoteDesk, guest: Guest) -> None:
        self.desk = desk
        self._guest = guest

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.desk.close()

    def turn(self, noted: values.Object, wanted: Collection[Urgency], *, limit: int) -> tuple[list[Message], set[Message]]:
        """Note what the session does, and take what waits; and what of it is the first from somebody. Nothing while the node is away."""
        given: values.Object = {
            **noted, "wanted": [str(one) for one in wanted], "limit": limit,
            "harness": self._guest.harness, "directory": self._guest.directory,
        }  # fmt: skip
        try:
            found = values.entry(self.desk.call(Ask("hook", given, answer_s=ANSWER_S)))
        except Unreachable:
            return [], set()
        messages = values.several(values.message)(found["messages"])
        first = set(values.texts(found["first"]))
        if messages:
            self.desk.know(str(found["agent"]), "agent")
        return messages, {one for one in messages if values.ref(one) in first}

    def put_back(self, unseen: Sequence[Message]) -> None:
        """Put back what could not be shown. If the node is away by now it has them in hand until the next hook."""
        if unseen:
            try:
                self.desk.call(Ask("hook-unseen", {"messages": [values.ref(one) for one in unseen]}, answer_s=ANSWER_S))
            except Unreachable:
                return


def visit(url: str | None, home: str, name: str | None, guest: Guest, shut: PostroomError | None) -> Visit | None:
    """The hook of a session at the node that is named, or beside a store that is shut; None while nobody knows the session's agent.

    Raises the error of the store without a node.
    """
    bus = bus_at(url) if url is not None else bus_beside(home)
    if bus is None:
        assert shut is not None, "only then a node beside is looked for"
        raise shut
    found = agent_of(bus, home, name, guest)
    return None if found is None and bus.token is None else Visit(remote_desk(bus, found, home), guest)


def agent_of(bus: Bus, home: str, name: str | None, guest: Guest) -> str | None:
    """The name of a session's agent, as far as it is known here: a token says its own."""
    name = named(name)
    if name or bus.token is not None:
        return name
    try:
        known = identity.remembered(home, guest)
    except OSError:  # it may not be read from here
        return None
    return None if known is None else known.name
