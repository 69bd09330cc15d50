"""`postroom mcp`: the server that a harness starts for its models. Nothing but the protocol goes out on standard output."""

from __future__ import annotations

import os

from postroom.cli.call import Call
from postroom.cli.command import Command
from postroom.core.types import TYPE_CHECKING

if TYPE_CHECKING:
    from postroom.cli.parsing import Parser
    from postroom.core.way import Way
    from postroom.identity import Guest

COMPATS = ("agent-comms",)


def arguments(parser: Parser) -> None:
    """The arguments of `mcp`."""
    parser.add_argument("--name", metavar="NAME", help="who its models are; default: $POSTROOM_AGENT, or a name of harness and folder")
    parser.add_argument("--compat", choices=COMPATS, help="serve the tool of another program instead, for prompts that were written for it")


def run(call: Call) -> None:
    """Serve until the input ends."""
    from postroom.cli.patience import stay
    from postroom.mcp.main import serve

    stay()
    name = call.args.agent if call.args.name is None else call.args.name
    serve(call.home, name, compat=call.args.compat, way=way, url=call.url)


def way(guest: Guest) -> Way | None:
    """How the session of an agent is woken."""
    from postroom.harnesses.waking.way import way

    return way(guest.harness, guest.session, os.environ)


COMMANDS = {
    "mcp": Command(
        arguments,
        run,
        "Serve the post room to a model over the Model Context Protocol, on standard input and output. Harnesses start this by themselves.",
        "postroom mcp --name reviewer",
        words=(),
        options=("name", "compat"),
    )
}
