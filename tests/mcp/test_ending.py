"""The end of the input in the moments at which an answer could be lost: each is made to come about, not waited for."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from threading import Event, Thread
from time import monotonic

import pytest

from postroom import identity
from postroom.mcp.calls import Answering, Asked, Call
from postroom.mcp.digest import NATIVE
from postroom.mcp.guest import Guest, House
from postroom.mcp.pipe import Pipe
from postroom.mcp.reply import Reply, Tool
from postroom.mcp.tools import BY_NAME
from postroom.mcp.worker import Worker
from tests.waiting import SOON_S


class Ending:
    """A worker whose calls of `slow` are not begun before somebody waits for the worker's end."""

    def __init__(self, home, monkeypatch) -> None:
        self._reading, self._writing = os.pipe()
        self._ended = Event()
        self._guest = Guest(House(str(home / "postroom"), "bob"), identity.Guest("", ""))
        slow = Tool("slow", "", {}, self._slow, NATIVE)
        waiting = Tool("waiting", "", {}, self._wait, NATIVE)
        self.left: bool | None = None
        self._worker = Worker(self._guest, {**BY_NAME, "slow": slow, "waiting": waiting}, lambda _id: None)
        join = self._worker._thread.join

        def ending(timeout: float | None = None) -> None:
            self._ended.set()
            join(timeout)

        monkeypatch.setattr(self._worker._thread, "join", ending)
        self._answering = Answering(Pipe(self._reading, self._writing))

    def _slow(self, _guest, _given) -> Reply:
        assert self._ended.wait(SOON_S)
        return Reply("done")

    def _wait(self, guest, _given) -> Generator[float, bool | None, Reply]:
        try:
            yield SOON_S
        finally:
            self.left = guest._ended  # then the process may have ended, too
        return Reply("")

    def call(self, id: int, tool: str, **arguments: object) -> None:
        self._worker.do(Call(Asked(id, tool, arguments, 0, is_modern=False), self._answering))

    def come_in(self) -> None:
        self._worker.come_in()

    def answers(self) -> dict[int, str]:
        """End, and return what was answered."""
        ending = Thread(target=self._worker.close, args=(monotonic() + SOON_S,))
        ending.start()
        ending.join(2 * SOON_S)
        assert not ending.is_alive()
        os.set_blocking(self._reading, False)
        lines = os.read(self._reading, 1 << 16).splitlines()
        found = {answer["id"]: answer["result"]["content"][0]["text"] for answer in map(json.loads, lines)}
        os.close(self._reading)
        os.close(self._writing)
        return found


@pytest.fixture
def ending(home, monkeypatch) -> Ending:
    return Ending(home, monkeypatch)


def test_a_call_that_begins_to_wait_after_the_end_is_answered(ending):
    ending.call(1, "slow")
    ending.call(2, "waiting")
    assert ending.answers() == {1: "done", 2: "ended before anything came"}
    assert ending.left is False


def test_a_call_behind_an_agent_that_comes_in_by_itself_is_answered_after_the_end(ending):
    ending.call(1, "slow")
    ending.come_in()
    ending.call(2, "profile")
    answers = ending.answers()
    assert answers[1] == "done"
    assert answers[2].startswith("you are bob")
