"""A home with the configuration of somebody, and what becomes of its bytes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

import postroom
from tests.cli.shell import Shell
from tests.harnesses.model import Model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from postroom.agent import Agent

Tree = dict[str, tuple[int, bytes | str | None]]
"""Each path with its mode, and its bytes, or where a link leads, or None for a directory."""

OWN = {
    ".claude.json": '{\n  "numStartups": 3,\n  "mcpServers": {\n    "other": {"command": "x", "args": []}\n  }\n}\n',
    ".claude/settings.json": '{\r\n\t"model": "opus",\r\n\t"hooks": {"Stop": [{"hooks": [{"command": "say done"}]}]}\r\n}',
    ".codex/config.toml": '# mine\nmodel = "gpt"\n\n[mcp_servers.other]\ncommand = "x" # why\n\n[tui]\ntheme = "dark"',
    ".config/opencode/opencode.jsonc": '// mine\n{\n    "theme": "dark", // night\n    "mcp": {},\n}\n',
    ".gemini/settings.json": '{"ui": {"theme": "Default"}}',
    ".pi/agent/settings.json": "{}\n",
    ".cursor/mcp.json": "",
    ".config/Code/User/mcp.json": '\ufeff{"servers": {}, "inputs": []}',
    ".codeium/windsurf/mcp_config.json": "{}",
    ".config/zed/settings.json": '// Zed settings\n{\n  "vim_mode": true,\n}\n',
    ".config/goose/config.yaml": "GOOSE_MODEL: gpt\nextensions:\n  developer:\n    enabled: true\n    type: builtin\n",
    ".config/amp/settings.json": '{"amp.showCosts": true}\n',
}
ALL = ["claude-code", "codex", "opencode", "gemini-cli", "pi", "cursor", "vs-code", "windsurf", "zed", "goose", "amp"]


class Person(Shell):
    """Somebody at a shell, with files of their own."""

    def write(self, files: dict[str, str], mode: int = 0o644) -> None:
        """Put files into the home."""
        for name, text in files.items():
            path = self.home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
            path.chmod(mode)

    def read(self, name: str) -> str:
        """The text of a file in the home."""
        return (self.home / name).read_bytes().decode()

    def tree(self) -> Tree:
        """All that is in the home."""
        return {os.path.relpath(path, self.home): what_is_at(path) for path in self.home.rglob("*") if path.name != "run"}


def what_is_at(path: Path) -> tuple[int, bytes | str | None]:
    mode = path.lstat().st_mode
    if path.is_symlink():
        return mode, str(path.readlink())
    return mode, path.read_bytes() if path.is_file() else None


@pytest.fixture
def person(home: Path) -> Person:
    """Somebody who has nothing yet."""
    return Person(home)


@pytest.fixture
def owner(person: Person) -> Person:
    """Somebody who uses every harness, each with settings of their own."""
    person.write(OWN)
    return person


@pytest.fixture
def model() -> Iterator[Model]:
    """A scripted model."""
    with Model() as model:
        yield model


@pytest.fixture
def tester(person: Person) -> Iterator[Agent]:
    """Somebody in the post room of that person."""
    with postroom.connect("tester", home=person.home / "postroom") as agent:
        yield agent
