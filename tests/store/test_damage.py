"""A damaged store: whatever the damage, the doctor reports, agents get an error in words, and a backup brings everything back."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from postroom import Draft, PostroomError, connect
from postroom.exchange import keeping
from postroom.store.checks import Level
from postroom.testing import PostRoom
from tests.store.keepers import faults, settle

WORDS = ["apple", "banana", "cherry", "damson", "elder", "fig"]


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """The home of a post room that nobody uses any more, all of it in store.db."""
    directory = tmp_path_factory.mktemp("sound")
    with PostRoom() as post:
        alice, bob = post.agents("alice", "bob")
        for number in range(30):
            alice.send_many([Draft("bob", f"{word} {number}" * 20, subject=word, reply_within=60) for word in WORDS])
        bob.confirm(bob.take(50))
        bob.take(5)
        alice.history()
        alice.close()
        bob.close()
        settle(post.home)
        assert os.path.getsize(os.path.join(post.home, "store.db")) > 100_000
        keeping.back_up(post.home, str(directory / "copy"))
        shutil.copytree(post.home, directory / "home", ignore=shutil.ignore_patterns("*.sock", "*-shm", "*-wal"))
    os.chmod(directory / "home", 0o700)
    return directory / "home"


@contextlib.contextmanager
def damaged(sound: Path, damage):
    """A copy of the store after something happened to its file."""
    with PostRoom() as post:
        shutil.copytree(sound, post.home)
        path = Path(post.home, "store.db")
        path.write_bytes(damage(bytearray(path.read_bytes())))
        yield post.home


def flipped(seed: int, number: int):
    def damage(content: bytearray) -> bytes:
        chance = random.Random(seed)
        for _ in range(number):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        return bytes(content)

    return damage


def use(home: str) -> None:
    """What agents do. A damaged store may end any of it, in words."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.suppress(PostroomError))
        alice, bob = (stack.enter_context(open_agent(name, home)) for name in ("alice", "bob"))
        for act in (
            lambda: alice.send("bob", "after the damage"),
            lambda: bob.take(1000),
            lambda: bob.peek(1000),
            lambda: bob.search("apple"),
            lambda: alice.history(limit=1000),
            alice.agents,
            alice.sessions,
        ):
            with contextlib.suppress(PostroomError):
                act()


@contextlib.contextmanager
def open_agent(name: str, home: str):
    agent = connect(name, home=home)
    try:
        yield agent
    finally:
        agent.close()


@given(seed=st.integers(0, 1 << 32), number=st.integers(1, 200))
@example(seed=0, number=200)
def test_flipped_bytes_end_in_a_report_and_in_errors_in_words(sound, seed, number):
    with damaged(sound, flipped(seed, number)) as home:
        assert keeping.examine(home, full=True)
        use(home)
        assert keeping.examine(home)


@given(seed=st.integers(0, 1 << 32), number=st.integers(1, 2000))
@settings(max_examples=40)
def test_a_backup_brings_everything_back_whatever_the_damage(sound, seed, number):
    with damaged(sound, flipped(seed, number)) as home:
        keeping.restore(str(sound.parent / "copy"), home)
        assert faults(home) == []
        with open_agent("bob", home) as bob:
            assert sum(message.kind == "message" for message in bob.take(1000)) == 130


@given(kept=st.floats(0, 1, exclude_max=True))
@example(kept=0.0)
@example(kept=0.5)
def test_a_truncated_file_is_damage(sound, kept):
    with damaged(sound, lambda content: bytes(content[: int(len(content) * kept)])) as home:
        if os.path.getsize(os.path.join(home, "store.db")):
            assert faults(home), "something is missing"
        assert keeping.examine(home, full=True)
        use(home)


@given(place=st.integers(0, 200), junk=st.binary(min_size=1024, max_size=1024))
def test_a_page_of_junk_is_reported(sound, place, junk):
    def damage(content: bytearray) -> bytes:
        start = place % (len(content) // 1024) * 1024
        content[start : start + 1024] = junk
        return bytes(content)

    with damaged(sound, damage) as home:
        assert keeping.examine(home, full=True)
        use(home)


def test_most_flipped_bytes_in_the_pages_are_found(sound):
    found = 0
    for seed in range(40):
        with damaged(sound, flipped(seed, 200)) as home:
            found += any(finding.level is Level.DAMAGE for finding in keeping.examine(home, full=True))
    assert found >= 38


def test_a_file_that_is_no_database_is_damage_and_the_advice_is_to_restore(sound):
    with damaged(sound, lambda _: b"not a database at all " * 100) as home:
        (finding,) = [finding for finding in keeping.examine(home) if finding.level is Level.DAMAGE]
        assert "cannot be opened" in finding.what
        assert "postroom restore" in finding.next_step


def test_a_store_whose_wal_cannot_be_opened_is_looked_at_as_it_lies(sound):
    with damaged(sound, bytes) as home:
        os.mkdir(os.path.join(home, "store.db-wal"))
        found = keeping.examine(home)
    assert any("cannot be opened for writing" in finding.what for finding in found if finding.level is Level.ERROR)
    assert any("belong together" in finding.what for finding in found if finding.level is Level.OK)


def test_a_store_on_a_read_only_file_system_is_looked_at(sound):
    with damaged(sound, bytes) as home:
        os.chmod(home, 0o500)
        os.chmod(os.path.join(home, "store.db"), 0o400)
        try:
            assert keeping.examine(home, full=True)
        finally:
            os.chmod(home, 0o700)
