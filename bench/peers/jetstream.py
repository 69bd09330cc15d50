"""NATS JetStream with file storage and a push consumer that confirms each message."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import nats
from nats.aio.msg import Msg

from bench.peers.nats_server import start_nats
from bench.server import LOOPBACK

STREAM = "bench"


class JetStream:
    def __init__(self, sync: Literal["default", "always"]) -> None:
        self._sync = sync
        self.name = f"JetStream sync {sync}"
        self.promise = "power cut" if sync == "always" else "process crash"

    def start(self, home: Path) -> None:
        sync = ", sync_interval: always" if self._sync == "always" else ""
        self._server = start_nats(home, f'jetstream {{ store_dir: "{home}"{sync} }}\n')
        asyncio.run(self._make_stream())

    def stop(self) -> None:
        self._server.stop()

    def server_pid(self) -> int | None:
        return self._server.pid

    def send(self, link: int, bodies: Iterable[bytes]) -> None:
        asyncio.run(self._send(f"{STREAM}.{link}", bodies))

    def receive(self, link: int, ready: Callable[[], None], arrived: Callable[[bytes], bool]) -> None:
        asyncio.run(self._receive(f"{STREAM}.{link}", ready, arrived))

    async def _make_stream(self) -> None:
        async with await self._connect() as client:
            await client.jetstream().add_stream(name=STREAM, subjects=[f"{STREAM}.*"], storage="file")

    async def _send(self, subject: str, bodies: Iterable[bytes]) -> None:
        async with await self._connect() as client:
            stream = client.jetstream()
            for body in bodies:
                await stream.publish(subject, body)

    async def _receive(self, subject: str, ready: Callable[[], None], arrived: Callable[[bytes], bool]) -> None:
        async with await self._connect() as client:
            stream = client.jetstream()
            await stream.purge_stream(STREAM, subject=subject)
            last = asyncio.Event()

            async def confirm(message: Msg) -> None:
                done = arrived(message.data)
                await message.ack()
                if done:
                    last.set()

            subscription = await stream.subscribe(subject, cb=confirm, manual_ack=True)
            await client.flush()
            ready()
            await last.wait()
            await client.flush()
            await subscription.unsubscribe()

    async def _connect(self) -> nats.NATS:
        return await nats.connect(f"nats://{LOOPBACK}:{self._server.port}")
