"""What is written to standard output: nothing is buffered, so that what was not written out is known. Colours only where a person looks."""

from __future__ import annotations

import os
import sys

from postroom.core.errors import NotWritten

COLOURS = {"dim": "2", "bold": "1", "red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35", "cyan": "36"}
STDOUT = 1


class Output:
    """Standard output."""

    __slots__ = ("_encoding", "colours", "terminal", "width")

    def __init__(self) -> None:
        self.terminal = sys.stdout is not None and os.isatty(STDOUT)
        self.colours = self.terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.width = self._columns() if self.terminal else None
        self._encoding = (sys.stdout is not None and sys.stdout.encoding) or "utf-8"

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(STDOUT).columns or 80
        except OSError:  # a terminal that does not say
            return 80

    def write(self, text: str) -> None:
        """Write a text completely. Raises BrokenPipeError when nobody reads any more, NotWritten when it cannot be written otherwise."""
        left = memoryview(text.encode(self._encoding, "backslashreplace"))
        while left:
            try:
                left = left[os.write(STDOUT, left) :]
            except BlockingIOError:  # another process made the terminal or pipe that we share non-blocking
                wait_writable()
            except BrokenPipeError:
                raise
            except OSError as error:
                raise NotWritten(why=error.strerror) from error

    def paint(self, text: str, colour: str) -> str:
        """The text in a colour, if there are colours here."""
        return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m" if self.colours else text


def wait_writable() -> None:
    """Wait until standard output takes more."""
    from select import POLLOUT, poll

    poller = poll()
    poller.register(STDOUT, POLLOUT)
    poller.poll()
