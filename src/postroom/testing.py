"""A post room of its own for the tests of your program: nothing that you really have is touched."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from types import TracebackType

from postroom.agent import Agent, connect
from postroom.core.types import Self


class PostRoom:
    """An empty post room in a temporary directory. A context manager; at its end agents are closed and everything is removed."""

    def __init__(self) -> None:
        self._directory = tempfile.mkdtemp(prefix="postroom-")
        self.home = f"{self._directory}/home"
        self._agents: list[Agent] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def connect(self, name: str, *, durability: str | None = None) -> Agent:
        """Connect one agent."""
        agent = connect(name, home=self.home, durability=durability)
        self._agents.append(agent)
        return agent

    def agents(self, *names: str) -> list[Agent]:
        """Connect several agents: `alice, bob = post.agents("alice", "bob")`."""
        return [self.connect(name) for name in names]

    def configure(self, text: str) -> None:
        """Write the config file; agents that connect afterwards use it."""
        if not self._agents:
            connect("postmaster", home=self.home).close()
        with open(f"{self.home}/config.toml", "w", encoding="utf-8") as file:
            file.write(text)

    def close(self) -> None:
        """Close the agents and remove everything."""
        with ExitStack() as stack:
            stack.callback(shutil.rmtree, self._directory)
            for agent in self._agents:
                stack.callback(agent.close)
