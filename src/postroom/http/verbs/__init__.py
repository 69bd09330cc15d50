"""The verbs, one row each, in files by noun. What is not a row here or in seats.py cannot be asked for."""

from __future__ import annotations

from postroom.http.verb import Verb
from postroom.http.verbs import agents, messages, operators, rooms, sessions

VERBS: list[Verb] = [*messages.VERBS, *agents.VERBS, *sessions.VERBS, *rooms.VERBS, *operators.VERBS]
