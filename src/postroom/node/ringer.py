"""The program that tells people: reads addresses and a text, tells each address, and says what came of it.

A process of its own, as apprise blocks, and loads much: it is ended when it takes too long, and nothing of an address is in its arguments.
Nothing of an address may be in what it says, either: of what apprise logs only what WORDS find is passed on.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import re
import sys
from threading import Thread

WORDS = (
    (re.compile(r"error=([1-9][0-9]{2})\b"), "it answered {0}"),
    (re.compile(r"[Cc]onnection"), "it cannot be reached"),
    (re.compile(r"[Tt]imed? ?out"), "it does not answer in time"),
)
UNKNOWN = "it is no address that apprise knows"
"""See https://github.com/caronc/apprise for those that it does."""
FAILED = "it was refused"
PATIENCE_S = 20.0


class Reasons(logging.Handler):
    """Keeps what was logged, for `reason`."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.said.append(record.getMessage())


def reason(said: list[str]) -> str:
    """Why it failed, as far as that can be said without an address."""
    for pattern, words in WORDS:
        for text in reversed(said):
            if found := pattern.search(text):
                return words.format(*found.groups())
    return FAILED


def tell(url: str, title: str, body: str) -> str:
    """Tell one address. Returns why that failed, or nothing."""
    import apprise

    reasons = Reasons()
    logger = logging.getLogger("apprise")
    logger.handlers, logger.propagate = [reasons], False
    logger.setLevel(logging.INFO)
    told = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False, secure_logging=True))
    if not told.add(url):
        return UNKNOWN
    done: list[bool] = []
    thread = Thread(target=lambda: done.append(bool(told.notify(title=title, body=body))), daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    if thread.is_alive():
        return "it does not answer in time"
    return "" if done and done[0] else reason(reasons.said)


def main() -> None:
    """Tell all of them, one after the other."""
    wish = json.load(sys.stdin)
    out = sys.stdout
    for url in wish["urls"]:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            try:
                why = tell(url, wish["title"], wish["body"])
            except Exception as error:  # noqa: BLE001  # whatever a plug-in does, its text may hold the address
                why = f"it failed ({type(error).__name__})"
        out.write(json.dumps(why) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
