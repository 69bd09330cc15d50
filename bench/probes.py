"""What is measured anew in each round, besides what stands in history.py: peers under load, and what only Postroom has.

Whether a figure is good enough is the report's matter.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Protocol

from bench.measure import Figures, Load, percentile, run
from bench.peer import BODY_BYTES, Missing, Peer
from bench.peers.postroom import Postroom
from bench.process import Failed, in_process
from postroom import Draft

BODY = "x" * BODY_BYTES
BATCH = 100
PAIRS = 5
LOOPS, PASSES = 25, 100_000
FLUSHES = 50
ATTACHED = """
import sys, postroom
with postroom.connect("reader0", home=sys.argv[1]) as me:
    me.take(limit=100, wait=0)
    print("attached", flush=True)
    sys.stdin.read()
"""
BARE = """
import sys
print("here", flush=True)
sys.stdin.read()
"""


class Probe(Protocol):
    """One thing to measure again in each round."""

    subject: str
    load: str

    def measure(self) -> dict[str, float]:
        """The figures of this round by name."""


class PeerUnderLoad:
    """A started peer driven by sender and receiver processes. Of Postroom it also watches the size of the WAL."""

    def __init__(self, peer: Peer, load_name: str, load: Load) -> None:
        self.subject = peer.name
        self.load = load_name
        self._peer = peer
        self._load = load

    def measure(self) -> dict[str, float]:
        if not isinstance(self._peer, Postroom):
            return run(self._peer, self._load)._asdict()
        wal = self._peer.home / "store.db-wal"
        sizes = [0]
        found: Figures = run(self._peer, self._load, lambda: sizes.append(file_bytes(wal)))
        return {**found._asdict(), "wal_mib": max(sizes) / 2**20}


class Batches:
    """`send_many`, a hundred at a time, by one sender while nobody reads."""

    load = "send_many"

    def __init__(self, home: Path, seconds: float) -> None:
        self._peer = relaxed(home)
        self.subject = self._peer.name
        self._seconds = seconds

    def measure(self) -> dict[str, float]:
        figures = in_process("send_many", self._send)
        in_process("reading what send_many sent", self._empty)
        return figures

    def _send(self) -> dict[str, float]:
        drafts = [Draft("reader0", BODY) for _ in range(BATCH)]
        calls: list[int] = []
        with self._peer.connect("sender0") as me:
            began = time.monotonic_ns()
            while (now := time.monotonic_ns()) - began < self._seconds * 1e9:
                me.send_many(drafts)
                calls.append(time.monotonic_ns() - now)
        calls.sort()
        return {
            "per_second": len(calls) * BATCH / (sum(calls) / 1e9),
            "call_p50": percentile(calls, 50) / 1e3,
            "call_p99": percentile(calls, 99) / 1e3,
        }

    def _empty(self) -> dict[str, float]:
        with self._peer.connect("reader0") as me:
            while batch := me.take(limit=1000, wait=0):
                me.confirm(batch)
        return {}


class Disk:
    """What one flush costs here: the floor of every promise that outlives a power cut."""

    subject = "this disk"
    load = "fdatasync"

    def __init__(self, home: Path) -> None:
        self._file = home / "flushed"

    def measure(self) -> dict[str, float]:
        took: list[int] = []
        with self._file.open("wb", buffering=0) as file:
            for _ in range(FLUSHES):
                file.write(bytes(4096))
                began = time.monotonic_ns()
                os.fdatasync(file)
                took.append(time.monotonic_ns() - began)
        return {"p50": median(took) / 1e3}


class Processor:
    """How fast this interpreter is here, now: bounds in milliseconds mean little without it, as machines differ and are shared."""

    subject = "this processor"
    load = "a pass of an empty loop"

    def measure(self) -> dict[str, float]:
        took: list[float] = []
        for _ in range(LOOPS):
            began = time.monotonic_ns()
            for _ in range(PASSES):
                pass
            took.append((time.monotonic_ns() - began) / PASSES)
        return {"fastest_ns": min(took), "median_ns": median(took)}


class Memory:
    """The proportional set size of a process that is attached, beside a bare interpreter."""

    load = "memory"

    def __init__(self, home: Path) -> None:
        self._peer = as_installed(home)
        self.subject = self._peer.name

    def measure(self) -> dict[str, float]:
        return {"attached_mib": pss_mib(ATTACHED, str(self._peer.home)), "bare_mib": pss_mib(BARE)}


class WholeProcess:
    """`postroom send` from exec to exit, in turns with `python -c pass` of the same interpreter."""

    load = "process"

    def __init__(self, home: Path) -> None:
        peer = as_installed(home)
        self.subject = peer.name
        program = Path(sys.executable).with_name("postroom")
        if not program.exists():
            raise Missing(str(program), "`make bench`")
        self._send = [str(program), "send", "reader0", BODY]
        self._environment = {**os.environ, "POSTROOM_HOME": str(peer.home), "POSTROOM_AGENT": "sender0"}

    def measure(self) -> dict[str, float]:
        pairs = [(self._ms([sys.executable, "-c", "pass"]), self._ms(self._send)) for _ in range(PAIRS)]
        return {
            "bare_ms": median(bare for bare, _ in pairs),
            "send_ms": median(send for _, send in pairs),
            "ratio": median(send / bare for bare, send in pairs),
        }

    def _ms(self, command: list[str]) -> float:
        quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
        began = time.monotonic_ns()
        pid = os.posix_spawn(command[0], command, self._environment, file_actions=quiet)
        _, status = os.waitpid(pid, 0)
        took = time.monotonic_ns() - began
        if status:
            raise Failed(" ".join(command[:2]))
        return took / 1e6


def relaxed(home: Path) -> Postroom:
    """A new relaxed store without limits."""
    peer = Postroom("relaxed")
    peer.start(home)
    return peer


def as_installed(home: Path) -> Postroom:
    """A new store as a user has it, without a config file: reading one costs a whole process some milliseconds."""
    peer = Postroom("safe", limits="")
    peer.start(home)
    return peer


def file_bytes(path: Path) -> int:
    """The size of a file that may not be there."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def pss_mib(code: str, *arguments: str) -> float:
    """The proportional set size of a new interpreter once its code has printed a line."""
    command = [sys.executable, "-c", code, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if not process.stdout.readline():
            raise Failed(command[0])
        found = pss_of(process.pid)
        process.stdin.close()
    return found


def pss_of(pid: int) -> float:
    """The proportional set size of a running process, in MiB."""
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("Pss:")) / 1024
