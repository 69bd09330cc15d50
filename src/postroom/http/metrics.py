"""Figures for Prometheus: only numbers, about the whole post room and this node. No name of an agent, no path with anything in it."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

import msgspec
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from postroom.core.refusals import NotYourRight
from postroom.exchange import looking
from postroom.exchange.desk import HUMAN_AGENT, Desk
from postroom.http.auth import ADMIN, READ, Caller
from postroom.http.live import Live
from postroom.http.node import Node
from postroom.http.request import Answer, Request
from postroom.http.routes import Route
from postroom.store import figures, webhooks

BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 30.0)
HUMAN: Final = Caller(HUMAN_AGENT, "human", ADMIN, "metrics")


class Times(msgspec.Struct):
    """How long requests took: how many up to each bound, and all together."""

    numbers: list[int]
    total: float


class Metrics:
    """Counts requests, and reads the other figures when somebody asks for them."""

    def __init__(self, node: Node, live: Live) -> None:
        self._node = node
        self._live = live
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._counts: dict[tuple[str, str, int], int] = {}
        self._times: dict[str, Times] = {}
        self._gauges: dict[str, Gauge] = {}

    def rows(self) -> list[Route]:
        """The row."""
        return [Route("GET", "/metrics", self._answer)]

    def count(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count a request. `path` is the row of the table, so there are few."""
        key = (method if path != "none" else "any", path, status)
        self._counts[key] = self._counts.get(key, 0) + 1
        times = self._times.get(path)
        if times is None:
            times = self._times[path] = Times([0] * (len(BUCKETS) + 1), 0.0)
        times.numbers[bisect_left(BUCKETS, seconds)] += 1
        times.total += seconds

    def collect(self) -> Iterator[Metric]:
        """What was counted, as Prometheus wants it: its own counters cost 25 µs of each request."""
        requests = CounterMetricFamily("postroom_requests", "Requests that were answered.", labels=["method", "path", "status"])
        for (method, path, status), number in self._counts.items():
            requests.add_metric([method, path, str(status)], number)
        seconds = HistogramMetricFamily("postroom_request_seconds", "From the request to its answer.", labels=["path"])
        for path, times in self._times.items():
            bounds = [*(str(bound) for bound in BUCKETS), "+Inf"]
            seconds.add_metric([path], list(zip(bounds, accumulate(times.numbers), strict=True)), sum_value=times.total)
        yield requests
        yield seconds

    async def _answer(self, request: Request) -> Answer:
        if not request.way.same_user:
            caller = self._node.gate.caller(request)
            if not caller.is_human:
                raise NotYourRight(wanted=f"{READ} of human", found=f"{caller.scope} of {caller.name}")
        for name, about, value, labels in await self._node.library.look(HUMAN, self._figures):
            self._set(name, about, value, labels)
        return Answer(200, generate_latest(self._registry), ((b"content-type", CONTENT_TYPE_LATEST.encode()),))

    def _figures(self, desk: Desk) -> list[tuple[str, str, float, dict[str, str]]]:
        overview = looking.overview(desk, minutes=1)
        with desk.reading() as database:
            found, hooks = figures.figures(database), webhooks.figures(database)
        store = desk.database.path
        return [
            ("postroom_seats", "Clients that have a seat at this node.", len(self._node.house), {}),
            ("postroom_waiting_requests", "Requests that wait for a message without a seat.", self._node.lobby.waiting, {}),
            ("postroom_streams", "Live feeds that are watched.", self._live.watchers, {}),
            ("postroom_messages", "Messages that were ever sent.", found.messages, {}),
            ("postroom_mailbox_waiting", "Messages that wait in mailboxes.", found.waiting, {}),
            ("postroom_held_threads", "Threads that wait for a human.", found.held_threads, {}),
            ("postroom_held_messages", "Messages that wait for a human.", found.held, {}),
            ("postroom_agents_paused", "Agents that a human has paused.", found.paused, {}),
            ("postroom_agents", "Agents.", overview.agents, {"state": "known"}),
            ("postroom_agents", "Agents.", overview.online, {"state": "online"}),
            ("postroom_store_bytes", "The size of the store's files.", size(store), {"file": "store"}),
            ("postroom_store_bytes", "The size of the store's files.", size(f"{store}-wal"), {"file": "wal"}),
            ("postroom_webhooks", "Webhooks.", hooks.webhooks, {}),
            ("postroom_webhooks_paused", "Webhooks that are paused.", hooks.paused, {}),
            ("postroom_webhook_calls_waiting", "Calls of webhooks that are to be made.", hooks.waiting, {}),
            ("postroom_webhook_calls_given_up", "Calls of webhooks that were given up.", hooks.given_up, {}),
        ]

    def _set(self, name: str, about: str, value: float, labels: dict[str, str]) -> None:
        if name not in self._gauges:
            self._gauges[name] = Gauge(name, about, list(labels), registry=self._registry)
        gauge = self._gauges[name]
        (gauge.labels(**labels) if labels else gauge).set(value)


def size(path: str) -> int:
    """The size of a file that may not be there."""
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
