"""Postroom with a long history beside Postroom with none: does it send, hand over, open and search as fast?"""

import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from bench.peer import BODY_BYTES
from bench.peers.postroom import Postroom
from bench.probes import relaxed
from bench.process import in_process
from postroom import Draft

FILL_BATCH = 1000
SENDS = 300
INBOX_ROUNDS = 30
INBOX_BATCH = 20
REPEATS = 5
SEED = 2
COMMON, OCCASIONAL, RARE = "alpha", "bravo", "charlie"
SHARES = {COMMON: 3, OCCASIONAL: 1_000, RARE: 50_000}
"""Each word stands in one of so many messages."""
BODY = "x" * BODY_BYTES


class History:
    """Two relaxed stores, measured in turns; one already holds `messages` that were read."""

    subject = "Postroom relaxed"
    load = "history"

    def __init__(self, home: Path, messages: int) -> None:
        self._messages = messages
        self._empty = relaxed(home / "empty")
        self._full = relaxed(home / "full")
        self._fill_seconds = in_process("filling the history", self._fill)["seconds"]
        self._index_seconds = in_process("indexing the history", self._index)["seconds"]

    def measure(self) -> dict[str, float]:
        empty = in_process("the empty store", partial(act, self._empty))
        full = in_process("the full store", partial(act, self._full))
        search = in_process("search", self._search)
        return {
            "messages": self._messages,
            "fill_seconds": self._fill_seconds,
            "index_seconds": self._index_seconds,
            **{f"empty_{name}": value for name, value in empty.items()},
            **{f"full_{name}": value for name, value in full.items()},
            **search,
        }

    def _fill(self) -> dict[str, float]:
        """Send and read the history between the two agents that are measured later."""
        chance = random.Random(SEED)
        began = time.monotonic()
        with self._full.connect("sender0") as sender, self._full.connect("reader0") as reader:
            for first in range(0, self._messages, FILL_BATCH):
                sender.send_many([Draft("reader0", letter(first + i, chance)) for i in range(FILL_BATCH)])
                reader.confirm(reader.take(limit=FILL_BATCH, wait=0))
        return {"seconds": time.monotonic() - began}

    def _index(self) -> dict[str, float]:
        """The first search catches the index up with all of the history."""
        with self._full.connect("reader0") as me:
            began = time.monotonic()
            me.search(RARE)
            return {"seconds": time.monotonic() - began}

    def _search(self) -> dict[str, float]:
        with self._full.connect("reader0") as me:
            me.search(RARE)  # catches the index up with the sends of this round
            found = {f"search_{word}_ms": milliseconds(partial(me.search, word)) for word in SHARES}
        return {**found, "search_ms": max(found.values())}


def letter(number: int, chance: random.Random) -> str:
    """A body of 200 bytes in which some words are common and some rare."""
    words = [f"message {number}", *(word for word, share in SHARES.items() if number % share == 0)]
    while sum(map(len, words)) + len(words) < BODY_BYTES:
        words.append(f"w{chance.randrange(20_000)}")
    return " ".join(words)[:BODY_BYTES]


def act(peer: Postroom) -> dict[str, float]:
    """Open, send and take in one store; microseconds, and milliseconds where the name says so."""
    opening = milliseconds(lambda: peer.connect("reader0").close())
    sends: list[int] = []
    inboxes: list[int] = []
    with peer.connect("sender0") as sender, peer.connect("reader0") as reader:
        for _ in range(SENDS):
            began = time.monotonic_ns()
            sender.send("reader0", BODY)
            sends.append(time.monotonic_ns() - began)
        reader.confirm(reader.take(limit=SENDS, wait=0))
        for _ in range(INBOX_ROUNDS):
            sender.send_many([Draft("reader0", BODY)] * INBOX_BATCH)
            began = time.monotonic_ns()
            reader.confirm(reader.take(limit=INBOX_BATCH, wait=0))
            inboxes.append(time.monotonic_ns() - began)
    return {"send": median(sends) / 1e3, "inbox": median(inboxes) / 1e3, "opening_ms": opening}


def milliseconds(action: Callable[[], object], times: int = REPEATS) -> float:
    """The median time of an action in milliseconds."""
    took = []
    for _ in range(times):
        began = time.monotonic_ns()
        action()
        took.append((time.monotonic_ns() - began) / 1e6)
    return median(took)
