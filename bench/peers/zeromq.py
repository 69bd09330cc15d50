"""ZeroMQ REQ/REP over Unix sockets: the reply is the acknowledgement; nothing is stored."""

from collections.abc import Callable, Iterable
from pathlib import Path

import zmq


class ZeroMQ:
    name = "ZeroMQ REQ/REP"
    promise = "nothing"

    def start(self, home: Path) -> None:
        self._home = home

    def stop(self) -> None:
        pass

    def server_pid(self) -> int | None:
        return None

    def send(self, link: int, bodies: Iterable[bytes]) -> None:
        with zmq.Context() as context, context.socket(zmq.REQ) as requests:
            requests.connect(self._address(link))
            for body in bodies:
                requests.send(body)
                requests.recv()

    def receive(self, link: int, ready: Callable[[], None], arrived: Callable[[bytes], bool]) -> None:
        with zmq.Context() as context, context.socket(zmq.REP) as replies:
            replies.bind(self._address(link))
            ready()
            done = False
            while not done:
                done = arrived(replies.recv())
                replies.send(b"k")

    def _address(self, link: int) -> str:
        return f"ipc://{self._home}/{link}.zmq"
