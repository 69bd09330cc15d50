"""The node: its bus beside the naive one and Redis Streams, all with the same clients; those who watch; what an idle one needs."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import postroom
from bench.http_load import CLIENTS, head, load
from bench.peer import Missing
from bench.peers.postroom import NO_LIMITS
from bench.peers.redis_server import start_redis
from bench.probes import pss_of
from bench.process import Failed, in_process
from bench.server import LOOPBACK, Server, free_port
from postroom.exchange import tokens
from postroom.exchange.desk import open_desk

SAFE = "Postroom safe"
WATCHERS = 1_000
MESSAGES = 5
PEERS = Path(__file__).with_name("peers")
ROOT = Path(__file__).resolve().parent.parent


class Node:
    """A running node of a new post room, and tokens of its agents."""

    def __init__(self, home: Path, names: list[str], limits: str = NO_LIMITS) -> None:
        self.home = home / "post"
        self.home.mkdir(mode=0o700, parents=True)
        (self.home / "config.toml").write_text(limits)
        self.tokens = {name: token_of(str(self.home), name) for name in names}
        self.port = free_port()
        program = Path(sys.executable).with_name("postroom")
        if not program.exists():
            raise Missing(str(program), "`make bench`")
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "POSTROOM_HOME": str(self.home)}
        with (home / "node.log").open("wb") as log:
            command = [str(program), "up", "--listen", f"{LOOPBACK}:{self.port}"]
            self._process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise Failed(str(self._process.args))

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


def token_of(home: str, name: str) -> str:
    """A token of an agent that is registered by it."""
    desk = open_desk(name, home, interface="cli")
    try:
        return tokens.create(desk).secret
    finally:
        desk.close()


class Stopped(Protocol):
    """What was started for a round."""

    port: int

    def stop(self) -> None:
        """End it."""


class BusUnderLoad:
    """A bus, started anew for each round: clients that send, then clients that send and fetch."""

    load = "http"

    def __init__(self, subject: str, home: Path, seconds: float) -> None:
        self.subject = subject
        self._home = home
        self._seconds = seconds
        self._round = 0

    def measure(self) -> dict[str, float]:
        self._round += 1
        home = self._home / str(self._round)
        home.mkdir(parents=True)
        servers, secrets = BUSES[self.subject](home)
        try:
            return figures(servers[-1].port, self._seconds, secrets)
        finally:
            for server in reversed(servers):
                server.stop()


def figures(port: int, seconds: float, secrets: dict[str, str]) -> dict[str, float]:
    """What the clients find at a bus."""
    load(port, seconds / 4, secrets, fetches=True)  # warm
    both, both_p50, both_p99 = load(port, seconds, secrets, fetches=True)
    sends, send_p50, send_p99 = load(port, seconds, secrets, fetches=False)  # last: nobody fetches what it sends
    return {
        "send_per_second": sends,
        "send_p50_ms": send_p50,
        "send_p99_ms": send_p99,
        "both_per_second": both,
        "both_p50_ms": both_p50,
        "both_p99_ms": both_p99,
    }


def ours(home: Path) -> tuple[list[Stopped], dict[str, str]]:
    """The node, and tokens of its agents."""
    node = Node(home, [f"{role}{number}" for number in range(CLIENTS) for role in ("sender", "reader")])
    return [node], node.tokens


def naive(home: Path) -> tuple[list[Stopped], dict[str, str]]:
    """One SQLite connection in an ASGI application, that flushes each message as Postroom does."""
    port = free_port()
    return [Server([sys.executable, str(PEERS / "http_bus_app.py"), str(home / "bus.db"), str(port), "FULL"], port, home)], {}


def redis_streams(home: Path) -> tuple[list[Stopped], dict[str, str]]:
    """Redis with appendfsync always, behind the same HTTP server."""
    behind = start_redis(home, ["--appendonly", "yes", "--appendfsync", "always"])
    port = free_port()
    return [behind, Server([sys.executable, "-c", REDIS, str(ROOT), str(behind.port), str(port)], port, home)], {}


REDIS = "import sys, runpy; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module('bench.peers.http_redis_app', run_name='__main__')"
NAIVE, STREAMS = "naive HTTP bus", "Redis Streams over HTTP"
BUSES: dict[str, Callable[[Path], tuple[list[Stopped], dict[str, str]]]] = {SAFE: ours, NAIVE: naive, STREAMS: redis_streams}


class Watchers:
    """A thousand live feeds of one agent: from `send` until the first and the last of them have the message."""

    subject = SAFE
    load = "watchers"

    def __init__(self, home: Path) -> None:
        self._home = home
        self._round = 0

    def measure(self) -> dict[str, float]:
        self._round += 1
        node = Node(self._home / str(self._round), ["watcher"])
        try:
            return in_process("watchers", lambda: asyncio.run(watched(node)))
        finally:
            node.stop()


async def watched(node: Node) -> dict[str, float]:
    """Open all, send, and take the times."""
    request = head("GET /api/live", node.port, node.tokens["watcher"])
    connections = [await asyncio.open_connection(LOOPBACK, node.port) for _ in range(WATCHERS)]
    for _, writer in connections:
        writer.write(request)
    streams = [reader for reader, _ in connections]
    await asyncio.gather(*(until(reader, b"retry:") for reader in streams))
    firsts, lasts = [], []
    with postroom.connect("sender", home=node.home) as me:
        for number in range(MESSAGES):
            began = time.monotonic()
            await asyncio.to_thread(me.send, "watcher", f"message {number}")
            came = sorted(await asyncio.gather(*(until(reader, f"message {number}".encode()) for reader in streams)))
            firsts.append(came[0] - began)
            lasts.append(came[-1] - began)
    return {"first_ms": min(firsts) * 1e3, "last_ms": sorted(lasts)[MESSAGES // 2] * 1e3, "pss_mib": pss_of(node.pid)}


async def until(reader: asyncio.StreamReader, sign: bytes) -> float:
    """When a line with a sign came."""
    while sign not in (line := await reader.readline()):
        if not line:
            raise Failed(sign.decode())
    return time.monotonic()


class IdleNode:
    """A node to which nobody speaks."""

    subject = SAFE
    load = "node"

    def __init__(self, home: Path) -> None:
        self._home = home
        self._round = 0

    def measure(self) -> dict[str, float]:
        self._round += 1
        began = time.monotonic()
        node = Node(self._home / str(self._round), [], limits="")
        started = time.monotonic() - began
        try:
            return {"pss_mib": pss_of(node.pid), "start_ms": started * 1e3}
        finally:
            node.stop()
