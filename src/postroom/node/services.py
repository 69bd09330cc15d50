"""What a node does besides answering. Each row runs until it is cancelled, at a desk of its own; a new service is a new row."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Final

from postroom.config import Config
from postroom.node import alerts, webhooks

AGAIN_S: Final = 60.0
"""After a bug."""
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
            self._tasks.append(asyncio.get_running_loop().create_task(keep(name, partial(serve, self._home, config))))

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


async def keep(name: str, serve: Callable[[], Coroutine[object, object, None]]) -> None:
    """Run a service to its end. One that a bug ends begins anew after a while, and the node goes on meanwhile."""
    while True:
        try:
            await serve()
        except Exception:
            log.exception("service ended", extra={"facts": {"service": name}})
            await asyncio.sleep(AGAIN_S)
        else:
            return
