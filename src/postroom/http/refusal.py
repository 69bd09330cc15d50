"""Errors as answers: the object that the command line prints with --json, with the class's name, and the status of the class."""

from __future__ import annotations

import logging

from postroom.core.errors import Bug, Closed, PostroomError
from postroom.core.plain import failure_object
from postroom.core.refusals import BadToken, NodeStopped
from postroom.http.request import JSON, Answer, encode

log = logging.getLogger("postroom.node")
RETRY_S = 5
"""When to come again, where nobody knows better."""


def refusal(error: BaseException) -> Answer:
    """What is answered to an error. One that is none of ours is a bug, and its text stays in the log of the node."""
    if not isinstance(error, PostroomError):
        log.error("bug", exc_info=error, extra={"facts": {"what": type(error).__name__}})
        error = Bug(what=type(error).__name__)
    if isinstance(error, Closed):  # its seat was left meanwhile: by itself, or because the node ends
        error = NodeStopped()
    headers = [*JSON, *more_headers(error)]
    return Answer(error.http_status, encode(told(error)), tuple(headers))


def told(error: PostroomError) -> dict[str, object]:
    """An error as clients get it."""
    shown = failure_object(error)
    return {"error": shown.pop("error"), "type": type(error).__name__, **shown}


def more_headers(error: PostroomError) -> list[tuple[bytes, bytes]]:
    """What belongs to some errors besides."""
    wait_ms = error.facts.get("retry_after_ms")
    if isinstance(wait_ms, int):
        return [(b"retry-after", b"%d" % -(-wait_ms // 1000))]
    if error.http_status in {503, 429} and error.retry:
        return [(b"retry-after", b"%d" % RETRY_S)]
    if isinstance(error, BadToken) or error.http_status == BadToken.http_status:
        return [(b"www-authenticate", b'Bearer realm="postroom"')]
    if "allowed" in error.facts:
        return [(b"allow", str(error.facts["allowed"]).encode())]
    return []
