"""Processes that come, go, speak and read in rooms and are killed with -9: who lives agrees about rooms, and nobody misses a word."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from time import monotonic

import pytest

import postroom
from tests.faults import roommate
from tests.faults.carnage import SEED, Carnage, Worker, enough_s
from tests.faults.diary import lines_of, mailbox
from tests.faults.roommate import ROOMMATES, ROOMS, Roommate
from tests.programs import Program
from tests.store.keepers import faults, query

# The home fixture hides this variable from the programs under test, so it is read before.
KILLS = int(os.environ.get("POSTROOM_TEST_KILLS", "100"))
WITHIN_S = enough_s(KILLS)
LIMITS = "[limits]\nsender_per_minute = 1000000\nroom_per_minute = 1000000\nsender_in_room_per_minute = 1000000\nwaiting = 1000000\n"
LOOK = """
for room in me.rooms():
    names = [member.name for member in me.members(room.name)]
    print(room.name, room.owner, *names, *[one.id for one in me.history(peer=f"#{room.name}", limit=1000)])
"""


@pytest.fixture
def caretaker(home: Path) -> Iterator[postroom.Agent]:
    """Who made the rooms and stays in all of them."""
    (home / "postroom").mkdir(mode=0o700)
    (home / "postroom" / "config.toml").write_text(LIMITS)
    with postroom.connect("caretaker") as agent:
        for name in ROOMMATES:
            postroom.connect(name).close()
        for name, policy in ROOMS.items():
            agent.create_room(name, policy=policy)
            agent.invite(name, *ROOMMATES)
        yield agent


@pytest.mark.slow
@pytest.mark.timeout(WITHIN_S + 60)
def test_who_is_left_agrees_about_rooms_and_nobody_misses_a_word(home, caretaker):
    print(f"POSTROOM_TEST_SEED={SEED} POSTROOM_TEST_KILLS={KILLS}")  # noqa: T201  # shown when the test fails
    workers = [Worker(roommate, "live", name, home, name) for name in ROOMMATES]
    with Carnage(workers, Random(SEED), until=monotonic() + WITHIN_S) as carnage:
        carnage.kill(KILLS)
        carnage.end("live")
    for name in ROOMMATES:
        with postroom.connect(name) as agent:
            Roommate(agent, str(home / f"{name}.log"), Random(SEED)).read_all()
    assert faults(caretaker.home) == []
    assert list(disagreements(caretaker)) == []
    assert list(broken_promises(home, caretaker.home)) == []
    assert members_by_events(caretaker.home) == set(query(caretaker.home, "SELECT room, agent FROM member"))


def disagreements(caretaker: postroom.Agent) -> Iterator[str]:
    """What one process sees and another does not."""
    seen = []
    for _ in range(3):
        with Program(caretaker.name, LOOK) as program:
            seen.append([program.line() for _ in ROOMS])
    here = [
        " ".join([
            room.name, str(room.owner), *(member.name for member in caretaker.members(room.name)),
            *(one.id for one in caretaker.history(peer=f"#{room.name}", limit=1_000)),
        ])
        for room in caretaker.rooms()
    ]  # fmt: skip
    yield from (f"{there} is seen there, and here {here}" for there in seen if there != here)
    for name in ROOMMATES:
        with postroom.connect(name) as agent:
            for room in agent.rooms():
                inside = name in [member.name for member in caretaker.members(room.name)]
                if inside != (room.role in {"owner", "member"}):
                    yield f"{name} is called {room.role} of {room.name}"
                if room.policy != "secret" and inside and agent.members(room.name) != caretaker.members(room.name):
                    yield f"{name} sees other members of {room.name}"


def broken_promises(home: Path, store: str) -> Iterator[str]:
    """What the logs say that was said and read, beside what the store holds."""
    due = recipients(store)
    accepted = {
        words[1]: [one for one in words[2:] if one != "caretaker"]
        for name in ROOMMATES
        for words in lines_of(home / f"{name}.log.said")
        if words[0] == "accepted"
    }
    for id, names in accepted.items():
        if sorted(names) != sorted(due.get(id, [])):
            yield f"{id} was accepted for {names}, and the store has {due.get(id)}"
    order = list(due)
    for name in ROOMMATES:
        found = mailbox(name, [home / f"{name}.log"])
        yield from found.broken_promises()
        shown = list(dict.fromkeys(one.id for one in found.shown))
        mine = [id for id in order if name in due[id]]
        if shown != mine:
            yield f"{name} was shown {shown}, not {mine}"


def recipients(store: str) -> dict[str, list[str]]:
    """What was said in rooms, in the order of the store, and to whom; all of it has been read."""
    said: dict[str, list[str]] = {}
    sql = (
        "SELECT m.id, a.name, d.state FROM message m LEFT JOIN delivery d ON d.message = m.seq LEFT JOIN agent a ON a.id = d.recipient"
        " WHERE m.room IS NOT NULL ORDER BY m.seq, d.id"
    )
    for id, name, state in query(store, sql):
        said.setdefault(str(id), [])
        if name is not None and name != "caretaker":
            said[str(id)].append(str(name))
            assert state == "read", f"{id} is {state} for {name}"
    return said


def members_by_events(store: str) -> set[tuple[object, ...]]:
    """Who is in which room, by what its members were told."""
    members: set[tuple[object, ...]] = set()
    for what, room, agent in query(store, "SELECT what, room, agent FROM event WHERE what LIKE 'member_%' ORDER BY id"):
        if what == "member_joined":
            members.add((room, agent))
        elif what == "member_left":
            members.remove((room, agent))
    return members
