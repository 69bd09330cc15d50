"""One node: its parts, put together and taken apart in order. Where it listens is not known here."""

from __future__ import annotations

from postroom.config import Config, read_config
from postroom.exchange.desk import now_us
from postroom.http.auth import Gate
from postroom.http.bus import Bus
from postroom.http.counter import Counter
from postroom.http.house import House
from postroom.http.library import Library
from postroom.http.lobby import Lobby
from postroom.http.office import Office
from postroom.http.shelf import Shelf
from postroom.store.database import open_database


class Node:
    """The parts of a node. To be made, begun and closed in the event loop."""

    def __init__(self, home: str) -> None:
        self.home = home
        config = read_config(home)
        self.counter = Counter(home)
        self.gate = Gate(open_database(home, busy_ms=config.limits.busy_ms, now_ms=now_us() // 1000))
        self.gate.noting = self.counter.note_use
        self.lobby = Lobby(self.counter)
        self.library = Library(home, config)
        self.house = House(home, self.counter.registered)
        self.bus = Bus(self.counter, self.gate, self.lobby)
        self.office = Office(self.bus, self.house, self.library, Shelf(self.library))

    @property
    def config(self) -> Config:
        """The config in force."""
        return self.library.config

    def begin(self) -> None:
        """Begin to look after those who wait."""
        self.lobby.begin()
        self.house.begin()

    async def reload(self) -> None:
        """Read the config file again. Raises BadConfig, and goes on with what was in force."""
        self.library.config = await self.counter.reload()

    async def let_go(self) -> None:
        """Let everybody go who waits."""
        self.lobby.close()
        await self.house.close()

    async def close(self) -> None:
        """Close the store."""
        await self.counter.close()
        self.library.close()
        self.gate.close()
