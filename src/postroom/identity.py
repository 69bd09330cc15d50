"""Which agent a session of a harness is: a readable name, unique among the living, and the same again when that session resumes.

The name of each session is a small file in the home, found by the session's id: hooks read it without opening the store.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from itertools import count

from postroom import doorbell
from postroom.core.address import NAME, NAME_MAX, RESERVED, Name
from postroom.core.types import TYPE_CHECKING, NamedTuple
from postroom.store import agents

if TYPE_CHECKING:
    from types import TracebackType

    from postroom.exchange.desk import Desk

DIRECTORY = "sessions"
LOCK = "lock"
KEPT = 1_000
"""So many sessions are remembered; the ones that resumed last."""
LINES_MAX = 128
FIT = r"[a-z-]{1,40}@[A-Za-z0-9_-]{1,80}"
LEFT_OUT = r"[^a-z0-9._-]+"
UNNAMED = "agent"


CALLED = {"claude-code": "claude", "gemini-cli": "gemini", "vs-code": "vscode"}
"""How names of agents call a harness, if shorter than it calls itself."""


class Guest(NamedTuple):
    """A session of a harness. `session` is the harness's own id of it, if it says one; `directory` is where it works."""

    harness: str
    directory: str
    session: str | None = None


class Known(NamedTuple):
    """What is remembered of a session: the name that it had last, and the process in which it had it."""

    name: Name
    pid: int


def readable_name(guest: Guest) -> Name:
    """The name that a session would like to have: its harness and the folder in which it works, `claude-webshop`."""
    folder = os.path.basename(os.path.normpath(guest.directory)) if guest.directory else ""
    if guest.directory and os.path.normpath(guest.directory) == os.path.normpath(os.path.expanduser("~")):
        folder = ""
    parts = [part for part in (folded(CALLED.get(guest.harness, guest.harness)), folded(folder)) if part]
    name = "-".join(parts)[:NAME_MAX].rstrip("-._") or UNNAMED
    return Name(name if name not in RESERVED else f"{name}-{UNNAMED}")


def folded(text: str) -> str:
    """A text with the characters of a name only."""
    if not text.isascii():
        from unicodedata import normalize

        text = normalize("NFKC", text)
    return re.sub(LEFT_OUT, "-", text.lower()).strip("-._")


def numbered(name: str) -> Iterator[Name]:
    """A name, and those that follow when it is taken: `claude-webshop`, `claude-webshop-2` and so on."""
    yield Name(name)
    for number in count(2):
        ending = f"-{number}"
        yield Name(name[: NAME_MAX - len(ending)].rstrip("-._") + ending)


# What is remembered


def remembered(home: str, guest: Guest) -> Known | None:
    """What is known of a session, or None."""
    return None if guest.session is None else read(path_of(home, guest))


def read(path: str) -> Known | None:
    """What a file says of a session, or None."""
    try:
        with open(path, encoding="ascii") as file:
            name, _, pid = file.read(LINES_MAX).partition("\n")
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    return Known(Name(name), int(pid) if pid.strip().isdigit() else 0) if NAME.fullmatch(name) else None


def going_on(home: str, guest: Guest) -> Known | None:
    """What is known of a session of which a process lives, or None: any other may have lost its name to somebody else."""
    known = remembered(home, guest)
    return known if known is not None and known.pid and doorbell.alive(known.pid, "") else None


def noted_ns(home: str) -> int:
    """When something was noted of a session last; 0 if never."""
    try:
        return os.stat(os.path.join(home, DIRECTORY)).st_mtime_ns
    except OSError:
        return 0


def begun_by(home: str, harness: str, pid: int) -> list[str]:
    """The ids of the sessions of a harness that go on in a process and that no server has come in for: a hook has noted them."""
    names = os.listdir(os.path.join(home, DIRECTORY))
    sessions = [name.removeprefix(f"{harness}@") for name in names if name.startswith(f"{harness}@")]
    return [one for one in sessions if (known := remembered(home, Guest(harness, "", one))) and known.pid == pid]


def claim(home: str, guest: Guest, pid: int) -> bool:
    """Come in for a session that goes on in a process. False if another server was faster."""
    with choosing(home):
        known = remembered(home, guest)
        if known is None or known.pid != pid:
            return False
        remember(home, guest, known.name)
        return True


def remember(home: str, guest: Guest, name: str, *, pid: int | None = None) -> None:
    """Note which name a session has, in this process or another one. Whole or not at all: a hook may be reading it."""
    known = Known(Name(name), os.getpid() if pid is None else pid)
    if guest.session is None or remembered(home, guest) == known:
        return
    path = path_of(home, guest)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    new = f"{path}.{os.getpid()}"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w", encoding="ascii") as file:
        file.write(f"{known.name}\n{known.pid}\n")
    os.replace(new, path)
    forget_old(os.path.dirname(path))


def path_of(home: str, guest: Guest) -> str:
    """The file of a session: named after it, or after a digest where what the harness calls an id is not fit for a file name."""
    name = f"{guest.harness}@{guest.session}"
    if not re.fullmatch(FIT, name):
        from hashlib import sha256  # costs a hook 2 ms

        name = sha256(f"{guest.harness}\0{guest.session}".encode(errors="surrogatepass")).hexdigest()[:32]
    return os.path.join(home, DIRECTORY, name)


def forget_old(directory: str) -> None:
    """Remove the sessions that resumed longest ago, beyond those that are kept."""
    names = [name for name in os.listdir(directory) if name != LOCK]
    if len(names) <= KEPT:
        return
    paths = sorted((os.path.join(directory, name) for name in names), key=changed)
    for path in paths[: len(names) - KEPT]:
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue  # another process was faster


def changed(path: str) -> float:
    """When a file was written last; one that has just gone is the oldest."""
    try:
        return os.stat(path).st_mtime
    except FileNotFoundError:
        return 0.0


# Choosing


class choosing:  # noqa: N801  # contextlib costs a hook 1 ms
    """Let one process at a time choose a name and attach: two that start at once must not choose the same."""

    def __init__(self, home: str) -> None:
        self._directory = os.path.join(home, DIRECTORY)

    def __enter__(self) -> None:
        os.makedirs(self._directory, mode=0o700, exist_ok=True)
        self._lock = os.open(os.path.join(self._directory, LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self._lock)


def chosen(desk: Desk, guest: Guest) -> Name:
    """The name of a session: the one it had, unless somebody else lives under that now; else the first like it under which nobody lives.

    To be called while `choosing`.
    """
    home = desk.database.home
    before = remembered(home, guest)
    if before is not None and not lives(desk, before.name, but=before.pid):
        return before.name
    taken = spoken_for(home, guest)
    return next(name for name in numbered(readable_name(guest)) if name not in taken and not lives(desk, name))


def spoken_for(home: str, guest: Guest) -> set[str]:
    """The names of other sessions that go on, whether or not anything of them is attached: a hook may have come before the server."""
    own, directory = None if guest.session is None else path_of(home, guest), os.path.join(home, DIRECTORY)
    paths = (os.path.join(directory, name) for name in os.listdir(directory) if name != LOCK)
    known = [one for path in paths if path != own and (one := read(path)) is not None]
    return {one.name for one in known if one.pid and doorbell.alive(one.pid, "")}


def lives(desk: Desk, name: str, *, but: int = 0) -> bool:
    """Whether a process takes part under a name now, other than one. Who only looks in from the command line does not live there."""
    from postroom.exchange import presence
    from postroom.store.profiles import GLANCE

    with desk.reading() as database:
        found = agents.by_name(database, name)
        rows = [] if found is None else agents.attached_to(database, found.id)
        rows = [row for row in rows if row.pid != but and agents.interface(database, row.id) != GLANCE]
    return any(not presence.is_gone(row) for row in rows)
