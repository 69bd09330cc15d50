"""Who gets a name. Who cannot be seen reserves none: it gives its name up to one who cannot know that it is taken, and gets another."""

from __future__ import annotations

from postroom.core.address import HUMAN, Name, claimable
from postroom.core.errors import BadValue, GhostsLeaveNoTrace, NameTaken
from postroom.core.room import next_names
from postroom.exchange import desk as desks
from postroom.exchange import events, notices
from postroom.exchange.desk import Desk, Posting
from postroom.exchange.outbox import Outbox
from postroom.exchange.pausing import check_free
from postroom.store import agents
from postroom.store.agents import AgentRow


def listed(desk: Desk) -> list[str]:
    """The names that the desk's agent may find without knowing them."""
    with desk.reading() as database:
        return agents.listed_names(database, viewer=desk.agent.id)


def admit(outbox: Outbox, name: Name) -> AgentRow:
    """Make a mailbox for a name by which the desk's agent knows nobody. Raises TooMany, GhostsLeaveNoTrace, Paused."""
    posting = outbox.posting
    check_free(posting.database, posting.desk.agent.id)
    if outbox.ghost:
        raise GhostsLeaveNoTrace(act=f"make a mailbox for {name}")
    displace(outbox, name)
    return desks.admit(posting.database, name, posting.desk.config.limits, now_ms=posting.now_ms)


def rename(desk: Desk, name: str) -> None:
    """Give the desk's agent another name. Mailbox, rooms and history stay; each of its rooms is told once.

    Raises BadName, ReservedName, NameTaken, Paused.
    """
    new = claimable(name)
    if desk.agent.kind != "agent":
        raise BadValue(name="name", value=name, why=f"{HUMAN!r} is what the person at this machine is always called")
    with desk.posting() as posting:
        database, agent = posting.database, desk.agent.id
        old = agents.by_id(database, agent).name
        found = agents.seen_by_name(database, new, viewer=agent)
        if found is not None and found.id != agent:
            raise NameTaken(name=new)
        if new != old:
            check_free(database, agent)
            outbox = Outbox(posting)
            displace(outbox, new)
            agents.rename(database, agent, new)
            if not agents.is_ghost(database, agent):
                events.tell_rooms(posting, agent, "renamed", old)
            outbox.write()
    desk.agent = desk.agent._replace(name=new)


def displace(outbox: Outbox, name: Name) -> None:
    """Give the ghost that has a name another one, and tell it."""
    database = outbox.posting.database
    ghost = agents.by_name(database, name)
    if ghost is not None:
        new = free_name(outbox.posting, name)
        agents.rename(database, ghost.id, new)
        notices.tell(outbox, ghost.id, "renamed", hidden=True, name=new, old=name)


def free_name(posting: Posting, name: Name) -> Name:
    """The first name like this one that nobody has."""
    return next(new for new in next_names(name) if agents.by_name(posting.database, new) is None)
