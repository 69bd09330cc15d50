"""The Model Context Protocol in its two eras: with a handshake (until 2025-11-25), and with metadata in each request (2026-07-28)."""

from __future__ import annotations

from postroom import __version__
from postroom.core.types import TYPE_CHECKING
from postroom.mcp.jsonrpc import INVALID_PARAMS, METHOD_NOT_FOUND, Fault, Id, Object, Request

if TYPE_CHECKING:
    from postroom.mcp.calls import Asked

MODERN = ("2026-07-28",)
LEGACY = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
BATCHES = "2025-03-26"
"""The only revision that has batches."""
UNSUPPORTED_VERSION = -32022
PREFIX = "io.modelcontextprotocol/"
VERSION, CAPABILITIES, CLIENT = f"{PREFIX}protocolVersion", f"{PREFIX}clientCapabilities", f"{PREFIX}clientInfo"
SERVER, SUBSCRIPTION = f"{PREFIX}serverInfo", f"{PREFIX}subscriptionId"
SERVER_INFO: Object = {"name": "postroom", "title": "Postroom", "version": __version__}
CAN: Object = {"tools": {}}
DAY_MS = 86_400_000
"""How long a client may keep the list of tools: it changes with the version of this program only."""
METHODS = {
    True: ("server/discover", "tools/list", "tools/call", "subscriptions/listen"),
    False: ("initialize", "ping", "tools/list", "tools/call"),
}
"""By whether the era is the modern one."""


def is_modern(request: Request) -> bool:
    """Whether a request carries its own metadata."""
    return VERSION in meta(request)


def meta(request: Request) -> Object:
    """The metadata of a request."""
    return an_object(request.params.get("_meta"))


def an_object(value: object) -> Object:
    """A value that should be an object, or an empty one."""
    return value if isinstance(value, dict) else {}


def refusal(request: Request, id: Id, *, is_initialized: bool) -> Fault | None:
    """Why a request cannot be served, before it is looked at what it asks for."""
    if is_modern(request):
        facts = meta(request)
        if facts[VERSION] not in MODERN:
            data: Object = {"supported": list(MODERN), "requested": facts[VERSION]}
            return Fault(id, UNSUPPORTED_VERSION, "Unsupported protocol version", data)
        if not isinstance(facts.get(CAPABILITIES), dict):
            return Fault(id, INVALID_PARAMS, f"_meta lacks {CAPABILITIES}")
    elif not is_initialized and request.method in {*METHODS[True], *METHODS[False]} - {"initialize", "ping"}:
        return Fault(id, INVALID_PARAMS, f"send initialize first, or {VERSION} in _meta of each request ({', '.join(MODERN)})")
    if request.method not in METHODS[is_modern(request)]:
        return Fault(id, METHOD_NOT_FOUND, f"there is no method {request.method[:100]!r}")
    return None


def client(request: Request) -> str:
    """How the program at the other end calls itself; "" if it does not say."""
    name = an_object(meta(request).get(CLIENT) if is_modern(request) else request.params.get("clientInfo")).get("name")
    return name if isinstance(name, str) else ""


def thread(request: Request) -> str | None:
    """Which thread of the client calls, if it says so."""
    value = meta(request).get("threadId")
    return value if isinstance(value, str) and value else None


def negotiated(request: Request) -> str:
    """The revision that an `initialize` asks for, or the newest one with a handshake."""
    wanted = request.params.get("protocolVersion")
    return wanted if isinstance(wanted, str) and wanted in LEGACY else LEGACY[0]


# Results


def initialized(version: str, instructions: str) -> Object:
    """The result of `initialize`."""
    return {"protocolVersion": version, "capabilities": CAN, "serverInfo": SERVER_INFO, "instructions": instructions}


def discovered(instructions: str) -> Object:
    """The result of `server/discover`."""
    return complete({"supportedVersions": list(MODERN), "capabilities": CAN, "instructions": instructions}) | CACHING


def listed(tools: list[Object], *, modern: bool) -> Object:
    """The result of `tools/list`."""
    return complete({"tools": tools}) | CACHING if modern else {"tools": tools}


def tool_result(asked: Asked, text: str, *, is_error: bool) -> Object:
    """The response to a call of a tool. Only text: two harnesses show their models nothing else where there is both."""
    result: Object = {"content": [{"type": "text", "text": text}], "isError": is_error}
    return {"jsonrpc": "2.0", "id": asked.id, "result": complete(result) if asked.is_modern else result}


def complete(result: Object) -> Object:
    """A result as the modern era wants it."""
    return {"resultType": "complete", **result, "_meta": {SERVER: SERVER_INFO}}


def listening(id: Id) -> Object:
    """What acknowledges `subscriptions/listen`: none of what one could listen to happens here."""
    return {"_meta": {SUBSCRIPTION: id}, "notifications": {}}


def listened(id: Id) -> Object:
    """The result of `subscriptions/listen` when this server ends."""
    return {"resultType": "complete", "_meta": {SUBSCRIPTION: id, SERVER: SERVER_INFO}}


CACHING: Object = {"ttlMs": DAY_MS, "cacheScope": "public"}
