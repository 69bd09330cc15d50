"""How it stands with each harness: is it here, in which version, is Postroom in its configuration, and does it really connect."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from postroom.core.refusals import ForeignFile
from postroom.harnesses import changes, probing
from postroom.harnesses.harness import Outcome

if TYPE_CHECKING:
    from postroom.harnesses.harness import Harness, Place

AT_ONCE = 4
"""So many harnesses are started at the same time; each is a program of its own with some hundred MB."""
MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("–", "dim")}


class Standing(NamedTuple):
    """How it stands with one harness. `connected` is None where that cannot be found out."""

    harness: str
    title: str
    installed: bool
    version: str
    configured: str  # yes, no, or partly
    connected: bool | None
    detail: str


def standings(harnesses: list[Harness], place: Place) -> list[Standing]:
    """How it stands with several; they are asked at the same time."""
    with ThreadPoolExecutor(AT_ONCE) as asking:
        return list(asking.map(lambda harness: standing(harness, place), harnesses))


def standing(harness: Harness, place: Place) -> Standing:
    """How it stands with one."""
    program = probing.found_program(harness, place)
    version = probing.version(program) if program else ""
    try:
        configured = how_configured(harness, place)
    except ForeignFile as error:
        return Standing(harness.name, harness.title, probing.is_there(harness, place), version, "no", connected=False, detail=str(error))
    if configured == "no":
        outcome = Outcome(connected=False, detail=f"to connect it: postroom install {harness.name}")
    elif program is None:
        outcome = Outcome(connected=None, detail=f"not tried, as the program {harness.programs[0]} is not on the path")
    elif harness.probe is None:
        outcome = Outcome(connected=None, detail="whether it connects cannot be found out from here")
    else:
        outcome = harness.probe(place, program)
    if configured == "partly":
        outcome = outcome._replace(detail=f"{outcome.detail}; for the rest: postroom install {harness.name}")
    return Standing(harness.name, harness.title, probing.is_there(harness, place), version, configured, *outcome)


def how_configured(harness: Harness, place: Place) -> str:
    """Whether our entries are there: yes, no, or partly, as after an update of Postroom. Raises ForeignFile."""
    held = [changes.is_held(entry) for entry in harness.entries(place) if place.scope in harness.scopes]
    return "yes" if held and all(held) else "partly" if any(held) else "no"
