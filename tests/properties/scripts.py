"""Scripts for a town: what outsiders, insiders and a ghost do, by chance. What happens out of sight is marked as inside.

Whatever is not inside is the same in both runs, and must not depend on anything inside: it names messages by numbers and by ids that
only others use, and nobody comes in by a name that a ghost may have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import NamedTuple

from tests.properties.twins import AGENTS, BECOMES_A_GHOST, GHOST, INSIDERS, OUTSIDERS, ROOM_NAMES, Act, Secret

WORDS = ("tea", "milk", "tea @ina", "@gus milk", "tea @otto", "water")
TIMES_S = (0.001, 0.5, 2, 30, 61, 700, 3_700, 90_000, 200_000)
SOON_S = (1, 60, 1_000)
TO_ALL = ("@all", "@tag:red", "@tag:blue")
TAKEN = ("gus", "gil", "gus-2", "ina", "den", "zoe")
"""Names that outsiders try to have. A ghost, or nobody, may have one of them just now."""
PROFILES: tuple[dict[str, object], ...] = (
    {"status": "idle"}, {"status": "busy"}, {"status": "active"}, {"tags": ["red"]}, {"description": "tea"}, {"auto_accept": True},
)  # fmt: skip
What = Callable[[Random, str], tuple[object, ...]]


def seen(who: str, verb: str, *what: object) -> Act:
    """What is done in both runs."""
    return Act(inside=False, who=who, verb=verb, what=what)


def unseen(who: str, verb: str, *what: object) -> Act:
    """What is done in one of them."""
    return Act(inside=True, who=who, verb=verb, what=what)


class Row(NamedTuple):
    """How often something is done, and with what."""

    weight: int
    verb: str
    what: What = lambda _random, _who: ()


def among(*choices: Sequence[object]) -> What:
    """One of each."""
    return lambda random, _: tuple(random.choice(one) for one in choices)


def someone(random: Random, who: str) -> str:
    """Another one. Only outsiders name a ghost in the sight of others, as somebody who may be there or not."""
    names: list[str] = [name for name in (*AGENTS[:5], *((GHOST, "gil") if who in OUTSIDERS else ())) if name != who]
    return random.choice(names)


def a_room(random: Random, who: str) -> str:
    """A room that all may see, or none."""
    names: tuple[str, ...] = ("hall", "hall", "club", *(ROOM_NAMES if who in OUTSIDERS else ()))
    return random.choice(names)


def room_only(random: Random, who: str) -> tuple[object, ...]:
    return (a_room(random, who),)


def room_and_agent(random: Random, who: str) -> tuple[object, ...]:
    return a_room(random, who), someone(random, who)


def a_number(random: Random, _: str) -> tuple[object, ...]:
    return (str(random.randint(1, 12)),)


def letter(random: Random, to: object, **options: object) -> tuple[object, ...]:
    """To whom, what, and how."""
    for name, chance, values in (("reply_within", 0.2, SOON_S), ("expires_in", 0.2, SOON_S), ("follow", 0.1, (True,))):
        if random.random() < chance:
            options[name] = random.choice(values)
    if "reply_to" not in options and random.random() < 0.15:
        options[random.choice(("thread", "reply_to"))] = str(random.randint(1, 12))
    return to, random.choice(WORDS), options


def to_several(random: Random, who: str) -> tuple[object, ...]:
    return letter(random, [someone(random, who), random.choice(INSIDERS)])


SEEN = (
    Row(3, "send", lambda random, who: letter(random, someone(random, who))),
    Row(2, "send", lambda random, who: letter(random, f"#{a_room(random, who)}")),
    Row(1, "send", lambda random, _: letter(random, random.choice(TO_ALL))),
    Row(1, "send", lambda random, _: letter(random, "", reply_to=str(random.randint(1, 12)))),
    Row(3, "read"),
    Row(1, "pick_up"),
    Row(1, "put_down"),
    Row(1, "join", room_only),
    Row(1, "leave", room_only),
    Row(1, "offer", lambda random, who: (someone(random, who),)),
    Row(1, "topic", lambda random, who: (a_room(random, who), random.choice(WORDS))),
    Row(1, "profile", among(PROFILES)),
    Row(1, "decline", room_only),
    Row(1, "invite", room_and_agent),
)
IN_SESSIONS = (Row(1, "accept_open"), Row(1, "say_open"), Row(1, "close_open"), Row(1, "decline_open"))
SEEN_OF_OUTSIDERS = (
    *SEEN,
    *IN_SESSIONS,
    Row(1, "send", to_several),
    Row(2, "send", lambda random, _: letter(random, random.choice(TAKEN), create=True)),
    Row(2, "create", among(ROOM_NAMES, ("public", "public", "private"))),
    Row(2, "rename", among(TAKEN)),
    Row(1, "register", among(("nell", "nils"))),
    Row(1, "kick", room_and_agent),
    Row(1, "transfer", room_and_agent),
    Row(1, "destroy", room_only),
    Row(1, "describe", lambda random, who: (a_room(random, who), random.choice(("public", "private")))),
    Row(1, "mute", room_only),
    Row(1, "profile", among(({"visibility": "hidden"}, {"visibility": "visible"}))),
    Row(1, "hear"),
    Row(3, "look", lambda random, _: (random.randrange(100),)),
    Row(1, "status", a_number),
    Row(1, "keep_house", among((0.01, 1, 3))),
)
SEEN_OF_INSIDERS = (
    *SEEN,
    *IN_SESSIONS,
    Row(1, "attach"),
    Row(1, "detach"),
    Row(1, "create", among(("hall", "club"), ("public", "private"))),
    Row(1, "accept", a_number),
    Row(1, "say", a_number),
    Row(1, "close", a_number),
    Row(2, "send", lambda random, _: letter(random, "", reply_to=str(random.randint(1, 12)))),
)


# What an agent has to do with others by the time it becomes a ghost


def asked_or_not(random: Random, to: object) -> tuple[object, ...]:
    """A letter, often a question, or one that expires."""
    to, body, options = letter(random, to)
    if random.random() < 0.5:
        options["reply_within"] = random.choice(SOON_S)  # type: ignore[index]
    return to, body, options


def to_ghost(random: Random, who: str) -> tuple[object, ...]:
    """To the one that will be a ghost, and perhaps to others too."""
    others = [other for other in (*OUTSIDERS, "ina", "human") if other != who]
    return asked_or_not(random, GHOST if random.random() < 0.7 else [GHOST, random.choice(others)])


def from_ghost(random: Random, _: str) -> tuple[object, ...]:
    """From the one that will be a ghost."""
    others = (*OUTSIDERS, "ina", "human")
    return asked_or_not(random, random.choice(others) if random.random() < 0.7 else random.sample(others, 2))


OF_OTHERS_BEFORE = (Row(6, "send", to_ghost), Row(2, "offer", among((GHOST,))), *IN_SESSIONS)
OF_HUMAN_BEFORE = (
    Row(3, "send", to_ghost),
    Row(1, "pause", among((*OUTSIDERS, "ina", GHOST))),
    Row(1, "release", among((*OUTSIDERS, GHOST, "1", "2", "3"))),
    Row(1, "offer", among((GHOST,))),
)
OF_GHOST_BEFORE = (
    Row(3, "send", from_ghost),
    Row(2, "send", lambda random, _: letter(random, "", reply_to=str(random.randint(1, 12)))),
    Row(1, "read"),
    Row(1, "pick_up"),
    Row(1, "put_down"),
    Row(1, "offer", among(OUTSIDERS)),
    Row(2, "accept_open"),
    *IN_SESSIONS,
    Row(1, "attach"),
    Row(1, "rename", among(("gus", "gil"))),
)


def before_vanishing(random: Random) -> Iterator[Act]:
    """Mail, questions and sessions of one that is a ghost then: read, in hands, waiting or held by that time."""
    for _ in range(random.randint(0, 10)):
        who = random.choice((*OUTSIDERS, *OUTSIDERS, "ina", GHOST, GHOST, GHOST, "human"))
        table = {GHOST: OF_GHOST_BEFORE, "human": OF_HUMAN_BEFORE}.get(who, OF_OTHERS_BEFORE)
        yield drawn(random, table, who, inside=False)
        if random.random() < 0.1:
            yield seen("", "pass_s", random.choice(TIMES_S[:6]))


# What nobody outside may notice


def secretly(random: Random, to: object) -> tuple[object, ...]:
    """What outsiders do not hear; it may answer something that they do."""
    to, body, options = letter(random, to)
    if random.random() < 0.2:
        options["id"] = random.choice(("a1", "b1"))  # type: ignore[index]
    return to, body, options


def room_of_ghost(random: Random, _: str) -> tuple[object, ...]:
    return (random.choice(("hall", "club", Secret(0))),)


def room_of_ghost_and_insider(random: Random, _: str) -> tuple[object, ...]:
    return random.choice(("hall", "club", Secret(0))), random.choice(INSIDERS)


SECRETS = (Secret(0), Secret(0), Secret(0), Secret(1))
WITH_WHAT_IS_HIDDEN = (
    Row(2, "read_hidden", among((True, True, True, False))),
    Row(1, "pick_up_hidden"),
    Row(1, "put_down_hidden"),
    Row(2, "answer_hidden", among(range(9), ("",), WORDS)),
    Row(1, "accept_hidden"),
)
IN_SECRET_ROOM = (
    *WITH_WHAT_IS_HIDDEN,
    Row(5, "send", lambda random, _: secretly(random, random.choice(SECRETS))),
    Row(2, "join", among(SECRETS)),
    Row(2, "invite", among(SECRETS, (*INSIDERS, "human"))),
    Row(1, "create", among(("den", "den", "den-2"), ("secret",))),
    Row(1, "leave", among(SECRETS)),
    Row(1, "decline", among(SECRETS)),
    Row(1, "kick", among(SECRETS, INSIDERS)),
    Row(1, "transfer", among(SECRETS, INSIDERS)),
    Row(1, "topic", among(SECRETS, WORDS)),
    Row(1, "describe", among(SECRETS, ("secret",))),
    Row(1, "mute", among(SECRETS)),
    Row(1, "destroy", among(SECRETS)),
)
OF_GHOST = (
    Row(4, "send", lambda random, _: secretly(random, random.choice(INSIDERS))),
    Row(2, "send", lambda random, _: secretly(random, random.choice((Secret(0), Secret(0), "@all")))),
    Row(1, "send", lambda random, _: letter(random, "zed", create=True)),
    Row(2, "answer_hidden", lambda random, _: (random.randrange(9), random.choice(INSIDERS), "tea")),
    Row(2, "offer", among(INSIDERS)),
    Row(1, "accept_hidden"),
    Row(1, "close_hidden"),
    Row(2, "answer_seen", among(range(9), WORDS)),
    Row(2, "send", among(("human", ["human", "ina"]), WORDS, ({}, {"reply_within": 60}, {"expires_in": 1}))),
    Row(1, "stop_asking"),
    *IN_SESSIONS,
    Row(3, "read"),
    Row(1, "pick_up"),
    Row(1, "put_down"),
    Row(1, "hear"),
    Row(2, "rename", among(("gus", "gil", "gus-2"))),
    Row(2, "profile", among((*PROFILES, {"tags": ["red", "blue"]}))),
    Row(1, "attach"),
    Row(1, "detach"),
    Row(2, "join", room_of_ghost),
    Row(1, "leave", room_of_ghost),
    Row(1, "mute", room_of_ghost),
    Row(1, "decline", room_of_ghost),
    Row(1, "invite", room_of_ghost_and_insider),
    Row(1, "kick", room_of_ghost_and_insider),
    Row(1, "topic", lambda random, _: (random.choice(("hall", "club")), "milk")),
    Row(1, "create", among(("hall", "den", "club", "attic"), ("public", "secret"))),
)


OF_HUMAN_AFTER = (
    Row(2, "release", among((*OUTSIDERS, "ina", "1", "2", "3"))),
    Row(1, "discard", among((*OUTSIDERS, "ina", "1", "2", "3"))),
    Row(1, "pause", among((*OUTSIDERS, "ina"))),
)


def drawn(random: Random, table: Sequence[Row], who: str, *, inside: bool) -> Act:
    """Something from a table."""
    (row,) = random.choices(table, [row.weight for row in table])
    return Act(inside, who, row.verb, row.what(random, who))


def outside(random: Random, who: str | None = None) -> Act:
    """What somebody does in the sight of others."""
    if who is None and random.random() < 0.06:
        return drawn(random, OF_HUMAN_AFTER, "human", inside=False)
    who = who or random.choice((*OUTSIDERS, *OUTSIDERS, *INSIDERS))
    return drawn(random, SEEN_OF_OUTSIDERS if who in OUTSIDERS else SEEN_OF_INSIDERS, who, inside=False)


def inside(random: Random, mode: str) -> Act:
    """What somebody does inside, or as a ghost."""
    if mode == "room" or (mode == "both" and random.random() < 0.5):
        return drawn(random, IN_SECRET_ROOM, random.choice((*INSIDERS, *INSIDERS, "human")), inside=True)
    if random.random() < 0.1:
        return unseen("human", "answer_ghost", random.choice(WORDS))
    if random.random() < 0.25:
        return drawn(random, WITH_WHAT_IS_HIDDEN, random.choice(INSIDERS), inside=True)
    return drawn(random, OF_GHOST, GHOST, inside=True)


def script(random: Random) -> list[Act]:
    """What everybody does."""
    mode = random.choice(("room", "ghost", "both"))
    acts = [*rooms_for_all(random), *(outside(random) for _ in range(random.randint(0, 4)))]
    if mode != "room":
        acts += [*(outside(random, GHOST) for _ in range(random.randint(0, 3))), *before_vanishing(random)]
        acts.append(seen(GHOST, "profile", BECOMES_A_GHOST))
    if mode != "ghost":
        acts += secret_room(random, with_ghost=mode == "both")
    if mode != "room":
        acts += [unseen(GHOST, "join", name) for name in ("hall", "club") if random.random() < 0.5]
    for _ in range(random.randint(8, 24)):
        acts.append(outside(random) if random.random() < 0.5 else inside(random, mode))
        if random.random() < 0.15:
            acts.append(seen("", "pass_s", random.choice(TIMES_S)))
    return acts


def rooms_for_all(random: Random) -> Iterator[Act]:
    """Rooms that outsiders make, and who is there."""
    if random.random() < 0.8:
        yield seen(random.choice(OUTSIDERS), "create", "hall", "public")
        yield from (seen(who, "join", "hall") for who in AGENTS if random.random() < 0.6)
    if random.random() < 0.5:
        yield seen("otto", "create", "club", "private")
        for other in ("olga", *INSIDERS, GHOST):
            if random.random() < 0.5:
                yield seen("otto", "invite", "club", other)
                yield from [seen(other, "join", "club")] * (random.random() < 0.7)


def secret_room(random: Random, *, with_ghost: bool) -> Iterator[Act]:
    """A room that outsiders know nothing of, and who is there."""
    yield unseen("ina", "create", "den", "secret")
    others = (*INSIDERS[1:], GHOST) if with_ghost else INSIDERS[1:]
    for other in random.sample(others, random.randint(1, len(others))):
        yield unseen("human", "invite", Secret(0), other)
        yield from [unseen(other, "join", Secret(0))] * (random.random() < 0.9)
