"""A post room whose clock stands still until a test moves it, and whose chores are done when a test says so."""

from __future__ import annotations

import os

from postroom.agent import Agent
from postroom.exchange.desk import Options, open_desk, open_desk_of_human
from postroom.seat import Seat
from postroom.testing import PostRoom
from tests.inside import desk_of, seat_of

START_US = 1_700_000_000_000_000


class Timed:
    """The agents of one post room and the clock on its wall."""

    def __init__(self, post: PostRoom) -> None:
        self.post = post
        self.now_us = START_US

    def __call__(self) -> int:
        return self.now_us

    @property
    def now_ms(self) -> int:
        return self.now_us // 1000

    def agent(self, name: str) -> Agent:
        """Connect one agent, as `postroom.connect` does, with this clock."""
        return self._keep(Agent(Seat(open_desk(name, self.post.home, interface="sdk", options=Options(clock=self)))))

    def agents(self, *names: str) -> list[Agent]:
        return [self.agent(name) for name in names]

    def human(self) -> Agent:
        """The person at this machine, who has a clock of their own."""
        return self._keep(Agent(Seat(open_desk_of_human(self.post.home, interface="cli"))))

    def pass_s(self, seconds: float) -> None:
        """Let time pass, and let somebody do the chores."""
        self.now_us += round(seconds * 1_000_000)
        self.tend()

    def pass_days(self, days: float) -> None:
        """Let days pass, and let those chores be done too that are done each hour."""
        os.utime(f"{self.post.home}/warden.lock", (self.now_ms / 1000, self.now_ms / 1000))
        self.pass_s(days * 86_400)

    def tend(self) -> None:
        agent = next(agent for agent in self.post._agents if desk_of(agent).open and desk_of(agent).clock is self)
        with agent._seat.turn:
            seat_of(agent).warden.tend()

    def _keep(self, agent: Agent) -> Agent:
        self.post._agents.append(agent)
        return agent
