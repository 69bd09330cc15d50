"""One message to many: to a room of a thousand agents, to ten thousand mailboxes; and the list of all of them."""

import resource
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench.peer import BODY_BYTES
from bench.probes import relaxed
from bench.process import in_process
from postroom import Draft

MEMBERS = 1_000
MAILBOXES = 10_000
REPEATS = 7
REGISTERED_AT_ONCE = 100
FILES_OF_AN_AGENT = 10
BODY = "x" * BODY_BYTES


class Crowds:
    """A relaxed store; the members of the room are connected anew in each round, all in one process."""

    subject = "Postroom relaxed"
    load = "crowds"

    def __init__(self, home: Path) -> None:
        self._peer = relaxed(home)
        in_process("registering a crowd", self._register)

    def measure(self) -> dict[str, float]:
        return in_process("crowds", self._measure)

    def _register(self) -> dict[str, float]:
        names = [f"agent{number:05}" for number in range(MAILBOXES)]
        with self._peer.connect("sender0") as me:
            me.create_room("everybody")
            for first in range(0, MAILBOXES, REGISTERED_AT_ONCE):
                me.send_many([Draft(names[first : first + REGISTERED_AT_ONCE], "welcome", create=True)])
        for name in names[:MEMBERS]:
            with self._peer.connect(name) as member:
                member.join("everybody")
        return {}

    def _measure(self) -> dict[str, float]:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, FILES_OF_AN_AGENT * MEMBERS + 1024), most))
        with ExitStack() as everybody:
            for number in range(MEMBERS):
                everybody.enter_context(self._peer.connect(f"agent{number:05}"))
            me = everybody.enter_context(self._peer.connect("sender0"))
            return {
                "room_ms": took_ms(lambda: me.send("#everybody", BODY)),
                "broadcast_ms": took_ms(lambda: me.send("@all", BODY)),
                "list_ms": took_ms(me.agents),
                "agents": len(me.agents()),
            }


def took_ms(act: Callable[[], object]) -> float:
    """How long one act takes, in the median of some."""
    took = []
    for _ in range(REPEATS):
        began = time.monotonic_ns()
        act()
        took.append((time.monotonic_ns() - began) / 1e6)
    return median(took)
