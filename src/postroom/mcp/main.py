"""Starting the server: which tools it has, under which name, and how the sessions of its agents are woken."""

from __future__ import annotations

import os
from collections.abc import Callable

from postroom import identity
from postroom.core.address import claimable
from postroom.core.types import TYPE_CHECKING
from postroom.mcp.guest import Guest, House
from postroom.mcp.pipe import Pipe
from postroom.mcp.server import Served, Server

if TYPE_CHECKING:
    from postroom.core.way import Way
    from postroom.mcp.digest import Style

    WayInto = Callable[[identity.Guest], Way | None]


def serve(
    home: str, name: str | None, *, compat: str | None = None, way: WayInto | None = None, url: str | None = None
) -> None:  # fmt: skip
    """Serve one client until its input ends. `way` finds how a session can be woken, `url` names a node. Raises BadName, ReservedName."""
    given = name or os.environ.get("POSTROOM_AGENT")
    house = House(home, claimable(given) if given else None, url=url)
    Server(served(house, compat, way), Pipe()).serve()


def served(house: House, compat: str | None, way: WayInto | None) -> Served:
    """The tools, and what is said about them at the beginning."""
    if compat == "agent-comms":
        from postroom.mcp import comms

        return Served(comms.BY_NAME, comms.INSTRUCTIONS, house._replace(wake=waking(way, comms.STYLE)))
    from postroom.mcp import tools
    from postroom.mcp.digest import NATIVE

    return Served(tools.BY_NAME, tools.INSTRUCTIONS, house._replace(wake=waking(way, NATIVE)))


def waking(way: WayInto | None, style: Style) -> Callable[[Guest], None] | None:
    """What wakes the session of an agent that has come in, if there is a way."""
    if way is None:
        return None

    def wake(guest: Guest) -> None:
        found = way(guest.guest)
        if found is not None:
            from postroom.mcp.waking import Waker

            Waker(guest, found, style).run()

    return wake
