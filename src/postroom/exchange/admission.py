"""Who comes in: a room is found as an agent may see it, and an act is allowed or refused as core/room.py says. Raises the errors for it."""

from __future__ import annotations

from postroom.core.errors import GhostsLeaveNoTrace, NotAMember, NotInvited, NotTheOwner, PostroomError, ReservedName
from postroom.core.room import FELT_BY_OTHERS, RULES, SEEN_BY_OUTSIDERS, Act, Policy, Role, may, roles, room_name
from postroom.exchange.lookup import known, known_room
from postroom.exchange.pausing import check_free
from postroom.store import agents
from postroom.store import rooms as stored
from postroom.store.agents import AgentRow
from postroom.store.database import Database
from postroom.store.rooms import RoomRow, Standing


def admitted(database: Database, name: str, act: Act, *, viewer: int) -> tuple[RoomRow, Standing]:
    """The room of a name, in which somebody may do an act. Raises NoSuchRoom, and what forbids it."""
    room = known_room(database, room_name(name), viewer)
    standing = stored.standing(database, room.id, viewer)
    if not may(act, Policy(room.policy), roles_of(room, standing, viewer)):
        raise forbidden(room, act)
    if standing.ghost and act in SEEN_BY_OUTSIDERS and room.policy != Policy.SECRET:
        raise GhostsLeaveNoTrace(act=act.value)
    if act in FELT_BY_OTHERS:
        check_free(database, viewer)
    return room, standing


def roles_of(room: RoomRow, standing: Standing, agent: int) -> tuple[Role, ...]:
    """The roles of an agent in a room."""
    return roles(member=standing.member, owner=room.owner == agent, invited=standing.invited, human=standing.human)


def forbidden(room: RoomRow, act: Act) -> PostroomError:
    """Why somebody may not do an act."""
    if act is Act.JOIN:
        return NotInvited(room=room.name, advice=f" It is {room.policy}: to join it, somebody in it must invite you.")
    if act is Act.DECLINE:
        return NotInvited(room=room.name, advice="")
    if Role.MEMBER in RULES[act][Policy(room.policy)]:
        return NotAMember(room=room.name, advice=f" Only its members can {act}.")
    return NotTheOwner(room=room.name, act=act.value)


def agent_named(database: Database, name: str, *, viewer: int) -> AgentRow:
    """An agent that the viewer may know of. Raises NoSuchAgent: the same for a ghost as for a name never used."""
    found = agents.by_id(database, known(database, name, viewer))
    if found.kind == "system":
        raise ReservedName(name=name)
    return found
