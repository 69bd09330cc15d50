"""Heads that come again: a client that keeps its connection says the same before each request, but for the length of its body.

What was found out about a head the first time is true of it every time. It is compared byte by byte, so there is nothing to parse.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,15})[ \t]*(?=\r\n)", re.IGNORECASE)
END: Final = b"\r\n\r\n"


class Head(NamedTuple):
    """The head of a request: what stands before and after the digits of its length; all of it before, if it says none."""

    before: bytes
    after: bytes

    def body(self, request: bytes) -> bytes | None:
        """The body of a request that came with this head and is whole; None for anything else."""
        if not self.after:
            return b"" if request == self.before else None
        if not request.startswith(self.before):
            return None
        start = len(self.before)
        end = request.find(b"\r", start, start + 16)
        digits, begin = request[start:end], end + len(self.after)
        if end < 0 or not digits.isdigit() or int(digits) != len(request) - begin or not request.startswith(self.after, end):
            return None
        return request[begin:]


def head_of(request: bytes, body: bytes | bytearray) -> Head | None:
    """The head of a request that was found to be one, with that body and nothing before or after it; None for one of another shape."""
    head = request[: len(request) - len(body)]
    if request.find(END) != len(head) - len(END):
        return None
    found = LENGTH.search(head)
    if found is None:
        return None if body else Head(head, b"")
    return Head(head[: found.start(1)], head[found.end(1) :]) if int(found[1]) == len(body) else None
