"""A post room with a node, and agents that come to it from elsewhere: with a token, over TCP, without the store."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from pathlib import Path

from postroom import connect
from postroom.agent import Agent
from postroom.exchange import tokens
from postroom.exchange.desk import open_desk, open_desk_of_human
from tests.node.nodes import RunningNode
from tests.ports import free_port


class Elsewhere:
    """A post room, its node, and those who are far from it. What they keep lies in a home of their own."""

    def __init__(self, home: Path) -> None:
        self.user = home
        self.home = str(home / "postroom")
        self.far = str(home / "far")
        self._stack = ExitStack()
        self.port = free_port()
        self.node = self._stack.enter_context(RunningNode(self.home, home, port=self.port))
        self.url = self.node.url

    def token(self, name: str, scope: str = "agent") -> str:
        """A new token of an agent, which is registered."""
        opened = open_desk_of_human(self.home, interface="cli") if name == "human" else open_desk(name, self.home, interface="cli")
        with closing(opened) as desk:
            return tokens.create(desk, scope=scope).secret

    def here(self, name: str) -> Agent:
        """An agent in the store."""
        return self._stack.enter_context(connect(name, home=self.home))

    def there(self, name: str) -> Agent:
        """An agent that comes by HTTP."""
        return self._stack.enter_context(connect(name, url=self.url, token=self.token(name), home=self.far))

    def kill_node(self) -> None:
        """Kill -9."""
        self.node.kill()

    def start_node(self) -> None:
        """Start it again, at the same address."""
        self.node = self._stack.enter_context(RunningNode(self.home, self.user, port=self.port))

    def environment(self, **more: str) -> dict[str, str]:
        """What a program elsewhere knows."""
        return {"POSTROOM_URL": self.url, "POSTROOM_HOME": self.far} | more

    def satchels(self) -> list[str]:
        """The files in which something is kept for the node."""
        return [os.path.join(path, name) for path, _, names in os.walk(self.far) for name in names if name == "satchel.db"]

    def close(self) -> None:
        """Let everybody leave, and end the node."""
        self._stack.close()
