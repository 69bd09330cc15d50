"""The log of a node: events with fields, one JSON object a line on standard error. Never a body, a token or a key: only `facts`."""

from __future__ import annotations

import json
import logging
import sys
from time import gmtime, strftime


class Lines(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        at = f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(record.created))}.{int(record.msecs):03d}Z"
        facts = getattr(record, "facts", {})
        line = {"at": at, "level": record.levelname.lower(), "event": record.getMessage(), **facts}
        if record.exc_info and record.exc_info[2] is not None:
            line["where"] = where(record)
        return json.dumps(line, default=str)


def where(record: logging.LogRecord) -> str:
    """The places in our code that an error went through; its text may quote what somebody sent."""
    from traceback import extract_tb

    assert record.exc_info is not None
    return " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(extract_tb(record.exc_info[2])))


def begin(level: str) -> None:
    """Log from here on."""
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(Lines())
    ours = logging.getLogger("postroom.node")
    ours.handlers, ours.propagate = [out], False
    ours.setLevel(level.upper())
    for name in ("uvicorn.error", "uvicorn.access"):  # what they say may hold URLs as they came
        logging.getLogger(name).handlers, logging.getLogger(name).propagate = [logging.NullHandler()], False
