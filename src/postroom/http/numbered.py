"""Calls with numbers: each is done once, however often it comes, and goes on although its connection broke."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from postroom.http.lodger import Lodger
from postroom.http.refusal import refusal
from postroom.http.request import Answer


async def numbered(lodger: Lodger, number: int, doing: Callable[[], Awaitable[Answer]]) -> Answer:
    """The answer to a call. If this is cancelled, the call goes on. Raises BadRequest for a number that is too old to be known."""
    call = lodger.called(number)
    if call is None:
        call = asyncio.create_task(kept(doing))
        lodger.begin(number, call)
    return await asyncio.shield(call)


async def kept(doing: Callable[[], Awaitable[Answer]]) -> Answer:
    """An answer that may be given several times: errors are answers too, and what follows it is done when it was written out once."""
    try:
        answer = await doing()
    except asyncio.CancelledError:
        raise
    except Exception as error:  # noqa: BLE001  # the answer to be repeated
        return refusal(error)
    first = answer.after
    if first is None:
        return answer
    settled: list[bool] = []

    async def after(written: bool) -> None:  # noqa: FBT001  # a callback
        if written and not settled:
            settled.append(True)
            await first(written)

    return Answer(answer.status, answer.body, answer.headers, after)
