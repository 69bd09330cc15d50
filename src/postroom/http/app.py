"""The application: guards, finds the route, asks who it is, lets it be done, answers. What a path does is in paths.py; ASGI ends here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import TypeAlias

from postroom.http import guard
from postroom.http.refusal import refusal
from postroom.http.request import Answer, ClientGone, Event, Receive, Request, Send, Stream, Way, pour, reply
from postroom.http.routes import Routes
from postroom.http.wire import Hatch

Application: TypeAlias = Callable[[Event, Receive, Send], Awaitable[None]]
"""What ASGI calls."""
Counts: TypeAlias = Callable[[str, str, int, float], None]
"""What is told of each request that was answered: its method, path, status and seconds."""


class App:
    """Serves what comes by one way. `gateway` serves WebSockets, `pages` what belongs to the console, `hatch` what passes, see wire.py."""

    def __init__(  # noqa: PLR0913
        self, way: Way, routes: Routes, *, gateway: Application, pages: Application, hatch: Hatch, count: Counts
    ) -> None:
        self.hatch = hatch
        self._way = way
        self._routes = routes
        self._gateway = gateway
        self._pages = pages
        self._count = count

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        """Serve a request."""
        state = scope.setdefault("state", {})
        assert isinstance(state, dict)
        state["way"], state["postroom_same_user"] = self._way, self._way.same_user
        if scope["type"] == "websocket":
            await self._gateway(scope, receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Event, receive: Receive, send: Send) -> None:
        began, name = perf_counter(), "none"
        request = Request(scope, receive, self._way)
        answer: Answer | Stream
        try:
            guard.check(request)
            if request.path == "/" or request.path.startswith("/console/"):
                await self._pages(scope, receive, send)
                return
            route = self._routes.find(request)
            name = route.path
            answer = await route.act(request)
        except ClientGone:
            return
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever happens is answered
            answer = refusal(error)
        self._count(request.method, name, answer.status, perf_counter() - began)
        await sent(send, request, answer)


async def sent(send: Send, request: Request, answer: Answer | Stream) -> None:
    """Send an answer, and let what depends on that be done."""
    if isinstance(answer, Stream):
        if request.method == "HEAD":
            answer = Answer(answer.status, b"", answer.headers)
        else:
            await pour(send, request, answer)
            return
    written = False
    try:
        await reply(send, answer)
        written = answer.after is not None and await request.written()
    finally:
        if answer.after is not None:
            await answer.after(written)
