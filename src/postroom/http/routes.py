"""Which path is for what: a table of exact paths, and of those with one changing part. Nothing is done here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeAlias
from urllib.parse import unquote

from postroom.core.refusals import NoSuchPath, WrongMethod
from postroom.http.request import Answer, Request, Stream

Act: TypeAlias = Callable[[Request], Awaitable[Answer | Stream]]


class Route(NamedTuple):
    """One row. The part of the path in braces, if there is one, is the last."""

    method: str
    path: str
    act: Act
    open: bool = False  # nobody has to say who he is


class Routes:
    """The table."""

    def __init__(self, rows: Sequence[Route]) -> None:
        self._exact: dict[str, dict[str, Route]] = {}
        self._prefixed: dict[str, tuple[str, dict[str, Route]]] = {}
        for row in rows:
            before, brace, name = row.path.partition("{")
            if brace:
                self._prefixed.setdefault(before, (name.rstrip("}"), {}))[1][row.method] = row
            else:
                self._exact.setdefault(row.path, {})[row.method] = row

    def find(self, request: Request) -> Route:
        """The row of a request. Raises NoSuchPath, WrongMethod."""
        rows = self._exact.get(request.path) or self._changing(request)
        if not rows:
            raise NoSuchPath(path=request.path[:200])
        method = "GET" if request.method == "HEAD" else request.method
        if method not in rows:
            allowed = sorted({*rows, "HEAD"} if "GET" in rows else rows)
            raise WrongMethod(path=request.path[:200], method=request.method[:20], allowed=", ".join(allowed))
        return rows[method]

    def _changing(self, request: Request) -> dict[str, Route] | None:
        raw = request.scope.get("raw_path")
        path = raw.decode("ascii", "replace") if isinstance(raw, bytes) else request.path
        before, slash, rest = path.rpartition("/")
        found = self._prefixed.get(before + slash)
        if found is None or not rest:
            return None
        name, rows = found
        request.parameters[name] = unquote(rest, errors="replace")
        return rows
