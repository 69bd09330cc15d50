"""Outsiders cannot tell a secret room from none, nor a ghost from nobody: they see the same, byte for byte, whatever happens inside.

Each script is run twice, in two post rooms with one clock: once as it is, once without what happens inside a secret room and without
what a ghost does. `POSTROOM_TEST_PAIRS` is how many, `POSTROOM_TEST_SEED` which ones.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from postroom.core.profile import Profile
from postroom.exchange import presence
from tests.properties.screens import look_at_screens, watch
from tests.properties.scripts import script
from tests.properties.twins import AGENTS, BECOMES_A_GHOST, Act, Town

PAIRS = int(os.environ.get("POSTROOM_TEST_PAIRS", "1000"))
SEED = os.environ.get("POSTROOM_TEST_SEED") or os.urandom(4).hex()
LIMITS = {
    "wide": "",
    "narrow": "[limits]\nwaiting = 5\nroom_per_minute = 6\nsender_per_minute = 12\npair_per_minute = 5\nbroadcasts_per_minute = 1\n"
    "sender_in_room_per_minute = 4\n"
    "thread_turns = 3\nhops = 3\nagents = 8\nrooms = 2\nmembers = 4\nrequests = 3\nevent_days = 1\narchive_days = 1\n",
    "narrowest": "[limits]\nwaiting = 2\nroom_per_minute = 2\nsender_per_minute = 2\npair_per_minute = 2\nbroadcasts_per_minute = 1\n"
    "thread_turns = 1\nhops = 1\nagents = 7\nrooms = 1\nmembers = 3\nrequests = 1\n",
}
Look = Callable[[Town, list[str]], None]
"""How outsiders look around in the end, and guess the ids of what they may not see."""
IN_MEMORY = Path("/dev/shm")


@pytest.fixture(scope="module")
def seeds() -> Iterator[dict[str, Path]]:
    """Post rooms in which everybody is, to be copied."""
    with TemporaryDirectory(prefix="twins-", dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as directory:
        made = {}
        for name, limits in LIMITS.items():
            made[name] = Path(directory) / name
            town = Town(made[name])
            for agent in AGENTS:
                town.desk(agent)
            presence.set_profile(town.desk("ida"), Profile(visibility="hidden"))
            town.desk("human")
            town.close()
            shutil.rmtree(made[name] / "run", ignore_errors=True)
            (made[name] / "config.toml").write_text(limits)
        yield made


def run(seed: Path, acts: list[Act], look: Look, hidden: list[str] | None = None) -> tuple[list[str], list[str]]:
    """What outsiders see of a run, and the ids that they guess in the end: those that were hidden, unless they are given."""
    home = seed.with_name("home")
    shutil.copytree(seed, home)
    try:
        town = Town(home)
        try:
            for act in acts:
                town.do(act)
            hidden = town.hidden() if hidden is None else hidden
            look(town, hidden)
            return town.seen, hidden
        finally:
            town.close()
    finally:
        shutil.rmtree(home)


def difference(seed: Path, acts: list[Act], look: Look = Town.look_around) -> str:
    """The first thing that outsiders see differently because of what happens inside; "" if there is none."""
    with_it, hidden = run(seed, acts, look)
    without, _ = run(seed, [act for act in acts if not act.inside], look, hidden)
    for one, other in zip_longest(with_it, without):
        if one != other:
            return f"{one}\n  and without it\n{other}"
    return ""


def shortest(seed: Path, acts: list[Act], look: Look) -> list[Act]:
    """The script without what the difference does not need."""
    place = len(acts)
    while place:
        place -= 1
        fewer = acts[:place] + acts[place + 1 :]
        if BECOMES_A_GHOST not in acts[place].what and difference(seed, fewer, look):
            acts = fewer
    return acts


def check(seed: Path, name: str, look: Look) -> None:
    """Fail with the shortest script that shows a difference, if there is one."""
    acts = script(Random(f"{SEED} {name}"))
    if difference(seed, acts, look):
        acts = shortest(seed, acts, look)
        told = "\n".join(map(repr, acts))
        pytest.fail(f"POSTROOM_TEST_SEED={SEED}, {name}\n{told}\n\n{difference(seed, acts, look)}")


@pytest.mark.slow
@pytest.mark.timeout(600 + PAIRS)
@pytest.mark.parametrize("limits", LIMITS)
def test_outsiders_see_nothing_of_what_happens_inside(seeds, limits):
    for number in range(PAIRS // len(LIMITS)):
        check(seeds[limits], f"{limits} {number}", Town.look_around)


@pytest.mark.slow
@pytest.mark.timeout(600 + PAIRS)
@pytest.mark.parametrize("limits", LIMITS)
def test_outsiders_see_nothing_of_it_at_the_command_line(seeds, limits):
    for number in range(PAIRS // 20 // len(LIMITS)):
        check(seeds[limits], f"{limits} screen {number}", look_at_screens)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(3))
def test_outsiders_see_nothing_of_it_who_watch(seeds, number):
    check(seeds["wide"], f"watch {number}", watch)
