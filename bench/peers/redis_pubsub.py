"""Redis PUBLISH and SUBSCRIBE: acknowledged when the server has passed it on; who is not listening never gets it."""

from collections.abc import Callable, Iterable
from pathlib import Path

import redis

from bench.peers.redis_server import start_redis
from bench.server import LOOPBACK


class RedisPubSub:
    name = "Redis pub/sub"
    promise = "nothing"

    def start(self, home: Path) -> None:
        self._server = start_redis(home, ["--appendonly", "no"])

    def stop(self) -> None:
        self._server.stop()

    def server_pid(self) -> int | None:
        return self._server.pid

    def send(self, link: int, bodies: Iterable[bytes]) -> None:
        with redis.Redis(LOOPBACK, self._server.port) as client:
            for body in bodies:
                client.publish(f"link{link}", body)

    def receive(self, link: int, ready: Callable[[], None], arrived: Callable[[bytes], bool]) -> None:
        with redis.Redis(LOOPBACK, self._server.port) as client, client.pubsub() as subscription:
            subscription.subscribe(f"link{link}")
            for event in subscription.listen():
                if event["type"] == "subscribe":
                    ready()
                elif arrived(event["data"]):
                    return
