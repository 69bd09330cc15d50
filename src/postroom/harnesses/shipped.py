"""What comes with Postroom for harnesses: the plugin folder for Claude Code and Codex, and what JavaScript harnesses load."""

from __future__ import annotations

import os

from postroom.harnesses.harness import FILE, NAME, Entry

HERE = os.path.dirname(os.path.abspath(__file__))
PLUGIN = os.path.join(HERE, "plugin")


def text(*parts: str) -> str:
    """The text of a shipped file."""
    with open(os.path.join(HERE, *parts), encoding="utf-8", newline="") as file:
        return file.read()


def skill(directory: str) -> Entry:
    """What models should know of Postroom, in a directory of skills."""
    return Entry(os.path.join(directory, NAME, "SKILL.md"), (), text("plugin", "skills", NAME, "SKILL.md"), FILE)
