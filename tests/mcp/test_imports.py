"""The import budget: the first reply comes within 100 ms and 25 MiB, because nothing is loaded that is not needed for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.shell import environment

NEVER = {
    "asyncio",
    "logging",
    "pathlib",
    "dataclasses",
    "subprocess",
    "shutil",
    "inspect",
    "ssl",
    "http",
    "email",
    "uuid",
    "decimal",
    "locale",
    "mcp",
    "typing",
}
UNTIL_CALLED = {"difflib", "unicodedata", "urllib", "hashlib", "postroom.mcp.comms"}
POST_ROOM = {"apsw", "argparse", "postroom.agent", "postroom.identity", "postroom.exchange.desk", "postroom.core.message"}
HELLO = b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}\n'
LIST = b'{"jsonrpc":"2.0","id":2,"method":"tools/list"}\n'
CALL = b'{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"inbox","arguments":{}}}\n'


@pytest.fixture
def bare(monkeypatch):
    """No measuring of coverage in the children: it loads half of the library."""
    for name in ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"):
        monkeypatch.delenv(name, raising=False)


def loaded(home, said: bytes) -> set[str]:
    """The modules that a server loads beyond those of a bare interpreter, until it ends."""

    def modules(program: list[str], given: bytes) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-X", "importtime", *program], input=given, env=environment(home), capture_output=True, check=True
        )
        names = {line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines() if line.startswith("import time:")}
        return {name if name.startswith("postroom") else name.partition(".")[0] for name in names}

    return modules(["-m", "postroom", "mcp"], said) - modules(["-c", "import runpy"], b"")


def test_the_first_replies_load_only_what_they_need(home, bare):
    assert loaded(home, HELLO).isdisjoint(NEVER | UNTIL_CALLED | POST_ROOM)
    assert loaded(home, HELLO + LIST).isdisjoint(NEVER | UNTIL_CALLED)


def test_a_call_loads_only_what_it_needs(home, bare):
    assert loaded(home, HELLO + LIST + CALL).isdisjoint(NEVER)
