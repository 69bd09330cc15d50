"""What every harness says of itself, in the same words: the interface that the files of this folder fill in."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from postroom.harnesses.editing.values import Keys, Value

NAME = "postroom"
"""Under which the server is known everywhere; the models see it in the names of their tools."""
USER, PROJECT = "user", "project"
SCOPES = (USER, PROJECT)
KEY, ITEM, FILE = "key", "item", "file"


class Place(NamedTuple):
    """Whose configuration it is about: a person's, or with `project` that of one directory; and what is put in."""

    environ: Mapping[str, str]
    program: tuple[str, ...]
    """How this Postroom is started, with absolute paths."""
    project: str | None = None
    asks: bool = False
    """Whether the harness is to ask its user before each use of our tools."""

    @property
    def scope(self) -> str:
        """`user` or `project`."""
        return USER if self.project is None else PROJECT

    def home(self, *parts: str) -> str:
        """A path in the home directory."""
        return os.path.join(self.environ.get("HOME") or os.path.expanduser("~"), *parts)

    def config(self, *parts: str) -> str:
        """A path in the directory of configurations."""
        return os.path.join(self.environ.get("XDG_CONFIG_HOME") or self.home(".config"), *parts)

    def named(self, variable: str, *default: str) -> str:
        """A directory that a variable of the environment names, or one in the home directory."""
        return self.environ.get(variable) or self.home(*default)

    def here(self, *parts: str) -> str:
        """A path in the project."""
        assert self.project is not None, "asked at project scope only"
        return os.path.join(self.project, *parts)

    def command(self, *words: str) -> str:
        """A command of this Postroom, for a shell."""
        return shlex.join([*self.program, *words])


class Entry(NamedTuple):
    """Something of ours in a file: a value under a key, an item of a list under a key, or the whole text of a file."""

    path: str
    keys: Keys
    value: Value
    kind: str = KEY


class Outcome(NamedTuple):
    """What came of really connecting: whether it works (None: this cannot be found out), and in words."""

    connected: bool | None
    detail: str


Entries = Callable[[Place], list[Entry]]
Probe = Callable[[Place, str], Outcome]


class Harness(NamedTuple):
    """A program in which agents live."""

    name: str
    title: str
    programs: tuple[str, ...]
    """Its commands; the first is asked for its version."""
    traces: Callable[[Place], tuple[str, ...]]
    """Files or directories that are there when it is installed."""
    entries: Entries
    scopes: tuple[str, ...] = SCOPES
    probe: Probe | None = None
    advice: tuple[str, ...] = ()
    """What a person has to do after installing."""


def server(place: Place) -> dict[str, Value]:
    """How most harnesses are told of an MCP server."""
    return {"command": place.program[0], "args": [*place.program[1:], "mcp"]}
