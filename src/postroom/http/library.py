"""Where looks are taken: a few threads with a connection each, and a desk for each look. Nobody is attached here, and nobody waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from postroom.config import Config
from postroom.core.address import Name
from postroom.exchange.desk import Desk, Reading, now_us, registered
from postroom.http.auth import Caller
from postroom.store import agents
from postroom.store.database import Database, open_database

Result = TypeVar("Result")
THREADS: Final = 2
"""Two looks at a time: a long search must not keep a short look waiting."""


class Library:
    """Looks at the store for callers."""

    def __init__(self, home: str, config: Config) -> None:
        self.home = home
        self.config = config
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="look")
        self._own = threading.local()
        self._databases: list[Database] = []

    async def look(self, caller: Caller, job: Callable[[Desk], Result]) -> Result:
        """Do something at a desk of the caller. Raises NotRegistered for a name that nobody has."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._look, caller, job)

    def _look(self, caller: Caller, job: Callable[[Desk], Result]) -> Result:
        return job(desk_of(caller, self._database(), self.config))

    def _database(self) -> Database:
        database: Database | None = getattr(self._own, "database", None)
        if database is None:
            database = open_database(self.home, busy_ms=self.config.limits.busy_ms, now_ms=now_us() // 1000)
            self._own.database = database
            self._databases.append(database)
        return database

    def close(self) -> None:
        """Wait for the last look, and close the connections."""
        self._threads.shutdown(wait=True)
        for database in self._databases:
            database.close()


def desk_of(caller: Caller, database: Database, config: Config) -> Desk:
    """A desk of a caller on a connection that others use too."""
    with Reading(database):
        agent = agents.by_id(database, caller.agent) if caller.agent else registered(database, Name(caller.name))
    desk = Desk(database, agent, config, interface="http", clock=now_us)
    desk.program = caller.program
    return desk
