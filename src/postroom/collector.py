"""How Python's cyclic collector rests while thousands of values are made at once."""

from __future__ import annotations

import gc

from postroom.core.types import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType


class AtRest:
    """Within this the collector does not look for cycles: it would look again and again through values that are all kept.

    In a listing of 10,000 agents that is 15 of 38 ms. Threads may rest at the same time: whoever found it running lets it run again.
    """

    __slots__ = ("_was_running",)

    def __enter__(self) -> None:
        self._was_running = gc.isenabled()
        gc.disable()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._was_running:
            gc.enable()
