"""A program that talks to two of our servers with the official Python client: `official_client.py MODE COMMAND...`.

A process of its own, as that client loads much, and warns about itself.
"""

from __future__ import annotations

import asyncio
import os
import sys

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import TextContent


def server(name: str, command: list[str]) -> StdioServerParameters:
    """How a server is started."""
    return StdioServerParameters(command=command[0], args=[*command[1:], "--name", name], env=dict(os.environ))


async def text(client: Client, tool: str, **arguments: object) -> str:
    """Call a tool, and return its text."""
    result = await client.call_tool(tool, arguments)
    return "".join(content.text for content in result.content if isinstance(content, TextContent))


async def talk(mode: str, command: list[str]) -> str:
    """What alice and bob see when they talk, each waiting while the other speaks."""
    async with (
        Client(stdio_client(server("alice", command)), mode=mode) as alice,
        Client(stdio_client(server("bob", command)), mode=mode) as bob,
    ):
        said = [f"version {alice.protocol_version}", f"{len((await alice.list_tools()).tools)} tools", await text(bob, "inbox")]
        waiting = asyncio.create_task(text(bob, "inbox", wait=50))
        said += [await text(alice, "send", to="bob", body="hello from alice"), await waiting]
        asked = asyncio.create_task(text(alice, "send", to="bob", body="which port?", wait="50"))
        question = await text(bob, "inbox", wait=50)
        said += [question, await text(bob, "send", reply_to="2", body="8080"), await asked]
    return "\n".join(said)


if __name__ == "__main__":
    sys.stdout.write(asyncio.run(asyncio.wait_for(talk(sys.argv[1], sys.argv[2:]), timeout=100)))
