"""docs/promises.md names the tests that prove each promise: they exist, and no promise is without one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "promises.md"
PROMISES = 10
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
HEADING = re.compile(r"^## (\d+)\. ", re.MULTILINE)


def names_in(path: Path) -> set[str]:
    """The tests of a file: functions, and what Hypothesis makes of a state machine."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {name for name in found if name.startswith(("test_", "Test"))}


def sections() -> dict[int, str]:
    parts = HEADING.split(PAGE.read_text(encoding="utf-8"))
    return {int(number): text for number, text in zip(parts[1::2], parts[2::2], strict=True)}


@pytest.mark.parametrize("file, name", sorted(set(NAMED.findall(PAGE.read_text(encoding="utf-8")))))
def test_a_test_that_is_named_exists(file, name):
    assert (ROOT / file).exists()
    assert name in names_in(ROOT / file)


def test_every_promise_is_there_with_a_test():
    assert list(sections()) == list(range(1, PROMISES + 1))
    assert all(NAMED.search(text) for text in sections().values())


def test_whatever_looks_like_a_test_is_read_as_one():
    text = PAGE.read_text(encoding="utf-8")
    assert len(re.findall(r"::\w", text)) == len(NAMED.findall(text))
