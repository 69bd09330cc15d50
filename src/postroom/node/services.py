"""What a node does besides answering. Each row runs until it is cancelled, at a desk of its own; a new service is a new row."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine

from postroom.config import Config
from postroom.node import alerts, webhooks

log = logging.getLogger("postroom.node")
Service = Callable[[str, Config], Coroutine[object, object, None]]

SERVICES: dict[str, Service] = {"webhooks": webhooks.serve, "alerts": alerts.serve}


class Services:
    """The services of a node."""

    def __init__(self, home: str) -> None:
        self._home = home
        self._tasks: list[asyncio.Task[None]] = []
        self._changing = asyncio.Lock()

    def begin(self, config: Config) -> None:
        """Run all of them from now on."""
        for name, serve in SERVICES.items():
            task = asyncio.get_running_loop().create_task(serve(self._home, config), name=name)
            task.add_done_callback(tell_of_end)
            self._tasks.append(task)

    async def restart(self, config: Config) -> None:
        """Run them anew, with another config."""
        async with self._changing:
            await self.close()
            self.begin(config)

    async def close(self) -> None:
        """Let them end."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def tell_of_end(task: asyncio.Task[None]) -> None:
    """A service that ends by an error is a bug: it is told, and the node goes on without it."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("service ended", extra={"facts": {"service": task.get_name()}}, exc_info=error)
