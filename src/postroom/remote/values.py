"""What a node answers, as the values that a verb gives here; and what it is told, as JSON. Fields of a newer node are left out."""

from __future__ import annotations

from postroom.core import errors, refusals
from postroom.core.event import Event
from postroom.core.message import Attachment, Draft, Kind, Message, Progress, Provenance, Receipt, State, Urgency
from postroom.core.profile import Profile
from postroom.core.room import Invited, Member, Policy, Role, Room
from postroom.core.session import SessionState, SessionView
from postroom.core.types import TYPE_CHECKING
from postroom.exchange.sessions import Begun
from postroom.exchange.watching import Change
from postroom.store.held import Held
from postroom.store.profiles import Listed

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Value = TypeVar("Value")

Json = object
Object = dict[str, object]


def fields(kind: type[tuple[object, ...]], found: Json, /, **parts: Callable[[object], object]) -> list[object]:
    """The fields of a named tuple in their order; some of them made of their JSON. Raises ValueError for what is no such object."""
    if not isinstance(found, dict):
        raise ValueError(f"no {kind.__name__}")  # noqa: TRY003, TRY004  # told as NotThere
    names: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]  # a named tuple
    defaults: dict[str, object] = kind._field_defaults  # type: ignore[attr-defined]
    values = []
    for name in names:
        if name in found:
            values.append(parts[name](found[name]) if name in parts else found[name])
        elif name in defaults:
            values.append(defaults[name])
        else:
            raise ValueError(f"no {name} in a {kind.__name__}")  # noqa: TRY003  # as above
    return values


def texts(found: Json) -> tuple[object, ...]:
    """A list as a tuple."""
    return tuple(rows(found))


def rows(found: Json) -> list[object]:
    """A list. Raises ValueError."""
    if not isinstance(found, list):
        raise ValueError("no list")  # noqa: TRY003, TRY004  # as above
    return found


def several(one: Callable[[Json], Value]) -> Callable[[Json], list[Value]]:
    """What makes a list of values."""
    return lambda found: [one(each) for each in rows(found)]


def maybe(one: Callable[[object], Value]) -> Callable[[object], Value | None]:
    """What makes a value, or leaves None."""
    return lambda found: None if found is None else one(found)


def attachment(found: Json) -> Attachment:
    """A file of a message."""
    return Attachment(*fields(Attachment, found))  # type: ignore[arg-type]  # checked by the node, which we trust as much as the store


def message(found: Json) -> Message:
    """A message."""
    parts = {
        "to": texts, "kind": Kind, "urgency": Urgency, "attachments": lambda files: tuple(several(attachment)(files)),
        "provenance": lambda came: Provenance(*fields(Provenance, came)),  # type: ignore[arg-type]
    }  # fmt: skip
    return Message(*fields(Message, found, **parts))  # type: ignore[arg-type]


def progress(found: Json) -> Progress:
    """What became of a message for one recipient."""
    return Progress(*fields(Progress, found, state=State))  # type: ignore[arg-type]


def receipt(found: Json) -> Receipt:
    """What became of a message."""
    return Receipt(*fields(Receipt, found, deliveries=lambda each: tuple(several(progress)(each))))  # type: ignore[arg-type]


def listed(found: Json) -> Listed:
    """An agent."""
    return Listed(*fields(Listed, found, tags=texts, capabilities=texts))  # type: ignore[arg-type]


def room(found: Json) -> Room:
    """A room."""
    return Room(*fields(Room, found, policy=Policy, role=Role))  # type: ignore[arg-type]


def member(found: Json) -> Member:
    """A member of a room."""
    return Member(*fields(Member, found, role=Role))  # type: ignore[arg-type]


def invited(found: Json) -> Invited:
    """What became of an invitation."""
    return Invited(*fields(Invited, found))  # type: ignore[arg-type]


def event(found: Json) -> Event:
    """Something that happened."""
    return Event(*fields(Event, found))  # type: ignore[arg-type]


def change(found: Json) -> Change:
    """A change of the state of a message."""
    return Change(*fields(Change, found))  # type: ignore[arg-type]


def session_view(found: Json) -> SessionView:
    """A session."""
    return SessionView(*fields(SessionView, found, state=SessionState))  # type: ignore[arg-type]


def held(found: Json) -> Held:
    """A thread that waits for a human."""
    return Held(*fields(Held, found, senders=texts))  # type: ignore[arg-type]


def begun(found: Json) -> Begun:
    """A session that goes on at this seat, under a number that means something there only."""
    given = entry(found)
    return Begun(int(str(given["claim"])), session_view(given["view"]))


def entry(found: Json) -> Object:
    """An object. Raises ValueError."""
    if not isinstance(found, dict):
        raise ValueError("no object")  # noqa: TRY003, TRY004  # as above
    return found


def nothing(_found: Json) -> None:
    """No value."""


# What goes out


def ref(id: object) -> object:
    """A message as it is called elsewhere: by its sender and id, as ids are used by several senders."""
    return f"{id.sender}:{id.id}" if isinstance(id, Message) else id


def drafted(draft: Draft, files: list[Object]) -> Object:
    """A draft; what is as usual is left out. Its files are there already."""
    given = {name: value for name, value in draft._asdict().items() if name != "files" and value != Draft._field_defaults.get(name)}
    to = given["to"] if isinstance(given["to"], str) else list(given["to"])
    shown: Object = {**given, "to": to}
    for name in ("thread", "reply_to"):
        if name in shown:
            shown[name] = ref(shown[name])
    return shown | ({"files": files} if files else {})


def changed(profile: Profile) -> Object:
    """What an agent changes of what it says about itself."""
    given = {name: value for name, value in profile._asdict().items() if value is not None}
    return {name: value if isinstance(value, str | bool | int) else list(value) for name, value in given.items()}


# Errors


def failure(found: Json) -> errors.PostroomError | None:
    """The error that a node tells of, as it would be raised here; None if that is no error of a post room."""
    if not isinstance(found, dict) or not isinstance(found.get("facts", {}), dict):
        return None
    kind = getattr(errors, str(found.get("type")), None) or getattr(refusals, str(found.get("type")), None)
    if not (isinstance(kind, type) and issubclass(kind, errors.PostroomError)):
        return None
    error = kind(**found.get("facts", {}))
    for sentence in ("advice", "close"):
        if error.facts.get(sentence):
            error.facts[sentence] = f" {error.facts[sentence]}"
    try:
        str(error)
    except (KeyError, ValueError, TypeError, IndexError):
        return None
    return error
