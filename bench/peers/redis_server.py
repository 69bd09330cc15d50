"""Starts redis-server with the persistence that a peer asks for; what is said to it is the peer's matter."""

from collections.abc import Sequence
from pathlib import Path

from bench.server import LOOPBACK, Server, free_port, program


def start_redis(home: Path, persistence: Sequence[str]) -> Server:
    """A redis-server on loopback; `persistence` are its options."""
    port = free_port()
    command = [program("redis-server", "Debian's package redis-server"), "--bind", LOOPBACK, "--port", str(port)]
    return Server([*command, "--save", "", *persistence], port, home)
