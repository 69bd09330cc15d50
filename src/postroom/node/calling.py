"""One HTTP request to a receiver: within a time, on a connection of its own, without following anybody elsewhere.

What comes back besides the status is not read, and no part of the address gets into what is said about a failure.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from contextlib import suppress
from functools import cache
from socket import gaierror
from typing import Final

from postroom import __version__
from postroom.core.webhook import Outcome
from postroom.exchange.addressing import PORTS, checked_url

HEAD_BYTES_MAX: Final = 16_384
STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: [^\r\n]*)?\r?\n")
RETRY_AFTER: Final = re.compile(rb"^retry-after:[ \t]*([0-9]{1,9})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
FINAL: Final = 200


@cache
def trust() -> ssl.SSLContext:
    """The authorities that this system trusts."""
    return ssl.create_default_context()


async def post(url: str, headers: dict[str, str], body: bytes, *, timeout_s: float) -> Outcome:
    """Post a JSON body to an address, and say what came of it."""
    try:
        async with asyncio.timeout(timeout_s):
            return await answer_to(url, headers, body)
    except Exception as error:  # noqa: BLE001  # whatever it is, it concerns this receiver, and must not keep others waiting
        return Outcome(None, reason(error, timeout_s))


def reason(error: Exception, timeout_s: float) -> str:
    """Why there was no answer, without any part of the address."""
    match error:
        case TimeoutError():
            why = f"there was no answer within {timeout_s:g} s"
        case gaierror() | UnicodeError():
            why = "its host is not known"
        case ssl.SSLCertVerificationError():
            why = f"its certificate is not valid (code {error.verify_code})"
        case ssl.SSLError():
            why = f"TLS failed ({error.reason})"
        case OSError():
            why = os.strerror(error.errno).lower() if error.errno else "it cannot be reached"
        case _:
            why = f"it cannot be called ({type(error).__name__})"
    return why


async def answer_to(url: str, headers: dict[str, str], body: bytes) -> Outcome:
    """The same, without a limit of time. Raises OSError."""
    parts = checked_url(url)
    assert parts.hostname is not None, "checked above"
    secure = parts.scheme == "https"
    reader, writer = await asyncio.open_connection(
        parts.hostname, parts.port or PORTS[parts.scheme], ssl=trust() if secure else None, limit=HEAD_BYTES_MAX
    )
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        fields = {
            "Host": parts.netloc,
            "User-Agent": f"postroom/{__version__}",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Connection": "close",
            **headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body)
        with suppress(ConnectionError):  # one that has answered before it has read everything
            await writer.drain()
        return await status_of(reader)
    finally:
        writer.transport.abort()


async def status_of(reader: asyncio.StreamReader) -> Outcome:
    """What the head of the answer says. Answers that announce another one are passed over."""
    while True:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return Outcome(None, "its answer is not HTTP")
        found = STATUS.match(head)
        if found is None:
            return Outcome(None, "its answer is not HTTP")
        if (status := int(found[1])) >= FINAL:
            later = RETRY_AFTER.search(head)
            return Outcome(status, retry_after_s=int(later[1]) if later else 0)
