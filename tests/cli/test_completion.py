"""Completion scripts: each shell accepts its own, and offers what the verbs take."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from postroom.cli.completion import SHELLS, entries
from tests.cli.shell import PROGRAM, environment


@pytest.mark.parametrize("name", SHELLS)
def test_a_shell_accepts_its_script(shell, name):
    script = shell.ok("completion", name)
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed")
    done = subprocess.run([program, "-n"], input=script, text=True, env=environment(shell.home), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", SHELLS)
def test_a_script_knows_each_verb_and_option(shell, name):
    script = shell.ok("completion", name)
    for entry in entries():
        assert all(word in script for word in entry.verb.name.split())
        assert all(option.spelling.lstrip("-") in script for option in entry.options)


def offered(shell, *words: str, **more: str) -> list[str]:
    """What bash offers for the last of some words."""
    directory = shell.home / "bin"
    directory.mkdir(exist_ok=True)
    program = directory / "postroom"
    program.write_text(f'#!/bin/sh\nexec {" ".join(PROGRAM)} "$@"\n')
    program.chmod(0o755)
    line = " ".join(f"'{word}'" for word in words)
    typed = f"COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}"
    code = f'eval "$(postroom completion bash)"; {typed}; _postroom; printf "%s\\n" "${{COMPREPLY[@]}}"'
    path = f"{directory}{os.pathsep}{os.path.dirname(sys.executable)}{os.pathsep}{os.defpath}"
    done = subprocess.run(
        ["bash", "-c", code],
        stdin=subprocess.DEVNULL if shell.keyboard is None else shell.keyboard,
        env=environment(shell.home, PATH=path, **more),
        cwd=directory,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    "words, expected",
    [
        (["postroom", "se"], {"send", "search", "session"}),
        (["postroom", "session", ""], {"open", "accept", "decline", "send", "close", "list"}),
        (["postroom", "--as", "alice", "session", "o"], {"open"}),
        (["postroom", "send", ""], {"alice", "bob", "human", "@all"}),
        (["postroom", "ask", ""], {"alice", "bob", "human"}),
        (["postroom", "send", "--as", "a"], {"alice"}),
        (["postroom", "session", "open", "b"], {"bob"}),
        (["postroom", "send", "--urg"], {"--urgency"}),
        (["postroom", "send", "bob", "--urgency", ""], {"now", "next", "info"}),
        (["postroom", "completion", "z"], {"zsh"}),
        (["postroom", "send", "bob", "--file", "post"], {"postroom"}),
        (["postroom", "send", "bob", ""], set()),
        (["postroom", "--h"], {"--home", "--help"}),
    ],
)
def test_bash_offers_what_fits(pair, words, expected):
    assert set(offered(pair, *words)) == expected


@pytest.fixture
def discreet(pair):
    """A post room with a hidden agent, a ghost, and a secret room of alice."""
    pair.ok("profile", "--visibility", "hidden", "--as", "mole")
    pair.ok("profile", "--visibility", "ghost", "--as", "spook")
    pair.ok("room", "create", "open", "--as", "alice")
    pair.ok("room", "create", "closed", "--policy", "private", "--as", "alice")
    pair.ok("room", "create", "hush", "--policy", "secret", "--as", "alice")
    return pair


VISIBLE_NAMES, VISIBLE_ROOMS = {"alice", "bob", "human"}, {"open", "closed"}


def test_names_and_rooms_that_one_may_not_know_of_are_not_offered(discreet):
    for who in ({}, {"POSTROOM_AGENT": "bob"}):
        assert set(offered(discreet, "postroom", "ask", "", **who)) == VISIBLE_NAMES
        assert set(offered(discreet, "postroom", "send", "", **who)).isdisjoint({"mole", "spook", "'#hush'"})
        assert set(offered(discreet, "postroom", "join", "", **who)) == VISIBLE_ROOMS
        assert offered(discreet, "postroom", "send", "--as", "sp", **who) == []


def test_who_is_out_of_sight_and_who_is_in_a_secret_room_is_offered_its_own(discreet):
    assert set(offered(discreet, "postroom", "join", "", POSTROOM_AGENT="alice")) == VISIBLE_ROOMS | {"hush"}
    assert set(offered(discreet, "postroom", "ask", "", POSTROOM_AGENT="mole")) == VISIBLE_NAMES | {"mole"}
    assert set(offered(discreet, "postroom", "ask", "", POSTROOM_AGENT="spook")) == VISIBLE_NAMES | {"spook"}


def test_the_person_at_a_terminal_is_offered_everything(discreet, person):
    assert set(offered(person, "postroom", "ask", "")) == VISIBLE_NAMES | {"mole", "spook"}
    assert set(offered(person, "postroom", "join", "")) == VISIBLE_ROOMS | {"hush"}


@pytest.mark.parametrize("name", SHELLS)
def test_a_script_holds_no_name_whoever_made_it(discreet, person, name):
    script = person.ok("completion", name)
    assert not [word for word in ("alice", "mole", "spook", "hush") if word in script]
    assert "agents --names" in script
    assert "rooms --names" in script
    assert "agents --addresses" in script
    assert "held --ids" in script


@pytest.fixture
def tagged(pair):
    """A post room in which bob is a reviewer, and alice has a room; carol is in no room."""
    pair.ok("profile", "--tag", "review", "--as", "bob")
    pair.ok("profile", "--as", "carol")
    pair.ok("room", "create", "dev", "--as", "alice")
    return pair


@pytest.mark.parametrize(
    "words, expected",
    [
        (["send", ""], {"bob", "carol", "human", "'#dev'", "@all", "@tag:review"}),
        (["send", '"#'], {"#dev"}),
        (["send", '"@'], {"@all", "@tag:review"}),
        (["send", "@"], {"all", "tag:review"}),
        (["send", "@", "a"], {"all"}),
        (["send", "b"], {"bob"}),
        (["agents", "--tag", ""], {"review"}),
        (["ask", "@"], set()),
    ],
)
def test_whom_one_can_send_to_is_offered_but_not_oneself(tagged, words, expected):
    assert set(offered(tagged, "postroom", *words, POSTROOM_AGENT="alice")) == expected


def test_rooms_are_offered_to_those_who_can_send_there(tagged):
    assert offered(tagged, "postroom", "send", '"#', POSTROOM_AGENT="carol") == []
    assert offered(tagged, "postroom", "send", '"#') == ["#dev"]


def test_what_is_held_is_offered_to_be_released(tagged, person):
    with tagged.terminal("pause", "alice", "wait") as terminal:
        assert terminal.end()[0] == 0
    assert offered(person, "postroom", "release", "") == offered(person, "postroom", "discard", "") == ["alice"]
    assert offered(tagged, "postroom", "release", "") == []
