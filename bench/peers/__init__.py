"""Which peers there are: one file each, one row each."""

from bench.peer import Peer
from bench.peers.http_bus import HttpBus
from bench.peers.jetstream import JetStream
from bench.peers.nats_core import NatsCore
from bench.peers.postroom import Postroom
from bench.peers.redis_pubsub import RedisPubSub
from bench.peers.redis_streams import RedisStreams
from bench.peers.unix_socket import UnixSocket
from bench.peers.zeromq import ZeroMQ


def every_peer() -> list[Peer]:
    """All peers, Postroom first, in the order of the tables."""
    return [
        Postroom("safe"),
        Postroom("relaxed"),
        UnixSocket(),
        ZeroMQ(),
        RedisPubSub(),
        RedisStreams("everysec"),
        RedisStreams("always"),
        NatsCore(),
        JetStream("default"),
        JetStream("always"),
        HttpBus(),
    ]
