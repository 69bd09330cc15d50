"""The verbs, one row each, in files by noun. What is not a row there cannot be asked for."""

from __future__ import annotations

from postroom.http.verb import Verb
from postroom.http.verbs import agents, hooks, messages, operators, rooms, seats, sessions

VERBS: list[Verb] = [*messages.VERBS, *agents.VERBS, *sessions.VERBS, *rooms.VERBS, *seats.VERBS, *hooks.VERBS, *operators.VERBS]
