"""Style is tested too. Each rule that ruff cannot hold is one row of the table below, with a text that breaks it."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
TEXTS = {".css", ".html", ".in", ".js", ".json", ".md", ".py", ".sh", ".sql", ".toml", ".txt", ".yaml", ".yml", ""}

VAGUE_NAME = re.compile(r"(Manager|Helper|Utils?|Utility|Base|Handler)(?![a-z])")
BLANKET = re.compile(r"#\s*(noqa(?!:\s*[A-Z]+[0-9])|type:\s*ignore(?!\[)|ruff:\s*noqa(?!:\s*[A-Z]+[0-9]))", re.IGNORECASE)
TODO = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
# The homes of these are examples in documentation.
SOMEBODY = r"(?:alice|bob|me|someone|user|you)"
MACHINE = re.compile(rf"(?<![\w.])(?:/home/(?!{SOMEBODY}\b)\w|/Users/(?!{SOMEBODY}\b)\w|/root/\w)")
REGISTRY = re.compile(
    r"--(?:extra-)?index[-]url|--find[-]links"
    r"|https?://[\w.@:-]*(?:artifact|mirror|nexus|proxy|pypi|registry)",
    re.IGNORECASE,
)

type_of_function = ast.FunctionDef | ast.AsyncFunctionDef


def long_files(text: str) -> Iterator[str]:
    lines = text.count("\n")
    if lines > FILE_LINES_MAX:
        yield f"1: {lines} lines, at most {FILE_LINES_MAX}"


def long_functions(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, type_of_function):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield f"{node.lineno}: {node.name} has {lines} lines, at most {FUNCTION_LINES_MAX}"


def lawless_modules(text: str) -> Iterator[str]:
    if not ast.get_docstring(ast.parse(text)):
        yield "1: does not open with what lives here"


def vague_class_names(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef) and VAGUE_NAME.search(node.name):
            yield f"{node.lineno}: class {node.name} is not named after a thing"


def comments(text: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def blanket_exemptions(text: str) -> Iterator[str]:
    for line, comment in comments(text):
        if BLANKET.search(comment):
            yield f"{line}: {comment} does not say which rule"


def postponed_work(text: str) -> Iterator[str]:
    for line, comment in comments(text):
        if TODO.search(comment):
            yield f"{line}: {comment}"


def traces_of_a_machine(text: str) -> Iterator[str]:
    for line, content in enumerate(text.splitlines(), start=1):
        if found := MACHINE.search(content) or REGISTRY.search(content):
            yield f"{line}: {found.group()}"


class Rule(NamedTuple):
    """A check that yields `line: fault` for a text, the files it is for, and a text that it must find fault with."""

    faults: Callable[[str], Iterator[str]]
    files: Callable[[], Iterator[Path]]
    broken: str


def shipped() -> Iterator[Path]:
    return (ROOT / "src").rglob("*.py")


def code() -> Iterator[Path]:
    for folder in ("src", "tests", "bench"):
        yield from (ROOT / folder).rglob("*.py")


def texts() -> Iterator[Path]:
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.suffix in TEXTS and path.name != ".coverage")
    for folder in ("src", "tests", "bench", "docs", ".ci"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix in TEXTS and "__pycache__" not in path.parts:
                yield path


RULES = [
    Rule(long_files, shipped, "\n" * (FILE_LINES_MAX + 1)),
    Rule(long_functions, code, "def f():\n" + "    ...\n" * FUNCTION_LINES_MAX),
    Rule(lawless_modules, code, "import os\n"),
    Rule(vague_class_names, shipped, "class MessageHandler: ...\n"),
    Rule(blanket_exemptions, code, "import os  #" + " noqa\n"),
    Rule(postponed_work, code, "x = 1  #" + " TODO later\n"),
    Rule(traces_of_a_machine, texts, "cd /ho" + "me/carol/postroom\n"),
]
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.faults.__name__)


@each_rule
def test_the_project_keeps(rule):
    found = [f"{path.relative_to(ROOT)}:{fault}" for path in rule.files() for fault in rule.faults(path.read_text(encoding="utf-8"))]
    assert not found, "\n".join(found)


@each_rule
def test_a_breach_is_noticed_of(rule):
    assert list(rule.faults(rule.broken))


@each_rule
def test_there_is_something_to_check_for(rule):
    assert any(rule.files())
