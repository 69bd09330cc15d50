"""A peer's server process: on loopback, on a free port, in a directory of its own, ended by its own process id."""

import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from bench.peer import Missing

START_SECONDS_MAX = 15
STOP_SECONDS_MAX = 5
LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def program(name: str, package: str) -> str:
    """The path of a program, or Missing with the name of the package that has it."""
    found = shutil.which(name)
    if found is None:
        raise Missing(name, package)
    return found


class NotStarted(Exception):
    """A server that does not answer."""

    def __init__(self, log: str) -> None:
        super().__init__(f"the server did not start: {log}")


class Server:
    """One running server; `port` is where it answers."""

    def __init__(self, command: Sequence[str], port: int, home: Path) -> None:
        self.port = port
        self._log = home / "server.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._wait_until_it_answers()

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        """Ask it to end, then make it."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                socket.create_connection((LOOPBACK, self.port), timeout=1).close()
            except ConnectionRefusedError:
                time.sleep(0.02)
            else:
                return
        self.stop()
        raise NotStarted(self._log.read_text(errors="replace")[-2000:])
