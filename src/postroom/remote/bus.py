"""Which node is meant, and what opens its door: the URL and the token that were given, or that the environment names."""

from __future__ import annotations

import os
import stat

from postroom.core.refusals import BadToken, BadUrl
from postroom.core.types import NamedTuple

PORT = 8091
"""That of the bus in the article, and of a node."""
SCHEMES = ("http", "https", "unix")
TOKEN_BYTES_MAX = 1_000


class Bus(NamedTuple):
    """A node, and how one comes in. `path` is a Unix socket, or ""."""

    scheme: str
    host: str
    port: int
    path: str
    token: str | None = None

    @property
    def url(self) -> str:
        """How it is called in messages: never with the token."""
        if self.scheme == "unix":
            return f"unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def bus_at(url: str, token: str | None = None) -> Bus:
    """The node at `http://HOST:PORT`, `https://...` or `unix:///PATH`. Raises BadUrl, BadToken."""
    from urllib.parse import unquote, urlsplit

    token = token_from_environment() if token is None else token
    if token is not None and not (token and token.isascii() and token.isprintable() and " " not in token):
        raise BadToken(why="it has characters that no token has" if token else "it is empty")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadUrl(url=url, why=str(error)) from None
    if parts.scheme not in SCHEMES:
        raise BadUrl(url=url, why=f"it begins with {', '.join(f'{scheme}://' for scheme in SCHEMES)}")
    if parts.username or parts.password:
        raise BadUrl(url=f"{parts.scheme}://...", why="a secret does not belong into a URL: give it as the token")
    if parts.query or parts.fragment:
        raise BadUrl(url=url, why="nothing follows the path")
    if parts.scheme == "unix":
        if parts.netloc or not parts.path.startswith("/"):
            raise BadUrl(url=url, why="a socket is named by its whole path: unix:///PATH")
        return Bus("unix", "localhost", 0, unquote(parts.path), token)
    if not parts.hostname:
        raise BadUrl(url=url, why="it names no host")
    if parts.path.strip("/"):
        raise BadUrl(url=url, why="it has a path, and a node is at none")
    return Bus(parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else PORT), "", token)


def token_from_environment() -> str | None:
    """$POSTROOM_TOKEN, or what is in the file $POSTROOM_TOKEN_FILE. Raises BadToken for a file that others may read."""
    token = os.environ.get("POSTROOM_TOKEN")
    if token:
        return token.strip()
    path = os.environ.get("POSTROOM_TOKEN_FILE")
    return token_in(path) if path else None


def token_in(path: str) -> str:
    """The token in a file. Raises BadToken."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            if os.fstat(descriptor).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise BadToken(why=f"others may read {path}. Run: chmod 600 {path}")
            return os.read(descriptor, TOKEN_BYTES_MAX).decode("ascii", "replace").strip()
        finally:
            os.close(descriptor)
    except OSError as error:
        raise BadToken(why=f"{path} cannot be read ({error.strerror})") from error
