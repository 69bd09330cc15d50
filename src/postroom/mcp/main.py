"""Starting the server: which tools it has, and under which name."""

from __future__ import annotations

import os

from postroom.core.address import claimable
from postroom.mcp.guest import House
from postroom.mcp.pipe import Pipe
from postroom.mcp.server import Served, Server


def serve(home: str, name: str | None, *, compat: str | None = None) -> None:
    """Serve one client until its input ends. Raises BadName, ReservedName."""
    given = name or os.environ.get("POSTROOM_AGENT")
    house = House(home, claimable(given) if given else None)
    Server(served(house, compat), Pipe()).serve()


def served(house: House, compat: str | None) -> Served:
    """The tools, and what is said about them at the beginning."""
    if compat == "agent-comms":
        from postroom.mcp import comms

        return Served(comms.BY_NAME, comms.INSTRUCTIONS, house)
    from postroom.mcp import tools

    return Served(tools.BY_NAME, tools.INSTRUCTIONS, house)
