"""The moments in the life of a session at which harnesses call `postroom hook`, and what is done at each: one row of the table for each.

Claude Code, Codex and Gemini CLI name them differently; the plugins for OpenCode and pi use the names of Claude Code, and two of their own.
"""

from __future__ import annotations

from postroom.core.message import Urgency
from postroom.core.types import NamedTuple

ANYTHING = frozenset(Urgency)
SOON = frozenset({Urgency.NOW, Urgency.NEXT})
AT_ONCE = frozenset({Urgency.NOW})
NOTHING: frozenset[Urgency] = frozenset()
IDLE, BUSY = "idle", "busy"


class Moment(NamedTuple):
    """A row: what the session does from now on, how urgent mail must be to be handed over, and how the harness wants to be told.

    `decision` is the word with which a harness goes on with a turn that would have ended; without one mail is added to the context.
    At the `edge` of a session nobody knows whether the model saw what was handed over last; in a turn (`in_turn`) not yet.
    """

    status: str
    hands_over: frozenset[Urgency]
    decision: str = ""
    edge: bool = False
    in_turn: bool = False


MOMENTS = {
    "SessionStart": Moment(IDLE, ANYTHING, edge=True),
    "UserPromptSubmit": Moment(BUSY, ANYTHING),
    "PostToolUse": Moment(BUSY, AT_ONCE, in_turn=True),
    "Stop": Moment(IDLE, SOON, decision="block"),
    "SessionEnd": Moment(IDLE, NOTHING, edge=True),
    "BeforeAgent": Moment(BUSY, ANYTHING),
    "AfterTool": Moment(BUSY, AT_ONCE, in_turn=True),
    "AfterAgent": Moment(IDLE, SOON, decision="deny"),
    "Busy": Moment(BUSY, NOTHING),
    "Idle": Moment(IDLE, NOTHING),
}


def output(event: str, moment: Moment, text: str) -> dict[str, object]:
    """What a hook prints so that a model gets a text."""
    if moment.decision:
        return {"decision": moment.decision, "reason": text}
    return {"hookSpecificOutput": {"hookEventName": event, "additionalContext": text}}
