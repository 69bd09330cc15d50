"""From `send` until the request of an idle Claude Code session reaches its model: the real program, a model that is played by a script."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import postroom
from bench.peer import Missing
from bench.process import Failed

if TYPE_CHECKING:
    from tests.harnesses.model import Output
    from tests.harnesses.wire import Asked

MESSAGES = 6
PAUSE_SECONDS = 2.5
"""Mail is pushed once in two seconds at most."""
PATIENCE_SECONDS = 60
ROOT = Path(__file__).resolve().parent.parent


class Waking:
    """An idle session that was connected by `postroom install`, hooks included."""

    subject = "Postroom safe"
    load = "waking"

    def __init__(self, home: Path) -> None:
        sys.path.insert(0, str(ROOT))  # the scripted model and the sessions are those of the tests
        try:
            from tests.harnesses import model, sessions
        except ImportError as error:
            raise Missing(str(error.name), "bench/requirements.txt") from error
        self._model, self._sessions = model, sessions
        self._home = home
        self._project = home / "webshop"
        self._project.mkdir(parents=True)
        program = str(Path(sys.executable).with_name("postroom"))
        with model.Model() as played:
            environment = sessions.around(home, "claude-code", played, "claude")
        self._post = Path(environment["POSTROOM_HOME"])
        done = subprocess.run([program, "install", "claude-code", "--yes"], env=environment, capture_output=True, check=False)
        if done.returncode:
            sys.stderr.buffer.write(done.stderr)
            raise Failed(program)

    def measure(self) -> dict[str, float]:
        came: dict[str, int] = {}
        took = []
        with self._model.Model() as played, postroom.connect("tester", home=self._post) as me:
            played.scripts["claude"] = lambda asked: self._note(came, asked)
            with self._sessions.Claude(self._home, self._project, played):
                name = "claude-webshop"
                wait_for(lambda: status(me, name) == "idle")
                for number in range(MESSAGES):
                    time.sleep(PAUSE_SECONDS)
                    word = f"tick{number}of{os.getpid()}"
                    began = time.monotonic_ns()
                    me.send(name, word)
                    wait_for(lambda: any(word in text for text in came))  # noqa: B023  # waited for at once
                    took.append(next(at for text, at in came.items() if word in text) - began)
                    wait_for(lambda: status(me, name) == "idle")
        return {"idle_claude_ms": median(took) / 1e6, "slowest_ms": max(took) / 1e6}

    def _note(self, came: dict[str, int], asked: "Asked") -> "Output":
        came.setdefault(asked.new, time.monotonic_ns())
        return self._model.say()(asked)


def status(me: postroom.Agent, name: str) -> str:
    """What an agent does, as others see it; "" while there is none."""
    return next((agent.status for agent in me.agents() if agent.name == name), "")


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError
        time.sleep(0.005)
