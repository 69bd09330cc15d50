"""One process of the test that kills who is in rooms: it comes and goes, invites and removes, speaks and reads, and may die at any moment.

What it has read it writes down as tests/faults/worker.py does, what it has said beside it. Each byte on stdin is one more act; the end of
stdin is the end of its work.
"""

from __future__ import annotations

import os
import sys
from random import Random
from time import monotonic_ns

import postroom
from tests.faults.worker import Log, say_alive

ROOMMATES = ("ann", "ben", "cat", "dot", "eve")
ROOMS = {"red": "public", "blue": "private", "green": "secret"}
TAKE_MAX = 8
OFTEN = {"send": 12, "read": 6, "join": 8, "invite": 8, "leave": 1, "kick": 2, "transfer": 1, "decline": 1, "topic": 1}


class Roommate:
    """An agent with its two logs."""

    def __init__(self, me: postroom.Agent, path: str, random: Random) -> None:
        self.me = me
        self.random = random
        self.said, self.read_log = Log(f"{path}.said"), Log(path)
        self.number = begun(f"{path}.said")
        self.hands: list[postroom.Delivery] = []

    def act(self) -> None:
        """Do something. Most of it is refused to one who is in another room, or not the owner."""
        (act,) = self.random.choices([*OFTEN], [*OFTEN.values()])
        room, other = self.random.choice([*ROOMS]), self.random.choice(ROOMMATES)
        try:
            match act:
                case "send":
                    self.send(room)
                case "read":
                    self.read(confirm=self.random.random() < 0.5)
                case "join":
                    self.me.join(room)
                case "leave":
                    self.me.leave(room)
                case "invite":
                    self.me.invite(room, other)
                case "kick":
                    self.me.kick(room, other, "at random")
                case "transfer":
                    self.me.transfer(room, other)
                case "decline":
                    self.me.decline_invitation(room, "no time")
                case _:
                    self.me.set_topic(room, f"{self.random.random()}")
        except postroom.errors.CallerError:
            return

    def send(self, room: str) -> None:
        """Say something under an id of its own, and write down who will get it."""
        self.number += 1
        id = f"{self.me.name}-{self.number}"
        self.said.write(f"begun {id}")
        receipt = self.me.send(f"#{room}", f"{id} to {room}", id=id)
        self.said.write(f"accepted {id} {' '.join(step.recipient for step in receipt.deliveries)}")

    def read(self, *, confirm: bool) -> int:
        """Take, write down, and mostly confirm. Notices are confirmed as well and not written down."""
        limit = self.random.choice((1, 3, TAKE_MAX))
        self.read_log.write(f"taking {limit} {monotonic_ns()}")
        taken = self.me.take(limit)
        at_ns = monotonic_ns()
        self.read_log.write(*(f"{'again' if one.redelivered else 'new'} {one.id} {at_ns}" for one in taken if one.room), "taken")
        self.hands += taken
        if confirm:
            self.confirm()
        return len(taken)

    def confirm(self) -> None:
        """Confirm what is in hand, and write that down."""
        self.me.confirm(self.hands)
        at_ns = monotonic_ns()
        self.read_log.write(*(f"read {one.id} {at_ns}" for one in self.hands if one.room))
        self.hands = []

    def read_all(self) -> None:
        """Read until nothing is left."""
        while self.read(confirm=True):
            pass


def begun(path: str) -> int:
    """How many messages were begun, by the log of earlier lives."""
    if not os.path.exists(path):
        return 0
    with open(path, encoding="ascii") as log:
        return sum(line.startswith("begun ") and line.endswith(".\n") for line in log)


def live(name: str, path: str, random: Random) -> None:
    """Act whenever a byte comes in."""
    with postroom.connect(name) as me:
        roommate = Roommate(me, path, random)
        say_alive()
        while os.read(0, 1):
            roommate.act()
            say_alive()
        roommate.confirm()  # else it would come again to the next one, as if this one had died


if __name__ == "__main__":
    _, name, path, seed = sys.argv[1:]
    live(name, path, Random(seed))
