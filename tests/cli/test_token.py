"""`postroom token`: a secret is handed out once, to whom it is for, and what nobody got is worth nothing."""

from __future__ import annotations

import subprocess

import pytest

from tests.cli.shell import PROGRAM, SOON_S, environment

DAY_S = 86_400


def test_the_command_line_makes_lists_and_revokes(shell):
    secret = shell.ok("token", "create", "jack", "--note", "webshop").strip()
    assert secret.startswith("pr_")
    (listed,) = shell.objects("token", "list", "--as", "jack")
    assert (listed["id"], listed["agent"], listed["scope"], listed["note"], listed["used_ms"]) == (1, "jack", "agent", "webshop", None)
    assert "secret" not in listed
    assert "never used" in shell.ok("token", "list", "--as", "jack")
    assert shell.ok("token", "revoke", "1", "--as", "jack") == "token 1 of jack is valid no more\n"
    assert shell.ok("token", "list", "--as", "jack") == ""
    assert "revoked" in shell.ok("token", "list", "--gone", "--as", "jack")


def test_a_secret_is_saved_where_only_its_user_reads_it(shell):
    path = shell.home / "jack.token"
    assert shell.ok("token", "create", "--as", "jack", "--save", str(path)) == f"token 1 of jack is in {path}\n"
    assert path.read_text(encoding="ascii").startswith("pr_")
    assert path.stat().st_mode & 0o777 == 0o600
    again = shell("token", "create", "jack", "--save", str(path))
    assert (again.code, "nothing is written over" in again.err) == (66, True)
    assert len(shell.objects("token", "list", "--as", "jack")) == 1, "for one that could not be saved no token is made"


@pytest.mark.parametrize("output", [">&-", "> /dev/full"])
def test_a_secret_that_nobody_got_is_worth_nothing(shell, output):
    command = f"{' '.join(PROGRAM)} token create jack {output}"
    done = subprocess.run(["sh", "-c", command], env=environment(shell.home), capture_output=True, timeout=SOON_S, check=False)
    assert done.returncode == 74
    assert shell.objects("token", "list", "--as", "jack") == []


def test_only_the_person_at_a_terminal_makes_an_admin(shell):
    done = shell("token", "create", "human")
    assert (done.code, "from a terminal" in done.err) == (77, True)
    with shell.terminal("token", "create", "human") as terminal:
        code, seen = terminal.end()
    assert (code, "pr_" in seen) == (0, True)
    with shell.terminal("token", "list", columns=200) as terminal:
        assert "admin" in terminal.end()[1]


@pytest.mark.parametrize("expires, days", [("90d", 90), ("12h", 0.5), ("30m", 30 / 1440), ("45s", 45 / 86_400), ("never", None)])
def test_a_lifetime_is_said_in_days_hours_minutes_or_seconds(shell, expires, days):
    (made,) = shell.objects("token", "create", "jack", "--expires", expires)
    lives_ms = None if made["expires_ms"] is None else made["expires_ms"] - made["created_ms"]
    assert lives_ms == (None if days is None else round(days * DAY_S * 1000))


@pytest.mark.parametrize("expires", ["", "d", "3", "3x", "-1d", "nand", "36526d", "1e99s", "0d"])
def test_a_lifetime_that_there_is_not_is_an_error(shell, expires):
    done = shell("token", "create", "jack", f"--expires={expires}")
    assert (done.code, done.err.count("\n")) == (64, 1), done


@pytest.mark.parametrize("name, scope", [("jack", "admin"), ("human", "agent")])
def test_a_scope_that_a_name_cannot_have_registers_nobody(shell, name, scope):
    done = shell("token", "create", name, "--scope", scope)
    assert (done.code, done.err.count("\n")) == (64, 1), done
    assert "scope" in done.err
    assert "is a new agent" not in done.err
    assert name not in shell.ok("agents", "--names").splitlines() or name == "human"


def test_who_makes_a_token_of_a_name_like_another_is_told_that_it_is_new(shell):
    shell.ok("profile", "--as", "alice")
    done = shell("token", "create", "alcie")
    assert (done.code, done.err) == (0, "postroom: 'alcie' is a new agent; did you mean alice?\n")
    assert shell("token", "create", "alcie").err == ""
