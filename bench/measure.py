"""Drives one peer with sender and receiver processes and takes the times. Knows no peer by name and prints nothing."""

import gc
import os
import signal
import time
from array import array
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.synchronize import Barrier
from typing import NamedTuple

from bench.peer import BODY_BYTES, Peer
from bench.process import FORK, Failed

STAMP_DIGITS = 19  # CLOCK_MONOTONIC in nanoseconds, which every process of a machine shares
FILLER = b"x" * (BODY_BYTES - STAMP_DIGITS)
LAST = b"0" * BODY_BYTES
PROCESS_SECONDS_MAX = 30
END_SECONDS_MAX = 2
SAMPLE_SECONDS = 0.05
CLOCK_TICK_NS = 10**9 // os.sysconf("SC_CLK_TCK")


class Load(NamedTuple):
    """How hard to drive: so many sender and receiver pairs, for so long, with a pause after each acknowledgement."""

    links: int
    seconds: float
    pause_seconds: float = 0


class Figures(NamedTuple):
    """What one run of one load showed. Times in microseconds."""

    one_way_p50: float
    one_way_p99: float
    send_p50: float
    send_p99: float
    per_second: float
    cpu_per_message: float
    """Sender, receiver and server together."""
    messages: int
    lost: int


class Part(NamedTuple):
    """What one process measured, in nanoseconds: the durations, and when its first and last message passed."""

    durations: "array[int]"
    first: int
    last: int
    cpu: int


class NothingArrived(Exception):
    """Not one message arrived in a whole run."""


def run(peer: Peer, load: Load, meanwhile: Callable[[], None] = lambda: None) -> Figures:
    """One run in 2 x links new processes; `meanwhile` is called every 50 ms while they work."""
    barrier = FORK.Barrier(2 * load.links)
    server_before = server_cpu_ns(peer)
    receivers = [Worker(f"{peer.name}: receiver {link}", receiver(peer, link), barrier) for link in range(load.links)]
    senders = [Worker(f"{peer.name}: sender {link}", sender(peer, link, load), barrier) for link in range(load.links)]
    try:
        parts = collect(receivers + senders, meanwhile)
    finally:
        for worker in receivers + senders:
            worker.end()
    server = server_cpu_ns(peer) - server_before
    return figures(parts[load.links :], parts[: load.links], server)


def sender(peer: Peer, link: int, load: Load) -> "Act":
    return lambda meter: peer.send(link, meter.bodies(load))


def receiver(peer: Peer, link: int) -> "Act":
    return lambda meter: peer.receive(link, meter.begin, meter.arrived)


class Worker:
    """One forked process and the pipe its part comes back through."""

    def __init__(self, name: str, act: "Act", barrier: Barrier) -> None:
        self.name = name
        self.result, theirs = FORK.Pipe(duplex=False)
        self._process = FORK.Process(target=work, args=(act, barrier, theirs), name=name)
        self._process.start()
        theirs.close()

    def end(self) -> None:
        """Wait for it, or end it if it hangs."""
        self.result.close()
        self._process.join(END_SECONDS_MAX)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def work(act: "Act", barrier: Barrier, result: Connection) -> None:
    """The life of a worker process."""
    signal.alarm(PROCESS_SECONDS_MAX)
    meter = Meter(barrier)
    act(meter)
    result.send(meter.part())


def collect(workers: list[Worker], meanwhile: Callable[[], None]) -> list[Part]:
    """Every worker's part, in the workers' order."""
    parts: dict[Connection, Part] = {}
    by_pipe = {worker.result: worker for worker in workers}
    while len(parts) < len(workers):
        for pipe in wait([pipe for pipe in by_pipe if pipe not in parts], timeout=SAMPLE_SECONDS):
            assert isinstance(pipe, Connection)
            try:
                parts[pipe] = pipe.recv()
            except EOFError as error:
                raise Failed(by_pipe[pipe].name) from error
        meanwhile()
    return [parts[worker.result] for worker in workers]


class Meter:
    """The stopwatch inside one worker."""

    def __init__(self, barrier: Barrier) -> None:
        self._barrier = barrier
        self._durations = array("q")
        self._first = self._last = self._cpu = 0

    def begin(self) -> None:
        """Wait until all senders and receivers are connected."""
        gc.collect()
        self._barrier.wait(PROCESS_SECONDS_MAX)
        self._cpu = time.process_time_ns()
        self._first = self._last = time.monotonic_ns()

    def bodies(self, load: Load) -> Iterator[bytes]:
        """Stamped bodies until the time is over, then the last one. Who asks for the next has his acknowledgement."""
        self.begin()
        began = self._first
        ends = began + int(load.seconds * 1e9)
        while began < ends:
            yield b"%019d" % began + FILLER
            self._last = time.monotonic_ns()
            self._durations.append(self._last - began)
            if load.pause_seconds:
                time.sleep(load.pause_seconds)
            began = time.monotonic_ns()
        yield LAST

    def arrived(self, body: bytes) -> bool:
        """Note how long this body was under way; true for the last one."""
        now = time.monotonic_ns()
        if body == LAST:
            return True
        self._last = now
        self._durations.append(now - int(body[:STAMP_DIGITS]))
        return False

    def part(self) -> Part:
        return Part(self._durations, self._first, self._last, time.process_time_ns() - self._cpu)


Act = Callable[[Meter], None]


def figures(senders: list[Part], receivers: list[Part], server_cpu: int) -> Figures:
    """The parts of all processes as one row."""
    sends = sorted(duration for part in senders for duration in part.durations)
    ways = sorted(duration for part in receivers for duration in part.durations)
    if not ways:
        raise NothingArrived
    seconds = (max(part.last for part in receivers) - min(part.first for part in senders)) / 1e9
    cpu = server_cpu + sum(part.cpu for part in senders + receivers)
    return Figures(
        one_way_p50=percentile(ways, 50) / 1e3,
        one_way_p99=percentile(ways, 99) / 1e3,
        send_p50=percentile(sends, 50) / 1e3,
        send_p99=percentile(sends, 99) / 1e3,
        per_second=len(ways) / seconds,
        cpu_per_message=cpu / len(ways) / 1e3,
        messages=len(ways),
        lost=len(sends) - len(ways),
    )


def percentile(ordered: list[int], percent: int) -> int:
    """The value that `percent` of the sorted values do not exceed."""
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def server_cpu_ns(peer: Peer) -> int:
    """CPU time the peer's server has used; 0 without a server."""
    pid = peer.server_pid()
    if pid is None:
        return 0
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * CLOCK_TICK_NS
