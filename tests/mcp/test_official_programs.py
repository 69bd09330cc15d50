"""The official tools of the protocol against our server: the conformance tool, the inspector, and the Python client in both eras."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shell import environment
from tests.mcp.bridge import Bridge
from tests.mcp.serving import SERVER, lines_with
from tests.npm import program

CONFORMANCE = ("@modelcontextprotocol/conformance", "0.2.0-alpha.12")
INSPECTOR = ("@modelcontextprotocol/inspector", "2.12.0", "mcp-inspector")
LEGACY, MODERN = "2025-11-25", "2026-07-28"
# The other scenarios are about tools, prompts and resources of a server made for this test, or about HTTP.
SCENARIOS = [
    ("server-initialize", LEGACY),
    ("server-initialize", "2025-06-18"),
    ("ping", LEGACY),
    ("ping", "2025-06-18"),
    ("tools-list", "2025-06-18"),
    ("tools-list", LEGACY),
    ("tools-list", MODERN),
    ("server-stateless", MODERN),
    ("caching", MODERN),
]
NOT_OURS = {
    "sep-2575-http-server-header-mismatch-400": "a header of HTTP",
    "sep-2575-server-rejects-undeclared-capability": "a tool made for this test",
    "sep-2575-missing-capability-http-400": "a tool made for this test",
    "sep-2575-http-server-no-independent-requests-on-stream": "a tool made for this test",
    "sep-2575-server-no-log-without-loglevel": "a tool made for this test",
    "sep-2549-prompts-list-caching-hints": "we have no prompts, and do not say so",
    "sep-2549-resources-list-caching-hints": "we have no resources, and do not say so",
    "sep-2549-resources-templates-list-caching-hints": "we have no resources, and do not say so",
}
LEAST_SUCCESSES = 2


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scenario, version", SCENARIOS)
def test_the_conformance_tool_is_content(start, home, scenario, version):
    tool = program(*CONFORMANCE)
    with Bridge(start()) as bridge:
        done = subprocess.run(
            [*tool, "server", "--url", bridge.url, "--scenario", scenario, "--spec-version", version, "--output-dir", "out"],
            env=environment(home), cwd=home, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    (report,) = (home / "out").rglob("checks.json")
    checks = json.loads(report.read_text(encoding="utf-8"))
    failed = [check for check in checks if check["status"] in {"FAILURE", "WARNING"} and check["id"] not in NOT_OURS]
    assert not failed, done.stdout
    assert sum(check["status"] == "SUCCESS" for check in checks) >= LEAST_SUCCESSES


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_inspector_lists_and_calls_our_tools(home):
    inspector = [*program(*INSPECTOR), "--cli"]

    def inspect(*arguments: str) -> dict[str, Any]:
        command = [*inspector, "-e", f"POSTROOM_HOME={home / 'postroom'}", *SERVER, *arguments]
        done = subprocess.run(command, env=environment(home), cwd=home, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    listed = inspect("--method", "tools/list")
    assert [tool["name"] for tool in listed["tools"]] == ["send", "inbox", "agents", "history", "room", "profile"]
    called = inspect("--method", "tools/call", "--tool-name", "profile", "--tool-arg", "name=zoe", "--tool-arg", "description=looks in")
    assert called["content"][0]["text"].startswith("you are zoe  active")


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["legacy", "auto", MODERN])
def test_the_official_python_client_talks_through_us(home, mode):
    client = Path(__file__).with_name("official_client.py")
    done = subprocess.run(
        [sys.executable, str(client), mode, *SERVER],
        env=environment(home),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert lines_with(said, "version", "2025-11-25" if mode == "legacy" else MODERN)
    assert "sent 1 to bob" in said
    assert "| hello from alice" in said
    assert "6 tools" in said
