"""What a webhook may be told, how a call is signed, and when one that failed is made again. See https://www.standardwebhooks.com.

Loaded by those who keep webhooks only.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Collection
from typing import Final, NamedTuple

from postroom.core.errors import BadValue

KINDS: Final = {
    "message": "each message that is sent, as far as it may be seen",
    "state": "what became of messages: read, answered, expired, refused, or delivered after being held",
    "event": "who came and went in rooms, who changed status or name",
}
DEFAULT: Final = ("message", "state")
SECRET: Final = "whsec_"  # noqa: S105  # by which programs that look for secrets in files find ours
SECRET_BYTES: Final = 32
FACTOR: Final = 4
WAIT_MS_MAX: Final = 28_800_000
"""8 hours. With a first wait of 5 s and 10 attempts, a call is tried for about a day."""
OK: Final = range(200, 300)
REDIRECTS: Final = range(300, 400)
GONE: Final = 410


class Outcome(NamedTuple):
    """What came of a call: the status of the answer, or why there was none; and for how long the receiver wants to be left alone."""

    status: int | None
    why: str = ""
    retry_after_s: int = 0

    @property
    def arrived(self) -> bool:
        """Whether the receiver has it."""
        return self.status in OK

    @property
    def said(self) -> str:
        """The same in words. No part of the address is in it."""
        match self.status:
            case None:
                return self.why
            case status if status in REDIRECTS:
                return f"it answered {status}, and redirects are not followed"
            case status:
                return f"it answered {status}"


def checked_kinds(kinds: Collection[str]) -> tuple[str, ...]:
    """What a webhook is told, in the order of the table. Raises BadValue."""
    for kind in kinds:
        if kind not in KINDS:
            raise BadValue(name="events", value=kind, why=f"they are some of {', '.join(KINDS)}")
    if not kinds:
        raise BadValue(name="events", value="nothing", why=f"they are some of {', '.join(KINDS)}")
    return tuple(kind for kind in KINDS if kind in kinds)


def secret_of(random_bytes: bytes) -> str:
    """The secret that is made of chance."""
    return SECRET + base64.b64encode(random_bytes).decode()


def headers(secret: str, name: str, body: bytes, *, now_ms: int) -> dict[str, str]:
    """What proves that a call is ours and from now: the receiver computes the same with the secret that it knows."""
    key = base64.b64decode(secret.removeprefix(SECRET))
    timestamp = str(now_ms // 1000)
    signed = b".".join([name.encode(), timestamp.encode(), body])
    signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {"webhook-id": name, "webhook-timestamp": timestamp, "webhook-signature": f"v1,{signature}"}


def wait_ms(attempts: int, first_ms: int, chance: float) -> int:
    """How long to wait after so many attempts: four times as long each time, by chance up to a half less, so that calls spread out."""
    longest: int = min(first_ms * FACTOR ** min(attempts - 1, 20), max(first_ms, WAIT_MS_MAX))
    return round(longest * (1 - chance / 2))
