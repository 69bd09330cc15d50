"""Which addresses a webhook may have, and how much of one may be shown: the rest may be a secret."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from postroom.core.errors import BadValue

PORTS: Final = {"http": 80, "https": 443}
URL_CHARS: Final = 2_000
"""More than any service needs, and what every program on the way can take."""
PRINTABLE: Final = re.compile(r"[\x21-\x7e]+")


def checked_url(url: str) -> SplitResult:
    """The parts of an address that can be called. Raises BadValue, which does not say it: it may hold a secret."""
    if len(url) > URL_CHARS or not PRINTABLE.fullmatch(url):
        raise wrong(f"it is a URL of at most {URL_CHARS:,} printable ASCII characters")  # noqa: TRY003  # BadValue says the rest
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise wrong("its host or port cannot be read") from None  # noqa: TRY003  # as above
    if parts.scheme not in PORTS or not parts.hostname:
        raise wrong("it begins with https:// or http://, and a host")  # noqa: TRY003
    if port == 0:
        raise wrong("its port is 0")  # noqa: TRY003
    if parts.username is not None or parts.password is not None:
        raise wrong("names and passwords before the host are not sent; put a key into its path or query")  # noqa: TRY003
    if parts.fragment:
        raise wrong("what follows a # is never sent")  # noqa: TRY003
    return parts


def wrong(why: str) -> BadValue:
    """The error for an address."""
    return BadValue(name="the address of a webhook", value="what you gave", why=why)


def origin(url: str) -> str:
    """The part of an address that may be shown: the rest may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/" + ("…" if parts.path.strip("/") or parts.query else "")
