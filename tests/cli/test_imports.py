"""The import budget: `postroom send` starts in 3 times `python -c pass` because it loads nothing that it does not need."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.shell import environment

# Each costs time. What is added here was measured: see docs/cli.md.
STANDARD = {
    "__future__",
    "_bootlocale",
    "_collections",
    "_functools",
    "_locale",
    "_opcode",
    "_operator",
    "_socket",
    "_sre",
    "_typing",
    "_weakrefset",
    "annotationlib",
    "argparse",
    "atexit",
    "collections",
    "copyreg",
    "enum",
    "errno",
    "fcntl",
    "functools",
    "gc",
    "gettext",
    "itertools",
    "keyword",
    "operator",
    "re",
    "reprlib",
    "types",
    "warnings",
    "weakref",
}
OURS = {
    "postroom",
    "postroom.__main__",
    "postroom.cli",
    "postroom.cli.call",
    "postroom.cli.command",
    "postroom.cli.output",
    "postroom.cli.parsing",
    "postroom.cli.send",
    "postroom.cli.table",
    "postroom.config",
    "postroom.core",
    "postroom.core.address",
    "postroom.core.errors",
    "postroom.core.fault",
    "postroom.core.limits",
    "postroom.core.message",
    "postroom.core.pace",
    "postroom.core.types",
    "postroom.core.visibility",
    "postroom.doorbell",
    "postroom.exchange",
    "postroom.exchange.causes",
    "postroom.exchange.crowds",
    "postroom.exchange.desk",
    "postroom.exchange.lookup",
    "postroom.exchange.notices",
    "postroom.exchange.outbox",
    "postroom.exchange.sending",
    "postroom.paths",
    "postroom.store",
    "postroom.store.agents",
    "postroom.store.budgets",
    "postroom.store.database",
    "postroom.store.deliveries",
    "postroom.store.mailboxes",
    "postroom.store.messages",
    "postroom.store.place",
    "postroom.store.queue",
    "postroom.store.waits",
}
READING = {
    "postroom.cli.inbox",
    "postroom.core.event",
    "postroom.core.profile",
    "postroom.core.session",
    "postroom.exchange.events",
    "postroom.exchange.reading",
    "postroom.exchange.sessions",
    "postroom.store.events",
    "postroom.store.rooms",
    "postroom.store.profiles",
    "postroom.store.sessions",
    "postroom.cli.showing",
    "postroom.cli.wishes",
    "postroom.core.render",
    "postroom.cli.failure",
    "postroom.warden",
    "postroom.exchange.presence",
    "postroom.exchange.tracing",
    "postroom.store.search",
    "_strptime",
}
NEVER = {
    "typing",
    "threading",
    "socket",
    "logging",
    "asyncio",
    "pathlib",
    "json",
    "dataclasses",
    "subprocess",
    "shutil",
    "locale",
    "signal",
}


def loaded(shell, *arguments: str) -> set[str]:
    """The modules that a command loads beyond those of a bare interpreter; of packages of others only the package."""

    def modules(program: list[str]) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-X", "importtime", *program], env=environment(shell.home), capture_output=True, text=True, check=True
        )
        lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
        names = {line.rpartition("|")[2].strip() for line in lines[1:]}
        return {name if name.startswith("postroom") else name.partition(".")[0] for name in names}

    return modules(["-m", "postroom", *arguments]) - modules(["-c", "import runpy"])


@pytest.fixture
def bare(monkeypatch):
    """No measuring of coverage in the children: it loads half of the library."""
    for name in ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"):
        monkeypatch.delenv(name, raising=False)


def test_sending_loads_only_what_it_needs(pair, bare):
    assert loaded(pair, "send", "bob", "hi", "--as", "alice") <= STANDARD | OURS | {"apsw"}


def test_reading_loads_only_what_it_needs(pair, bare):
    pair.ok("send", "bob", "hi", "--as", "alice")
    found = loaded(pair, "inbox", "--as", "bob")
    assert found <= STANDARD | OURS | READING | {"apsw"}
    assert found.isdisjoint(NEVER)


def test_asking_loads_no_more_than_it_waits_with(pair, bare):
    answered = pair.start("ask", "bob", "hi", "--as", "alice")
    pair.objects("inbox", "--wait", "60", "--as", "bob")
    pair.ok("send", "alice", "yes", "--reply-to", "1", "--as", "bob")
    answered.communicate(timeout=60)
    pair.ok("send", "alice", "in advance", "--as", "bob")
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "postroom", "ask", "bob", "x", "--timeout", "0.01", "--as", "alice"],
        env=environment(pair.home), capture_output=True, text=True, check=False,
    )  # fmt: skip
    names = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert names.isdisjoint(NEVER - {"threading", "signal"})


HELP = {"_collections", "_operator", "__future__", "collections", "gc", "itertools", "keyword", "operator", "reprlib"}


def test_help_loads_no_verb(shell, bare):
    ours = {"postroom", "postroom.__main__", "postroom.cli", "postroom.cli.table", "postroom.cli.output", "postroom.core"}
    assert loaded(shell, "--help") <= HELP | ours | {"postroom.core.types", "postroom.core.errors", "postroom.core.fault"}
