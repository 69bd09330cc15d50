"""The real harnesses, as npm has them: where they are, and how they are started in an empty home without anything of ours around them."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.cli.shell import KEPT
from tests.npm import node, program

if TYPE_CHECKING:
    from collections.abc import Mapping

SOON_S = 240
QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "PI_OFFLINE": "1",
    "npm_config_offline": "true",  # before it loads any plugin OpenCode installs a package, and waits for a network for more than a minute
}
"""What keeps them from talking to their vendors."""


class Package(NamedTuple):
    """What npm calls a harness, the version that was looked at, and its command."""

    name: str
    version: str
    command: str


PACKAGES = {
    "claude-code": Package("@anthropic-ai/claude-code", "2.1.328", "claude"),
    "codex": Package("@openai/codex", "0.169.0", "codex"),
    "opencode": Package("opencode-ai", "1.18.33", "opencode"),
    "gemini-cli": Package("@google/gemini-cli", "0.61.0", "gemini"),
    "pi": Package("@earendil-works/pi-coding-agent", "0.87.1", "pi"),
}


@cache
def folder(harness: str) -> str:
    """The directory in which the command of a harness is; it is installed if it is not there yet."""
    package = PACKAGES[harness]
    script = Path(program(package.name, package.version, package.command)[1])
    modules = next(path for path in reversed(script.parents) if path.name == "node_modules")
    return str(modules / ".bin")


def path_with(*harnesses: str) -> str:
    """A $PATH with some harnesses, Node, and what every system has."""
    return os.pathsep.join([*map(folder, harnesses), str(Path(node()[0]).parent), os.defpath])


def surroundings(home: Path, *harnesses: str, **more: str) -> dict[str, str]:
    """All the variables that a harness gets: nothing of whoever runs the tests. What measures coverage is for our own programs in it."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(KEPT)}
    own = {"PATH": path_with(*harnesses), "HOME": str(home), "POSTROOM_HOME": str(home / "postroom"), "LANG": "C.UTF-8"}
    return kept | QUIET | own | more


def run(command: list[str], environment: Mapping[str, str], directory: Path) -> str:
    """Run a harness to its end, and return what it printed."""
    done = subprocess.run(
        command, env=environment, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SOON_S, check=False
    )
    return done.stdout + done.stderr
