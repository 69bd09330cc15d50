"""Who is here: attaching a process to its agent, declared status, and what follows when an agent goes idle or offline."""

from __future__ import annotations

import os

from postroom import doorbell
from postroom.core.errors import StoreUnusable, TooMany, WorldError
from postroom.core.profile import Profile, checked_profile, tag_name
from postroom.core.types import AtRest
from postroom.core.visibility import GHOST
from postroom.doorbell import Doorbell, Polling
from postroom.exchange import events, notices
from postroom.exchange.desk import NOBODY, Desk, Posting
from postroom.exchange.outbox import Outbox
from postroom.paths import socket_directory
from postroom.store import agents, deliveries, messages, profiles, waits
from postroom.store import events as stored_events
from postroom.store.agents import AttachedRow
from postroom.store.place import check_directory, make_private, refusal
from postroom.store.profiles import GLANCE, Listed

DAY_MS = 86_400_000
WORDS = ("description", "tags", "capabilities")
"""What of a profile an agent says in its own words: not while it is paused. How and where it is stays true then too."""


def attach(desk: Desk) -> Doorbell | Polling:
    """Let this process be woken: hang up a bell, and note it. What a dead predecessor had in hands is at once in the mailbox again."""
    with desk.posting() as posting:
        provenance = posting.provenance()
        predecessors = agents.attached_to(posting.database, desk.agent.id)
    bury(desk, predecessors)
    bell: Doorbell | Polling = Polling()
    if doorbell.AVAILABLE:
        directory = socket_directory(desk.database.home)
        try:
            make_private(directory)
            check_directory(directory)
            bell = Doorbell(os.path.join(directory, f"{provenance}.sock"))
        except OSError as error:
            raise refusal(error, directory) from error
    try:
        reattach(desk, bell)
    except BaseException:
        bell.close()
        raise
    return bell


def restore(desk: Desk, bell: Doorbell | Polling) -> bool:
    """Hang the bell up again if it vanished. True when it had. Raises StoreUnusable when the store itself is gone."""
    if bell.path is None or os.path.lexists(bell.path):
        return False
    if not os.path.lexists(desk.database.path):
        raise StoreUnusable(path=desk.database.path, why="it has been removed. Connect again to begin a new one.")
    directory = os.path.dirname(bell.path)
    make_private(directory)
    check_directory(directory)
    return bell.restore()


def reattach(desk: Desk, bell: Doorbell | Polling) -> None:
    """Note this process as attached; again, if it was struck off while it was stopped or its directory had vanished."""
    pid = os.getpid()
    row = AttachedRow(desk.agent.id, desk.provenance, pid, doorbell.start_time(pid), bell.path)
    with desk.posting() as posting:
        agents.attach(posting.database, row, now_ms=posting.now_ms)
        agents.seen(posting.database, desk.agent.id, now_ms=posting.now_ms)
        announce(posting, desk.agent.id)


def is_attached(desk: Desk) -> bool:
    """Whether this process is still noted as attached. Its agent may have been renamed meanwhile."""
    with desk.reading() as database:
        desk.agent = agents.by_id(database, desk.agent.id)
        return any(row.id == desk.provenance for row in agents.attached_to(database, desk.agent.id))


def detach(desk: Desk) -> None:
    """Take this process off. What it has in hands goes back into the mailbox."""
    with desk.posting() as posting:
        strike_off(posting, AttachedRow(desk.agent.id, desk.provenance, 0, "", None))


def bury(desk: Desk, rows: list[AttachedRow]) -> None:
    """Take off processes that are gone, after looking again."""
    gone = [row for row in rows if is_gone(row)]
    if gone:
        with desk.posting() as posting:
            for row in gone:
                strike_off(posting, row)
        for row in gone:
            if row.socket is not None:
                doorbell.take_down(row.socket)


def sweep(desk: Desk) -> None:
    """Bury processes that are gone, and take down bells whose processes died before they were noted."""
    with desk.reading() as database:
        rows = agents.all_attached(database)
        unannounced = profiles.unannounced(database)
    bury(desk, rows)
    if unannounced:
        with desk.posting() as posting:
            for agent in unannounced:
                announce(posting, agent)
    directory, known = socket_directory(desk.database.home), {row.socket for row in rows}
    if not os.path.isdir(directory):
        return
    for name in os.listdir(directory):
        path = os.path.join(directory, name)
        if name.endswith(".sock") and path not in known and doorbell.ring(path) is False:
            doorbell.take_down(path)


def is_gone(row: AttachedRow) -> bool:
    """Whether a process no longer exists: its bell is dead, or it has none and the kernel does not know it."""
    answer = doorbell.ring(row.socket) if row.socket is not None else None
    return answer is False or (answer is None and not doorbell.alive(row.pid, row.started))


def strike_off(posting: Posting, row: AttachedRow) -> None:
    """Take a process off: its leases and claims end, other readers are woken, and askers learn it if its agent is offline now."""
    database = posting.database
    if not agents.detach(database, row.agent, row.id):
        return
    agents.seen(database, row.agent, now_ms=posting.now_ms)
    waits.drop_claims(database, row.agent, row.id)
    deliveries.give_back(database, row.agent, row.id)
    is_here = posting.wake(row.agent)
    if not is_here:
        stored_events.stop_listening(database, row.agent)
    announce(posting, row.agent)
    if not is_here and agents.interface(database, row.id) != GLANCE:
        tell_askers(posting, row.agent, "offline", unread_too=True)


def announce(posting: Posting, agent: int) -> None:
    """Tell the rooms of an agent its status, if that is another one than they were told last. Of a ghost they are told nothing."""
    before = profiles.standing(posting.database, agent)
    if before.status != before.announced:
        profiles.set_announced(posting.database, agent, before.status)
        if before.visibility != GHOST:
            events.tell_rooms(posting, agent, "member_status", before.status)


def set_profile(desk: Desk, profile: Profile) -> int | None:
    """Change what an agent says about itself. Going idle tells those whose questions it has read and not answered.

    Returns how many messages went back to their senders, if it has become a ghost by that.
    Raises BadValue, BadText, TooLarge; TooMany when there are as many ghosts, or others, as there may be.
    """
    profile = checked_profile(profile, desk.config.limits)
    if profile == Profile():
        return None
    with desk.posting() as posting:
        if any(getattr(profile, name) is not None for name in WORDS):
            from postroom.exchange.pausing import check_free  # costs a reader of mail time

            check_free(posting.database, desk.agent.id)
        before = profiles.standing(posting.database, desk.agent.id).visibility
        if profile.visibility is not None and (profile.visibility == GHOST) != (before == GHOST):
            check_number(posting, ghosts=profile.visibility == GHOST)
        returned = None
        if profile.visibility == GHOST and before != GHOST:
            from postroom.exchange.vanishing import vanish  # as above

            returned = vanish(posting, desk.agent.id)
        profiles.set_profile(posting.database, desk.agent.id, profile)
        change_sides(posting, before, profile.visibility or before)
        announce(posting, desk.agent.id)
        if profile.status == "idle":
            tell_askers(posting, desk.agent.id, "idle", unread_too=False)
    return returned


def change(desk: Desk, profile: Profile) -> Listed:
    """How the desk's agent is listed for the others, after changing what it says about itself. Raises as `set_profile`."""
    returned = set_profile(desk, profile)
    return listed(desk)._replace(returned=returned)


def check_number(posting: Posting, *, ghosts: bool) -> None:
    """Ghosts are counted for themselves: nobody else can find out how many there are. Raises TooMany."""
    limit = posting.desk.config.limits.agents
    if agents.count(posting.database, ghosts=ghosts) >= limit:
        raise TooMany(limit=limit, things="ghosts" if ghosts else "names", limit_name="agents")


def change_sides(posting: Posting, before: str, now: str) -> None:
    """Who becomes a ghost leaves its rooms for the eyes of the others, and who is none any more joins them, as if it had been away."""
    database, agent = posting.database, posting.desk.agent.id
    if now == before:
        return
    if now == GHOST:
        from postroom.exchange import rooms  # costs a reader of mail time, who seldom becomes a ghost

        outbox = Outbox(posting)
        rooms.give_up(outbox, agent)
        outbox.write()
        events.vanish(posting, agent, agents.by_id(database, agent).name)
        agents.remember_name(database, agent, ghost=True)
    elif before == GHOST:
        agents.remember_name(database, agent, ghost=False)
        profiles.rejoin(database, agent, now_ms=posting.now_ms)
        profiles.set_announced(database, agent, profiles.standing(database, agent).status)
        events.tell_rooms(posting, agent, "member_joined")


def tell_askers(posting: Posting, recipient: int, what: str, *, unread_too: bool) -> None:
    """Tell those who wait for an answer of an agent, each once for each question. What a ghost does they are not told."""
    database = posting.database
    if agents.is_ghost(database, recipient):
        return
    requests = [request for request in waits.requests_to(database, recipient) if what not in request.told.split()]
    if not requests:
        return
    outbox = Outbox(posting)
    name = agents.by_id(database, recipient).name
    for request in requests:
        about = messages.row(database, request.message)
        assert about is not None, "an open question is never pruned"
        if unread_too or deliveries.was_read(database, deliveries.of_recipient(database, about, recipient)):
            notices.notify(outbox, request.asker, what, about, recipient=name)
            waits.tell(database, request, what)
    outbox.write()


def list_agents(desk: Desk, *, tag: str | None = None, archived: bool = False) -> list[Listed]:
    """The agents that the one at the desk may find, by name: all, or those with a tag; also those that have been away for long, if told.

    No agent is called online without a process that the kernel knows. Whether it answers is tried by senders and every few seconds.
    """
    tag, gone = None if tag is None else tag_name(tag), look(desk)
    with desk.reading() as database, AtRest():
        return profiles.listing(database, viewer=desk.agent.id, tag=tag, archived=bool(archived), without=gone)


def look(desk: Desk) -> frozenset[int]:
    """Take off the processes that the kernel does not know any more, before somebody is told who is here.

    Returns those that are gone, also if they cannot be taken off now. A stranger changes nothing.
    """
    with desk.reading() as database:
        ended = {pid for pid in agents.attached_pids(database) if not doorbell.alive(pid, "")}
        gone = [row for row in agents.all_attached(database) if row.pid in ended and is_gone(row)] if ended else []
    if gone and desk.agent is not NOBODY:
        try:
            bury(desk, gone)
        except WorldError:  # the store is busy or full: they are taken off another time, and are not shown as here
            desk.gone += [row for row in gone if row not in desk.gone]
    return frozenset(row.id for row in gone)


def listed(desk: Desk) -> Listed:
    """How the desk's agent is listed for the others."""
    gone = look(desk)
    with desk.reading() as database:
        return profiles.listed(database, desk.agent.id, without=gone)


def archive(desk: Desk) -> None:
    """Leave agents out of listings that have been away for long; take those in again for whom something waits now."""
    before_ms = desk.now_ms() - desk.config.limits.archive_days * DAY_MS
    with desk.reading() as database:
        away, awaited = profiles.long_away(database, before_ms=before_ms), profiles.awaited(database)
    if away or awaited:
        with desk.posting() as posting:
            # Looked at again, as something may have happened meanwhile.
            profiles.set_archived(posting.database, profiles.long_away(posting.database, before_ms=before_ms), posting.now_ms)
            profiles.set_archived(posting.database, profiles.awaited(posting.database), None)
