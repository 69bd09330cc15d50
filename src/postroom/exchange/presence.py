"""Who is here: attaching a process to its agent, declared status, and what follows when an agent goes idle or offline."""

from __future__ import annotations

import os

from postroom import doorbell
from postroom.core.errors import BadValue, StoreUnusable, WorldError
from postroom.core.message import check_text
from postroom.doorbell import Doorbell, Polling
from postroom.exchange import notices
from postroom.exchange.desk import Desk, Posting
from postroom.exchange.outbox import Outbox
from postroom.paths import socket_directory
from postroom.store import agents, deliveries, messages, waits
from postroom.store.agents import AttachedRow, Listed
from postroom.store.place import check_directory, make_private, refusal

GLANCE = "cli"
"""Who waits at the command line looks in now and then, and works in between: that a look ends is no going offline."""
STATUSES = ("active", "idle", "busy")


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


def is_attached(desk: Desk) -> bool:
    """Whether this process is still noted as attached."""
    with desk.reading() as database:
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
    bury(desk, rows)
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
    if not posting.wake(row.agent) and agents.interface(database, row.id) != GLANCE:
        tell_askers(posting, row.agent, "offline", unread_too=True)


def set_profile(desk: Desk, *, status: str | None = None, description: str | None = None, auto_accept: bool | None = None) -> None:
    """Change what an agent says about itself. Going idle tells those whose questions it has read and not answered."""
    if status is not None and status not in STATUSES:
        raise BadValue(name="status", value=status, why=f"it is one of {', '.join(STATUSES)}; offline is found out, not declared")
    if description is not None:
        limit = desk.config.limits.description_bytes
        check_text("description", description, limit, "description_bytes", advice="Say it in fewer words.")
    if auto_accept not in (None, True, False):
        raise BadValue(name="auto_accept", value=auto_accept, why="it is True or False")
    if (status, description, auto_accept) == (None, None, None):
        return
    with desk.posting() as posting:
        agents.set_profile(posting.database, desk.agent.id, status=status, description=description, auto_accept=auto_accept)
        if status == "idle":
            tell_askers(posting, desk.agent.id, "idle", unread_too=False)


def tell_askers(posting: Posting, recipient: int, what: str, *, unread_too: bool) -> None:
    """Tell those who wait for an answer of an agent, each once for each question."""
    database = posting.database
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


def list_agents(desk: Desk) -> list[Listed]:
    """All agents by name, with their presence and how much waits for them. Each process is looked for before its agent is called online."""
    with desk.reading() as database:
        attached = agents.all_attached(database)
    gone = [row for row in attached if is_gone(row)]
    if gone:
        try:
            bury(desk, gone)
        except WorldError:  # the store is busy or full: they are taken off another time, and are not shown as here
            desk.gone += [row for row in gone if row not in desk.gone]
    with desk.reading() as database:
        return agents.listing(database, without=[row.id for row in gone])


def listed(desk: Desk) -> Listed:
    """How the desk's agent is listed for the others."""
    return next(agent for agent in list_agents(desk) if agent.name == desk.agent.name)
