"""Sessions of the real harnesses with the scripted model, as programs drive them; Codex in a terminal, too."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
from contextlib import suppress
from pathlib import Path
from threading import Condition, Thread
from time import monotonic
from types import TracebackType
from typing import Any, Self
from urllib.request import Request, urlopen

from tests.harnesses.model import Model
from tests.harnesses.programs import surroundings
from tests.waiting import until

SOON_S = 240
END_S = 10
CODEX = """model = "scripted"
model_provider = "scripted"

[model_providers.scripted]
name = "scripted"
base_url = "{url}/v1"
wire_api = "responses"
env_key = "SCRIPTED_KEY"
request_max_retries = 0
stream_max_retries = 0

[projects."{project}"]
trust_level = "trusted"
"""
WINDOW = struct.pack("HHHH", 40, 120, 0, 0)
ASKED = {b"\x1b[6n": b"\x1b[1;1R", b"\x1b[c": b"\x1b[?1;2c"}
"""What a terminal is asked, and answers."""


def around(home: Path, harness: str, model: Model, who: str, **more: str) -> dict[str, str]:
    """The variables for a session of a harness: the scripted model, keys that open nothing, a place for its sockets."""
    place = home / "tmp"
    place.mkdir(exist_ok=True)
    keys = {"ANTHROPIC_BASE_URL": model.url(who), "ANTHROPIC_API_KEY": "none", "SCRIPTED_KEY": "none"}
    return surroundings(home, harness, TMPDIR=str(place), TERM="xterm-256color", **keys, **more)


def configure_codex(home: Path, project: Path, model: Model, who: str, folder: str = ".codex") -> None:
    """Let Codex use the scripted model. What `postroom install` put there stays."""
    path = home / folder / "config.toml"
    path.parent.mkdir(exist_ok=True)
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(CODEX.format(url=model.url(who), project=project) + before, encoding="utf-8")


class Lines:
    """A program that speaks JSON lines in both directions."""

    def __init__(self, command: list[str], environment: dict[str, str], directory: Path) -> None:
        with (directory.parent / "errors").open("ab") as errors:
            self.process = subprocess.Popen(
                command,
                env=environment,
                cwd=directory,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        self.said: list[dict[str, Any]] = []
        self.changed = Condition()
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.end()

    def end(self) -> None:
        """Let it end; kill it with all that it started if it does not."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(END_S)
        self._thread.join(END_S)
        self.process.stdout.close()

    def kill(self) -> None:
        """Kill -9."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(END_S)

    def tell(self, value: dict[str, Any]) -> None:
        """Write a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(value).encode() + b"\n")
        self.process.stdin.flush()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in iter(self.process.stdout.readline, b""):
            with self.changed:
                self.said.append(json.loads(line))
                self.changed.notify_all()

    def answer(self, id: int) -> dict[str, Any]:
        """Wait for the answer to a request."""
        deadline = monotonic() + SOON_S
        with self.changed:
            while not (found := [one for one in self.said if one.get("id") == id and "method" not in one]):
                left = deadline - monotonic()
                assert left > 0, f"no answer; last: {self.said[-3:]}"
                self.changed.wait(left)
        assert "error" not in found[0], found[0]
        answer: dict[str, Any] = found[0]["result"]
        return answer


class Claude(Lines):
    """Claude Code with its input open: idle until something is typed, or pushed."""

    def __init__(self, home: Path, project: Path, model: Model, who: str = "claude", *more: str) -> None:
        streams = ["--input-format", "stream-json", "--output-format", "stream-json", "--verbose"]
        super().__init__(["claude", "-p", *streams, *more], around(home, "claude-code", model, who), project)

    def type(self, text: str) -> None:
        """What the user types."""
        self.tell({"type": "user", "message": {"role": "user", "content": text}})


class Codex(Lines):
    """Codex as editors start it: an app server of its own, with one thread."""

    def __init__(self, home: Path, project: Path, model: Model, who: str = "codex") -> None:
        super().__init__(["codex", "app-server"], around(home, "codex", model, who), project)
        self._asked = 0
        self.ask("initialize", clientInfo={"name": "tests", "version": "0"}, capabilities={"experimentalApi": True})
        self.tell({"method": "initialized"})
        self.thread = self.ask("thread/start", cwd=str(project), approvalPolicy="never")["thread"]["id"]

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        """A request of the editor."""
        self._asked += 1
        self.tell({"id": self._asked, "method": method, "params": params})
        return self.answer(self._asked)

    def type(self, text: str) -> None:
        """What the user types."""
        self.ask("turn/start", threadId=self.thread, input=[{"type": "text", "text": text}])


def trust_hooks(home: Path, project: Path, model: Model) -> None:
    """What a person does with /hooks in Codex."""
    with Codex(home, project, model) as looking:
        hooks = [hook for one in looking.ask("hooks/list", cwds=[str(project)])["data"] for hook in one["hooks"]]
    with (home / ".codex" / "config.toml").open("a", encoding="utf-8") as file:
        file.writelines(f'\n[hooks.state.{json.dumps(hook["key"])}]\ntrusted_hash = "{hook["currentHash"]}"\n' for hook in hooks)


class Terminal:
    """A program in a terminal at which somebody sits still."""

    def __init__(self, command: list[str], environment: dict[str, str], directory: Path) -> None:
        self._terminal, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, WINDOW)
        ends: dict[str, Any] = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
        self.process = subprocess.Popen(command, env=environment, cwd=directory, start_new_session=True, **ends)
        os.close(theirs)
        self._thread = Thread(target=self._show, daemon=True)
        self._thread.start()

    def _show(self) -> None:
        with suppress(OSError):
            while shown := os.read(self._terminal, 65_536):
                for question, answer in ASKED.items():
                    if question in shown:
                        os.write(self._terminal, answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.end()
        self._thread.join(END_S)
        os.close(self._terminal)

    def end(self) -> None:
        """End it, with all that it started."""
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(END_S)


class ClaudeTerminal(Terminal):
    """Claude Code in a terminal, in a folder that its user trusts."""

    def __init__(self, home: Path, project: Path, model: Model, who: str = "claude") -> None:
        path = home / ".claude.json"
        answered: dict[str, Any] = {
            "hasCompletedOnboarding": True,
            "theme": "dark",
            "customApiKeyResponses": {"approved": ["none"], "rejected": []},
            "projects": {str(project): {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}},
        }
        path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | answered), encoding="utf-8")
        super().__init__(["claude"], around(home, "claude-code", model, who), project)


class CodexTerminal(Terminal):
    """Codex in a terminal: it starts an app server for all sessions of this user, which lives on, and is ended here."""

    def __init__(self, home: Path, project: Path, model: Model, first: str, folder: str = ".codex") -> None:
        self._home, self._settings = home, home / folder
        (self._settings / "hooks.json").unlink(missing_ok=True)  # it would ask whether they are to be trusted, before anything else
        super().__init__(["codex", first], around(home, "codex", model, "codex", CODEX_HOME=str(self._settings)), project)

    def end(self) -> None:
        """End it, and the app server."""
        super().end()
        for file in (self._settings / "app-server-daemon").glob("*.pid"):
            self._end_daemon(json.loads(file.read_text(encoding="utf-8")))

    def _end_daemon(self, noted: dict[str, Any]) -> None:
        pid = int(noted["pid"])
        command = Path(f"/proc/{pid}/cmdline")
        with suppress(FileNotFoundError, ProcessLookupError):
            if str(self._home).encode() in command.read_bytes():  # and not another program with this number
                os.kill(pid, signal.SIGKILL)
                until(lambda: not command.exists() or not command.read_bytes())


class Pi(Lines):
    """pi as a program drives it."""

    def __init__(self, home: Path, project: Path, model: Model, who: str = "pi", *more: str) -> None:
        chosen = ["--provider", "scripted", "--model", "scripted"]
        super().__init__(["pi", "--mode", "rpc", *chosen, *more], around(home, "pi", model, who), project)

    def type(self, text: str) -> None:
        """What the user types."""
        self.tell({"type": "prompt", "message": text})


class OpenCode:
    """OpenCode as a server, with one session."""

    def __init__(self, home: Path, project: Path, model: Model, who: str = "opencode") -> None:
        environment = around(home, "opencode", model, who)
        pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        command = ["opencode", "serve", "--port", "0", "--hostname", "127.0.0.1", "--print-logs"]
        self.process = subprocess.Popen(command, env=environment, cwd=project, start_new_session=True, **pipes)
        self._said: list[str] = []
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()
        self._url = until(lambda: next((found[0] for line in self._said if (found := re.search(r"http://127\.0\.0\.1:\d+", line))), None))
        self._project = project
        self.session = str(self.ask("/session", {})["id"])

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in iter(self.process.stdout.readline, b""):
            self._said.append(line.decode(errors="replace"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self.process.stdout is not None
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(END_S)
        self._thread.join(END_S)
        self.process.stdout.close()

    def ask(self, path: str, value: dict[str, Any]) -> dict[str, Any]:
        """A request of a program that drives it."""
        assert self._url is not None
        request = Request(f"{self._url}{path}", json.dumps(value).encode(), {"content-type": "application/json"})  # noqa: S310  # loopback
        with urlopen(request, timeout=SOON_S) as response:  # noqa: S310  # loopback
            answer: dict[str, Any] = json.loads(response.read() or b"{}")
        return answer

    def type(self, text: str) -> None:
        """What the user types; returns when the turn is over."""
        self.ask(f"/session/{self.session}/message", {"parts": [{"type": "text", "text": text}]})
