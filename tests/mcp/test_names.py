"""Which agent a session is: a readable name, unique among the living, and the same when the session resumes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

import postroom
from postroom import identity
from postroom.identity import Guest, choosing, chosen, numbered, readable_name, remember, remembered
from postroom.mcp.harness import guest_of
from tests.cli.shell import environment
from tests.mcp.serving import META, SERVER, Served
from tests.waiting import until, until_online

CODEX = "codex-mcp-client"


@pytest.fixture
def webshop(home) -> Path:
    """The folder of a project."""
    path: Path = home / "src" / "webshop"
    path.mkdir(parents=True)
    return path


def name_of(served: Served, meta: dict[str, Any] | None = None) -> str:
    return served.call("profile", meta).split()[2]


# By itself


def test_the_name_is_of_harness_and_folder(serve, webshop):
    assert name_of(serve(cwd=webshop)) == "claude-webshop"
    assert name_of(serve(cwd=webshop, client="opencode")) == "opencode-webshop"
    assert name_of(serve(cwd=webshop, client="Visual Studio Code")) == "vscode-webshop"
    assert name_of(serve(cwd=webshop, client="My Editor 3")) == "my-editor-3-webshop"


def test_the_living_have_different_names(serve, webshop):
    served = [serve(cwd=webshop) for _ in range(3)]
    assert [name_of(one) for one in served] == ["claude-webshop", "claude-webshop-2", "claude-webshop-3"]
    served[1].end()
    assert name_of(serve(cwd=webshop)) == "claude-webshop-2"


def test_who_starts_at_once_gets_different_names(start, webshop):
    served = [start(cwd=webshop) for _ in range(8)]
    calls = [(one, one.begin("profile", META)) for one in served]
    names = [one.result(call).split()[2] for one, call in calls]
    assert sorted(names) == sorted(["webshop", *(f"webshop-{number}" for number in range(2, 9))])


def test_a_killed_session_leaves_its_name_at_once(serve, webshop):
    first = serve(cwd=webshop)
    assert name_of(first) == "claude-webshop"
    first.kill()
    assert name_of(serve(cwd=webshop)) == "claude-webshop"


def test_an_agent_of_another_kind_keeps_its_name(serve, webshop):
    with postroom.connect("claude-webshop"):
        assert name_of(serve(cwd=webshop)) == "claude-webshop-2"
    assert name_of(serve(cwd=webshop)) == "claude-webshop"


def test_what_was_sent_before_a_session_starts_is_there_when_it_starts(serve, webshop):
    serve(cwd=webshop).call("inbox")
    with postroom.connect("alice") as alice:
        alice.send("claude-webshop", "are you there?")
        first = serve(cwd=webshop)
        assert name_of(first) == "claude-webshop-2"
    (other,) = [one for one in (serve(cwd=webshop),) if name_of(one) == "claude-webshop-3"]
    assert "are you there?" not in other.call("inbox")


def test_waiting_mail_is_found_by_the_next_session_of_the_project(serve, webshop):
    first = serve(cwd=webshop)
    first.call("inbox")
    first.end()
    with postroom.connect("alice") as alice:
        alice.send("claude-webshop", "for whoever works there next")
    assert "| for whoever works there next" in serve(cwd=webshop).call("inbox")


def test_at_home_and_nowhere_the_name_is_that_of_the_harness(serve, home):
    assert name_of(serve(cwd=home)) == "claude"
    assert name_of(serve(cwd=Path("/"), client="")) == "agent"


@pytest.mark.parametrize(
    "folder, name",
    [
        ("webshop", "claude-webshop"),
        ("Mein Projekt (2)!", "claude-mein-projekt-2"),
        ("\uff57\uff45\uff42", "claude-web"),
        ("日本", "claude"),
        ("a" * 100, "claude-" + "a" * 56),
        ("...", "claude"),
    ],
)
def test_a_folder_of_any_name_makes_a_name(folder, name):
    assert readable_name(Guest("claude-code", f"/src/{folder}")) == name


def test_reserved_names_are_not_claimed():
    assert readable_name(Guest("postroom", "/")) == "postroom-agent"


def test_numbered_names_stay_names():
    long = numbered("a" * 63)
    assert [next(long), next(long)] == ["a" * 63, "a" * 61 + "-2"]


# The same again


def claude(serve, session: str, cwd: Path) -> Served:
    served: Served = serve(cwd=cwd, CLAUDE_CODE_SESSION_ID=session, CLAUDE_PROJECT_DIR=str(cwd), CLAUDECODE="1")
    return served


def test_a_session_that_resumes_is_the_same_agent(serve, webshop):
    first, second = claude(serve, "s1", webshop), claude(serve, "s2", webshop)
    assert (name_of(first), name_of(second)) == ("claude-webshop", "claude-webshop-2")
    first.end()
    second.end()
    assert name_of(claude(serve, "s2", webshop)) == "claude-webshop-2"
    assert name_of(claude(serve, "s1", webshop)) == "claude-webshop"


def test_a_session_that_resumes_elsewhere_is_the_same_agent(serve, webshop, home):
    first = claude(serve, "s1", webshop)
    name_of(first)
    first.end()
    assert name_of(claude(serve, "s1", home)) == "claude-webshop"


def test_a_session_whose_name_somebody_else_took_gets_another(serve, webshop):
    first = claude(serve, "s1", webshop)
    name_of(first)
    first.end()
    assert name_of(claude(serve, "s2", webshop)) == "claude-webshop"
    assert name_of(claude(serve, "s1", webshop)) == "claude-webshop-2"


def test_a_server_that_starts_while_the_last_one_of_its_session_still_lives_shares_its_name(serve, webshop):
    first = claude(serve, "s1", webshop)
    assert name_of(first) == "claude-webshop"
    assert name_of(claude(serve, "s1", webshop)) == "claude-webshop"


def test_a_name_that_a_session_chose_is_its_name_when_it_resumes(serve, webshop):
    first = claude(serve, "s1", webshop)
    first.call("profile", name="reviewer")
    first.end()
    assert name_of(claude(serve, "s1", webshop)) == "reviewer"


def test_a_name_that_was_given_from_outside_is_its_name_when_it_resumes(serve, webshop, home):
    first = claude(serve, "s1", webshop)
    name_of(first)
    with postroom.connect("claude-webshop") as also:
        also.rename("reviewer")
    until(lambda: remembered(str(home / "postroom"), Guest("claude-code", "", "s1")) == ("reviewer", first.pid))
    first.end()
    assert name_of(claude(serve, "s1", webshop)) == "reviewer"


def test_what_is_remembered_of_sessions_stays_small(home, monkeypatch):
    monkeypatch.setattr(identity, "KEPT", 5)
    directory = home / "postroom"
    for number in range(9):
        remember(str(directory), Guest("codex", "", f"thread {number}"), f"codex-{number}")
        os.utime(identity.path_of(str(directory), Guest("codex", "", f"thread {number}")), (number, number))
    assert remembered(str(directory), Guest("codex", "", "thread 8")) == ("codex-8", os.getpid())
    assert remembered(str(directory), Guest("codex", "", "thread 0")) is None
    assert len(os.listdir(directory / "sessions")) <= 6


def test_a_damaged_note_is_no_note(home):
    guest = Guest("codex", "", "t1")
    remember(str(home / "postroom"), guest, "codex-1")
    for content in (b"", b"\xff\xfe", b"../../etc/passwd\n1\n", b"Human!\n"):
        Path(identity.path_of(str(home / "postroom"), guest)).write_bytes(content)
        assert remembered(str(home / "postroom"), guest) is None


def test_notes_are_private(home):
    remember(str(home / "postroom"), Guest("codex", "", "t1"), "codex-1")
    path = Path(identity.path_of(str(home / "postroom"), Guest("codex", "", "t1")))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_choosing_needs_no_store_that_was_opened_before(post):
    (agent,) = post.agents("alice")
    with agent._seat.turn as desk, choosing(post.home):
        assert chosen(desk, Guest("codex", "/src/webshop", "t1")) == "codex-webshop"


# Threads


def test_the_threads_of_one_program_are_several_agents(serve, webshop):
    served = serve(cwd=webshop, client=CODEX)
    assert name_of(served, {"threadId": "t1"}) == "codex-webshop"
    assert name_of(served, {"threadId": "t2"}) == "codex-webshop-2"
    assert name_of(served, {"threadId": "t1"}) == "codex-webshop"


def test_the_threads_of_one_program_talk_to_each_other(serve, webshop):
    served = serve(cwd=webshop, client="some-program")
    for thread in ("t1", "t2"):
        name_of(served, {"threadId": thread})
    served.call("send", {"threadId": "t1"}, to="some-program-webshop-2", body="hi")
    assert "| hi" in served.call("inbox", {"threadId": "t2"})
    assert "| hi" not in served.call("inbox", {"threadId": "t1"})


def test_a_thread_that_resumes_in_another_process_is_the_same_agent(serve, webshop):
    first = serve(cwd=webshop, client=CODEX)
    for thread in ("t1", "t2"):
        name_of(first, {"threadId": thread})
    first.end()
    second = serve(cwd=webshop, client=CODEX)
    assert name_of(second, {"threadId": "t2"}) == "codex-webshop-2"
    assert name_of(second, {"threadId": "t1"}) == "codex-webshop"


def test_a_program_with_threads_comes_in_with_its_first_call(serve, home):
    served = serve(client=CODEX)
    served.request("tools/list")
    assert served.end() == 0
    assert not (home / "postroom").exists()


def begin(home: Path, thread: str, pid: int | None = None) -> None:
    """What a hook notes at the beginning of a thread; with 0 at its end."""
    remember(str(home / "postroom"), Guest("codex", "", thread), "codex-webshop", pid=pid)


def test_a_thread_of_which_a_hook_has_told_comes_in_before_its_first_call(serve, webshop, home):
    served = serve(cwd=webshop, client=CODEX)
    with postroom.connect("alice") as alice:
        begin(home, "t1")
        until_online(alice, "codex-webshop")
        alice.send("codex-webshop", "are you there?")
        until(lambda: "| are you there?" in served.call("inbox", {"threadId": "t1"}))


def test_a_thread_is_taken_in_by_one_server_until_it_calls_another(serve, webshop, home):
    servers = [serve(cwd=webshop, client=CODEX) for _ in range(3)]
    with postroom.connect("alice") as alice:
        begin(home, "t1")
        until_online(alice, "codex-webshop")
        assert name_of(servers[-1], {"threadId": "t1"}) == "codex-webshop"
        until(lambda: [one.processes for one in alice.agents() if one.name == "codex-webshop"] == [1])
        alice.send("codex-webshop", "hello")
        until(lambda: "| hello" in servers[-1].call("inbox", {"threadId": "t1"}))


def test_a_thread_that_has_ended_is_let_go(serve, webshop, home):
    serve(cwd=webshop, client=CODEX)
    with postroom.connect("alice") as alice:
        begin(home, "t1")
        until_online(alice, "codex-webshop")
        begin(home, "t1", 0)
        until_online(alice, "codex-webshop", online=False)


def test_the_threads_of_one_process_are_bounded(serve):
    served = serve("--name", "codex", client=CODEX)
    for number in range(100):
        served.call("profile", {"threadId": f"t{number}"})
    error = served.answer(served.begin("profile", {"threadId": "one more"}))["error"]
    assert "100 agents already" in error["message"]


# As it was told


def test_a_given_name_is_taken(serve, webshop):
    assert name_of(serve("--name", "Bob", cwd=webshop)) == "bob"
    assert name_of(serve("--as", "carol", cwd=webshop)) == "carol"
    assert name_of(serve(cwd=webshop, POSTROOM_AGENT="dave")) == "dave"
    assert name_of(serve("--name", "eve", cwd=webshop, POSTROOM_AGENT="dave")) == "eve"


@pytest.mark.parametrize("name", ["human", "postroom", "no spaces"])
def test_a_name_that_cannot_be_is_refused_at_once(home, name):
    done = subprocess.run(
        [*SERVER, "--name", name], stdin=subprocess.DEVNULL, env=environment(home), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode in {64, 77}
    assert done.stdout == ""
    assert done.stderr.startswith("postroom: The name")


def test_who_lists_tools_comes_in_by_itself_soon(serve, webshop):
    serve(cwd=webshop).request("tools/list")
    with postroom.connect("alice") as alice:
        until(lambda: any(one.name == "claude-webshop" and one.online for one in alice.agents()))


def test_the_profile_says_where_the_agent_lives(serve, webshop):
    serve(cwd=webshop, CLAUDE_PROJECT_DIR=str(webshop)).call("inbox")
    with postroom.connect("alice") as alice:
        (found,) = [one for one in alice.agents() if one.name == "claude-webshop"]
    assert (found.harness, found.directory) == ("claude-code", str(webshop))


# What harnesses tell us


@pytest.mark.parametrize(
    "client, environ, harness",
    [
        ("claude-code", {}, "claude-code"),
        ("codex-mcp-client", {"CLAUDECODE": "1"}, "codex"),
        ("opencode", {"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": "s1"}, "opencode"),
        ("gemini-cli-mcp-client", {}, "gemini-cli"),
        ("", {"GEMINI_CLI": "1"}, "gemini-cli"),
        ("", {"OPENCODE": "1"}, "opencode"),
        ("", {"CLAUDECODE": "1"}, "claude-code"),
        ("cursor-vscode", {}, "cursor"),
        ("Zed", {}, "zed"),
        ("goose", {}, "goose"),
        ("amp-mcp-client", {}, "amp"),
        ("postroom for pi", {}, "pi"),
        ("mcp", {}, "mcp"),
        ("", {}, ""),
    ],
)
def test_a_harness_is_known_by_what_it_says_of_itself_first(client, environ, harness):
    assert guest_of(client, environ, None, {}).harness == harness


def test_a_session_id_counts_for_its_own_harness_only():
    environ = {"CLAUDE_CODE_SESSION_ID": "s1"}
    assert guest_of("claude-code", environ, None, {}).session == "s1"
    assert guest_of("opencode", environ, None, {}).session is None
    assert guest_of("codex", environ, "t1", {}).session == "t1"
    assert guest_of("postroom for pi", environ | {"PI_SESSION_ID": "p1"}, None, {}).session == "p1"


@pytest.mark.parametrize(
    "workspaces, directory",
    [
        (["/src/a", "/src/b"], "/src/a"),
        ([{"uri": "file:///src/my%20shop"}], "/src/my shop"),
        ({"/src/a": {"git": {}}}, "/src/a"),
        ([{"path": "/src/a"}], "/src/a"),
        (["relative", 7, None], os.getcwd()),
        ("text", os.getcwd()),
        (["/a\0b"], os.getcwd()),
    ],
)
def test_a_workspace_is_taken_from_what_a_call_says(workspaces, directory):
    assert guest_of("codex", {}, "t1", {"workspaces": workspaces}).directory == directory
