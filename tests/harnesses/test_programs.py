"""The real harnesses from npm, in an empty home: after `postroom install` each connects, after `postroom remove` none knows of us."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from postroom.harnesses.shipped import PLUGIN
from tests.harnesses.conftest import OWN, Person
from tests.harnesses.programs import QUIET, path_with, run, surroundings

LISTING = ["claude-code", "opencode", "gemini-cli"]
"""Those whose list of servers really connects."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def project(person: Person, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in which the person is at work, and which Gemini CLI may trust."""
    path = person.home / "webshop"
    path.mkdir()
    person.write({".gemini/trustedFolders.json": json.dumps({str(path): "TRUST_FOLDER"})})
    monkeypatch.chdir(path)
    return path


def listed(person, project, name: str) -> str:
    """The line about us in a harness's own list of servers."""
    command = {"claude-code": "claude", "opencode": "opencode", "gemini-cli": "gemini"}[name]
    shown = run([command, "mcp", "list"], surroundings(person.home, name), project)
    return next((line for line in shown.splitlines() if "postroom" in line), "")


@pytest.mark.parametrize("name", LISTING)
@pytest.mark.parametrize("scope", ["user", "project"])
def test_its_own_list_says_that_we_are_connected(person, project, name, scope):
    person.ok("install", name, "--scope", scope, "--yes")
    line = listed(person, project, name)
    if (name, scope) == ("claude-code", "project"):
        assert "Pending approval" in line, "the person has to trust the project first"
    else:
        assert "connected" in line.lower()
        assert "disconnected" not in line.lower()
    person.ok("remove", name, "--yes")
    assert listed(person, project, name) == ""


@pytest.mark.parametrize("name", ["claude-code", "codex", "opencode", "gemini-cli"])
def test_the_status_says_that_it_really_connects(person, project, name):
    path = path_with(name)
    person.ok("install", name, "--yes", PATH=path, **QUIET)
    (found,) = person.objects("install", name, "--status", PATH=path, **QUIET)
    assert (found["installed"], found["configured"], found["connected"]) == (True, "yes", True), found
    assert found["version"]
    person.ok("remove", name, "--yes", PATH=path, **QUIET)
    (found,) = person.objects("install", name, "--status", PATH=path, **QUIET)
    assert (found["configured"], found["connected"]) == ("no", False)


def test_the_status_of_a_project_is_that_of_the_project(person, project):
    path = path_with("codex")
    person.write({".codex/config.toml": f'[projects."{project}"]\ntrust_level = "trusted"\n'})
    person.ok("install", "codex", "--scope", "project", "--yes", PATH=path)
    (found,) = person.objects("install", "codex", "--status", "--scope", "project", PATH=path)
    assert (found["configured"], found["connected"]) == ("yes", True), found
    (found,) = person.objects("install", "codex", "--status", PATH=path)
    assert found["configured"] == "no"


def test_a_server_that_does_not_start_is_found_out(person, project):
    path = path_with("claude-code", "codex")
    person.ok("install", "claude-code", "codex", "--yes", PATH=path, **QUIET)
    for name in (".claude.json", ".codex/config.toml"):
        person.write({name: person.read(name).replace('"mcp"', '"no-such-verb"')})
    found = person.objects("install", "claude-code", "codex", "--status", PATH=path, **QUIET)
    assert [(one["configured"], one["connected"]) for one in found] == [("partly", False), ("partly", False)]


@pytest.mark.parametrize("name", ["claude-code", "gemini-cli"])
def test_what_a_harness_wrote_into_its_own_files_stays(person, project, name):
    person.write(OWN)
    listed(person, project, name)
    before = {path: what for path, what in person.tree().items() if path in OWN}
    person.ok("install", name, "--yes")
    assert "connected" in listed(person, project, name).lower()
    person.ok("remove", name, "--yes")
    after = {path: what for path, what in person.tree().items() if path in OWN}
    assert after == before


def test_hooks_that_nobody_trusts_are_told_of(person, project):
    path = path_with("codex")
    person.ok("install", "codex", "--yes", PATH=path, **QUIET)
    (found,) = person.objects("install", "codex", "--status", PATH=path, **QUIET)
    assert "/hooks" in found["detail"]


def with_program(person, *harnesses: str) -> dict[str, str]:
    """The surroundings of harnesses in which `postroom` is on the path, as the plugin needs it."""
    directory = person.home / "bin"
    directory.mkdir(exist_ok=True)
    program = directory / "postroom"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m postroom "$@"\n')
    program.chmod(0o755)
    environment = surroundings(person.home, *harnesses)
    return environment | {"PATH": os.pathsep.join([str(directory), environment["PATH"]])}


def test_the_plugin_folder_works_in_claude_code(person, project):
    environment = with_program(person, "claude-code")
    plugin = shutil.copytree(PLUGIN, person.home / "plugin")
    assert "Validation passed" in run(["claude", "plugin", "validate", str(plugin)], environment, project)
    run(["claude", "plugin", "marketplace", "add", str(plugin)], environment, project)
    run(["claude", "plugin", "install", "postroom@postroom"], environment, project)
    shown = run(["claude", "mcp", "list"], environment, project)
    assert "connected" in next(line for line in shown.splitlines() if "postroom" in line).lower(), shown


def test_the_plugin_folder_works_in_codex(person, project):
    environment = with_program(person, "codex")
    plugin = shutil.copytree(PLUGIN, person.home / "plugin")
    run(["codex", "plugin", "marketplace", "add", str(plugin)], environment, project)
    shown = run(["codex", "plugin", "add", "postroom@postroom"], environment, project)
    (found,) = person.objects("install", "codex", "--status", PATH=environment["PATH"], **QUIET)
    assert found["connected"] is False, "it is not configured by `postroom install`"
    assert "postroom" in run(["codex", "mcp", "list"], environment, project), shown
