"""Who may not open the store finds the node: a sandbox, a container, another user. There it is the same, and the doctor says why."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import NamedTuple

import pytest

from postroom import connect
from postroom.core.errors import StoreUnusable
from tests.cli.shell import PROGRAM, SOON_S, Result, environment
from tests.cli.test_bad_places import AS_NOBODY, as_nobody
from tests.remote.elsewhere import Elsewhere


class Shut(NamedTuple):
    """A post room as a program sees it that may not open its store: it lies behind a symbolic link, which is refused."""

    room: Elsewhere
    home: str


@pytest.fixture
def shut(room: Elsewhere) -> Shut:
    """A post room whose store may not be opened, and whose node can be reached."""
    link = room.user / "shut"
    link.symlink_to(room.home)
    return Shut(room, str(link))


@pytest.fixture
def own(shut: Shut) -> dict[str, str]:
    """What says that nothing but the post room itself is known."""
    return {"POSTROOM_HOME": shut.home}


def test_the_sdk_finds_the_node_beside_a_store_that_it_may_not_open(shut, monkeypatch):
    monkeypatch.setenv("POSTROOM_HOME", shut.home)
    with connect("alice") as alice, connect("bob") as bob:
        assert alice.home == f"unix://{shut.home}/run/node.sock"
        alice.send("bob", "hello")
        (message,) = bob.take(wait=30)
        message.reply("hi")
        assert alice.take(wait=30)[0].body == "hi"
        assert [one.online for one in alice.agents() if one.name == "bob"] == [True]


def test_the_command_line_finds_it_too_and_behaves_the_same(shut, shell, own):
    assert "bob: delivered" in shell.ok("send", "bob", "hello", "--as", "alice", "--create", **own)
    assert "hello" in shell.ok("inbox", "--as", "bob", **own)
    assert "read" in shell.ok("status", shell.objects("history", "--as", "alice", **own)[0]["id"], "--as", "alice", **own)
    done = shell("history", "--as", "alcie", **own)
    assert (done.code, "Did you mean alice?" in done.err) == (67, True)


@pytest.mark.parametrize("verb", ["agents", "history", "rooms", "held", "watch"])
def test_who_looks_there_without_a_name_is_asked_for_it_as_one_who_acts_is(shut, shell, own, verb):
    done = shell(verb, **own)
    assert (done.code, done.err.count("\n")) == (64, 1), done
    assert done.err.startswith("postroom: Who are you? Say --as NAME")
    assert "symbolic link" in done.err
    with shell.terminal(verb, columns=400, **own) as terminal:
        assert terminal.end() == (64, done.err.replace("\n", "\r\n"))
    shut.room.node.stop()
    done = shell(verb, **own)
    assert (done.code, done.err.startswith("postroom: The store")) == (73, True), done


@pytest.mark.parametrize("arguments", [["token", "list"], ["webhook", "list"]])
def test_what_belongs_to_the_machine_of_the_post_room_is_called_so_for_nobody_too(shut, shell, own, arguments):
    done = shell(*arguments, **own)
    assert (done.code, f"`postroom {' '.join(arguments)}` works on the machine" in done.err) == (69, True), done


@pytest.mark.parametrize("arguments", [["token", "list"], ["webhook", "list"]])
def test_what_belongs_to_the_machine_of_the_post_room_is_called_as_it_is_typed(shut, shell, own, arguments):
    shell.ok("profile", "--as", "jack", **own)
    done = shell(*arguments, "--as", "jack", **own)
    assert (done.code, f"`postroom {' '.join(arguments)}` works on the machine" in done.err) == (69, True), done


def test_a_token_beside_a_store_that_is_shut_registers_nobody(shut, shell, own):
    shell.ok("profile", "--as", "jack", **own)
    done = shell("token", "create", "newcomer", **own)
    assert (done.code, "`postroom token create` works on the machine" in done.err) == (69, True), done
    assert "newcomer" not in shell.ok("agents", "--as", "jack", **own)


def test_a_new_name_that_looks_mistyped_is_told_there_too(shut, shell, own):
    shell.ok("profile", "--as", "analyst", **own)
    done = shell("inbox", "--as", "analyts", **own)
    assert done.err == "postroom: new name 'analyts'; did you mean analyst?\n"


def test_the_doctor_says_which_way_is_taken_and_why(shut, shell, own):
    (way, answer) = shell("doctor", "--json", **own).objects
    assert way["level"] == answer["level"] == "ok"
    assert f"verbs are done by the node at unix://{shut.home}/run/node.sock, as the store is shut to this program" in way["what"]
    assert "symbolic link" in way["what"]
    assert "lets in every agent" in answer["what"]


def test_without_a_node_the_store_is_shut_as_it_always_was(shut, shell, own):
    shut.room.node.stop()
    done = shell("send", "bob", "x", "--as", "alice", **own)
    assert (done.code, done.err.count("\n")) == (73, 1)
    with pytest.raises(StoreUnusable):
        connect("alice", home=shut.home)
    assert "no node answers at" in shell("doctor", **own).out


def test_the_doctor_says_that_the_store_is_used_where_it_may_be(room, shell):
    found = shell("doctor", "--json").objects
    way = f"verbs are done in the store itself; a node serves it, too, at unix://{room.home}/run/node.sock and {room.url}"
    assert found[0]["what"] == way
    assert len(found) > 5


def test_the_doctor_says_that_a_url_is_used_and_whose_the_token_is(room, shell):
    way, answer = shell("doctor", "--json", **room.environment(POSTROOM_TOKEN=room.token("jack"))).objects
    assert way["what"] == f"verbs are done by the node at {room.url}, as $POSTROOM_URL says so; the store here is not used"
    assert answer["what"] == "the node lets you in as jack"


def test_the_doctor_says_that_a_node_is_away_and_what_waits_for_it(room, shell):
    known = room.environment(POSTROOM_TOKEN=room.token("jack"))
    shell.ok("send", "jack", "to myself", **known)
    room.kill_node()
    shell.ok("send", "jack", "later", **known)
    done = shell("doctor", "--json", **known)
    assert done.code == 73
    assert [(one["level"], one["what"].partition(":")[0]) for one in done.objects][1:] == [
        ("error", "The node at http"),
        ("note", "waiting for bus"),
    ]
    elsewhere = shell("doctor", "--json", POSTROOM_HOME=room.far).objects
    assert [one["what"] for one in elsewhere if one["level"] == "note" and "waiting" in one["what"]] == [
        f"waiting for bus: 1 message of jack, for {room.url}"
    ]


# Sandboxes that the kernel holds


def test_a_store_that_is_read_only_for_this_program_is_reached_by_its_node(room):
    """A mount of its own in which the home is read-only, as bubblewrap and container runtimes make it."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("only root can make a mount namespace here")
    inside = f"mount --bind {room.home} {room.home} && mount -o remount,bind,ro {room.home} && exec {' '.join(PROGRAM)} "

    def sandboxed(arguments: str) -> Result:
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", inside + arguments],
            env=environment(room.user) | {"PATH": os.environ["PATH"]}, capture_output=True, timeout=SOON_S, check=False,
        )  # fmt: skip
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    probe = subprocess.run(["unshare", "-m", "mount", "--bind", room.home, room.home], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("this kernel lets nobody mount here")
    bob = room.here("bob")
    assert "bob: delivered" in sandboxed("send bob 'from the sandbox' --as alice").out
    (message,) = bob.take(wait=30)
    message.reply("into the sandbox")
    assert "into the sandbox" in sandboxed("inbox --as alice").out
    assert "as the store is shut to this program" in sandboxed("doctor").out


def test_another_user_comes_by_the_url_with_a_token(room, shell):
    """The store is root's; who comes may not even look into its directory."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    bob, token = room.here("bob"), room.token("jack")
    done = as_nobody_with(shell, room.environment(POSTROOM_TOKEN=token), "send", "bob", "hello")
    assert (done.code, done.err) == (0, ""), done
    assert [message.body for message in bob.take(wait=30)] == ["hello"]
    refused = as_nobody(shell, "send", "bob", "x", "--as", "jack", "--home", room.home)
    assert refused.code in {73, 77}, "by the directory there is no way in"


def as_nobody_with(shell, more: dict[str, str], *arguments: str) -> Result:
    """Run a command as somebody else, who knows the node."""
    done = subprocess.run(
        [sys.executable, "-c", f"import encodings.idna\n{AS_NOBODY}", *arguments],
        env=environment(shell.home) | more | {"POSTROOM_HOME": "/nowhere/at/all"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SOON_S,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())
