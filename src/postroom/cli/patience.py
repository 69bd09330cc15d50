"""What changes when a command stays: garbage is collected again, and SIGTERM lets it leave the post room properly."""

from __future__ import annotations

import gc
from signal import SIGTERM, signal
from types import FrameType

TERMINATED = 143  # as shells count: 128 + SIGTERM


def stay() -> None:
    """Prepare this process for a longer life."""
    gc.enable()
    signal(SIGTERM, leave)


def leave(_signal: int, _frame: FrameType | None) -> None:
    """Leave through all `finally` blocks."""
    raise SystemExit(TERMINATED)
