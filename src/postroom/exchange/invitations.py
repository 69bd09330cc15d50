"""Invitations into rooms: made, taken back, declined. One is used up by joining its room, and touched by nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from postroom.core.errors import BadValue, MailboxFull, TooLarge
from postroom.core.message import are_texts
from postroom.core.room import Act, Invited, Policy
from postroom.exchange import crowds
from postroom.exchange.admission import admitted, agent_named
from postroom.exchange.announcing import Announcement, charge, check_reason, is_hidden, my_name, tell
from postroom.exchange.desk import Desk
from postroom.exchange.outbox import Outbox
from postroom.store import rooms as stored
from postroom.store.agents import AgentRow
from postroom.store.rooms import RoomRow


def invite(desk: Desk, name: str, names: Sequence[str]) -> list[Invited]:
    """Let agents join a room, and tell them how. Says what became of each. Raises NoSuchAgent; MailboxFull when nobody could be told."""
    check_names(desk, names)
    with Announcement(desk) as posting:
        database, me = posting.database, desk.agent.id
        room, _ = admitted(database, name, Act.INVITE, viewer=me)
        others = list(dict.fromkeys(agent_named(database, one, viewer=me) for one in names))
        outbox = Outbox(posting)
        found = [state_of(outbox, room, one) for one in others]
        if all(one.state == "refused" for one in found):
            raise MailboxFull(name=found[0].agent, limit=desk.config.limits.unreserved)
        new = [other for other, one in zip(others, found, strict=True) if one.state == "invited"]
        if new:
            charge(outbox, room)
        for other in new:
            stored.invite(database, room.id, other.id, me, now_ms=posting.now_ms)
            about = f": {room.description}" if room.description else "."
            tell(outbox, room, other.id, "invited", by=my_name(desk, database), about=about)
        outbox.write()
    return found


def check_names(desk: Desk, names: Sequence[str]) -> None:
    """Some names, and not too many."""
    if isinstance(names, str) or not are_texts(names) or not names:
        raise BadValue(name="agents", value=names, why="each name is a text of its own, as in invite('review', 'executor', 'tester')")
    if len(names) > (limit := desk.config.limits.recipients):
        advice = "Invite them in several calls."
        raise TooLarge(part="invitation", size=len(names), unit="names", limit_name="recipients", limit=limit, advice=advice)


def state_of(outbox: Outbox, room: RoomRow, agent: AgentRow) -> Invited:
    """What an invitation will do for an agent: nothing, if it is in the room or invited already; it is refused if its mailbox is full."""
    posting = outbox.posting
    standing, limit = stored.standing(posting.database, room.id, agent.id), posting.desk.config.limits.unreserved
    if standing.member or standing.invited:
        return Invited(agent.name, "member" if standing.member else "already-invited")
    if outbox.mailbox(agent.id).is_full(limit, hidden=is_hidden(outbox, room, ghost=standing.ghost)):
        return Invited(agent.name, "refused", crowds.NO_PLACE.format(limit=limit))
    return Invited(agent.name, "invited")


def decline(desk: Desk, name: str, reason: str) -> None:
    """Say no to an invitation; who invited is told why, but not by a ghost. Raises NoSuchRoom, NotInvited."""
    check_reason(desk, reason)
    if not reason.strip():
        raise BadValue(name="reason", value=reason, why="who invited you wants to know why")
    with desk.posting(safe=True) as posting:
        database, me = posting.database, desk.agent.id
        room, _ = admitted(database, name, Act.DECLINE, viewer=me)
        by = stored.invited_by(database, room.id, me)
        assert by is not None, "an invitation is somebody's"
        stored.uninvite(database, room.id, me)
        outbox = Outbox(posting)
        if not outbox.ghost or room.policy == Policy.SECRET:
            tell(outbox, room, by, "invitation-declined", agent=my_name(desk, database), reason=reason)
            outbox.write()
