"""Keeping a post room: examining it, backing it up, restoring it, writing it out, pruning it. Each is a verb of the one who owns it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from threading import Event
from time import gmtime, monotonic, strftime

from postroom import doorbell
from postroom.core.errors import StoreDamaged, StoreFailed
from postroom.core.message import Kind, State, Urgency
from postroom.exchange import checkup, notices
from postroom.exchange.desk import HUMAN_AGENT, POSTROOM_AGENT, POSTROOM_PROVENANCE, Desk, Posting, now_us, open_desk_of_human
from postroom.exchange.lookup import known
from postroom.exchange.notices import POSTROOM
from postroom.exchange.outbox import HERE, Outbox
from postroom.exchange.tracing import check_time
from postroom.exchange.vanishing import vanish_again
from postroom.store import agents, archive, budgets, deliveries, messages, pruning, replacing, restoring
from postroom.store import doctor as store_doctor
from postroom.store import export as store_export
from postroom.store.archive import Backup, Progress, silent
from postroom.store.checks import Finding
from postroom.store.place import check_directory, make_private, refusal
from postroom.store.pruning import Pruned
from postroom.store.restoring import Before, Manifest, Restored

DAY_MS = 86_400_000


def examine(home: str, *, full: bool = False) -> list[Finding]:
    """Look the post room in `home` over, and change nothing. The `level` of a finding is ok, note, warning, error or damage.

    `full` also compares the bytes of all attached files and does SQLite's long integrity check. Never raises because of damage.
    """
    findings, processes = store_doctor.examine(home, full=full)
    if not os.path.lexists(os.path.join(home, "store.db")):
        return findings
    return [*findings, *checkup.bells(home, processes), *checkup.locks(home)]


def back_up(home: str, target: str, *, progress: Progress = silent) -> Backup:
    """Copy the post room in `home`, while it is in use, into the new directory `target`: complete and checked, or not there at all.

    `progress(what, done, total)` is called now and then. Raises NoBackup when `target` exists or cannot be made,
    StoreUnusable, DiskFull, StoreDamaged.
    """
    return archive.back_up(home, target, now_ms=now_us() // 1000, progress=progress)


def export(desk: Desk, *, agent: str | None = None, since_ms: int = 0) -> Iterator[str]:
    """Everything as JSON lines, without line ends: the post room, its agents, its messages with recipients and states, oldest first.

    An agent gets what it took part in, and the agents that it may know of. Only what `agent` took part in, only since a time, if told.
    Raises NoSuchAgent, BadValue.
    """
    check_time("since_ms", since_ms)
    viewer = desk.agent.id
    with desk.reading() as database:
        one = known(database, agent, viewer) if agent is not None else None
    return _export(desk, store_export.Part(viewer, one, since_ms))


def _export(desk: Desk, part: store_export.Part) -> Iterator[str]:
    with desk.reading() as database:
        yield from store_export.lines(database, part, now_ms=desk.now_ms())


# Restoring


def restore(source: str, home: str, *, progress: Progress = silent) -> Restored:
    """Bring the post room in `home` back to the state of the backup in the directory `source`. Agents may go on meanwhile, and are told.

    What was there is kept: `restored.kept` is a backup of it. Raises BadBackup when `source` is no sound backup, StoreUnusable when
    processes would have to end first, Outdated when the backup is of a newer version.
    """
    now_ms = now_us() // 1000
    source = os.path.abspath(source)
    restoring.read_manifest(source)
    try:
        make_private(home)
        check_directory(home)
        with restoring.staged(source, home, now_ms=now_ms, progress=progress) as (manifest, path):
            missing = restoring.bring_files(source, path, home, progress=progress)
            keep = os.path.join(home, strftime("before-restore-%Y%m%dT%H%M%SZ", gmtime(now_ms / 1000)) + f"-{os.urandom(2).hex()}")
            restored = pour(home, path, manifest, keep) or write_over(home, path, manifest, keep)
        restoring.bring_config(source, home)
    except OSError as error:
        at_source = str(error.filename).startswith(os.path.join(source, ""))
        raise restoring.unreadable(error, source) if at_source else refusal(error, home) from error
    return restored._replace(missing=missing)


def pour(home: str, path: str, manifest: Manifest, keep: str) -> Restored | None:
    """Restore into a sound store of the same post room, which may be in use. None when it is damaged or another one."""
    try:
        desk = open_desk_of_human(home, interface="postroom")
        try:
            return None if desk.database.damage() else pour_into(desk, path, manifest, keep)
        finally:
            desk.close()
    except (StoreDamaged, StoreFailed, UnicodeDecodeError):
        return None


def pour_into(desk: Desk, path: str, manifest: Manifest, keep: str) -> Restored | None:
    """Restore in one transaction, after keeping what is there. None when it is another post room."""
    kept = None if restoring.is_empty(desk.database) else keep
    with restoring.beside(desk.database, path) as same:
        if kept is not None:
            archive.back_up(desk.database.home, keep, now_ms=desk.now_ms(), link=True)
        if not same:
            return None
        with desk.posting(safe=True) as posting:
            before = restoring.pour(posting.database, made_ms=manifest.made_ms)
            number = restoring.count(posting.database)
            announce(posting, manifest, before)
            vanish_again(posting)
    restoring.settle(desk.database)
    return Restored(manifest.made_ms, number, before.rolled_back, kept, whole=False)


def write_over(home: str, path: str, manifest: Manifest, keep: str) -> Restored:
    """Restore by writing the file over as a whole. Raises StoreUnusable when another process uses it."""
    replacing.write_over(path, home, keep=keep)
    desk = open_desk_of_human(home, interface="postroom")
    try:
        with desk.posting(safe=True) as posting:
            number = restoring.count(posting.database)
            announce(posting, manifest, restoring.numbers(posting.database))
    finally:
        desk.close()
    return Restored(manifest.made_ms, number, 0, keep, whole=True)


def announce(posting: Posting, manifest: Manifest, before: Before) -> None:
    """Tell the human, and everybody who was here since the backup, what has happened. All who wait look into their mailboxes again."""
    made = strftime("%Y-%m-%d %H:%M:%S UTC", gmtime(manifest.made_ms / 1000))
    letter = notices.letter(notices.WORDS["restored"].format(made=made), "restored")
    database, now_ms = posting.database, posting.now_ms
    row = (
        before.seq, None, HERE, POSTROOM_AGENT, POSTROOM_PROVENANCE, "human", now_ms, Kind.NOTICE, Urgency.NEXT, None, None,
        letter.draft.subject, letter.draft.body, None, None, 0, 0, 0, before.delivery, 1, None, 0, before.number, 0,
    )  # fmt: skip
    messages.insert(database, [row])  # with the numbers that follow the last ones before the restore: the next are counted from here
    deliveries.insert(database, [(before.delivery, before.seq, HUMAN_AGENT, HUMAN_AGENT, State.DELIVERED, None, now_ms, None, None)])
    budgets.set_meters(database, [(0, HUMAN_AGENT, 1)])
    outbox = Outbox(posting)
    for agent in before.touched:
        if agent != HUMAN_AGENT:
            outbox.put(POSTROOM, letter, [outbox.mailbox(agent)])
    outbox.write()
    for attached in agents.all_attached(database):
        posting.wake(attached.agent)


# Pruning


def prune(desk: Desk, *, older_than_days: float, dry_run: bool = False) -> Pruned:
    """Remove threads in which everything is settled and nothing is younger, then files that no message names any more. Or only count them.

    A thread stays while anything in it is unread, held or in hands, while an answer is awaited or a session goes on.
    """
    total, others = Pruned(), Event()
    began = monotonic()
    for pruned in prune_in_steps(desk, older_than_days=older_than_days, dry_run=dry_run):
        total = total.plus(pruned)
        others.wait(monotonic() - began)  # as long as the step took: whoever sends meanwhile finds the store free half of the time
        began = monotonic()
    with archive.chores_paused(desk.database.home) as alone:  # a backup that is being made still needs the files of its moment
        return total.plus(collect_files(desk, dry_run=dry_run)) if alone else total


def prune_in_steps(desk: Desk, *, older_than_days: float, dry_run: bool = False) -> Iterator[Pruned]:
    """Prune the rows, a little with each step, so that whoever does it has time for other things."""
    before_ms = desk.now_ms() - round(older_than_days * DAY_MS)
    after: int | None = 0
    while after is not None:
        counted = Pruned()
        with desk.reading() as database:
            after, roots = pruning.look(database, after, before_ms=before_ms)
            if dry_run:
                counted, roots = pruning.count(database, roots, before_ms=before_ms), []
        yield counted
        while roots:
            with desk.posting() as posting:
                roots, pruned = pruning.forget(posting.database, roots, before_ms=before_ms)
            yield pruned
    if not dry_run:
        yield from prune_connections(desk, before_ms=before_ms)


def collect_files(desk: Desk, *, dry_run: bool = False) -> Pruned:
    """Remove kept files that no message names, for one who holds the lock of the warden."""
    with desk.reading() as database:
        return pruning.collect_files(database, now_s=desk.now_ms() / 1000, dry_run=dry_run)


def prune_connections(desk: Desk, *, before_ms: int) -> Iterator[Pruned]:
    """Remove what processes left behind that have ended: how they came in, their claims, timers about messages that are gone."""
    with desk.reading() as database:
        unused = pruning.old_connections(database, before_ms=before_ms)
        stray = pruning.stray_claims(database)
    after: int | None = 0
    while unused and after is not None:
        with desk.reading() as database:
            after, used = pruning.used_connections(database, after)
        unused = {id: pid for id, pid in unused.items() if id not in used}
        yield Pruned()
    ended = [id for id, pid in unused.items() if not doorbell.alive(pid, "")]  # one that lives may send as before
    with desk.posting() as posting:
        pruning.give_up_claims(posting.database, [holder for holder, pid in stray if not doorbell.alive(pid, "")])
        pruning.sweep_leftovers(posting.database)
        pruning.forget_connections(posting.database, ended)
    yield Pruned(connections=len(ended))
