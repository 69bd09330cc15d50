"""Programs that tests start: an agent in a process of its own, which can be told things, listened to, and killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from select import select
from types import TracebackType
from typing import Self

SOON_S = 60
HEAD = """
import builtins, functools, sys, postroom
print = functools.partial(builtins.print, flush=True)
me = postroom.connect(sys.argv[1])
"""


class Program:
    """A Python program in which `me` is a connected agent. Its last line ends it, unless it is killed or told to go on waiting."""

    def __init__(self, agent: str, code: str) -> None:
        # Reading one more line keeps the process alive until it is ended, as if it were still at work.
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"{HEAD}{code}\nsys.stdin.readline()", agent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._said = b""

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process.poll() is None:
            self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def line(self) -> str:
        """The next line that the program prints."""
        assert self._process.stdout is not None
        while b"\n" not in self._said:
            readable, _, _ = select([self._process.stdout], [], [], SOON_S)
            assert readable, "the program says nothing"
            more = self._process.stdout.read(65_536)
            assert more, "the program has ended"
            self._said += more
        line, _, self._said = self._said.partition(b"\n")
        return line.decode()

    def kill(self) -> None:
        """Kill -9, and see it dead."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(SOON_S)
