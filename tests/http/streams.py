"""One who watches a live feed, and can be cut off at any moment."""

from __future__ import annotations

import json
from typing import Any, NamedTuple, Self

from tests.http.asking import Client


class Seen(NamedTuple):
    """One event of a stream."""

    kind: str
    data: dict[str, Any]
    id: str


class Watch:
    """A stream of server-sent events, read as far as the test wants."""

    def __init__(self, client: Client, query: str = "", last: str | None = None) -> None:
        self._connection = client._connect()
        headers = {**client.headers, **({"Last-Event-ID": last} if last else {})}
        self._connection.request("GET", f"/api/live{query}", headers=headers)
        self._answer = self._connection.getresponse()
        assert self._answer.status == 200, self._answer.read()
        assert self._answer.headers["Content-Type"] == "text/event-stream"
        self.last = last or ""
        self._block()  # the place where it begins

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    def cut(self) -> None:
        """Go without a word."""
        self._answer.close()
        self._connection.close()

    def next(self, kind: str | None = None) -> Seen:
        """The next event that is not `changed`; of a kind, if one is wanted."""
        while True:
            seen = self._block()
            if seen.kind not in {"changed", ""} and kind in {None, seen.kind}:
                return seen

    def _block(self) -> Seen:
        fields: dict[str, str] = {}
        while (line := self._answer.readline().decode()) not in {"\n", ""}:
            name, _, value = line.rstrip("\n").partition(": ")
            fields[name] = value
        assert line, "the stream has ended"
        self.last = fields.get("id", self.last)
        return Seen(fields.get("event", ""), json.loads(fields.get("data", "{}")), self.last)
