"""A node in a process of its own, which can be killed, and what it says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from select import select
from types import TracebackType
from typing import Self

from tests.cli.shell import PROGRAM, environment

SOON_S = 60


class RunningNode:
    """`postroom up` for the post room in a home, at a port that the system chooses, or at a given one."""

    def __init__(self, home: str | Path, user_home: Path, *, port: int = 0, arguments: Sequence[str] = ()) -> None:
        self.log = tempfile.TemporaryFile()  # noqa: SIM115  # closed in `close`
        self._process = subprocess.Popen(
            [*PROGRAM, "up", "--json", "--listen", f"127.0.0.1:{port}", *arguments],
            env=environment(user_home, POSTROOM_HOME=str(home)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.log,
        )
        assert self._process.stdout is not None
        readable, _, _ = select([self._process.stdout], [], [], SOON_S)
        line = self._process.stdout.readline() if readable else b""
        if not line:
            said = self.said
            self.close()
            raise AssertionError(said)
        self.addresses: list[str] = json.loads(line)["up"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def url(self) -> str:
        """Where it is reached by TCP."""
        return next(address for address in self.addresses if address.startswith("http"))

    @property
    def port(self) -> int:
        """The port of it."""
        return int(self.url.rpartition(":")[2])

    @property
    def said(self) -> str:
        """All that it has logged. To seek would let it write at that place, too."""
        descriptor = self.log.fileno()
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode()

    def kill(self) -> None:
        """Kill -9, and see it dead."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(SOON_S)

    def reload(self) -> None:
        """Let it read its config again."""
        self._process.send_signal(signal.SIGHUP)

    def stop(self) -> int:
        """Stop it in order. Returns its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(SOON_S)

    def close(self) -> None:
        """End it."""
        if self._process.poll() is None:
            self.kill()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self.log.close()
