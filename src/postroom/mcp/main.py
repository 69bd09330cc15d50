"""Starting the server: which tools it has, under which name, and how the sessions of its agents are woken."""

from __future__ import annotations

from postroom.config import named
from postroom.core.address import claimable
from postroom.core.types import TYPE_CHECKING
from postroom.mcp import instructions
from postroom.mcp.pipe import Pipe
from postroom.mcp.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroom import identity
    from postroom.core.way import Way
    from postroom.mcp.digest import Style
    from postroom.mcp.guest import Guest
    from postroom.mcp.guests import Guests

    WayInto = Callable[[identity.Guest], Way | None]


def serve(
    home: str, name: str | None, *, compat: str | None = None, way: WayInto | None = None, url: str | None = None
) -> None:  # fmt: skip
    """Serve one client until its input ends. `way` finds how a session can be woken, `url` names a node. Raises BadName, ReservedName."""
    given = named(name)
    own = None if given is None else claimable(given)

    def load() -> Guests:
        from postroom.mcp.guest import House
        from postroom.mcp.guests import Guests

        if compat == "agent-comms":
            from postroom.mcp import comms

            return Guests(comms.BY_NAME, House(home, own, waking(way, comms.STYLE), url))
        from postroom.mcp import tools
        from postroom.mcp.digest import NATIVE

        return Guests(tools.BY_NAME, House(home, own, waking(way, NATIVE), url))

    Server(instructions.COMMS if compat == "agent-comms" else instructions.NATIVE, load, Pipe()).serve()


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
