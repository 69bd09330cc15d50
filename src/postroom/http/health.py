"""Whether the post room is well: not only that the node answers, but that its store can be read, written and trusted."""

from __future__ import annotations

import asyncio
from time import monotonic, perf_counter
from typing import Final

from postroom.core.errors import PostroomError
from postroom.exchange import keeping
from postroom.http.auth import ADMIN
from postroom.http.node import Node
from postroom.http.request import JSON, Answer, Request, encode
from postroom.http.routes import Route
from postroom.store.checks import Level

FRESH_S: Final = 60.0
"""So long an examination counts: it reads the whole file, and monitors ask every few seconds."""
SLOW_S: Final = 5.0
"""A store that takes longer for a look and a write is not well."""


class Health:
    """Examines the store, for those who ask."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._examined = -FRESH_S
        self._findings: list[dict[str, str]] = []
        self._lock = asyncio.Lock()

    def rows(self) -> list[Route]:
        """The row."""
        return [Route("GET", "/healthz", self._health, open=True)]

    async def _health(self, request: Request) -> Answer:
        """200 when all is well, 503 when not. What is wrong is told to the operator only."""
        trouble = await self._trouble()
        told: dict[str, object] = {"status": "well" if not trouble else "not well"}
        if self._may_know(request):
            told["findings"] = trouble
        return Answer(200 if not trouble else 503, encode(told), JSON)

    def _may_know(self, request: Request) -> bool:
        if request.way.same_user:
            return True
        try:
            return self._node.gate.caller(request).scope == ADMIN
        except PostroomError:
            return False

    async def _trouble(self) -> list[dict[str, str]]:
        began = perf_counter()
        try:
            async with asyncio.timeout(SLOW_S):
                await self._node.counter.do(lambda: None)  # a transaction: the store can be written
        except PostroomError as error:
            return [{"level": "error", "what": str(error)}]
        except TimeoutError:
            return [{"level": "error", "what": f"the store could not be written within {perf_counter() - began:.0f} s"}]
        async with self._lock:
            if monotonic() - self._examined >= FRESH_S:
                found = await asyncio.to_thread(lambda: list(keeping.examine(self._node.home, full=False)))
                self._findings = [{"level": str(one.level), "what": one.what} for one in found if one.level in {Level.ERROR, Level.DAMAGE}]
                self._examined = monotonic()
        return self._findings
