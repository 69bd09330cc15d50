"""What somebody means by a name or an id. Who may not know of a thing is told what is told of things that never were."""

from __future__ import annotations

from postroom.core.address import close_names, fold_name
from postroom.core.errors import AmbiguousId, NoSuchAgent, NoSuchMessage, NoSuchRoom, NotAMember, NotYourMessage
from postroom.core.message import MessageRef, Receipt, id_text
from postroom.core.types import TYPE_CHECKING
from postroom.store import agents, messages
from postroom.store.agents import AgentRow
from postroom.store.database import Database
from postroom.store.messages import Parent

if TYPE_CHECKING:  # loaded when somebody names a room
    from postroom.store.rooms import RoomRow

ADVICE = " None that you may see, at least: say who you are with --as NAME, or ask from a terminal."
LOOKERS = frozenset({"human", "stranger"})
"""Kinds of agents for whom a message that they may not see is simply none."""


def resolve(database: Database, id: MessageRef, agent: AgentRow) -> Parent:
    """The one message that an id means for an agent: sent by it or delivered to it. Raises NotYourMessage, AmbiguousId."""
    found = messages.referred(database, id, agent.id)
    if not found:
        if agent.kind in LOOKERS:
            raise NoSuchMessage(id=id_text(id), advice=ADVICE if agent.kind == "stranger" else "")
        raise NotYourMessage(id=id_text(id), agent=agent.name)
    if len(found) > 1:
        raise AmbiguousId(id=id_text(id), choices=choices(id, [messages.sender_name(database, parent) for parent in found]))
    return found[0]


def own_id(agent: AgentRow, receipt: Receipt) -> str:
    """The id of a message that an agent has sent, so that it means no other."""
    return f"{agent.name}:{receipt.id}"


def choices(id: MessageRef, senders: list[str]) -> str:
    """What can be said instead of an id that several senders have used."""
    return ", ".join(f"{sender}:{id_text(id)}" for sender in senders)


def known(database: Database, name: str, viewer: int) -> int:
    """The id of an agent that the viewer may know of. Raises NoSuchAgent, which tells of a room of that name."""
    agent = agents.seen_by_name(database, fold_name(name), viewer=viewer)
    if agent is None:
        raise NoSuchAgent(name=name, close=instead(database, name, viewer))
    return agent.id


def instead(database: Database, name: str, viewer: int) -> str:
    """What may have been meant instead of an agent, if the viewer may know of it, as a question: the room of that name, or close names."""
    from postroom.store import rooms  # loaded when there is no such agent

    room = rooms.seen(database, fold_name(name), viewer=viewer)
    return f" Did you mean the room '#{room.name}'?" if room else close_names(name, agents.listed_names(database, viewer=viewer))


def readable_room(database: Database, address: str, viewer: int) -> RoomRow:
    """The room of an address like `#ops`, if the viewer may read its history. Raises NoSuchRoom, NotAMember."""
    from postroom.store import rooms

    room = known_room(database, fold_name(address.strip().removeprefix("#")), viewer)
    if room.policy != "public" and viewer not in messages.ALL_SEEING and rooms.member(database, room.id, viewer) is None:
        raise NotAMember(room=room.name, advice=" Only its members can read what is said in it.")
    return room


def known_room(database: Database, name: str, viewer: int) -> RoomRow:
    """The room of that name, if the viewer may know of it. Raises NoSuchRoom."""
    from postroom.store import rooms

    found = rooms.seen(database, name, viewer=viewer)
    if found is None:
        raise NoSuchRoom(name=name, close=close_names(name, rooms.seen_names(database, viewer=viewer)))
    return found
