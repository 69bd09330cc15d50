"""The gateway: the verbs of the table over a WebSocket, and messages as they come. What is said there is in client.py; here is the door.

The first frame of a client says who it is, if the handshake did not, and which seat it comes back to: {"token": T, "resume": seat}.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from secrets import token_urlsafe
from typing import Final

from postroom.core.errors import PostroomError
from postroom.core.refusals import BadToken, HouseFull, NodeStopped, NoSuchPath
from postroom.http import guard
from postroom.http.auth import ACT, Caller, check_right
from postroom.http.client import AGAIN, POLICY, REPLACED, RESTART, Client, Gone, read_frame, tell
from postroom.http.node import Node
from postroom.http.refusal import refusal, told
from postroom.http.request import Event, Receive, Request, Send, Way
from postroom.http.verb import Verb

HELLO_S: Final = 10.0
CLIENTS_MAX: Final = 1_000
PROTOCOL: Final = "postroom"
TOKEN: Final = "token."  # noqa: S105  # what stands before one
PATHS: Final = {"tcp": {"/ws"}, "unix": {"/ws"}, "gateway": {"/", "/ws"}}
PROGRAM: Final = "ws"
SERVER_FAULT: Final = 500


class Gateway:
    """Serves WebSockets."""

    def __init__(self, node: Node, verbs: Sequence[Verb]) -> None:
        self._node = node
        self._verbs = {verb.name: verb for verb in verbs}  # of two rows of one name the later one, which may also change something
        self._clients: dict[tuple[str, str], Client] = {}
        self._connected = 0
        self._open = True

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        state = scope["state"]
        assert isinstance(state, dict)
        way = state["way"]
        assert isinstance(way, Way)
        request = Request(scope, receive, way)
        await receive()  # websocket.connect
        try:
            caller = self._at_the_door(request)
        except PostroomError as error:
            await deny(send, error)
            return
        offered = request.scope.get("subprotocols")
        chosen = PROTOCOL if isinstance(offered, list) and PROTOCOL in offered else None
        await send({"type": "websocket.accept", "subprotocol": chosen})
        self._connected += 1
        try:
            await self._serve(receive, send, caller)
        except Gone:
            return
        except PostroomError as error:
            await tell(send, {"error": told(error)})
            code = AGAIN if error.http_status >= SERVER_FAULT else POLICY
            await send({"type": "websocket.close", "code": code, "reason": error.code})
        finally:
            self._connected -= 1

    def _at_the_door(self, request: Request) -> Caller | None:
        """Who comes, if the handshake says so. A page cannot set headers, so a token may also stand among the subprotocols."""
        guard.check(request)
        if request.path not in PATHS[request.way.name]:
            raise NoSuchPath(path=request.path[:200])
        if self._connected >= CLIENTS_MAX:
            raise HouseFull(limit=CLIENTS_MAX, things="clients of the gateway")
        if not self._open:
            raise NodeStopped
        offered = request.scope.get("subprotocols")
        secrets = [one.removeprefix(TOKEN) for one in offered if one.startswith(TOKEN)] if isinstance(offered, list) else []
        if secrets:
            return checked(self._node.gate.by_token(secrets[0], PROGRAM))
        if request.way.same_user or request.all(b"x-bus-token") or request.all(b"authorization"):
            return checked(self._node.gate.caller(request))
        return None

    async def _serve(self, receive: Receive, send: Send, caller: Caller | None) -> None:
        """Learn who it is, and which seat; then serve until one side ends it."""
        try:
            async with asyncio.timeout(HELLO_S):
                hello = await read_frame(receive)
        except TimeoutError:
            raise BadToken(why=f"no first frame came within {HELLO_S:g} s") from None
        if caller is None:
            if hello.token is None:
                raise BadToken(why="the first frame does not say one")
            caller = checked(self._node.gate.by_token(hello.token, PROGRAM))
        seat = hello.resume or token_urlsafe(16)
        lodger = await self._node.house.lodger(caller, seat, opens=hello.resume is None)
        client = Client(self._node, self._verbs, caller, lodger)
        key = (caller.name, seat)
        if (earlier := self._clients.get(key)) is not None:
            await earlier.end(REPLACED)
        self._clients[key] = client
        try:
            with lodger:
                await tell(send, {"seat": seat, "agent": caller.name})
                await client.serve(receive, send, push=hello.push)
        finally:
            if self._clients.get(key) is client:
                del self._clients[key]

    async def close(self) -> None:
        """End all connections."""
        self._open = False
        await asyncio.gather(*(client.end(RESTART) for client in list(self._clients.values())))


def checked(caller: Caller) -> Caller:
    """A caller who may act. Raises NotYourRight."""
    check_right(caller, ACT)
    return caller


async def deny(send: Send, error: PostroomError) -> None:
    """Answer a handshake with an error, as HTTP."""
    answer = refusal(error)
    headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body))]
    await send({"type": "websocket.http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": answer.body})
