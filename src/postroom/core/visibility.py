"""How much others see of an agent. Every rule about visibility is a row of the table below; the store asks it.

Itself and the human see everything. Loaded by every send, so without an enum, which costs 0.2 ms of a 20 ms `postroom send`.
"""

from __future__ import annotations

from postroom.core.types import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

VISIBLE, HIDDEN, GHOST = "visible", "hidden", "ghost"


class Sight(NamedTuple):
    """What others see of an agent."""

    listed: bool  # in listings, and among the names that are suggested
    written_to: bool  # by those who know its name; to others that name was never used
    by_members: bool  # in the member lists of its rooms, for their members
    by_others: bool  # and for those who are no members


SIGHTS = {
    VISIBLE: Sight(listed=True, written_to=True, by_members=True, by_others=True),
    HIDDEN: Sight(listed=False, written_to=True, by_members=True, by_others=False),
    GHOST: Sight(listed=False, written_to=False, by_members=False, by_others=False),
}


def having(sight: Callable[[Sight], bool]) -> str:
    """The visibilities with which others see so much, as an SQL list."""
    return ", ".join(f"'{visibility}'" for visibility, row in SIGHTS.items() if sight(row))
