"""What the documentation shows is run, in order, in one home per page; what is generated is compared with its source.

A fenced block says after its language what becomes of it: `runnable` is run here, `not-run=needs-a-network` is not.
In `console` blocks `$ ` starts a command and `> ` goes on with it. Other lines are the output to expect, where `...`
stands for anything; no lines, no expectation. A command must succeed unless it ends with `# exit 67`.
"""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from postroom.agent import Agent
from postroom.delivery import Delivery
from postroom.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
LIMITS = ROOT / "docs" / "limits.md"
CLI = ROOT / "src" / "postroom" / "cli" / "__init__.py"
LANGUAGES = ("console", "bash", "sh", "python")
BLOCK_SECONDS = 60
FENCE = re.compile(r"^(?P<fence>`{3,})(?P<info>[^`\n]*)\n(?P<body>.*?)^(?P=fence)[ \t]*$", re.MULTILINE | re.DOTALL)
EXIT = re.compile(r"#\s*exit (\d+)\s*$")
END = "\x1eend-of-command"
# What pip writes as the console script, for when the package is imported from its sources.
PROGRAM = f"#!{sys.executable}\nimport sys\nfrom postroom.cli import main\nsys.exit(main())\n"


class Block(NamedTuple):
    """One fenced block of a page."""

    line: int
    language: str
    words: tuple[str, ...]
    body: str

    @property
    def runnable(self) -> bool:
        return "runnable" in self.words

    @property
    def marked(self) -> bool:
        return self.runnable or any(re.fullmatch(r"not-run=\S+", word) for word in self.words)


class Command(NamedTuple):
    """One command of a `console` block and what the page shows after it."""

    text: str
    output: str

    @property
    def exit_code(self) -> int:
        found = EXIT.search(self.text)
        return int(found.group(1)) if found else 0


def blocks(page: str) -> Iterator[Block]:
    for found in FENCE.finditer(page):
        language, *words = found["info"].split() or [""]
        yield Block(page.count("\n", 0, found.start()) + 1, language, tuple(words), found["body"])


def commands(body: str) -> Iterator[Command]:
    command, output = "", ""
    for line in body.splitlines():
        if line.startswith("$ "):
            if command:
                yield Command(command, output)
            command, output = line.removeprefix("$ "), ""
        elif line.startswith("> ") and command and not output:
            command += "\n" + line.removeprefix("> ")
        else:
            assert command, f"output before the first command: {line!r}"
            output += line.rstrip() + "\n"
    if command:
        yield Command(command, output)


def shown(expected: str, output: str) -> bool:
    """Whether a page may show `expected` for `output`: `...` stands for anything, also for several lines."""
    pattern = ".*".join(re.escape(part) for part in expected.strip().split("..."))
    stripped = "\n".join(line.rstrip() for line in output.strip().splitlines())
    return re.fullmatch(pattern, stripped, re.DOTALL) is not None


def run(program: list[str], source: str, directory: Path) -> tuple[int, str]:
    done = subprocess.run(
        program,
        input=source,
        cwd=directory,
        env=os.environ | {"PATH": f"{directory / 'bin'}{os.pathsep}{os.environ['PATH']}", "PYTHONDEVMODE": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=BLOCK_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout


def run_console(block: Block, directory: Path) -> Iterator[str]:
    """Run the commands in one shell, so that `export` and `cd` last, and tell what came out otherwise than shown."""
    asked = list(commands(block.body))
    script = "".join(f"{{ {command.text}\n}} </dev/null\nprintf '{END} %d\\n' $?\n" for command in asked)
    _, output = run(["bash"], script, directory)
    answers = re.findall(rf"(.*?){END} (\d+)\n", output, re.DOTALL)
    if len(answers) != len(asked):
        yield f"the shell ended early: {output}"
    for command, (answer, code) in zip(asked, answers, strict=False):
        if int(code) != command.exit_code:
            yield f"$ {command.text}\nexit code {code}, not {command.exit_code}: {answer}"
        elif command.output and not shown(command.output, answer):
            yield f"$ {command.text}\nprinted\n{answer}\nnot\n{command.output}"


def run_block(block: Block, directory: Path) -> Iterator[str]:
    if block.language == "console":
        yield from run_console(block, directory)
        return
    program = [sys.executable, "-"] if block.language == "python" else ["bash", "-euo", "pipefail", "-s"]
    code, output = run(program, block.body, directory)
    if code:
        yield f"exit code {code}: {output}"


@pytest.fixture
def directory(home: Path) -> Path:
    """A working directory in which `postroom` and `python` are the ones under test."""
    (home / "bin").mkdir()
    installed = Path(sys.executable).with_name("postroom")
    for name, target in (("postroom", installed), ("python", Path(sys.executable)), ("python3", Path(sys.executable))):
        path = home / "bin" / name
        if target.exists():
            path.write_text(f'#!/bin/sh\nexec "{target}" "$@"\n')
        else:
            path.write_text(PROGRAM)
        path.chmod(0o755)
    return home


def pages() -> list[Path]:
    return [path for path in (README, *sorted((ROOT / "docs").rglob("*.md"))) if path.exists()]


def readme() -> str:
    if not README.exists():
        pytest.skip("README.md is not written yet")
    return README.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_what_the_page_shows_is_true(page, directory):
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.runnable:
            assert block.language in LANGUAGES, f"{page.name}:{block.line}: no way to run {block.language!r}"
            assert not list(run_block(block, directory)), f"{page.name}:{block.line}"


def test_the_readme_has_something_to_run():
    assert any(block.runnable for block in blocks(readme()))


def test_each_block_of_the_readme_says_whether_it_is_run():
    unmarked = [block.line for block in blocks(readme()) if block.language in LANGUAGES and not block.marked]
    assert not unmarked, f"lines {unmarked}: say `runnable` or `not-run=why` after the language"


def test_the_package_carries_the_readme():
    readme()
    assert tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"].get("readme") == "README.md"


def test_the_page_of_limits_is_generated_from_the_limits(directory):
    if not CLI.exists():
        pytest.skip("there is no `postroom` program yet")
    code, output = run([str(directory / "bin" / "postroom"), "limits", "--markdown"], "", directory)
    assert code == 0, output
    assert LIMITS.read_text(encoding="utf-8") == output, "`make docs` writes docs/limits.md"


@pytest.mark.parametrize(
    "language, body",
    [
        ("bash", "false\n"),
        ("bash", 'echo "$UNSET"\n'),
        ("python", "raise SystemExit(3)\n"),
        ("console", "$ echo one\ntwo\n"),
        ("console", "$ false\n"),
        ("console", "$ true # exit 3\n"),
        ("console", "$ exit 0\n$ true\n"),
    ],
)
def test_an_untrue_block_is_noticed(language, body, directory):
    assert list(run_block(Block(1, language, ("runnable",), body), directory))


@pytest.mark.parametrize(
    "language, body",
    [
        ("bash", "echo $HOME | grep post-\n"),
        ("python", "import postroom\n"),
        ("console", "$ export WHO=bob\n$ echo hello \\\n> $WHO\nhello bob\n$ seq 9\n1\n...\n9\n"),
        ("console", "$ (exit 3) # exit 3\n$ read -r line # exit 1\n"),
    ],
)
def test_a_true_block_passes(language, body, directory):
    assert not list(run_block(Block(1, language, ("runnable",), body), directory))


def test_blocks_are_found_with_their_marks():
    page = "text\n```console runnable\n$ true\n```\n\n````bash not-run=two-terminals\n```\n````\n```text\n```\n"
    found = list(blocks(page))
    assert [(block.line, block.language, block.runnable, block.marked) for block in found] == [
        (2, "console", True, True),
        (6, "bash", False, True),
        (9, "text", False, False),
    ]


def test_the_shell_is_there():
    assert shutil.which("bash"), "the documentation's commands are run by bash"


@pytest.mark.parametrize("called, kind", [("me", Agent), ("message", Delivery), ("session", Session)])
def test_every_verb_of_the_sdk_is_in_its_page(called, kind):
    page = (ROOT / "docs" / "sdk.md").read_text(encoding="utf-8")
    verbs = {name for name, member in vars(kind).items() if not name.startswith("_") and inspect.isfunction(member)}
    assert verbs
    assert not [verb for verb in sorted(verbs) if f"{called}.{verb}(" not in page and f"`{verb}`" not in page]
