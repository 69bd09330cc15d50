"""Redis Streams, XADD and a blocking XREAD; the reader remembers its own place.

A consumer group (XREADGROUP, XACK) would be closer to a mailbox but is slower; the peer gets its faster way.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import redis

from bench.peers.redis_server import start_redis
from bench.server import LOOPBACK

BATCH = 100
WAIT_MS = 1000


class RedisStreams:
    def __init__(self, sync: Literal["everysec", "always"]) -> None:
        self._sync = sync
        self.name = f"Redis Streams {sync}"
        self.promise = "power cut" if sync == "always" else "process crash"

    def start(self, home: Path) -> None:
        self._server = start_redis(home, ["--appendonly", "yes", "--appendfsync", self._sync])

    def stop(self) -> None:
        self._server.stop()

    def server_pid(self) -> int | None:
        return self._server.pid

    def send(self, link: int, bodies: Iterable[bytes]) -> None:
        with redis.Redis(LOOPBACK, self._server.port) as client:
            for body in bodies:
                client.xadd(f"link{link}", {"body": body})

    def receive(self, link: int, ready: Callable[[], None], arrived: Callable[[bytes], bool]) -> None:
        stream, last = f"link{link}", b"0"
        with redis.Redis(LOOPBACK, self._server.port) as client:
            client.delete(stream)
            ready()
            done = False
            while not done:
                for _, entries in client.xread({stream: last}, count=BATCH, block=WAIT_MS):
                    done = any(arrived(fields[b"body"]) for _, fields in entries)
                    last = entries[-1][0]
