"""The console's pages: files that hold nothing of anybody, served to whoever may reach the node; and how a person comes in and goes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from typing import Final, NamedTuple

import msgspec

from postroom.core.errors import PostroomError
from postroom.core.refusals import BadRequest, BadToken, NoSuchPath, WrongMethod, WrongType
from postroom.http.login import INVITATION_S, SESSION_S, Doors
from postroom.http.refusal import refusal
from postroom.http.request import Answer, ClientGone, Event, Headers, Receive, Request, Send, Way, reply, value_of

PAGE: Final = os.path.join(os.path.dirname(__file__), "console", "page")
TYPES: Final = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
KEY: Final = b"x-postroom-console"
BODY_BYTES_MAX: Final = 1_000
POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
    b"form-action 'self'; frame-ancestors 'none'"
)
GUARDED: Headers = (
    (b"content-security-policy", POLICY),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
"""What a browser must not do with these pages, nor let others do."""


class File(NamedTuple):
    """A file of the page."""

    body: bytes
    kind: bytes
    etag: bytes


class Secret(msgspec.Struct, forbid_unknown_fields=True):
    """What an invitation says."""

    secret: str


class Pages:
    """Serves `/` and `/console/...`, by whichever way a request came in. `knows` says whether one comes from a page that is logged in."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._files = dict(files())

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        """Serve one request that the guard has let through; app.py has noted by which way it came."""
        state = scope["state"]
        assert isinstance(state, dict)
        way = state["way"]
        assert isinstance(way, Way)
        request = Request(scope, receive, way)
        try:
            file = self._files.get(request.path)
            if file is not None and request.method in {"GET", "HEAD"}:
                await show(send, request, file)
            else:
                await reply(send, await self._done(request))
        except ClientGone:
            return
        except PostroomError as error:
            await reply(send, refusal(error))

    def knows(self, request: Request) -> bool:
        """Whether a request has the cookie and the key of one session."""
        key = request.header(KEY)
        return bool(key) and not request.way.same_user and self._doors.may(cookie_of(request), key or "")

    async def _done(self, request: Request) -> Answer:
        acts = {"/console/link": self._link, "/console/enter": self._enter, "/console/leave": self._leave}
        act = acts.get(request.path)
        if act is None and request.path not in self._files:
            raise NoSuchPath(path=request.path[:200])
        if act is None or request.method != "POST":
            raise WrongMethod(path=request.path, method=request.method[:20], allowed="POST" if act else "GET, HEAD")
        kind = (request.header(b"content-type") or "nothing").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise WrongType(found=kind[:100], wanted="application/json")
        return await act(request, await request.body(BODY_BYTES_MAX))

    async def _link(self, request: Request, _body: bytes) -> Answer:
        """Invite whoever asks, if it is this user: only this user's programs reach the Unix socket."""
        if not request.way.same_user:
            raise NoSuchPath(path=request.path)
        return value_of({"secret": self._doors.invite(), "expires_in": INVITATION_S})

    async def _enter(self, request: Request, body: bytes) -> Answer:
        """Let somebody in."""
        try:
            given = msgspec.json.decode(body, type=Secret)
        except msgspec.DecodeError as error:
            raise BadRequest(why=str(error)) from None
        entry = self._doors.enter(given.secret)
        if entry is None:
            raise BadToken(why="this link was used before, or is too old")
        cookie = f"{cookie_name(request)}={entry.cookie}; Path=/; HttpOnly; SameSite=Strict; Max-Age={SESSION_S}{secure(request)}"
        return value_of({"key": entry.key}, headers=[(b"set-cookie", cookie.encode())])

    async def _leave(self, request: Request, _body: bytes) -> Answer:
        """Let somebody go."""
        self._doors.leave(cookie_of(request), request.header(KEY) or "")
        cookie = f"{cookie_name(request)}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0{secure(request)}"
        return value_of({}, headers=[(b"set-cookie", cookie.encode())])


def files() -> Iterator[tuple[str, File]]:
    """The files of the page, by their paths."""
    for folder, _, names in os.walk(PAGE):
        for name in names:
            kind = TYPES.get(os.path.splitext(name)[1])
            if kind is not None:
                path = os.path.join(folder, name)
                with open(path, "rb") as opened:
                    body = opened.read()
                below = os.path.relpath(path, PAGE).replace(os.sep, "/")
                served = "/" if below == "index.html" else f"/console/{below}"
                yield served, File(body, kind.encode(), b'"%s"' % sha256(body).hexdigest()[:24].encode())


async def show(send: Send, request: Request, file: File) -> None:
    """Send a file, or say that the browser has it already."""
    known = file.etag in b",".join(request.all(b"if-none-match"))
    headers = [*GUARDED, (b"content-type", file.kind), (b"etag", file.etag), (b"cache-control", b"no-cache")]
    if not known:
        headers.append((b"content-length", b"%d" % len(file.body)))
    body = b"" if known or request.method == "HEAD" else file.body
    await send({"type": "http.response.start", "status": 304 if known else 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def cookie_name(request: Request) -> str:
    """A name for each port: the nodes of several users of a machine share the cookies of its host."""
    return f"postroom-{request.way.port}"


def cookie_of(request: Request) -> str:
    """The value of our cookie, or nothing. Whatever other cookies look like: other servers of this host have made them."""
    wanted = cookie_name(request)
    for line in request.all(b"cookie"):
        for part in line.decode("latin-1").split(";"):
            name, _, value = part.strip().partition("=")
            if name == wanted:
                return value
    return ""


def secure(request: Request) -> str:
    """Over TLS the cookie is for TLS only."""
    return "; Secure" if request.way.secure else ""
