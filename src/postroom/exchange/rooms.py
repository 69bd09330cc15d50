"""Rooms: what agents do with them. Who may do what is decided in core/room.py and refused in admission.py; to send there is sending's.

Whoever is concerned hears of it: by an event what one may want to know, by a notice what one may have to act on.
"""

from __future__ import annotations

from postroom.core.address import Name
from postroom.core.errors import BadValue, GhostsLeaveNoTrace, NotInRoom, RoomTaken, TooMany
from postroom.core.message import check_text
from postroom.core.room import Act, Member, Policy, Role, Room, closes, may, next_names, policy_named, room_name
from postroom.exchange import events, presence
from postroom.exchange.admission import admitted, agent_named, roles_of
from postroom.exchange.announcing import Announcement, because, charge, check_reason, my_name, tell
from postroom.exchange.desk import Desk
from postroom.exchange.lookup import known_room
from postroom.exchange.outbox import Outbox
from postroom.exchange.pausing import check_free
from postroom.store import rooms as stored
from postroom.store.database import Database
from postroom.store.events import NewEvent
from postroom.store.rooms import ListedRow, RoomRow

TOLD_MEMBERS_MAX = 1_000
"""So many members, the longest ones, are named to who joins. All of them: `members`."""

# What there is


def list_rooms(desk: Desk) -> list[Room]:
    """The rooms that the desk's agent may know of, by name."""
    viewer = desk.agent.id
    with desk.reading() as database:
        return [shown(row, viewer) for row in stored.listing(database, viewer=viewer)]


def show(desk: Desk, name: str) -> Room:
    """One room. Raises NoSuchRoom."""
    with desk.reading() as database:
        return view(database, name, desk.agent.id)


def members(desk: Desk, name: str) -> list[Member]:
    """The members of a room that the desk's agent may see, the longest first. Raises NoSuchRoom, NotAMember."""
    viewer, gone = desk.agent.id, presence.look(desk)
    with desk.reading() as database:
        room, _ = admitted(database, name, Act.MEMBERS, viewer=viewer)
        found = stored.present(database, room.id, viewer=viewer, limit=desk.config.limits.agents, without=gone)
    return [Member(one.name, Role.OWNER if one.agent == room.owner else Role.MEMBER, one.kind, one.status, one.joined_ms) for one in found]


def view(database: Database, name: str, viewer: int) -> Room:
    """One room, as somebody may know it. Raises NoSuchRoom."""
    room = known_room(database, room_name(name), viewer)
    (row,) = stored.listing(database, viewer=viewer, name=room.name)
    return shown(row, viewer)


def shown(row: ListedRow, viewer: int) -> Room:
    """A room without what its viewer may not know: what it is about is for those who may join, who is in it for those who may see that."""
    room, policy = row.room, Policy(row.room.policy)
    roles = roles_of(room, row.standing, viewer)
    knows, sees = may(Act.JOIN, policy, roles), may(Act.MEMBERS, policy, roles)
    return Room(
        room.name, policy, roles[0], row.members if sees else None, row.owner if sees else None,
        room.topic if knows else "", room.description if knows else "", row.standing.muted, room.created_ms,
    )  # fmt: skip


# What rooms are


def create(desk: Desk, name: str, *, policy: str = Policy.PUBLIC, description: str = "") -> Room:
    """Make a room, of which the desk's agent is the owner and first member. Raises RoomTaken, TooMany."""
    folded, chosen = room_name(name), policy_named(policy)
    check_about(desk, "description", description)
    with desk.posting(safe=True) as posting:
        database, me, limits = posting.database, desk.agent.id, desk.config.limits
        outbox = Outbox(posting)
        check_free(database, me)
        if outbox.ghost and chosen is not Policy.SECRET:
            raise GhostsLeaveNoTrace(act=f"make a {chosen} room")
        if stored.seen(database, folded, viewer=me):
            raise RoomTaken(room=folded)
        if stored.count_owned(database, me, secret=chosen is Policy.SECRET) >= limits.rooms:
            raise TooMany(limit=limits.rooms, things="rooms of yours", limit_name="rooms")
        make_way(outbox, folded)
        room = stored.create(database, RoomRow(0, folded, chosen, me, description, "", posting.now_ms))
        # For nobody, but so that who comes within the same ms comes later.
        events.tell(posting, [NewEvent(posting.now_ms, "member_joined", room.id, None, me)])
        outbox.write()
        return view(database, folded, me)


def make_way(outbox: Outbox, name: Name, leaving: frozenset[Name] = frozenset()) -> None:
    """Take its name from a secret room, if one has it: who cannot see it must not notice it by that either. It gets the next free one."""
    database = outbox.posting.database
    room = stored.named(database, name)
    if room is None:
        return
    leaving |= {name}
    free = next(other for other in next_names(name) if other not in leaving and is_free(database, other))
    make_way(outbox, free, leaving)
    renamed = room._replace(name=free)
    stored.change(database, renamed)
    for agent in {*stored.members(database, room.id), *stored.invited(database, room.id)}:
        tell(outbox, renamed, agent, "room-renamed", old=f"#{name}")


def is_free(database: Database, name: Name) -> bool:
    """Whether a name can be had: nobody has it, or a room that must make way."""
    room = stored.named(database, name)
    return room is None or room.policy == Policy.SECRET


def describe(desk: Desk, name: str, *, description: str | None = None, policy: str | None = None) -> Room:
    """Change what a room is for, or close it further; its members hear of it. What was said among them stays among them."""
    if description is not None:
        check_about(desk, "description", description)
    with Announcement(desk) as posting:
        room, _ = admitted(posting.database, name, Act.DESCRIBE, viewer=desk.agent.id)
        chosen = Policy(room.policy) if policy is None else policy_named(policy)
        if not closes(Policy(room.policy), chosen):
            why = f"the room is {room.policy}, and what was said in it stays among its members. Make another room"
            raise BadValue(name="policy", value=str(chosen), why=why)
        changed = room._replace(policy=chosen, description=room.description if description is None else description)
        told = [("described", changed.description)] * (changed.description != room.description)
        told += [("policy", changed.policy)] * (changed.policy != room.policy)
        if told:
            outbox = Outbox(posting)
            charge(outbox, room)
            outbox.write()
            stored.change(posting.database, changed)
            events.tell(posting, [NewEvent(posting.now_ms, what, room.id, None, desk.agent.id, text=text) for what, text in told])
        return view(posting.database, room.name, desk.agent.id)


def set_topic(desk: Desk, name: str, topic: str) -> Room:
    """Say what a room is about just now; its members hear of it."""
    check_about(desk, "topic", topic)
    with Announcement(desk) as posting:
        room, _ = admitted(posting.database, name, Act.TOPIC, viewer=desk.agent.id)
        if topic != room.topic:
            outbox = Outbox(posting)
            charge(outbox, room)
            outbox.write()
            stored.change(posting.database, room._replace(topic=topic))
            events.tell(posting, [NewEvent(posting.now_ms, "topic", room.id, None, desk.agent.id, text=topic)])
        return view(posting.database, room.name, desk.agent.id)


def check_about(desk: Desk, part: str, text: str) -> None:
    """A description or a topic is short."""
    check_text(part, text, desk.config.limits.description_bytes, "description_bytes", advice="Say it in fewer words.")


# Coming and going


def join(desk: Desk, name: str) -> Room:
    """Become a member. Uses up an invitation to this room. Raises NoSuchRoom, NotInvited, TooMany."""
    gone = presence.look(desk)
    with Announcement(desk) as posting:
        database, me, limit = posting.database, desk.agent.id, desk.config.limits.members
        room, standing = admitted(database, name, Act.JOIN, viewer=me)
        if not standing.member:
            outbox = Outbox(posting)
            charge(outbox, room)
            outbox.write()
            if stored.count(database, room.id, ghosts=standing.ghost) >= limit:
                raise TooMany(limit=limit, things=f"members of #{room.name}", limit_name="members")
            others = stored.present(database, room.id, viewer=me, limit=TOLD_MEMBERS_MAX, without=gone)
            stored.join(database, room.id, me, now_ms=posting.now_ms)
            found = NewEvent(posting.now_ms, "room_members", room.id, me, me, text=as_text({one.name: one.status for one in others}))
            came = NewEvent(posting.now_ms, "member_joined", room.id, None, me)
            events.tell(posting, [found] if standing.ghost else [found, came])
        return view(database, room.name, me)


def as_text(statuses: dict[Name, str]) -> str:
    """Who is there, as the event of it carries it."""
    from json import dumps

    return dumps(statuses, separators=(",", ":"))


def leave(desk: Desk, name: str) -> None:
    """Be a member no more. A room that its owner leaves goes to the one who has been in it for the longest time, or ends with it."""
    with desk.posting(safe=True) as posting:
        room, _ = admitted(posting.database, name, Act.LEAVE, viewer=desk.agent.id)
        outbox = Outbox(posting)
        depart(outbox, room, desk.agent.id, why="its owner left", how="")
        outbox.write()


def depart(outbox: Outbox, room: RoomRow, agent: int, *, why: str, how: str) -> None:
    """Take a member out; the others hear of it, and how, if it is no ghost."""
    posting = outbox.posting
    ghost = stored.standing(posting.database, room.id, agent).ghost
    stored.leave(posting.database, room.id, agent)
    ends = room.owner == agent and stored.longest(posting.database, room.id, but=agent) is None
    if not ghost and not ends:
        events.tell(posting, [NewEvent(posting.now_ms, "member_left", room.id, None, agent, text=how)])
    if room.owner == agent:
        pass_on(outbox, room, why=why)


def pass_on(outbox: Outbox, room: RoomRow, *, why: str) -> None:
    """Give a room to the one who has been in it for the longest time. Where nobody is that can be seen, the room ends."""
    heir = stored.longest(outbox.posting.database, room.id, but=room.owner)
    if heir is None:
        end(outbox, room, why=f"{why}.")
    else:
        give_to(outbox, room, heir, why=why)


def give_to(outbox: Outbox, room: RoomRow, agent: int, *, why: str) -> None:
    """Give a room to a member, who is told; the others hear of it."""
    posting = outbox.posting
    stored.change(posting.database, room._replace(owner=agent))
    tell(outbox, room, agent, "room-yours", why=why)
    events.tell(posting, [NewEvent(posting.now_ms, "owner", room.id, None, agent)])


def give_up(outbox: Outbox, agent: int) -> None:
    """What follows for its rooms when an agent becomes a ghost: those that others can see get another owner, or end."""
    for room in stored.of_agent(outbox.posting.database, agent):
        if room.owner == agent and room.policy != Policy.SECRET:
            pass_on(outbox, room, why="its owner is gone")


def kick(desk: Desk, name: str, agent: str, reason: str = "") -> None:
    """Take a member out, or an invitation back; the agent is told why. Raises NotInRoom, NotTheOwner."""
    check_reason(desk, reason)
    with Announcement(desk) as posting:
        database, me = posting.database, desk.agent.id
        room, _ = admitted(database, name, Act.KICK, viewer=me)
        other = agent_named(database, agent, viewer=me)
        if other.id == me:
            raise BadValue(name="agent", value=agent, why="that is you; to go, leave the room")
        standing, outbox = stored.standing(database, room.id, other.id), Outbox(posting)
        charge(outbox, room)
        if standing.member:
            tell(outbox, room, other.id, "kicked", by=my_name(desk, database), why=because(reason))
            how = "" if outbox.ghost else f"removed by {my_name(desk, database)}"
            depart(outbox, room, other.id, why="its owner was removed", how=how)
        elif standing.invited:
            stored.uninvite(database, room.id, other.id)
            tell(outbox, room, other.id, "uninvited", by=my_name(desk, database), why=because(reason))
        else:
            raise NotInRoom(name=other.name, room=room.name)
        outbox.write()


def transfer(desk: Desk, name: str, agent: str) -> None:
    """Make another member the owner. Raises NotInRoom, NotTheOwner."""
    with Announcement(desk) as posting:
        database, me, limit = posting.database, desk.agent.id, desk.config.limits.rooms
        room, _ = admitted(database, name, Act.TRANSFER, viewer=me)
        other = agent_named(database, agent, viewer=me)
        standing, outbox = stored.standing(database, room.id, other.id), Outbox(posting)
        if not standing.member:
            raise NotInRoom(name=other.name, room=room.name)
        if standing.ghost and room.policy != Policy.SECRET:
            raise BadValue(name="agent", value=agent, why="a ghost owns secret rooms only")
        if other.id == room.owner:
            return
        if stored.count_owned(database, other.id, secret=room.policy == Policy.SECRET) >= limit:
            raise TooMany(limit=limit, things=f"rooms of {other.name}", limit_name="rooms")
        charge(outbox, room)
        give_to(outbox, room, other.id, why=f"{my_name(desk, database)} handed it to you")
        outbox.write()


def destroy(desk: Desk, name: str, reason: str = "") -> None:
    """End a room; its members are told. What was said in it stays with those who got it."""
    check_reason(desk, reason)
    with desk.posting(safe=True) as posting:
        room, _ = admitted(posting.database, name, Act.DESTROY, viewer=desk.agent.id)
        outbox = Outbox(posting)
        end(outbox, room, why=f"{my_name(desk, posting.database)} destroyed it{because(reason)}")
        outbox.write()


def end(outbox: Outbox, room: RoomRow, *, why: str) -> None:
    """Take a room away. The event that stays behind keeps its number from being used again."""
    posting = outbox.posting
    for agent in stored.members(posting.database, room.id):
        if agent != posting.desk.agent.id:
            tell(outbox, room, agent, "room-ended", why=why)
    events.tell(posting, [NewEvent(posting.now_ms, "room_ended", room.id, None, posting.desk.agent.id)])
    stored.destroy(posting.database, room.id)


def mute(desk: Desk, name: str, *, on: bool = True) -> None:
    """Let messages in a room not wake the desk's agent unless they mention it, or wake it again."""
    with desk.posting(safe=True) as posting:
        room, _ = admitted(posting.database, name, Act.MUTE, viewer=desk.agent.id)
        stored.mute(posting.database, room.id, desk.agent.id, muted=on)
