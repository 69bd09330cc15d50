"""Places where a store cannot be, and stores that cannot be used: a one-line error with its exit code, and nothing lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from postroom.store.database import SCHEMA_VERSION
from tests.cli.shell import SOON_S, Result, Shell, environment

NOBODY = 65534
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount or give files away")


@pytest.fixture
def store(pair: Shell) -> Path:
    """A store that holds one unread message for bob."""
    pair.ok("send", "bob", "precious", "--as", "alice")
    return pair.home / "postroom"


def refused(done: Result, code: int) -> str:
    """One line, the right code."""
    assert done.code == code, done
    assert done.err.startswith("postroom: ") or done.err.startswith('{"error"'), done
    assert done.err.count("\n") == 1
    assert done.out == ""
    return done.err


def still_there(shell: Shell) -> None:
    """The message is there, unread."""
    assert [message["body"] for message in shell.objects("inbox", "--as", "bob")] == ["precious"]


# Everything is loaded before the privileges go: the interpreter may lie where nobody else can read.
AS_NOBODY = f"""
import difflib, encodings.ascii, os, pkgutil, sys, unicodedata
from importlib import import_module
import postroom
for module in pkgutil.walk_packages(postroom.__path__, "postroom."):
    if not module.name.endswith("__main__"):
        import_module(module.name)
os.chdir("/")
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
postroom.cli.main()
"""


def as_nobody(shell: Shell, *arguments: str) -> Result:
    """Run a command as somebody whom permissions bind, also when the tests are root's."""
    program = [sys.executable, "-c", AS_NOBODY, *arguments]
    done = subprocess.run(program, env=environment(shell.home), stdin=subprocess.DEVNULL, capture_output=True, timeout=SOON_S, check=False)
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def given_to_nobody(directory: Path) -> None:
    """Let the store belong to the one who runs the command."""
    if os.geteuid() == 0:
        for path in (directory.parent, directory, *directory.rglob("*")):
            os.chown(path, NOBODY, NOBODY)


def test_a_home_that_may_not_be_written_gets_no_configuration(shell):
    (shell.home / ".codex").mkdir()
    given_to_nobody(shell.home / ".codex")
    shell.home.chmod(0o555)
    done = as_nobody(shell, "install", "codex", "--yes")
    assert (done.code, done.err.count("cannot be written: Permission denied")) == (77, 1)
    assert not list((shell.home / ".codex").iterdir())


def test_a_read_only_directory(pair, store):
    given_to_nobody(store)
    store.chmod(0o500)
    (store / "store.db").chmod(0o400)
    try:
        refused(as_nobody(pair, "send", "bob", "x", "--as", "alice"), 77)
    finally:
        store.chmod(0o700)
        (store / "store.db").chmod(0o600)
    assert "precious" in as_nobody(pair, "inbox", "--as", "bob").out


def errors_of(done: Result) -> str:
    """What the doctor says keeps everybody out."""
    assert (done.code, done.err) == (73, ""), done
    return "".join(line for line in done.out.splitlines(keepends=True) if line.startswith("error "))


def test_the_doctor_says_of_a_read_only_directory_what_a_send_is_told(pair, store):
    given_to_nobody(store)
    for path in (store, store / "store.db"):
        mode = path.stat().st_mode & 0o777
        path.chmod(mode & 0o500)
        assert f"{path} cannot be written: Permission denied. Make it writable" in errors_of(as_nobody(pair, "doctor"))
        path.chmod(mode)
    assert as_nobody(pair, "doctor").code == 0


def test_a_backup_of_a_store_that_cannot_be_written_names_the_file_there(pair, store):
    given_to_nobody(store)
    (store / "warden.lock").touch(mode=0o400)
    (store / "warden.lock").chmod(0o400)
    if os.geteuid() == 0:
        os.chown(store / "warden.lock", NOBODY, NOBODY)
    said = refused(as_nobody(pair, "backup", str(pair.home / "copy")), 77)
    assert f"{store}/warden.lock cannot be written: Permission denied. Make" in said
    assert not list(pair.home.glob("copy*"))


def test_a_directory_that_cannot_be_made(shell):
    closed = shell.home / "closed"
    closed.mkdir(mode=0o500)
    if os.geteuid() == 0:
        shell.home.chmod(0o755)
        os.chown(closed, NOBODY, NOBODY)
    store = str(closed / "deeper" / "store")
    said = refused(as_nobody(shell, "send", "bob", "x", "--as", "alice", "--home", store), 77)
    assert "Permission denied" in said
    assert errors_of(as_nobody(shell, "doctor", "--home", store)).removeprefix("error    ") == said.removeprefix("postroom: ")
    assert list(closed.iterdir()) == []


def test_a_config_that_cannot_be_read_is_told_by_the_doctor_in_the_same_words(pair, store):
    (store / "config.toml").write_text("[limits\n")
    said = refused(pair("send", "bob", "x", "--as", "alice"), 78)
    assert "line 1, column 8" in said
    assert errors_of(pair("doctor")).removeprefix("error    ") == said.removeprefix("postroom: ")
    assert "body_bytes" in pair.ok("limits", "--markdown")


@root_only
def test_a_read_only_file_system(pair, store):
    with mounted(pair.home / "disk", "size=4m") as disk:
        shutil.copytree(store, disk / "store", ignore=shutil.ignore_patterns("run"))
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        refused(pair("send", "bob", "x", "--as", "alice", "--home", str(disk / "store")), 77)
    still_there(pair)


@contextmanager
def mounted(place: Path, options: str):
    """A small file system of its own."""
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"{options},mode=0700", "none", str(place)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@root_only
def test_a_full_disk(pair):
    with mounted(pair.home / "disk", "size=2m") as disk:
        home = str(disk / "store")
        pair.ok("profile", "--as", "bob", "--home", home)
        (disk / "ballast").write_bytes(b"x" * 1_500_000)
        accepted: list[str] = []
        done = Result(0, "", "")
        while done.code == 0:
            body = f"{len(accepted)} {'x' * 50_000}"
            done = pair("send", "bob", "-", "--as", "alice", "--home", home, stdin=body)
            accepted += [body] if done.code == 0 else []
        assert "disk is full" in refused(done, 74)
        assert "disk is full" in refused(pair("send", "bob", "x", "--file", str(disk / "ballast"), "--as", "alice", "--home", home), 74)
        assert [message["body"] for message in pair.objects("inbox", "--peek", "--as", "bob", "--home", home)] == accepted
        (disk / "ballast").unlink()
        assert [message["body"] for message in pair.objects("inbox", "--as", "bob", "--home", home)] == accepted
        assert {finding["level"] for finding in pair.objects("doctor", "--home", home)} <= {"ok", "note", "warning"}


@root_only
def test_a_disk_too_small_for_a_store(shell):
    with mounted(shell.home / "disk", "size=16k") as disk:
        refused(shell("send", "bob", "x", "--as", "alice", "--create", "--home", str(disk / "store")), 74)


def set_version(store: Path, version: int) -> None:
    """Stamp the schema version, as a newer Postroom would."""
    import apsw

    connection = apsw.Connection(str(store / "store.db"))
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()


def test_a_store_of_a_newer_version(pair, store):
    set_version(store, 99)
    for arguments in (["send", "bob", "x", "--as", "alice"], ["inbox", "--as", "bob"], ["history"], ["agents"], ["status", "1"]):
        assert "99" in refused(pair(*arguments), 78)
        assert pair(*arguments, "--json").failure["error"] == "outdated"
    set_version(store, SCHEMA_VERSION)
    still_there(pair)


def overwritten(store: Path, content: bytes, offset: int = 0) -> None:
    """Damage the file, and remember nothing of it in the WAL."""
    for name in ("store.db-wal", "store.db-shm"):
        (store / name).unlink(missing_ok=True)
    with open(store / "store.db", "r+b") as file:
        file.seek(offset)
        file.write(content)


def test_a_corrupted_store(pair, store):
    overwritten(store, b"\xff" * 4096)
    before = (store / "store.db").read_bytes()
    for arguments in (["send", "bob", "x", "--as", "alice"], ["inbox", "--as", "bob"], ["history"]):
        assert "doctor" in refused(pair(*arguments), 74)
    done = pair("doctor")
    assert (done.code, done.err) == (74, "")
    assert "damage" in done.out
    assert (store / "store.db").read_bytes() == before, "nothing is repaired or deleted silently"


def test_pages_of_rubbish(pair, store):
    for number in range(40):
        pair.ok("send", "bob", f"{number} {'x' * 500}", "--as", "alice")
    set_version(store, SCHEMA_VERSION)  # the last connection of SQLite's own kind copies the WAL into the file
    size = (store / "store.db").stat().st_size
    overwritten(store, b"\xa5" * (size - 4096), offset=4096)
    done = pair("inbox", "--as", "bob")
    refused(done, 74)


def test_a_file_that_is_no_store(shell):
    directory = shell.home / "postroom"
    directory.mkdir(mode=0o700)
    (directory / "store.db").write_text("Dear diary, " * 100)
    (directory / "store.db").chmod(0o600)
    refused(shell("send", "bob", "x", "--as", "alice"), 74)
    assert (directory / "store.db").read_text().startswith("Dear diary")


@root_only
def test_a_directory_of_somebody_else(pair, store):
    os.chown(store, NOBODY, NOBODY)
    assert "another user" in refused(pair("inbox", "--as", "bob"), 73)
    os.chown(store, 0, 0)
    os.chown(store / "store.db", NOBODY, NOBODY)
    assert "another user" in refused(pair("inbox", "--as", "bob"), 73)
    os.chown(store / "store.db", 0, 0)
    still_there(pair)


@root_only
def test_a_directory_that_one_may_not_even_enter(shell):
    shell.ok("profile", "--as", "bob")
    shell.home.chmod(0o755)
    done = as_nobody(shell, "inbox", "--as", "bob")
    refused(done, 73)


def test_a_symlinked_store(pair, store):
    link = pair.home / "link"
    link.symlink_to(store)
    assert "symbolic link. Name the real directory." in errors_of(pair("doctor", "--home", str(link)))
    assert "symbolic link" in refused(pair("inbox", "--as", "bob", "--home", str(link)), 73)
    (store / "store.db").rename(pair.home / "elsewhere.db")
    (store / "store.db").symlink_to(pair.home / "elsewhere.db")
    refused(pair("inbox", "--as", "bob"), 73)
    (store / "store.db").unlink()
    (pair.home / "elsewhere.db").rename(store / "store.db")
    still_there(pair)


def test_a_store_that_others_may_read(pair, store):
    store.chmod(0o750)
    assert "chmod 700" in refused(pair("inbox", "--as", "bob"), 73)
    store.chmod(0o700)
    (store / "store.db").chmod(0o640)
    assert "chmod 600" in refused(pair("inbox", "--as", "bob"), 73)
    (store / "store.db").chmod(0o600)
    still_there(pair)


@pytest.mark.parametrize("verb", [["inbox", "--as", "bob"], ["doctor"]])
def test_a_directory_that_others_use_is_not_to_be_closed_for_them(shell, verb):
    shared = shell.home / "shared"
    (shared / "of somebody").mkdir(parents=True)
    shared.chmod(0o1777)
    done = shell(*verb, "--home", str(shared))
    said = done.err + done.out
    assert (done.code, "chmod" in said) == (73, False)
    assert f"choose a directory of its own with POSTROOM_HOME, like {shared}/postroom" in said
    assert [path.name for path in shared.iterdir()] == ["of somebody"]


def test_a_directory_in_which_nothing_is_yet_is_to_be_closed(shell):
    empty = shell.home / "to be one"
    empty.mkdir(mode=0o755)
    assert f"Run: chmod 700 '{empty}'" in refused(shell("inbox", "--as", "bob", "--home", str(empty)), 73)


def test_a_file_in_the_place_of_the_directory(shell):
    (shell.home / "postroom").write_text("in the way")
    refused(shell("inbox", "--as", "bob"), 73)
    refused(shell("inbox", "--as", "bob", "--home", str(shell.home / "postroom" / "deeper")), 73)
    refused(shell("inbox", "--as", "bob", "--home", "/dev/null"), 73)


def test_a_home_whose_path_is_too_long_for_a_socket(pair):
    with tempfile.TemporaryDirectory(dir=pair.home, prefix="long-" * 30) as directory:
        home = str(Path(directory) / "postroom")
        pair.ok("profile", "--as", "bob", "--home", home)
        waiting = pair.start("inbox", "--wait", "60", "--as", "bob", "--home", home)
        pair.ok("send", "bob", "hi", "--as", "alice", "--home", home)
        assert waiting.communicate(timeout=60)[0].endswith("  │ hi\n".encode())
