"""Ports of this machine for what is to be reached at a known one, or ends there and begins again."""

from __future__ import annotations

import socket
from random import SystemRandom

NOT_GIVEN_BY_THE_SYSTEM = range(20_000, 32_000)
"""The system gives others none of these meanwhile, as it does with a port that it has given to a test and got back."""
_chance = SystemRandom()  # every worker of the suite has its `random` at the same seed


def free_port() -> int:
    """A port at which nobody listens, and at which only who has chosen it will."""
    while True:
        port = _chance.choice(NOT_GIVEN_BY_THE_SYSTEM)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
