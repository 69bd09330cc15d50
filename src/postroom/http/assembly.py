"""Puts the application together: a node's parts, all rows of all tables, one application for each way in."""

from __future__ import annotations

from postroom.core.refusals import NoSuchPath
from postroom.http.app import App, Application
from postroom.http.login import Doors
from postroom.http.node import Node
from postroom.http.pages import Pages
from postroom.http.paths import Api
from postroom.http.refusal import refusal
from postroom.http.request import Event, Receive, Send, Way, reply
from postroom.http.routes import Routes
from postroom.http.verbs import VERBS


class Served:
    """What a node serves."""

    def __init__(self, node: Node) -> None:
        self._routes = Routes(Api(node, VERBS).rows())
        self._pages = Pages(Doors())
        node.gate.pages.append(self._pages.knows)

    def app(self, way: Way) -> Application:
        """The application for one way in."""
        return App(way, self._routes, gateway=nothing, pages=self._pages, count=lambda *_: None)

    def begin(self) -> None:
        """Begin."""

    async def close(self) -> None:
        """End."""


async def nothing(scope: Event, _receive: Receive, send: Send) -> None:
    """There is nothing."""
    if scope["type"] == "http":
        await reply(send, refusal(NoSuchPath(path=str(scope["path"])[:200])))
    else:
        await send({"type": "websocket.close"})
