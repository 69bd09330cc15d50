"""The inside of an agent in the store, for tests that plant faults there or look into it."""

from __future__ import annotations

from postroom.agent import Agent
from postroom.exchange.desk import Desk
from postroom.seat import Seat


def seat_of(agent: Agent) -> Seat:
    """The seat of an agent that is in the store."""
    assert isinstance(agent._seat, Seat), "it is elsewhere"
    return agent._seat


def desk_of(agent: Agent) -> Desk:
    """Its desk."""
    return seat_of(agent).desk
