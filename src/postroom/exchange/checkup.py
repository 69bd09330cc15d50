"""What the kernel knows of a post room: which bells are alive, who holds its locks, who is stopped. Only looked at; a tried bell rings."""

from __future__ import annotations

import os
from collections.abc import Iterator

from postroom import doorbell
from postroom.core.errors import PostroomError
from postroom.exchange.presence import is_gone
from postroom.paths import NODE_SOCKET, socket_directory
from postroom.store.agents import AttachedRow
from postroom.store.checks import Finding, Level
from postroom.store.doctor import Process
from postroom.store.place import check_directory, refusal
from postroom.store.surroundings import refused

LOCKS = {"queue.lock": "the queue for writing", "warden.lock": "the warden's lock", "store.db": "the store", "store.db-shm": "the WAL"}
RESUME = "Let it go on (kill -CONT {pid}) or end it."


def bells(home: str, processes: list[Process]) -> Iterator[Finding]:
    """Whether the processes that should be attached are there and can be woken."""
    if not doorbell.AVAILABLE:
        what = "this platform has no Unix datagram sockets: whoever waits looks 20 times a second"
        yield Finding(Level.NOTE, what, "Messages take up to 50 ms longer.")
    there = [process for process in processes if not is_gone(AttachedRow(0, *process[1:]))]
    for process in processes:
        yield from bell(process, there=process in there)
    yield Finding(Level.OK, f"attached processes: {len(there):,}")
    yield from spare_bells(socket_directory(home), {os.path.basename(process.socket) for process in processes if process.socket})


def bell(process: Process, *, there: bool) -> Iterator[Finding]:
    """What is wrong with an attached process."""
    who = f"process {process.pid} of {process.agent}"
    if not there:
        yield Finding(Level.NOTE, f"{who} is gone and still noted as attached", "The next process that waits strikes it off.")
        return
    if process.socket is not None and not os.path.lexists(process.socket):
        yield Finding(Level.NOTE, f"the bell of {who} has vanished", "It hangs it up again within a second of waiting.")
    if is_stopped(process.pid):
        yield Finding(Level.WARNING, f"{who} is stopped, and keeps what it has in hands", RESUME.format(pid=process.pid))


def spare_bells(directory: str, known: set[str]) -> Iterator[Finding]:
    """Bells that nobody is behind."""
    if not os.path.isdir(directory):
        return
    try:
        check_directory(directory)
        spare = [name for name in os.listdir(directory) if name.endswith(".sock") and name not in {*known, NODE_SOCKET}]
    except OSError as error:
        yield refused(refusal(error, directory))
    except PostroomError as error:
        yield refused(error)
    else:
        if spare:
            step = "Harmless: processes that were killed left them, and the next one that waits removes them."
            yield Finding(Level.NOTE, f"bells in {directory} that belong to nobody: {len(spare):,}", step)


def locks(home: str) -> Iterator[Finding]:
    """Who holds the locks of the store, where the kernel tells."""
    holders = lock_holders(home)
    for name, pids in holders.items():
        for pid in sorted(pids):
            who = f"process {pid} ({program(pid)})"
            if is_stopped(pid):
                yield Finding(Level.WARNING, f"{who} is stopped and holds {LOCKS[name]}", RESUME.format(pid=pid))
            else:
                yield Finding(Level.OK, f"{who} holds {LOCKS[name]}")


def lock_holders(home: str) -> dict[str, set[int]]:
    """The processes that hold a lock on each file of the store. Empty where the kernel does not tell."""
    files = {}
    for name in LOCKS:
        path = os.path.join(home, name)
        if os.path.exists(path):
            found = os.stat(path)
            files[f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"] = name
    holders: dict[str, set[int]] = {}
    try:
        with open("/proc/locks", encoding="ascii") as table:
            for line in table:
                words = line.split()
                if words[1] != "->" and words[5] in files and int(words[4]) > 0:  # "->": it waits for the lock
                    holders.setdefault(files[words[5]], set()).add(int(words[4]))
    except FileNotFoundError:
        return {}
    return holders


def is_stopped(pid: int) -> bool:
    """Whether a process is stopped (SIGSTOP, ^Z, a debugger): it keeps its locks and messages, and does nothing."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] in {"T", "t"}
    except (FileNotFoundError, ProcessLookupError):
        return False


def program(pid: int) -> str:
    """What a process is called."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except (FileNotFoundError, ProcessLookupError):
        return "gone"
