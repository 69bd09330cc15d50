"""Stands in for a session of Claude Code where the real one cannot be made to fail: its socket, and the transcript that it writes."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Condition, Thread
from types import TracebackType
from typing import Any, Self

from tests.cli.shell import environment
from tests.harnesses.sessions import Lines

SESSION = "11111111-2222-3333-4444-555555555555"


class Session:
    """A session whose user sits still. `takes` says of each push, by its number from 1, whether it is taken; what is not is dropped."""

    def __init__(self, home: Path, takes: Callable[[int], bool] = lambda _number: True, options: tuple[str, ...] = ()) -> None:
        self.pushed: list[str] = []
        self.changed = Condition()
        self._takes, self._calls = takes, 100
        self._projects = home / ".claude" / "projects" / "-webshop"
        self._projects.mkdir(parents=True)
        self.transcript = self._projects / f"{SESSION}.jsonl"
        self.path = home / "run" / "inbox.sock"
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(self.path))
        self._socket.listen()
        self._thread = Thread(target=self._listen, daemon=True)
        self._thread.start()
        project = home / "webshop"
        project.mkdir(exist_ok=True)
        self.environment = environment(
            home,
            CLAUDECODE="1",
            CLAUDE_CODE_SESSION_ID=SESSION,
            CLAUDE_PROJECT_DIR=str(project),
            CLAUDE_CODE_MESSAGING_SOCKET=str(self.path),
            CLAUDE_CODE_MESSAGING_TOKEN="none",
        )
        self.server = Lines([sys.executable, "-m", "postroom", "mcp", *options], self.environment, project)
        self.server.tell({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18", **CLIENT}})
        self.server.tell({"jsonrpc": "2.0", "id": 2, "method": "tools/list"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.server.end()
        self.go()
        self._thread.join()

    def go(self) -> None:
        """Listen no longer."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self.path.unlink(missing_ok=True)

    def clear(self) -> None:
        """As /clear does: the same process goes on with another transcript."""
        self.transcript = self._projects / f"{SESSION[::-1]}.jsonl"

    def write(self, *records: dict[str, Any]) -> None:
        """Append to the transcript."""
        with self.transcript.open("a", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(record)}\n" for record in records)

    def begin(self) -> None:
        """The user has asked something."""
        self.write({"type": "user", "message": {"role": "user", "content": "do it"}})

    def end(self) -> None:
        """The model has answered."""
        self.write({"type": "assistant", "message": {"role": "assistant", "stop_reason": "end_turn", "content": []}})

    def call(self, tool: str, **arguments: object) -> str:
        """The model calls a tool of ours. Returns what it is told."""
        return self.told(self.begin_to_call(tool, **arguments))

    def begin_to_call(self, tool: str, **arguments: object) -> int:
        """The model calls a tool of ours. Returns the number of the call."""
        self._calls += 1
        self.server.tell({"jsonrpc": "2.0", "id": self._calls, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
        return self._calls

    def told(self, call: int) -> str:
        """What the model is told by a call."""
        return str(self.server.answer(call)["content"][0]["text"])

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                with connection, connection.makefile("rb") as lines:
                    _auth, message = (json.loads(line) for line in lines.readlines())
                self._hear(message["message"]["content"])

    def _hear(self, text: str) -> None:
        with self.changed:
            self.pushed.append(text)
            self.changed.notify_all()
        if self._takes(len(self.pushed)):
            self.write(
                {"type": "queue-operation", "operation": "enqueue", "content": text},
                {"type": "queue-operation", "operation": "dequeue"},
                {
                    "type": "user",
                    "isMeta": True,
                    "message": {"role": "user", "content": f"Another Claude session sent a message:\n{text}\n"},
                },
            )
            self.end()


CLIENT = {"capabilities": {}, "clientInfo": {"name": "claude-code", "version": "0"}}
