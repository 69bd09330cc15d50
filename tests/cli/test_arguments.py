"""Bad arguments and bad bodies: one line on standard error, an exit code from the table, and never a traceback."""

from __future__ import annotations

import os
import subprocess
from importlib import import_module

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postroom.cli import parsing
from postroom.cli.command import plain
from postroom.cli.table import VERBS
from postroom.core import errors
from tests.cli.shell import PROGRAM, SOON_S, Result, Shell, environment

ERRORS = [error for error in vars(errors).values() if isinstance(error, type) and issubclass(error, errors.PostroomError)]
CODES = {0, 130, 141, 143} | {error.exit_code for error in ERRORS}
STAYS = {"watch", "demo", "up", "console"}


def complaint(done: Result) -> str:
    """The one line of an error."""
    assert done.err.startswith("postroom: "), done
    assert done.err.count("\n") == 1, done
    assert done.out == ""
    return done.err


@pytest.mark.parametrize(
    "arguments, code",
    [
        (["nonsense"], 64),
        (["sned"], 64),
        (["session", "opne", "bob"], 64),
        (["send"], 64),
        (["send", "bob"], 64),
        (["send", "bob", "two", "words"], 64),
        (["send", "bob", "x", "--urgency", "soon"], 64),
        (["send", "bob", "x", "--expires", "nan"], 64),
        (["send", "bob", "x", "--expires", "-1"], 64),
        (["send", "bob", "x", "--expires", "1e99"], 64),
        (["send", "bob", "x", "--expires", "0"], 64),
        (["send", ",", "x"], 64),
        (["send", "", "x"], 64),
        (["send", "bob", "x", "--id", "7"], 64),
        (["send", "bob", "x", "--file", "nowhere"], 66),
        (["send", "bob", "x", "--file", "/dev/zero"], 66),
        (["send", "bob", "x", "--reply-to", "99"], 67),
        (["send", "bob@laptop", "x"], 69),
        (["send", "#room@laptop", "x"], 69),
        (["send", "#room", "x"], 67),
        (["send", "@tag:builder", "x"], 67),
        (["send", "@nonsense", "x"], 64),
        (["send", "bob,@all", "x"], 64),
        (["send", "#", "x"], 64),
        (["send", "postroom", "x"], 77),
        (["send", "nobody", "x"], 67),
        (["send", "bob", "x" * 2_000_000 if os.name == "nt" else "x", "--subject", "s" * 2000], 65),
        (["send", "bob", ""], 64),
        (["send", "bob", "-", "--subject", ""], 64),
        (["ask", "bob", ""], 64),
        (["session", "open", "bob", ""], 64),
        (["inbox", "--wait"], 64),
        (["inbox", "--limit", "0"], 64),
        (["inbox", "--limit", "99999999999999999999"], 64),
        (["inbox", "--nonsense"], 64),
        (["inbox", "--as", "system"], 77),
        (["inbox", "--as", "not a name"], 64),
        (["status", "99"], 67),
        (["status", "1", "--wait", "delivered"], 64),
        (["history", "--limit", "2000"], 64),
        (["search", '"'], 64),
        (["session", "accept", "99"], 67),
        (["session", "open", "alice", "with myself"], 64),
        (["profile", "--status", "offline"], 64),
        (["completion", "tcsh"], 64),
        (["prune", "--older-than", "often"], 64),
        (["prune"], 64),
        (["ask", "bob", "x", "--timeout", "0"], 64),
    ],
)
def test_a_bad_call_is_one_line_and_a_code(pair, arguments, code):
    done = pair(*arguments, POSTROOM_AGENT="alice")
    complaint(done)
    assert done.code == code, done
    failed = pair(*arguments, "--json", POSTROOM_AGENT="alice")
    assert (failed.code, failed.failure["exit_code"]) == (code, code)
    assert failed.failure["message"]


def test_somebody_must_be_there(shell):
    done = shell("send", "bob", "x")
    assert done.code == 64
    assert "--as NAME" in complaint(done)
    with shell.terminal("send", "bob", "x", columns=200) as terminal:
        code, screen = terminal.end()
    assert (code, "You yourself, the person at this terminal, are --as human." in screen) == (64, True)
    assert "human" not in done.err


def test_a_close_verb_is_suggested(shell):
    assert "Did you mean send?" in shell("sned").err
    assert "Did you mean session open" in shell("session", "opne").err


@pytest.mark.parametrize("stdin", [b"\xff", b"caf\xe9", b"\xed\xa0\x80", b"a\x00b"])
def test_what_is_no_text_is_refused_on_standard_input(pair, stdin):
    done = pair("send", "bob", "-", "--as", "alice", stdin=stdin)
    assert done.code == 65
    assert "--file" in complaint(done)
    assert pair.objects("history", "--as", "alice") == []


@pytest.mark.parametrize(
    "arguments", [[b"bob", b"\xff"], [b"bob", b"x", b"--subject", b"\xff"], [b"\xff", b"x"], [b"bob", b"x", b"--as", b"\xff"]]
)
def test_what_is_no_text_is_refused_in_arguments(pair, arguments):
    done = pair("send", *arguments, POSTROOM_AGENT="alice")
    assert done.code in {64, 65}
    complaint(done)


def test_a_path_need_not_be_text(pair):
    path = os.fsencode(pair.home) + b"/\xff"
    with open(path, "wb") as file:
        file.write(b"x")
    assert pair.ok("send", "bob", "x", "--file", path, "--as", "alice")
    done = pair("inbox", "--home", os.fsencode(pair.home) + b"/\xfe", "--as", "bob")
    assert done.code == 73, "SQLite's paths are text"
    assert "\\udcfe" in complaint(done)


def test_a_body_that_is_too_large_is_refused(pair):
    for size in (1_048_577, 10_000_000):
        done = pair("send", "bob", "-", "--as", "alice", stdin=b"x" * size)
        assert done.code == 65
        assert "body_bytes" in complaint(done)
    assert pair.ok("send", "bob", "-", "--as", "alice", stdin=b"x" * 1_048_576)
    assert len(pair.objects("inbox", "--as", "bob")[0]["body"]) == 1_048_576


def test_an_endless_body_is_refused_and_not_collected(pair):
    with open("/dev/zero", "rb") as zeros:
        done = subprocess.run(
            [*PROGRAM, "send", "bob", "-", "--as", "alice"],
            stdin=zeros, env=environment(pair.home), capture_output=True, timeout=SOON_S, check=False,
        )  # fmt: skip
    assert done.returncode == 65


def test_what_nobody_reads_stays_unread(pair):
    pair.ok("send", "bob", "precious", "--as", "alice")
    for arguments in (["inbox"], ["inbox", "--json"], ["inbox", "--follow"], ["inbox", "--wait", "9"]):
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(
            [*PROGRAM, *arguments, "--as", "bob"],
            stdout=writing,
            env=environment(pair.home),
            stderr=subprocess.PIPE,
            timeout=SOON_S,
            check=False,
        )
        os.close(writing)
        assert (done.returncode, done.stderr) == (141, b"")
    (message,) = pair.objects("inbox", "--as", "bob")
    assert (message["body"], message["redelivered"]) == ("precious", True)


def test_what_cannot_be_written_stays_unread(pair):
    pair.ok("send", "bob", "precious", "--as", "alice")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*PROGRAM, "inbox", "--as", "bob"], stdout=full, env=environment(pair.home), stderr=subprocess.PIPE, timeout=SOON_S, check=False
        )
    assert done.returncode == 74
    assert b"No space left" in done.stderr
    assert len(pair.objects("inbox", "--as", "bob")) == 1


@pytest.mark.parametrize("output", [">&-", "> /dev/full"])
def test_a_message_is_sent_also_when_nobody_can_be_told_so(pair, output):
    program = " ".join(PROGRAM)
    done = subprocess.run(
        ["sh", "-c", f"{program} send bob hi --as alice {output}"], env=environment(pair.home), capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"postroom: sent as 1, but standard output takes no text\n")
    assert len(pair.objects("inbox", "--as", "bob")) == 1


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_files_do_no_harm(pair, closed):
    pair.ok("send", "bob", "precious", "--as", "alice")
    program = " ".join(PROGRAM)
    done = subprocess.run(["sh", "-c", f"{program} inbox --as bob {closed}"], env=environment(pair.home), capture_output=True, check=False)
    assert done.returncode == (74 if ">&-" in closed.replace("2>&-", "") else 0)
    assert len(pair.objects("inbox", "--as", "bob")) == (1 if done.returncode else 0)
    assert pair.objects("doctor")[0]["level"] == "ok"


def test_a_bug_is_one_line_and_debugging_shows_where(pair):
    (pair.home / "sitecustomize.py").write_text("import postroom.paths\npostroom.paths.default_home = lambda: 1 / 0\n")
    path = os.pathsep.join([str(pair.home), os.environ.get("PYTHONPATH", "")])
    done = pair("inbox", "--as", "bob", PYTHONPATH=path)
    assert done.code == 70
    assert "POSTROOM_DEBUG=1" in complaint(done)
    assert "Traceback" in pair("inbox", "--as", "bob", PYTHONPATH=path, POSTROOM_DEBUG="1").err


WORDS = [verb.name for verb in VERBS if verb.name not in STAYS]
ODD = st.sampled_from(
    ["", "-", "--", "bob", "alice", "human", "1", "99", "-1", "--help", "--json", "--as", "--home", "--limit", "--wait", "x=y"]
)
OPTIONS = st.sampled_from(
    ["--subject", "--reply-to", "--thread", "--urgency", "--expires=0", "--id", "--create", "--peek", "--full", "--dry-run", "--older-than"]
)
TEXTS = st.text(st.characters(exclude_characters="\0"), max_size=20)
BYTES = st.binary(max_size=8).filter(lambda value: b"\0" not in value)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.sampled_from([*WORDS, "nonsense", ""]), st.lists(ODD | OPTIONS | TEXTS | BYTES, max_size=6), st.binary(max_size=20))
def test_no_arguments_lead_to_a_traceback(home, verb, arguments, stdin):
    shell = Shell(home)
    encoded = [argument if isinstance(argument, bytes) else argument.encode("utf-8", "surrogatepass") for argument in arguments]
    limits = ["--timeout", "0.01"] if verb in {"ask", "session open", "status"} else []
    done = subprocess.run(
        [*PROGRAM, *verb.split(), *limits, *encoded], input=stdin, env=environment(shell.home, POSTROOM_AGENT="alice"),
        capture_output=True, timeout=SOON_S, check=False, cwd=home,
    )  # fmt: skip
    assert b"Traceback" not in done.stderr
    assert done.returncode in CODES - {70}, done
    assert done.stderr.count(b"\n") <= 1
    assert bool(done.stderr) or done.returncode in {0, 74}, done


@pytest.mark.parametrize(
    "verb, arguments, is_plain",
    [
        ("hook", ["Stop"], True),
        ("hook", ["--home", "/a b", "--as", "bob", "Stop"], True),
        ("hook", ["--url", "http://127.0.0.1:1", "Stop"], True),
        ("hook", ["--json", "Stop"], False),
        ("hook", ["--home=/x", "Stop"], False),
        ("hook", ["Stop", "--as", "bob"], False),
        ("hook", ["--home", "/ä", "Stop"], False),
        ("mcp", [], True),
        ("mcp", ["--home", "/x"], True),
        ("mcp", ["--name", "bob"], False),
        ("inbox", [], False),
    ],
)
def test_arguments_that_are_read_plainly_mean_the_same_as_to_argparse(verb, arguments, is_plain):
    command = import_module(f"postroom.cli.{verb}").COMMANDS[verb]
    found = plain(command, arguments)
    assert (found is not None) == is_plain
    if found is not None:
        assert vars(found) | {"help": False} == vars(parsing.read(parsing.parser(verb, command), arguments))
