"""The protocols that the scripted model plays, each as little as the real programs need: Anthropic Messages, OpenAI Responses, Gemini."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, NamedTuple

Object = dict[str, Any]
NUMBERS = count(1)


class Item(NamedTuple):
    """One thing in a conversation. `role` is user, assistant, call (of a tool) or result."""

    role: str
    text: str


class Asked(NamedTuple):
    """What a program asked its model: the conversation so far, and the tools, as the program names them."""

    who: str
    items: tuple[Item, ...]
    tools: tuple[tuple[str, str], ...]
    """Namespace, if there is one, and name."""
    at_s: float = 0.0

    @property
    def text(self) -> str:
        """All of the conversation."""
        return "\n".join(item.text for item in self.items)

    @property
    def new(self) -> str:
        """What has come since the model spoke last."""
        last = max((place for place, item in enumerate(self.items) if item.role in {"assistant", "call"}), default=-1)
        return "\n".join(item.text for item in self.items[last + 1 :])

    @property
    def turn(self) -> int:
        """How often the model has spoken already."""
        return sum(item.role in {"assistant", "call"} for item in self.items)

    def tool(self, name: str) -> tuple[str, str]:
        """Our tool of that name, as this program calls it; or one of its own."""
        if ("", name) in self.tools:
            return "", name
        ours = [(space, full) for space, full in self.tools if "postroom" in f"{space}{full}"]
        found = [(space, full) for space, full in ours if full == name or full.endswith(f"_{name}")]
        assert found, f"{self.who} has no tool {name}; it has {self.tools}"
        return found[0]


class Says(NamedTuple):
    """The model says something and ends its turn."""

    text: str


class Calls(NamedTuple):
    """The model calls a tool, of ours or of the program."""

    tool: str
    arguments: Object = {}  # noqa: RUF012  # never changed


class Protocol(NamedTuple):
    """How one vendor's protocol looks on the wire."""

    speaks: Callable[[str], bool]
    streams: Callable[[Object, str], bool]
    read: Callable[[str, Object], Asked]
    stream: Callable[[Asked, Says | Calls], bytes]
    whole: Callable[[Asked, Says | Calls], bytes]


def events(*data: Object) -> bytes:
    """Server-sent events, each with its type as its name."""
    return b"".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in data)


def texts(content: object) -> str:
    """The text in a content: text itself, or a list of parts, some of which contain contents again."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        return texts(content.get("text") or content.get("content") or content.get("output") or "")
    return "\n".join(map(texts, content)) if isinstance(content, list) else ""


# Anthropic Messages

ANTHROPIC_ROLES = {"tool_use": "call", "tool_result": "result"}


def anthropic_items(messages: list[Object]) -> Iterator[Item]:
    """The conversation in a request."""
    for message in messages:
        content = message["content"]
        for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            role = ANTHROPIC_ROLES.get(part["type"], message["role"] if message["role"] == "assistant" else "user")
            yield Item(role, json.dumps(part["input"]) if role == "call" else texts(part))


def anthropic_read(who: str, request: Object) -> Asked:
    """A request."""
    return Asked(who, tuple(anthropic_items(request["messages"])), tuple(("", tool["name"]) for tool in request.get("tools") or []))


def anthropic_message(asked: Asked, output: Says | Calls) -> Object:
    """An answer."""
    block: Object
    match output:
        case Says(text):
            block = {"type": "text", "text": text}
        case Calls(tool, arguments):
            block = {"type": "tool_use", "id": f"toolu_{next(NUMBERS)}", "name": asked.tool(tool)[1], "input": arguments}
    reason = "tool_use" if isinstance(output, Calls) else "end_turn"
    usage = {"input_tokens": 1, "output_tokens": 1, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    head = {
        "id": f"msg_{next(NUMBERS)}",
        "type": "message",
        "role": "assistant",
        "model": "scripted",
        "stop_sequence": None,
        "usage": usage,
    }
    return {**head, "content": [block], "stop_reason": reason}


def anthropic_stream(asked: Asked, output: Says | Calls) -> bytes:
    """An answer, in pieces."""
    message = anthropic_message(asked, output)
    (block,) = message["content"]
    start: Object
    delta: Object
    if block["type"] == "text":
        start, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": block["text"]}
    else:
        start, delta = {**block, "input": {}}, {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
    return events(
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": start},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": message["stop_reason"], "stop_sequence": None}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    )


# OpenAI Responses

OPENAI_ROLES = {"function_call": "call", "function_call_output": "result"}


def openai_items(entries: list[Object]) -> Iterator[Item]:
    """The conversation in a request."""
    for entry in entries:
        role = OPENAI_ROLES.get(entry.get("type", ""), "assistant" if entry.get("role") == "assistant" else "user")
        yield Item(role, entry["arguments"] if role == "call" else texts(entry))


def openai_tools(tools: list[Object]) -> Iterator[tuple[str, str]]:
    """The tools in a request; those of a server are within a namespace."""
    for tool in tools:
        if tool["type"] == "namespace":
            yield from ((tool["name"], inner["name"]) for inner in tool["tools"])
        else:
            yield "", tool.get("name") or tool["type"]


def openai_read(who: str, request: Object) -> Asked:
    """A request."""
    return Asked(who, tuple(openai_items(request["input"])), tuple(openai_tools(request.get("tools") or [])))


def openai_response(asked: Asked, output: Says | Calls) -> Object:
    """An answer."""
    item: Object
    match output:
        case Says(text):
            content = [{"type": "output_text", "text": text, "annotations": []}]
            item = {"type": "message", "id": f"msg_{next(NUMBERS)}", "role": "assistant", "status": "completed", "content": content}
        case Calls(tool, arguments):
            space, name = asked.tool(tool)
            call = {"call_id": f"call_{next(NUMBERS)}", "name": name, "arguments": json.dumps(arguments)}
            item = {
                "type": "function_call",
                "id": f"fc_{next(NUMBERS)}",
                "status": "completed",
                **call,
                **({"namespace": space} if space else {}),
            }
    none = {"cached_tokens": 0}, {"reasoning_tokens": 0}
    usage = {"input_tokens": 1, "input_tokens_details": none[0], "output_tokens": 1, "output_tokens_details": none[1], "total_tokens": 2}
    made = {"id": f"resp_{next(NUMBERS)}", "object": "response", "created_at": 1, "model": "scripted", "status": "completed"}
    return {**made, "output": [item], "usage": usage}


def openai_stream(asked: Asked, output: Says | Calls) -> bytes:
    """An answer, in pieces."""
    response = openai_response(asked, output)
    item = response["output"][0]
    of_item = {"item_id": item["id"], "output_index": 0}
    if isinstance(output, Says):
        begun, piece = {**item, "content": []}, {"type": "response.output_text.delta", **of_item, "content_index": 0, "delta": output.text}
    else:
        begun = {**item, "arguments": ""}
        piece = {"type": "response.function_call_arguments.delta", **of_item, "delta": item["arguments"]}
    return events(
        {"type": "response.created", "response": {**response, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": begun},
        piece,
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": response},
    )


# Gemini


def gemini_items(contents: list[Object]) -> Iterator[Item]:
    """The conversation in a request."""
    for content in contents:
        for part in content["parts"]:
            if "functionCall" in part:
                yield Item("call", json.dumps(part["functionCall"].get("args", {})))
            elif "functionResponse" in part:
                yield Item("result", texts(part["functionResponse"]["response"]))
            else:
                yield Item("assistant" if content.get("role") == "model" else "user", part.get("text", ""))


def gemini_read(who: str, request: Object) -> Asked:
    """A request."""
    declared = [one for tool in request.get("tools") or [] for one in tool.get("functionDeclarations") or []]
    return Asked(who, tuple(gemini_items(request["contents"])), tuple(("", one["name"]) for one in declared))


def gemini_response(asked: Asked, output: Says | Calls) -> Object:
    """An answer."""
    part: Object
    match output:
        case Says(text):
            part = {"text": text}
        case Calls(tool, arguments):
            part = {"functionCall": {"name": asked.tool(tool)[1], "args": arguments}}
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
    return {"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}], "usageMetadata": usage}


PROTOCOLS = (
    Protocol(
        lambda path: path.partition("?")[0].endswith("/messages"),
        lambda request, _path: bool(request.get("stream")),
        anthropic_read,
        anthropic_stream,
        lambda asked, output: json.dumps(anthropic_message(asked, output)).encode(),
    ),
    Protocol(
        lambda path: path.endswith("/responses"),
        lambda request, _path: bool(request.get("stream")),
        openai_read,
        openai_stream,
        lambda asked, output: json.dumps(openai_response(asked, output)).encode(),
    ),
    Protocol(
        lambda path: "enerateContent" in path,
        lambda _request, path: "alt=sse" in path,
        gemini_read,
        lambda asked, output: f"data: {json.dumps(gemini_response(asked, output))}\n\n".encode(),
        lambda asked, output: json.dumps(gemini_response(asked, output)).encode(),
    ),
)
