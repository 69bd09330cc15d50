"""JSON-RPC 2.0, line by line: what a line says, and how an answer is written. Whatever comes in, nothing but JSON-RPC goes out."""

from __future__ import annotations

import json

from postroom.core.types import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import NoReturn

Id = str | int
Object = dict[str, object]

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
BATCH_MAX = 100


class Request(NamedTuple):
    """A request. One without an id is a notification, which is never answered."""

    id: Id | None
    method: str
    params: Object


class Fault(NamedTuple):
    """Why something cannot be answered otherwise. `id` is that of the request, where it could be read."""

    id: Id | None
    code: int
    message: str
    data: Object | None = None


class Batch(NamedTuple):
    """Several in one line, as revision 2025-03-26 allows."""

    items: list[Request | Fault]


def read_line(line: bytes) -> Request | Fault | Batch | None:
    """What a line says; None for an answer, as nothing is ever asked of the client."""
    try:
        value: object = DECODER.decode(line.decode())
    except (ValueError, RecursionError) as error:
        return Fault(None, PARSE_ERROR, f"this is no JSON: {type(error).__name__}")
    if not isinstance(value, list):
        return read_item(value)
    if not value:
        return Fault(None, INVALID_REQUEST, "an empty batch")
    if len(value) > BATCH_MAX:
        return Fault(None, INVALID_REQUEST, f"a batch has at most {BATCH_MAX} requests")
    return Batch([item for item in map(read_item, value) if item is not None])


def read_item(value: object) -> Request | Fault | None:
    """One request, notification or answer."""
    if not isinstance(value, dict):
        return Fault(None, INVALID_REQUEST, "a request is an object")
    id = value.get("id")
    known = id if is_id(id) else None
    if "method" not in value and ("result" in value or "error" in value):
        return None
    method, params = value.get("method"), value.get("params", {})
    if value.get("jsonrpc") != "2.0" or not isinstance(method, str):
        return Fault(known, INVALID_REQUEST, 'a request has "jsonrpc": "2.0" and a method')
    if "id" in value and known is None:
        return Fault(None, INVALID_REQUEST, "an id is text or a whole number")
    if not isinstance(params, dict):
        return Fault(known, INVALID_PARAMS, "params is an object") if "id" in value else None
    return Request(known, method, params)


def is_id(value: object) -> bool:
    """Whether this can be the id of a request. True is no number here."""
    return isinstance(value, str) or type(value) is int


def refuse(constant: str) -> NoReturn:
    """NaN and Infinity are no JSON."""
    raise ValueError(constant)


def notification(method: str, params: Object) -> Object:
    """Something that is told and not asked."""
    return {"jsonrpc": "2.0", "method": method, "params": params}


def fault_object(fault: Fault) -> Object:
    """An error as an object. JSON-RPC wants an id of null where none could be read."""
    error: Object = {"code": fault.code, "message": fault.message}
    if fault.data is not None:
        error["data"] = fault.data
    return {"jsonrpc": "2.0", "id": fault.id, "error": error}


def written(value: Object | list[Object]) -> bytes:
    """A value on a line of its own, in ASCII: no character of it can be taken for a line break, or be no UTF-8."""
    return ENCODER.encode(value).encode() + b"\n"


DECODER = json.JSONDecoder(parse_constant=refuse)
ENCODER = json.JSONEncoder(separators=(",", ":"))
