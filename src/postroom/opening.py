"""What is opened with asyncio: awaited, or used as a block. Until then it is nothing but a reminder to do so."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar


class Closing(Protocol):
    """What is closed at the end of a block."""

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


Opened = TypeVar("Opened", bound=Closing)


class Opening(Generic[Opened]):
    """Something that is being opened: `x = await opening`, or `async with opening as x`, which closes it at the end."""

    def __init__(self, verb: str, opening: Coroutine[None, None, Opened]) -> None:
        self._verb = verb
        self._opening = opening

    def __repr__(self) -> str:
        return f"<not opened yet: write `await {self._verb}(...)` or `async with {self._verb}(...)`>"

    if not TYPE_CHECKING:  # a type checker knows that there is nothing else

        def __getattr__(self, name: str) -> object:
            """Say what was forgotten to one who uses what is not open."""
            if name.startswith("_"):
                raise AttributeError(name)
            message = f"{name!r} of something that is {self!r}"
            raise AttributeError(message)

    def __await__(self) -> Generator[None, None, Opened]:
        return self._opening.__await__()

    async def __aenter__(self) -> Opened:
        self._opened = await self
        return self._opened

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._opened.__aexit__(kind, error, trace)
