"""A server as a harness starts it: a process of its own with pipes, the least environment, and an empty home."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
from pathlib import Path
from select import select
from types import TracebackType
from typing import Any, Self

from tests.cli.shell import environment

SOON_S = 60
SERVER = [sys.executable, "-m", "postroom", "mcp"]
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


class Served:
    """A `postroom mcp`, its client, and what they say to each other."""

    def __init__(self, home: Path, *arguments: str, client: str = "claude-code", cwd: Path | None = None, **more: str) -> None:
        self.client = client
        self._process = subprocess.Popen(
            [*SERVER, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
            env=environment(home, **more), cwd=cwd or home,
        )  # fmt: skip
        self._ids = itertools.count(1)
        self._said = b""
        self._early: dict[object, dict[str, Any]] = {}

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process.poll() is None:
            self.kill()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()

    # Lines

    def write(self, content: bytes) -> None:
        assert self._process.stdin is not None
        view = memoryview(content)
        while view:
            view = view[self._process.stdin.write(view) :]

    def put(self, value: object) -> None:
        """Write a value on a line."""
        self.write(json.dumps(value).encode() + b"\n")

    def line(self) -> dict[str, Any]:
        """The next answer or notification that the server writes on a line of its own."""
        found = self._value()
        assert isinstance(found, dict)
        return found

    def lines_of_batch(self) -> list[dict[str, Any]]:
        """The answers that the server writes on one line."""
        found = self._value()
        assert isinstance(found, list)
        return found

    def _value(self) -> object:
        assert self._process.stdout is not None
        while b"\n" not in self._said:
            readable, _, _ = select([self._process.stdout], [], [], SOON_S)
            assert readable, "the server says nothing"
            more = self._process.stdout.read(1 << 20)
            assert more, f"the server has ended: {self.errors()}"
            self._said += more
        line, _, self._said = self._said.partition(b"\n")
        found: object = json.loads(line)
        return found

    def is_silent(self, seconds: float = 0) -> bool:
        """Whether nothing more was written."""
        assert self._process.stdout is not None
        return not self._said and not select([self._process.stdout], [], [], seconds)[0]

    # Requests

    def ask(self, method: str, params: dict[str, Any] | None = None) -> int:
        """Send a request. Returns its id."""
        id = next(self._ids)
        self.put({"jsonrpc": "2.0", "id": id, "method": method, "params": params or {}})
        return id

    def tell(self, method: str, params: dict[str, Any]) -> None:
        """Send a notification."""
        self.put({"jsonrpc": "2.0", "method": method, "params": params})

    def answer(self, id: object) -> dict[str, Any]:
        """The answer to a request; others that come earlier are kept."""
        while id not in self._early:
            line = self.line()
            self._early[line.get("id")] = line
        return self._early.pop(id)

    def request(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a request, and return its answer."""
        return self.answer(self.ask(method, params))

    def initialize(self, version: str = "2025-06-18") -> Self:
        """Shake hands, as the legacy era wants it."""
        answer = self.request(
            "initialize", {"protocolVersion": version, "clientInfo": {"name": self.client, "version": "1"}, "capabilities": {}}
        )
        assert "result" in answer, answer
        self.tell("notifications/initialized", {})
        return self

    # Tools

    def begin(self, tool: str, meta: dict[str, Any] | None = None, **arguments: object) -> int:
        """Call a tool, and do not wait for the result."""
        return self.ask("tools/call", {"name": tool, "arguments": arguments} | ({"_meta": meta} if meta else {}))

    def result(self, id: int) -> str:
        """The text of the result of a call that succeeds."""
        answer = self.answer(id)
        assert "result" in answer, answer
        assert not answer["result"]["isError"], answer
        return text_of(answer)

    def call(self, tool: str, meta: dict[str, Any] | None = None, **arguments: object) -> str:
        """Call a tool that succeeds. Returns its text."""
        return self.result(self.begin(tool, meta, **arguments))

    def refused(self, tool: str, meta: dict[str, Any] | None = None, **arguments: object) -> str:
        """Call a tool that does not succeed. Returns its text."""
        answer = self.answer(self.begin(tool, meta, **arguments))
        assert answer["result"]["isError"], answer
        return text_of(answer)

    # The end

    def close_input(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()

    def rest(self) -> list[dict[str, Any]]:
        """What the server still writes until it ends."""
        assert self._process.stdout is not None
        output = self._said + self._process.stdout.read()
        self._said = b""
        return [json.loads(line) for line in output.splitlines()]

    def end(self) -> int:
        """Close the input, and wait for the end. Returns the exit code."""
        self.close_input()
        return self._process.wait(SOON_S)

    def wait(self) -> int:
        return self._process.wait(SOON_S)

    def kill(self) -> None:
        """Kill -9, and see it dead."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(SOON_S)

    def terminate(self) -> None:
        self._process.send_signal(signal.SIGTERM)

    def errors(self) -> str:
        """What stands on standard error so far."""
        assert self._process.stderr is not None
        found = b""
        while select([self._process.stderr], [], [], 0)[0] and (more := self._process.stderr.read(1 << 16)):
            found += more
        return found.decode()


def text_of(answer: dict[str, Any]) -> str:
    """The text of a result, which is all that it has."""
    (content,) = answer["result"]["content"]
    assert content["type"] == "text"
    assert "structuredContent" not in answer["result"]
    text = content["text"]
    assert isinstance(text, str)
    return text


def lines_with(text: str, *words: str) -> list[str]:
    """The lines in which all the words are."""
    return [line for line in text.splitlines() if all(word in line for word in words)]
