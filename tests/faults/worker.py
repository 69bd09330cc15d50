"""One process of the kill -9 test: a sender or a reader that may die at any moment, and writes down what it knows when it knows it.

A line of its log is whole or worthless, and ends with a dot. Each line on stdout is a sign of life; the end of stdin is the end of
its work.
"""

from __future__ import annotations

import os
import sys
from random import Random
from select import select
from time import monotonic_ns

import postroom

MAILBOXES = ("reader-1", "reader-2", "reader-3", "shared")
TAKE_MAX = 8
BATCH_MAX = 5
WAIT_S = 0.2


class Log:
    """An append-only file that outlives the process: what was written is with the kernel."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.write("\nlife")

    def write(self, *lines: str) -> None:
        text = "".join(f"{line}.\n" for line in lines)
        assert os.write(self._descriptor, text.encode()) == len(text)


def draft(sender: str, number: int) -> postroom.Draft:
    """The message of that number: the same whenever it is sent."""
    random = Random(f"{sender} {number}")
    to = random.sample(MAILBOXES, random.choice((1, 1, 1, 2)))
    return postroom.Draft(to, f"{number} {'.' * random.choice((0, 200, 3_000))}", id=f"{sender}-{number}")


def acknowledged(path: str) -> int:
    """How many messages have a receipt, by the log of earlier lives."""
    if not os.path.exists(path):
        return 0
    with open(path, encoding="ascii") as log:
        return sum(line.startswith("accepted ") and line.endswith(".\n") for line in log)


def send(name: str, path: str, random: Random) -> None:
    """Send the next messages whenever a byte comes in, beginning with those that have no receipt yet."""
    number = acknowledged(path)
    log = Log(path)
    with postroom.connect(name) as me:
        say_alive()
        while os.read(0, 1):
            drafts = [draft(name, number + place) for place in range(random.choice((1, 1, 1, BATCH_MAX)))]
            receipts = me.send_many(drafts)
            log.write(*(f"accepted {receipt.id}" for receipt in receipts))
            number += len(drafts)
            say_alive()


def read(name: str, path: str, random: Random) -> None:
    """Take, write down, later confirm, write down. Most of the time something is in hand.

    Between a take and its line nobody knows what was handed over.
    """
    log, hands = Log(path), list[postroom.Delivery]()
    with postroom.connect(name) as me:
        say_alive()
        while not select([0], [], [], 0)[0]:
            limit = random.choice((1, 3, TAKE_MAX))
            log.write(f"taking {limit} {monotonic_ns()}")
            taken = me.take(limit, wait=WAIT_S)
            at_ns = monotonic_ns()
            log.write(*(f"{'again' if message.redelivered else 'new'} {message.id} {at_ns}" for message in taken), "taken")
            hands += taken
            if hands and (not taken or random.random() < 0.3):
                me.confirm(hands)
                at_ns = monotonic_ns()
                log.write(*(f"read {message.id} {at_ns}" for message in hands))
                hands = []
            say_alive()


def say_alive() -> None:
    os.write(1, b"\n")


if __name__ == "__main__":
    role, name, path, seed = sys.argv[1:]
    {"send": send, "read": read}[role](name, path, Random(seed))
