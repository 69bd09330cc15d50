"""The same bus with Redis Streams behind the same HTTP server: XADD to send, XREAD to fetch; the server remembers where each reader is."""

import json
import sys
from collections import defaultdict

import redis.asyncio
import uvicorn

from bench.peers.http_bus_app import Event, Receive, Send, read_body

BATCH = 100


class Bus:
    def __init__(self, port: int) -> None:
        self._redis = redis.asyncio.Redis(host="127.0.0.1", port=port)
        self._read: defaultdict[str, bytes] = defaultdict(lambda: b"0")

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        path = str(scope["path"])
        reading = scope["method"] == "GET"
        result = await (self._take(path.rpartition("/")[2]) if reading else self._append(await read_body(receive)))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": json.dumps(result).encode()})

    async def _append(self, body: bytes) -> object:
        letter = json.loads(body)
        fields = {"from": letter["from"], "subject": letter["subject"], "body": letter["body"]}
        return {"id": (await self._redis.xadd(letter["to"], fields)).decode()}

    async def _take(self, recipient: str) -> object:
        letters = []
        for _, entries in await self._redis.xread({recipient: self._read[recipient]}, count=BATCH):
            self._read[recipient] = entries[-1][0]
            letters = [{"id": id.decode(), **{name.decode(): value.decode() for name, value in fields.items()}} for id, fields in entries]
        return letters


if __name__ == "__main__":
    redis_port, port = sys.argv[1:]
    uvicorn.run(Bus(int(redis_port)), host="127.0.0.1", port=int(port), log_level="warning", access_log=False, lifespan="off", ws="none")
