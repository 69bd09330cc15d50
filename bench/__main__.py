"""The command line of the benchmark: which probes, in which order, how often. Everything is started and ended here."""

import argparse
import contextlib
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench import report
from bench.crowds import Crowds
from bench.history import History
from bench.http import NAIVE, STREAMS, BusUnderLoad, IdleNode, Watchers
from bench.mcp import Servers, WaitingPrograms
from bench.measure import Load, NothingArrived
from bench.peer import Missing, Peer
from bench.peers import every_peer
from bench.probes import Batches, Disk, Memory, PeerUnderLoad, Probe, Processor, WholeProcess
from bench.process import Failed
from bench.requirements import MANY, ONE, SAFE, TWO
from bench.results import Results
from bench.server import NotStarted
from bench.waking import Waking

LINKS = 8
RESULTS = Path(__file__).with_name("results")
TROUBLE = (Failed, Missing, NotStarted, NothingArrived, OSError)


class Scale(NamedTuple):
    """How long everything takes."""

    rounds: int
    quiet_seconds: float
    seconds: float
    many_seconds: float
    history: int


NORMAL = Scale(rounds=5, quiet_seconds=0.5, seconds=0.6, many_seconds=1.0, history=1_000_000)
QUICK = Scale(rounds=2, quiet_seconds=0.25, seconds=0.3, many_seconds=0.5, history=100_000)


OWN: dict[str, Callable[[Path, Scale], Probe]] = {
    "send_many": lambda home, scale: Batches(home, scale.seconds),
    "memory": lambda home, _: Memory(home),
    "process": lambda home, _: WholeProcess(home),
    "crowds": lambda home, _: Crowds(home),
    "mcp": lambda home, _: Servers(home),
    "waking": lambda home, _: Waking(home),
    "command line": lambda home, _: WaitingPrograms(home),
    "http": lambda home, scale: BusUnderLoad(SAFE, home, scale.many_seconds),
    "http naive": lambda home, scale: BusUnderLoad(NAIVE, home, scale.many_seconds),
    "http redis": lambda home, scale: BusUnderLoad(STREAMS, home, scale.many_seconds),
    "watchers": lambda home, _: Watchers(home),
    "node": lambda home, _: IdleNode(home),
    "history": lambda home, scale: History(home, scale.history),
}


class Bench:
    """One run: what is started, what came out, and what went wrong."""

    def __init__(self, home: Path, scale: Scale, only: Sequence[str]) -> None:
        self.results = Results()
        self.notes: list[str] = []
        self.crashed = False
        self.peers: list[Peer] = []
        self._home = home
        self._scale = scale
        self._only = only

    def wanted(self, name: str) -> bool:
        return not self._only or any(part.lower() in name.lower() for part in self._only)

    def trouble(self, what: str, error: Exception) -> None:
        """Note that something is missing or failed; only a failure is one of the run."""
        self.crashed |= not isinstance(error, Missing)
        self.notes.append(f"{what}: {error}")
        say(self.notes[-1])

    def start(self, ending: contextlib.ExitStack) -> list[Probe]:
        """Start the peers and the stores; whatever `ending` closes will end them."""
        for number, peer in enumerate(every_peer()):
            if self.wanted(peer.name):
                self._start_peer(peer, self._home / str(number), ending)
        loads = {
            ONE: Load(1, self._scale.quiet_seconds, pause_seconds=0.001),
            TWO: Load(1, self._scale.seconds),
            MANY: Load(LINKS, self._scale.many_seconds),
        }
        probes: list[Probe] = [Processor(), Disk(self._home)]
        probes += [PeerUnderLoad(peer, name, load) for name, load in loads.items() for peer in self.peers]
        return probes + self._own_probes()

    def measure(self, probes: Sequence[Probe], rounds: int) -> None:
        """All probes in turn, forwards and backwards, so that each has its neighbours on both sides."""
        for number in range(1, rounds + 1):
            say(f"round {number} of {rounds}")
            for probe in probes if number % 2 else reversed(probes):
                try:
                    self.results.add(probe.subject, probe.load, probe.measure())
                except TROUBLE as error:
                    self.trouble(f"{probe.subject}, {probe.load}", error)
            self.results.end_round(number)

    def _start_peer(self, peer: Peer, home: Path, ending: contextlib.ExitStack) -> None:
        home.mkdir()
        try:
            peer.start(home)
        except TROUBLE as error:
            self.trouble(peer.name, error)
        else:
            ending.callback(peer.stop)
            self.peers.append(peer)

    def _own_probes(self) -> list[Probe]:
        probes: list[Probe] = []
        for name, make in OWN.items():
            if self.wanted(name):
                say(f"preparing {name}")
                try:
                    probes.append(make(self._home / name, self._scale))
                except TROUBLE as error:
                    self.trouble(name, error)
        return probes


def main() -> int:
    """Run the benchmark, print its report and keep it in results/."""
    options = parser().parse_args()
    scale = QUICK if options.quick else NORMAL
    began = time.monotonic()
    before = os.getloadavg()[0]
    # /var/tmp: on a disk also where /tmp is memory, and short enough for the path of a socket.
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/var/tmp") as home, contextlib.ExitStack() as ending:
        bench = Bench(Path(home), scale, options.only)
        bench.measure(bench.start(ending), options.rounds or scale.rounds)
    facts = {**machine(), "load before": f"{before:.2f}", "took": f"{time.monotonic() - began:.0f} s"}
    text = report.markdown(bench.results, facts, {peer.name: peer.promise for peer in bench.peers}, bench.notes)
    data = report.as_json(bench.results, facts, bench.notes)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.md").write_text(text)
    (RESULTS / "latest.json").write_text(data + "\n")
    print(data if options.json else text)
    return 1 if bench.crashed else 0


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(prog="bench/run", description="Compare Postroom with its peers on this machine.")
    options.add_argument("--quick", action="store_true", help="two short rounds and a history of 100,000 messages")
    options.add_argument("--rounds", type=int, help="how many rounds (5; with --quick 2)")
    options.add_argument("--only", action="append", default=[], metavar="NAME", help="only what has NAME in its name; may be repeated")
    options.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return options


def machine() -> dict[str, str]:
    """Where this was measured."""
    return {
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, {platform.machine()}",
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }


def say(line: str) -> None:
    """Progress, beside the report."""
    print(f"bench: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
