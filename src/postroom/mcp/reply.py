"""What a tool returns: the outcome in words, and what it took from the mailbox on the way."""

from __future__ import annotations

from postroom.core.types import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroom.mcp.arguments import Arguments
    from postroom.mcp.digest import Style
    from postroom.mcp.guest import Guest
    from postroom.mcp.jsonrpc import Object
    from postroom.store.deliveries import Handed
    from postroom.waiting import Steps


class Reply(NamedTuple):
    """The outcome of a call, and the messages that were taken for it."""

    text: str
    taken: list[Handed] = []  # noqa: RUF012  # never changed


class Tool(NamedTuple):
    """One row of a table of tools.

    `speaks`: what it says may follow from what is in hand, which is therefore confirmed afterwards. `more` are arguments that are not
    listed: results name them where they help.
    """

    name: str
    description: str
    properties: Object
    run: Callable[[Guest, Arguments], Reply | Steps[Reply]]
    style: Style
    speaks: bool = False
    more: tuple[str, ...] = ()

    @property
    def listed(self) -> Object:
        """As `tools/list` lists it."""
        return {"name": self.name, "description": self.description, "inputSchema": {"type": "object", "properties": self.properties}}
