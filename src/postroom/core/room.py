"""Who may see, join, read and post in a room, and who may change it. Every rule is a row of RULES; no other file decides about rooms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import count

from postroom.core.address import NAME_MAX, Name, fold_name
from postroom.core.errors import BadName, BadValue
from postroom.core.types import NamedTuple


class Policy(StrEnum):
    """How open a room is."""

    PUBLIC = "public"
    PRIVATE = "private"
    SECRET = "secret"  # noqa: S105  # a kind of room


class Role(StrEnum):
    """What an agent is to a room. A member may be its owner too, and the human may be anything besides."""

    OUTSIDER = "outsider"
    INVITED = "invited"
    MEMBER = "member"
    OWNER = "owner"
    HUMAN = "human"


class Act(StrEnum):
    """What can be done with a room, as the sentences of errors say it."""

    DISCOVER = "find it"
    JOIN = "join it"
    READ = "read its history"
    SEND = "send to it"
    MEMBERS = "see its members"
    INVITE = "invite others"
    TOPIC = "set its topic"
    DESCRIBE = "describe it or close it further"
    KICK = "remove somebody"
    TRANSFER = "hand it over"
    DESTROY = "destroy it"
    DECLINE = "decline an invitation"
    MUTE = "mute it"
    LEAVE = "leave it"


class Room(NamedTuple):
    """A room as its viewer may know it: what that one may not know is None, or empty. Times are ms since 1970."""

    name: str
    policy: Policy
    role: Role
    members: int | None
    owner: str | None
    topic: str
    description: str
    muted: bool
    created_ms: int


class Member(NamedTuple):
    """A member of a room."""

    name: str
    role: Role  # member or owner
    kind: str
    status: str
    joined_ms: int


class Invited(NamedTuple):
    """What became of an invitation: `invited`, `already-invited`, `member`, or `refused` with the reason."""

    agent: str
    state: str
    reason: str | None = None


_P = Policy
_EVERYONE = frozenset(Role)
_INSIDE = frozenset({Role.MEMBER, Role.OWNER})
_INSIDE_AND_HUMAN = _INSIDE | {Role.HUMAN}
_KNOWING = _INSIDE_AND_HUMAN | {Role.INVITED}
_OWNER_AND_HUMAN = frozenset({Role.OWNER, Role.HUMAN})
_INVITED = frozenset({Role.INVITED})


def _same(roles: frozenset[Role]) -> dict[Policy, frozenset[Role]]:
    """One rule for all rooms."""
    return dict.fromkeys(Policy, roles)


RULES: dict[Act, dict[Policy, frozenset[Role]]] = {
    Act.DISCOVER: {_P.PUBLIC: _EVERYONE, _P.PRIVATE: _EVERYONE, _P.SECRET: _KNOWING},
    Act.JOIN: {_P.PUBLIC: _EVERYONE, _P.PRIVATE: _KNOWING, _P.SECRET: _KNOWING},
    Act.READ: {_P.PUBLIC: _EVERYONE, _P.PRIVATE: _INSIDE_AND_HUMAN, _P.SECRET: _INSIDE_AND_HUMAN},
    Act.SEND: _same(_INSIDE),
    Act.MEMBERS: {_P.PUBLIC: _EVERYONE, _P.PRIVATE: _INSIDE_AND_HUMAN, _P.SECRET: _INSIDE_AND_HUMAN},
    Act.INVITE: {_P.PUBLIC: _INSIDE_AND_HUMAN, _P.PRIVATE: _INSIDE_AND_HUMAN, _P.SECRET: _OWNER_AND_HUMAN},
    Act.TOPIC: _same(_INSIDE_AND_HUMAN),
    Act.DESCRIBE: _same(_OWNER_AND_HUMAN),
    Act.KICK: _same(_OWNER_AND_HUMAN),
    Act.TRANSFER: _same(_OWNER_AND_HUMAN),
    Act.DESTROY: _same(_OWNER_AND_HUMAN),
    Act.DECLINE: _same(_INVITED),
    Act.MUTE: _same(_INSIDE),
    Act.LEAVE: _same(_INSIDE),
}
"""The roles of which one is enough, for each act in each kind of room."""

SEEN_BY_OUTSIDERS = frozenset({Act.TOPIC, Act.DESCRIBE, Act.INVITE})
"""What others can notice of a room that is not secret. A ghost does none of it, as they would see that somebody is there."""

FELT_BY_OTHERS = SEEN_BY_OUTSIDERS | {Act.JOIN, Act.KICK, Act.TRANSFER, Act.DESTROY, Act.DECLINE}
"""What somebody else notices. Who is paused does none of it; to leave is free to everybody."""


def may(act: Act, policy: Policy, roles: Iterable[Role]) -> bool:
    """Whether somebody with these roles may do it."""
    return not RULES[act][policy].isdisjoint(roles)


def roles(*, member: bool, owner: bool, invited: bool, human: bool) -> tuple[Role, ...]:
    """The roles of an agent in a room; the first of them is what it is called."""
    found = [Role.OWNER] * owner + [Role.MEMBER] * member + [Role.INVITED] * invited + [Role.HUMAN] * human
    return tuple(found) or (Role.OUTSIDER,)


def room_name(text: str) -> Name:
    """The name of a room, written `dev` or `#dev`. Raises BadName."""
    if not isinstance(text, str):
        raise BadName(name=text)
    return fold_name(text.strip().removeprefix("#"))


def policy_named(text: str) -> Policy:
    """A policy by its word. Raises BadValue."""
    try:
        return Policy(text)
    except ValueError:
        raise BadValue(name="policy", value=text, why=f"it is one of {', '.join(Policy)}") from None


def closes(before: Policy, after: Policy) -> bool:
    """Whether a room with the second policy is not more open than it was: what was said among members stays among members."""
    order = list(Policy)
    return order.index(after) >= order.index(before)


def next_names(name: str) -> Iterator[Name]:
    """Names for who must give up its own: `dev-2`, `dev-3` and so on, as long as a name may be."""
    for number in count(2):
        ending = f"-{number}"
        yield fold_name(name[: NAME_MAX - len(ending)] + ending)


def as_markdown() -> str:
    """The table as docs/rooms.md shows it: who may do what in which room."""
    lines = [f"| who may … | {' | '.join(Policy)} |", "|---|---|---|---|"]
    for act, cells in RULES.items():
        lines.append(f"| {act} | {' | '.join(_words(cells[policy]) for policy in Policy)} |")
    return "\n".join(lines) + "\n"


def _words(who: frozenset[Role]) -> str:
    """Some roles, as people say it."""
    return "anyone" if who == _EVERYONE else ", ".join(role for role in Role if role in who)
