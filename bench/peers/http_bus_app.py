"""The server of the HTTP bus, run as a script: an ASGI application over one SQLite connection."""

import json
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import uvicorn

SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE letter (
    id INTEGER PRIMARY KEY, sender TEXT, recipient TEXT, subject TEXT, body TEXT, read INTEGER DEFAULT 0
);
CREATE INDEX unread ON letter (recipient, id) WHERE read = 0;
"""
APPEND = "INSERT INTO letter (sender, recipient, subject, body) VALUES (?, ?, ?, ?)"
UNREAD = "SELECT id, sender, body FROM letter WHERE recipient = ? AND read = 0 ORDER BY id LIMIT 100"
MARK_READ = "UPDATE letter SET read = 1 WHERE recipient = ? AND read = 0 AND id <= ?"

Event: TypeAlias = dict[str, object]
Receive: TypeAlias = Callable[[], Awaitable[Event]]
Send: TypeAlias = Callable[[Event], Awaitable[None]]


class Bus:
    def __init__(self, path: str, synchronous: str) -> None:
        self._store = sqlite3.connect(path, isolation_level=None)
        self._store.executescript(SCHEMA)
        self._store.execute(f"PRAGMA synchronous = {synchronous}")  # NORMAL: against a crash of the process; FULL: against a power cut

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        path = str(scope["path"])
        reading = scope["method"] == "GET"
        result = self._take(path.rpartition("/")[2]) if reading else self._append(await read_body(receive))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": json.dumps(result).encode()})

    def _append(self, body: bytes) -> object:
        letter = json.loads(body)
        row = (letter["from"], letter["to"], letter["subject"], letter["body"])
        return {"id": self._store.execute(APPEND, row).lastrowid}

    def _take(self, recipient: str) -> object:
        rows = self._store.execute(UNREAD, (recipient,)).fetchall()
        if rows:
            self._store.execute(MARK_READ, (recipient, rows[-1][0]))
        return [{"id": number, "from": sender, "body": body} for number, sender, body in rows]


async def read_body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        event = await receive()
        part = event["body"]
        assert isinstance(part, bytes)
        body += part
        more = bool(event["more_body"])
    return body


if __name__ == "__main__":
    store, port, synchronous = sys.argv[1:]
    uvicorn.run(Bus(store, synchronous), host="127.0.0.1", port=int(port), log_level="warning", access_log=False, lifespan="off", ws="none")
