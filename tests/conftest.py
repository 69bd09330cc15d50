"""What every test gets: an empty home, an environment without traces of other agents, on request a post room."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroom.testing import PostRoom
    from tests.times import Timed

# What a harness, a terminal or a user's settings would say about who and where we are.
FOREIGN = (
    "AIDER",
    "CLAUDE",
    "CODEX",
    "COPILOT",
    "CURSOR",
    "GEMINI",
    "GOOSE",
    "OPENCODE",
    "POSTROOM_",
    "XDG_",
    "CLICOLOR",
    "COLUMNS",
    "FORCE_COLOR",
    "LINES",
    "NO_COLOR",
)

# A shell that starts the tests in the background lets them ignore Ctrl-C, and so would every program that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine makes an example slow, never wrong. `HYPOTHESIS_PROFILE=long` searches further.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("first-failure", settings.get_profile("default"), phases=(Phase.explicit, Phase.generate))  # planted faults
settings.register_profile("long", settings.get_profile("default"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the soak tests too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="a soak run; --long runs it"))


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The test's own empty home directory. Its path is short, as a socket's path must fit into 104 bytes."""
    for name in os.environ:
        if name.startswith(FOREIGN):
            monkeypatch.delenv(name)
    with tempfile.TemporaryDirectory(prefix="post-") as directory:
        path = Path(directory).resolve()
        run = path / "run"
        run.mkdir(mode=0o700)
        monkeypatch.setenv("HOME", str(path))
        monkeypatch.setenv("POSTROOM_HOME", str(path / "postroom"))
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(run))
        yield path


@pytest.fixture
def post(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostRoom]:
    """An isolated store; `post.agents("alice", "bob")` connects agents to it, and programs started here find it."""
    from postroom.testing import PostRoom

    with PostRoom() as room:
        monkeypatch.setenv("POSTROOM_HOME", str(room.home))
        yield room


@pytest.fixture
def timed(post: PostRoom) -> Timed:
    """The same store with a clock that stands still until the test moves it: `timed.agents("alice")`, `timed.pass_s(60)`."""
    from tests.times import Timed

    return Timed(post)
