"""NATS core request and reply: the receiver's answer is the acknowledgement; nothing is stored."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

import nats
from nats.aio.msg import Msg

from bench.peers.nats_server import start_nats
from bench.server import LOOPBACK

ANSWER_SECONDS_MAX = 10


class NatsCore:
    name = "NATS core request"
    promise = "nothing"

    def start(self, home: Path) -> None:
        self._server = start_nats(home, "")

    def stop(self) -> None:
        self._server.stop()

    def server_pid(self) -> int | None:
        return self._server.pid

    def send(self, link: int, bodies: Iterable[bytes]) -> None:
        asyncio.run(self._send(f"link{link}", bodies))

    def receive(self, link: int, ready: Callable[[], None], arrived: Callable[[bytes], bool]) -> None:
        asyncio.run(self._receive(f"link{link}", ready, arrived))

    async def _send(self, subject: str, bodies: Iterable[bytes]) -> None:
        async with await nats.connect(f"nats://{LOOPBACK}:{self._server.port}") as client:
            for body in bodies:
                await client.request(subject, body, timeout=ANSWER_SECONDS_MAX)

    async def _receive(self, subject: str, ready: Callable[[], None], arrived: Callable[[bytes], bool]) -> None:
        async with await nats.connect(f"nats://{LOOPBACK}:{self._server.port}") as client:
            last = asyncio.Event()

            async def answer(message: Msg) -> None:
                done = arrived(message.data)
                await message.respond(b"k")
                if done:
                    last.set()

            await client.subscribe(subject, cb=answer)
            await client.flush()
            ready()
            await last.wait()
