"""A function in a process of its own, so that one measurement leaves nothing behind for the next."""

import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection

FORK = multiprocessing.get_context("fork")
SECONDS_MAX = 240


class Failed(Exception):
    """A process of the benchmark ended without a result."""

    def __init__(self, who: str) -> None:
        super().__init__(f"{who} ended without a result; its traceback is above")


def in_process(name: str, act: Callable[[], dict[str, float]]) -> dict[str, float]:
    """What `act` returns, computed in a forked process that is ended by the clock if it hangs."""
    ours, theirs = FORK.Pipe(duplex=False)
    process = FORK.Process(target=_answer, args=(act, theirs), name=name)
    process.start()
    theirs.close()
    try:
        found: dict[str, float] = ours.recv()
    except EOFError as error:
        raise Failed(name) from error
    finally:
        process.join()
    return found


def _answer(act: Callable[[], dict[str, float]], pipe: Connection) -> None:
    signal.alarm(SECONDS_MAX)
    pipe.send(act())
