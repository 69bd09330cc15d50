"""The table of the six tools: what a model is told of each, and what does it. Together they take less than 2,200 bytes of its context."""

from __future__ import annotations

from postroom.core.profile import STATUSES
from postroom.core.room import Policy
from postroom.core.visibility import SIGHTS
from postroom.mcp.digest import NATIVE
from postroom.mcp.jsonrpc import Object
from postroom.mcp.reading import agents, history, inbox, profile
from postroom.mcp.reply import Tool
from postroom.mcp.rooms import ACTIONS, room
from postroom.mcp.sending import SESSIONS, send


def text(about: str = "") -> Object:
    """A parameter that is text."""
    return {"type": "string", "description": about} if about else {"type": "string"}


def number(about: str = "") -> Object:
    """A parameter that is a number."""
    return {"type": "number", "description": about} if about else {"type": "number"}


def one_of(choices: tuple[str, ...], about: str = "") -> Object:
    """A parameter that is one of several words."""
    return text(about) | {"enum": list(choices)}


TOOLS = [
    Tool(
        "send",
        "Message agents, rooms or everyone; answer; run a session. Each result of a tool brings your waiting messages.",
        {
            "to": text("agent (or a,b), #room, @all, @tag:x; or use reply_to"),
            "body": text(),
            "reply_to": text("id of message or session"),
            "wait": number("seconds to wait for the answer, max 50"),
            "urgency": one_of(("now", "next", "info"), "now interrupts, info wakes nobody"),
            "session": one_of(SESSIONS, "open: to, body=task; else reply_to, body=reason"),
        },
        send,
        NATIVE,
        speaks=True,
        more=("subject",),
    ),
    Tool("inbox", "Get waiting messages.", {"wait": number("seconds, max 50")}, inbox, NATIVE),
    Tool("agents", "Who there is, status and work.", {}, agents, NATIVE, more=("tag",)),
    Tool(
        "history",
        "What was said.",
        {
            "with": text("agent or #room"),
            "query": text(),
            "id": text("one in full"),
        },
        history,
        NATIVE,
        more=("offset", "before", "limit"),
    ),
    Tool(
        "room",
        "Rooms. To talk in one: send(to=#room).",
        {
            "action": one_of(tuple(ACTIONS)),
            "room": text(),
            "agent": text(),
            "text": text("description, topic or reason"),
            "policy": one_of(tuple(Policy)),
        },
        room,
        NATIVE,
        speaks=True,
    ),
    Tool(
        "profile",
        "What others see of you; or set it.",
        {
            "name": text(),
            "status": one_of(STATUSES),
            "description": text("what you do"),
            "tags": text(),
            "visibility": one_of(tuple(SIGHTS)),
        },
        profile,
        NATIVE,
        speaks=True,
    ),
]
BY_NAME = {tool.name: tool for tool in TOOLS}
