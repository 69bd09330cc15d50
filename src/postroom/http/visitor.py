"""Who comes to the counter without a seat, and the bell that rings for all of them."""

from __future__ import annotations

import os
from time import monotonic

from postroom import doorbell
from postroom.exchange.desk import Desk
from postroom.paths import socket_directory
from postroom.store.place import check_directory, make_private


class Visitor:
    """An agent that comes to the counter with one program: its desk, and when it was here last."""

    __slots__ = ("attached", "desk", "has_bell", "seen", "waiting")

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.seen = monotonic()
        self.attached = False
        self.has_bell = False
        self.waiting = 0  # so many of its requests wait for a message


def hang_bell(home: str) -> doorbell.Doorbell | doorbell.Polling:
    """The bell of all who wait at the counter."""
    if not doorbell.AVAILABLE:
        return doorbell.Polling()
    directory = socket_directory(home)
    make_private(directory)
    check_directory(directory)
    return doorbell.Doorbell(os.path.join(directory, f"node-{os.getpid()}.bell"))
