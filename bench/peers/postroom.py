"""Postroom through its public SDK: explicit batches, confirmed, as a busy reader would take them."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import postroom
from bench.process import in_process

NO_LIMITS = """[limits]
waiting = 10_000_000
sender_per_minute = 60_000_000
pair_per_minute = 60_000_000
room_per_minute = 60_000_000
sender_in_room_per_minute = 60_000_000
broadcasts_per_minute = 60_000_000
"""
BATCH = 100
WAIT_SECONDS = 1.0
WARM_MESSAGES = 20_000


class Postroom:
    def __init__(self, durability: Literal["safe", "relaxed"], limits: str = NO_LIMITS) -> None:
        self.durability = durability
        self._limits = limits
        self.name = f"Postroom {durability}"
        self.promise = "power cut" if durability == "safe" else "process crash"

    def start(self, home: Path) -> None:
        self.home = home / "post"
        self.home.mkdir(mode=0o700, parents=True)
        if self._limits:
            (self.home / "config.toml").write_text(self._limits)
        in_process("registration", self._register)

    def stop(self) -> None:
        pass

    def server_pid(self) -> int | None:
        return None

    def _register(self) -> dict[str, float]:
        """The first pair, and so many messages that the WAL begins anew: in a new store the first ones are three times slower.

        Connected elsewhere: SQLite must not be forked.
        """
        with self.connect("sender0") as sender, self.connect("reader0") as reader:
            for _ in range(WARM_MESSAGES // BATCH if self._limits else 0):
                sender.send_many([postroom.Draft("reader0", "x" * 200)] * BATCH)
                reader.confirm(reader.take(limit=BATCH))
        return {}

    def connect(self, name: str) -> postroom.Agent:
        return postroom.connect(name, home=self.home, durability=self.durability)

    def send(self, link: int, bodies: Iterable[bytes]) -> None:
        with self.connect(f"sender{link}") as me:
            reader = f"reader{link}"
            for body in bodies:
                me.send(reader, body.decode())

    def receive(self, link: int, ready: Callable[[], None], arrived: Callable[[bytes], bool]) -> None:
        with self.connect(f"reader{link}") as me:
            me.take(limit=BATCH, wait=0)
            ready()
            done = False
            batch: list[postroom.Delivery] = []
            while not done:
                batch = me.take(limit=BATCH, wait=WAIT_SECONDS, confirm=batch)
                done = any(arrived(message.body.encode()) for message in batch)
            me.confirm(batch)
