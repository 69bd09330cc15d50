"""Errors and notices as a model reads them: the same sentences, with the tool to be called in place of the command to be typed."""

from __future__ import annotations

import re

from postroom.core.errors import NoSuchRecipient, PostroomError
from postroom.core.fence import cleaned
from postroom.core.message import Kind, Message

MOST = 600
COMMANDS = re.compile(
    r"postroom (?:(?P<agents>agents)\b|(?P<rooms>rooms)\b|room members (?P<members>[^\s.]+)|(?P<act>join|leave) (?P<room>[^\s.]+)"
    r"|room decline (?P<declined>\S+) \"why\"|profile --visibility (?P<visibility>\w+)"
    r"|(?P<history>(?:history|thread|status \S+|inbox|held|session list(?: --live)?)\b)|session (?P<session>open|accept))"
)
SENTENCES: dict[type[PostroomError], str] = {NoSuchRecipient: "There is no agent {name!r}.{close} See: postroom agents."}
"""Where a command line offers something that models do not have."""

Calls = dict[str, str]
"""For each group of COMMANDS the call that does it; and the one that shows a part of a message."""

NATIVE: Calls = {
    "agents": "agents()",
    "rooms": 'room(action="list")',
    "members": 'room(action="members", room="{members}")',
    "room": 'room(action="{act}", room="{room}")',
    "declined": 'room(action="decline", room="{declined}", text=why)',
    "visibility": 'profile(visibility="{visibility}")',
    "history": "history()",
    "session": 'send(session="{session}", ...)',
    "part": 'history(id="{id}", offset={offset})',
}


def advice(error: PostroomError, calls: Calls = NATIVE) -> str:
    """What went wrong and what to do, in one line."""
    sentence = SENTENCES.get(type(error))
    text = str(error) if sentence is None else sentence.format_map(error.facts)
    return " ".join(said(cleaned(text)[0], calls).split())[:MOST]


def told(message: Message, calls: Calls = NATIVE) -> Message:
    """A message as models are told it: what the post room itself says names tools."""
    return message._replace(body=said(message.body, calls)) if message.kind is Kind.NOTICE else message


def said(text: str, calls: Calls) -> str:
    """A text of the post room itself, with tools in place of commands."""
    return COMMANDS.sub(lambda found: call_for(found, calls), text)


def call_for(found: re.Match[str], calls: Calls) -> str:
    """The call in place of a command."""
    groups = {name: value for name, value in found.groupdict().items() if value is not None}
    return calls[[name for name in groups if name in calls][-1]].format_map(groups)
