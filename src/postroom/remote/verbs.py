"""The verbs of the exchange as a node calls them: one row for each that can be done from elsewhere."""

from __future__ import annotations

from postroom.core.message import Draft, Message, id_text
from postroom.core.profile import Profile
from postroom.core.session import SessionState
from postroom.core.types import TYPE_CHECKING, NamedTuple
from postroom.exchange import holding, invitations, naming, presence, reading, rooms, sessions, tracing
from postroom.remote import values
from postroom.remote.values import Json, Object, several

if TYPE_CHECKING:
    from collections.abc import Callable

REFS = ("id", "before", "message", "session")
"""Arguments that mean a message."""


class Row(NamedTuple):
    """How one verb is asked for, what its words are called, and what its answer is.

    `settled` are errors which say, when it is asked for once more because no answer came, that it had been done the first time.
    """

    name: str
    words: tuple[str, ...]
    gives: Callable[[Json], object]
    looks: bool = False
    settled: tuple[str, ...] = ()


def look(name: str, gives: Callable[[Json], object], *words: str) -> Row:
    """A verb that changes nothing."""
    return Row(name, words, gives, looks=True)


def act(name: str, gives: Callable[[Json], object], *words: str, settled: tuple[str, ...] = ()) -> Row:
    """A verb that changes something."""
    return Row(name, words, gives, settled=settled)


def number_of(name: str) -> Callable[[Json], object]:
    """What gives one field."""
    return lambda found: values.entry(found)[name]


ROWS: dict[object, Row] = {
    # Messages
    reading.peek: look("peek", several(values.message)),
    tracing.status: look("status", values.receipt, "id"),
    tracing.message: look("message", values.message, "id"),
    tracing.history: look("history", several(values.message)),
    tracing.thread: look("thread", several(values.message), "id"),
    tracing.find: look("search", several(values.message), "words"),
    # Agents
    presence.list_agents: look("agents", several(values.listed)),
    presence.listed: look("profile", values.listed),
    presence.change: act("profile", values.listed),
    presence.set_profile: act("profile", values.nothing),
    naming.listed: look("agents", lambda found: [one.name for one in several(values.listed)(found)]),
    naming.rename: act("rename", values.nothing, "name"),
    # Sessions
    sessions.offer: act("session-offer", values.begun),
    sessions.begin: act("session-begin", values.begun, "id", settled=("NotYourTurn",)),
    sessions.resume: act("session-go-on", values.begun, "id"),
    tracing.follow: act("followed", values.nothing, "id"),
    sessions.accept: act("accept-offer", values.nothing, "id", settled=("NotYourTurn",)),
    sessions.decline: act("decline", values.receipt, "id", "reason", settled=("NotYourTurn",)),
    sessions.close: act("session-close", values.nothing, "session", settled=("NotYourTurn",)),
    sessions.state: look("session-state", lambda found: SessionState(str(values.entry(found)["state"])), "session"),
    sessions.show: look("session-view", values.session_view, "id"),
    sessions.list_sessions: look("sessions", several(values.session_view)),
    # Rooms
    rooms.create: act("create-room", values.room, "name", settled=("RoomTaken",)),
    rooms.list_rooms: look("rooms", several(values.room)),
    rooms.show: look("room", values.room, "name"),
    rooms.members: look("members", several(values.member), "room"),
    rooms.join: act("join", values.room, "room"),
    rooms.leave: act("leave", values.nothing, "room", settled=("NotAMember", "NoSuchRoom")),
    rooms.kick: act("kick", values.nothing, "room", "agent", "reason", settled=("NotInRoom",)),
    rooms.transfer: act("transfer", values.nothing, "room", "agent", settled=("NotTheOwner",)),
    rooms.describe: act("describe-room", values.room, "room"),
    rooms.set_topic: act("set-topic", values.room, "room", "topic"),
    rooms.mute: act("mute", values.nothing, "room"),
    rooms.destroy: act("destroy-room", values.nothing, "room", "reason", settled=("NoSuchRoom",)),
    invitations.invite: act("invite", several(values.invited), "room", "agents"),
    invitations.decline: act("decline-invitation", values.nothing, "room", "reason", settled=("NotInvited", "NoSuchRoom")),
    # For the human
    holding.held: look("held", several(values.held)),
    holding.release: act("release", number_of("released"), "id", settled=("NothingHeld",)),
    holding.discard: act("discard", number_of("discarded"), "id", "reason", settled=("NothingHeld",)),
    holding.pause: act("pause", values.nothing, "name", "reason"),
}


def said(row: Row, given: tuple[object, ...], options: dict[str, object]) -> Object:
    """The arguments of a verb, by name."""
    if len(given) == 1 and isinstance(given[0], Profile):
        return values.changed(given[0])
    if len(given) == 1 and isinstance(given[0], Draft):
        return {"to": given[0].to, "task": given[0].body, "within": given[0].reply_within, "id": given[0].id}
    named = dict(zip(row.words, given, strict=True)) | options
    for name in REFS:
        if name in named and named[name] is not None:
            named[name] = called(named[name])
    return {name: list(value) if isinstance(value, tuple) else value for name, value in named.items() if value is not None}


def called(id: object) -> object:
    """A message as it is called elsewhere. Raises BadValue."""
    return values.ref(id) if isinstance(id, Message) else id if isinstance(id, int) else id_text(id)  # type: ignore[arg-type]  # it checks
