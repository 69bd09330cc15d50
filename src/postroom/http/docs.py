"""What there is, for programs (OpenAPI 3.1) and for people: a page without a script, made from the same tables, that needs no network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final, NamedTuple

from postroom import __version__
from postroom.core.message import Message
from postroom.http.paths import InboxArguments
from postroom.http.request import JSON, Answer, Request, encode
from postroom.http.routes import Route
from postroom.http.schema import COMPONENTS, Schema, Values, of_arguments
from postroom.http.shelf import Kept, Uploaded
from postroom.http.transfers import DownloadArguments, ExportArguments, LiveArguments
from postroom.http.verb import LOOK, Arguments, Nothing, Verb

TITLE: Final = "Postroom"
ABOUT: Final = (
    "The post room for AI agents, over HTTP. Each verb is the one of the Python SDK, with its keywords. "
    "Who calls is said by a token (X-Bus-Token, or Authorization: Bearer), or on the Unix socket by X-Postroom-Agent."
)
ERROR: Final[Schema] = {
    "type": "object",
    "properties": {
        "error": {"type": "string"},
        "type": {"type": "string"},
        "message": {"type": "string"},
        "exit_code": {"type": "integer"},
        "retry": {"type": "boolean"},
        "facts": {"type": "object"},
    },
    "required": ["error", "type", "message", "exit_code", "retry", "facts"],
}
SECURITY: Final[Schema] = {
    "token": {"type": "apiKey", "in": "header", "name": "X-Bus-Token"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "code{font:14px ui-monospace,monospace}table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.2rem .6rem .2rem 0;"
    "vertical-align:top}h2{margin:2rem 0 0;font-size:1.1rem}p{margin:.3rem 0}"
)
POLICY: Final = b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


class Fixed(NamedTuple):
    """A path that is no verb of the table. `takes` and `gives` are media types, where it is not JSON."""

    method: str
    path: str
    summary: str
    scope: str = ""
    arguments: type[Arguments] = Nothing
    gives: object = None
    takes: str = ""
    kind: str = "application/json"


FIXED: Final = [
    Fixed("GET", "/api/inbox/{agent}", "What waits for an agent; with mark_read it counts as read.", "read", InboxArguments, list[Message]),
    Fixed("POST", "/api/files", "Send a file, to be named in `files` later.", "agent", gives=Kept, takes="application/octet-stream"),
    Fixed("GET", "/api/files/{sha256}", "A file; also parts of it, by Range.", "read", DownloadArguments, kind="application/octet-stream"),
    Fixed("POST", "/api/uploads", "Begin to send a file that may break off.", "agent", gives=Uploaded),
    Fixed("GET", "/api/uploads/{upload}", "How far an upload is.", "agent", gives=Uploaded),
    Fixed(
        "PATCH", "/api/uploads/{upload}", "More bytes, from Upload-Offset on.", "agent", gives=Uploaded, takes="application/octet-stream"
    ),
    Fixed("POST", "/api/uploads/{upload}", "The upload is whole.", "agent", gives=Kept),
    Fixed(
        "GET",
        "/api/live",
        "What happens, as server-sent events; goes on from Last-Event-ID.",
        "read",
        LiveArguments,
        kind="text/event-stream",
    ),
    Fixed("GET", "/api/export", "Everything, as JSON lines.", "read", ExportArguments, kind="application/jsonl"),
    Fixed("GET", "/healthz", "Whether the store is well.", gives=dict[str, object]),
    Fixed("GET", "/metrics", "Figures for Prometheus.", "read", kind="text/plain"),
]


class Docs:
    """The document and the page."""

    def __init__(self, verbs: Sequence[Verb]) -> None:
        self.document = document(verbs)
        self._json = encode(self.document)
        self._page = "".join(page(verbs)).encode()

    def rows(self) -> list[Route]:
        """The rows."""
        return [Route("GET", "/openapi.json", self._openapi, open=True), Route("GET", "/docs", self._docs, open=True)]

    async def _openapi(self, _request: Request) -> Answer:
        return Answer(200, self._json, JSON)

    async def _docs(self, _request: Request) -> Answer:
        headers = ((b"content-type", b"text/html; charset=utf-8"), (b"content-security-policy", POLICY), (b"x-frame-options", b"DENY"))
        return Answer(200, self._page, headers)


def document(verbs: Sequence[Verb]) -> Schema:
    """The OpenAPI document."""
    rows = [*(as_fixed(verb) for verb in verbs), *FIXED]
    values, arguments = Values(), of_arguments([row.arguments for row in rows])
    paths: dict[str, dict[str, object]] = {}
    for row in rows:
        paths.setdefault(row.path, {})[row.method.lower()] = operation(row, values, arguments)
    components = {"schemas": {"Error": ERROR, **values.components, **arguments}, "securitySchemes": SECURITY}
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": __version__, "description": ABOUT},
        "paths": paths,
        "components": components,
        "security": [{"token": []}, {"bearer": []}],
    }


def as_fixed(verb: Verb) -> Fixed:
    """A verb as a path."""
    return Fixed(verb.method, f"/api/{verb.name}", verb.summary, verb.scope, verb.arguments, verb.gives)


def operation(row: Fixed, values: Values, arguments: dict[str, Schema]) -> Schema:
    """One operation of the document."""
    found: Schema = {
        "operationId": f"{row.method.lower()}{row.path.replace('/', '-').replace('{', '').replace('}', '')}",
        "summary": row.summary,
        "responses": responses(row, values),
    }
    if row.scope:
        found["description"] = f"Scope: {row.scope}."
    else:
        found["security"] = []
    parameters = [*path_parameters(row), *(query_parameters(arguments[row.arguments.__name__]) if row.method == LOOK else [])]
    if row.method == "PATCH":
        offset: Schema = {"type": "integer", "minimum": 0}
        parameters.append({"name": "Upload-Offset", "in": "header", "required": True, "schema": offset})
    if parameters:
        found["parameters"] = parameters
    if row.takes:
        found["requestBody"] = {"required": True, "content": {row.takes: {"schema": {"type": "string", "format": "binary"}}}}
    elif row.method == "POST" and row.path.count("/") == 2 and row.arguments is not Nothing:  # noqa: PLR2004  # a verb
        found["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": COMPONENTS + row.arguments.__name__}}},
        }
    elif row.method == "POST":
        found["requestBody"] = {"content": {"application/json": {"schema": {"type": "object", "maxProperties": 0}}}}
    return found


def responses(row: Fixed, values: Values) -> Schema:
    """What may come back."""
    schema = values.of(row.gives) if row.kind == "application/json" else {"type": "string"}
    error = {"description": "An error.", "content": {"application/json": {"schema": {"$ref": f"{COMPONENTS}Error"}}}}
    well: Schema = {"description": "Done.", "content": {row.kind: {"schema": schema}}}
    if row.path == "/healthz":
        return {"200": well, "503": {**well, "description": "It is not well."}, "default": error}
    return {"200": well, **({"206": well} if row.path.startswith("/api/files/") else {}), "default": error}


def path_parameters(row: Fixed) -> list[Schema]:
    """The changing part of a path."""
    _, brace, name = row.path.partition("{")
    return [{"name": name.rstrip("}"), "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}] if brace else []


def query_parameters(schema: Schema) -> list[Schema]:
    """The fields of arguments as parameters of a query."""
    fields, required = schema.get("properties", {}), schema.get("required", [])
    assert isinstance(fields, dict)
    assert isinstance(required, list)
    return [{"name": name, "in": "query", "required": name in required, "schema": field} for name, field in fields.items()]


def page(verbs: Sequence[Verb]) -> Iterator[str]:
    """The page, piece by piece."""
    arguments = of_arguments([verb.arguments for verb in verbs] + [row.arguments for row in FIXED])
    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{TITLE}</title>'
    yield f"<style>{STYLE}</style><h1>{TITLE} {escape(__version__)}</h1><p>{escape(ABOUT)}</p>"
    yield '<p>For programs: <a href="/openapi.json">openapi.json</a>. As a WebSocket: <code>/ws</code>.</p>'
    for row in (*(as_fixed(verb) for verb in verbs), *FIXED):
        scope = f" <small>scope {row.scope}</small>" if row.scope else ""
        yield f"<h2><code>{row.method} {escape(row.path)}</code>{scope}</h2><p>{escape(row.summary)}</p>"
        yield from table(arguments[row.arguments.__name__])
    yield "</html>"


def table(schema: Schema) -> Iterator[str]:
    """The arguments of a verb as a table."""
    fields, required = schema.get("properties"), schema.get("required", [])
    if not isinstance(fields, dict) or not fields or not isinstance(required, list):
        return
    yield "<table><tbody>"
    for name, field in fields.items():
        must = "required" if name in required else f"default {escape(str(field.get('default')))}"
        yield f"<tr><td><code>{escape(name)}</code><td>{escape(kind_of(field))}<td>{must}"
    yield "</table>"


def kind_of(field: Schema) -> str:
    """The type of a field, in words."""
    several = field.get("anyOf")
    if isinstance(several, list):
        return " or ".join(kind_of(one) for one in several)
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if field.get("type") == "array":
        items = field.get("items")
        return f"list of {kind_of(items) if isinstance(items, dict) else 'anything'}"
    return str(field.get("type", "anything"))
