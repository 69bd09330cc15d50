"""Bare blocking Unix stream sockets, a message there and one byte back: the floor for anything written in Python."""

import socket
from collections.abc import Callable, Iterable
from pathlib import Path

from bench.peer import BODY_BYTES


class UnixSocket:
    name = "Unix socket ping-pong"
    promise = "nothing"

    def start(self, home: Path) -> None:
        self._home = home

    def stop(self) -> None:
        pass

    def server_pid(self) -> int | None:
        return None

    def send(self, link: int, bodies: Iterable[bytes]) -> None:
        waiting = iter(bodies)
        body = next(waiting)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
            stream.connect(self._path(link))
            while body:
                stream.sendall(body)
                stream.recv(1)
                body = next(waiting, b"")

    def receive(self, link: int, ready: Callable[[], None], arrived: Callable[[bytes], bool]) -> None:
        path = Path(self._path(link))
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(path))
            listener.listen(1)
            ready()
            stream, _ = listener.accept()
        with stream:
            done = False
            while not done:
                done = arrived(stream.recv(BODY_BYTES, socket.MSG_WAITALL))
                stream.sendall(b"k")

    def _path(self, link: int) -> str:
        return str(self._home / f"{link}.sock")
