"""Puts the application together: a node's parts, all rows of all tables, one application for each way in."""

from __future__ import annotations

import os

from postroom.http.app import App, Application
from postroom.http.docs import Docs
from postroom.http.gateway import Gateway
from postroom.http.hatch import Hatch
from postroom.http.health import Health
from postroom.http.live import Live
from postroom.http.login import FILE, Doors
from postroom.http.metrics import Metrics
from postroom.http.node import Node
from postroom.http.pages import Pages
from postroom.http.paths import Api
from postroom.http.request import Way
from postroom.http.routes import Routes
from postroom.http.transfers import Transfers
from postroom.http.verbs import VERBS


class Served:
    """What a node serves."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._live = Live(node.home, node.gate, node.config)
        self._gateway = Gateway(node, VERBS)
        self._metrics = Metrics(node, self._live)
        self._pages = Pages(Doors(os.path.join(node.home, FILE)))
        node.gate.pages.append(self._pages.knows)
        api, transfers, health = Api(node, VERBS), Transfers(node, self._live), Health(node)
        rows = [*api.rows(), *transfers.rows(), *health.rows(), *self._metrics.rows(), *Docs(VERBS).rows()]
        self._routes = Routes(rows)

    def app(self, way: Way) -> Application:
        """The application for one way in."""
        count = self._metrics.count
        hatch = Hatch(way, self._node, count)
        return App(way, self._routes, gateway=self._gateway, pages=self._pages, hatch=hatch, count=count)

    def begin(self) -> None:
        """Begin to look at what happens."""
        self._live.begin()

    async def close(self) -> None:
        """End what goes on and on."""
        await self._gateway.close()
        await self._live.close()
