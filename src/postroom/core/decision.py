"""What a person can decide about the request of an agent, and how the answer says it: each is a row of ANSWERS."""

from __future__ import annotations

from enum import StrEnum

from postroom.core.errors import BadValue
from postroom.core.types import NamedTuple


class Decision(StrEnum):
    """What becomes of a request."""

    ACCEPT = "accept"
    EDIT = "edit"
    RESPOND = "respond"
    DENY = "deny"


class Answer(NamedTuple):
    """How a decision is told: the subject, by which programs know it, and the body where nothing else is said. "" must be filled in."""

    subject: str
    body: str
    wants: str


ANSWERS: dict[Decision, Answer] = {
    Decision.ACCEPT: Answer("accepted", "Accepted.", ""),
    Decision.EDIT: Answer("edited", "", "say what is to be done instead"),
    Decision.RESPOND: Answer("answered", "", "say something"),
    Decision.DENY: Answer("denied", "", "the agent wants to know why"),
}


def answer_of(decision: str, text: str) -> tuple[str, str]:
    """Subject and body of the answer to a request. Raises BadValue for no decision, or where something must be said and is not."""
    try:
        answer = ANSWERS[Decision(decision)]
    except ValueError:
        raise BadValue(name="decision", value=decision, why=f"it is one of {', '.join(Decision)}") from None
    said = text if text.strip() else answer.body
    if not said:
        raise BadValue(name="text", value=text, why=answer.wants)
    return answer.subject, said
