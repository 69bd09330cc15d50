"""Who may reach the node at all: programs, and the pages of its own console. No other web page does, whatever name it was loaded under.

Every check is a row of the table below; none of them looks at who the caller is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from postroom.core.refusals import BadRequest, WrongHost, WrongOrigin
from postroom.http.request import Request, Way

HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
PAGE = "/"
DESTINATIONS = frozenset({"document", "empty", "script", "style", "image", "font", "manifest"})
"""What the console's own pages load: see Sec-Fetch-Dest, https://www.w3.org/TR/fetch-metadata/. Not frames, objects, workers."""


def check(request: Request) -> None:
    """Raise WrongHost, WrongOrigin or BadRequest, unless every row lets the request through."""
    for name, row in ROWS:
        if name is None or request.has(name):
            row(request)


def host_is_ours(request: Request) -> None:
    """A page that was loaded under a name which now leads here (DNS rebinding) still says that name."""
    host = request.header(b"host")
    if request.way.same_user:  # curl says whatever stands in the address; nothing but this user's programs can connect
        return
    if host is None:
        raise BadRequest(why="it has no Host header")
    if not is_ours(request.way, host):
        raise WrongHost(host=repr(host[:100]))


@lru_cache(maxsize=256)
def is_ours(way: Way, host: str) -> bool:
    """Whether a host and port mean this node."""
    found = HOST.fullmatch(host)
    if found is None:
        return False
    name, port = found["name"], found["port"]
    if name.lower() in way.others or f"{name}:{port}".lower() in way.others:
        return True
    return name.lower() in way.hosts and (int(port) == way.port if port else way.port == (443 if way.secure else 80))


def origin_is_ours(request: Request) -> None:
    """Browsers say whose page makes a request; programs say nothing."""
    origin = request.header(b"origin")
    if origin is None:
        return
    scheme, _, rest = origin.partition("://")
    ours = rest.lower() == (request.header(b"host") or "").lower() and is_ours(request.way, rest)
    if request.way.same_user or not ours or scheme != ("https" if request.way.secure else "http"):
        raise WrongOrigin(why=f"the origin is {origin[:100]!r}")


def fetch_is_ours(request: Request) -> None:
    """Browsers also say how a request came about. A link from elsewhere may lead to the page itself, and to nothing else."""
    site = request.header(b"sec-fetch-site")
    if site in {None, "same-origin", "none"}:
        if site is not None and request.header(b"sec-fetch-dest") not in {*DESTINATIONS, None}:
            raise WrongOrigin(why="it is loaded into another one")
        return
    navigates = request.header(b"sec-fetch-mode") == "navigate" and request.header(b"sec-fetch-dest") == "document"
    if request.way.same_user or not (navigates and request.method == "GET" and request.path == PAGE):
        raise WrongOrigin(why=f"the request comes from another site ({site[:20] if site else site})")


def is_one_request(request: Request) -> None:
    """A second Content-Length or Host, or both ways of saying where a body ends, are how requests are smuggled."""
    length, coding = request.header(b"content-length"), request.header(b"transfer-encoding")
    if length is not None and (coding is not None or not (length.isascii() and length.isdigit() and len(length) <= 15)):  # noqa: PLR2004
        raise BadRequest(why="its length is not clear")
    if coding is not None and coding.strip().lower() != "chunked":
        raise BadRequest(why="its Transfer-Encoding is not chunked")


ROWS: list[tuple[bytes | None, Callable[[Request], None]]] = [
    (b"transfer-encoding", is_one_request),
    (b"content-length", is_one_request),
    (None, host_is_ours),
    (b"origin", origin_is_ours),
    (b"sec-fetch-site", fetch_is_ours),
]
"""With the header that a row is about; None for one that must be there."""
