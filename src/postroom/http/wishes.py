"""What is asked of the counter, and how those who asked are told what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple, TypeVar

Result = TypeVar("Result")


class Wish(NamedTuple):
    """Something to be done, and who is told the outcome. It is needless when `unless` says so, which is asked before."""

    job: Callable[[], object]
    answer: Callable[[object], None]
    alone: bool
    unless: Callable[[], bool] | None


Told = tuple[Wish, object]
"""A wish, and what came of it."""


def attempt(job: Callable[[], object] | None) -> object:
    """What came of a job: what it returned, or the error that it raised."""
    try:
        return None if job is None else job()
    except Exception as error:  # noqa: BLE001  # goes to whoever waits for it
        return error


def answer(future: asyncio.Future[Result | None], value: object) -> None:
    """Tell one who waits what came of it."""
    if future.done():
        return
    if isinstance(value, Exception):
        future.set_exception(value)
    else:
        future.set_result(value)  # type: ignore[arg-type]  # what its own job returned


def answer_all(outcomes: list[Told]) -> None:
    """Tell those who wait what came of it."""
    for wish, value in outcomes:
        wish.answer(value)


def nothing() -> None:
    """Nothing to be done."""


def nobody(_value: object) -> None:
    """Nobody waits for it."""
