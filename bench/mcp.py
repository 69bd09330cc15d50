"""What a coding agent waits for: the MCP server's first reply, a message from one server to another, a hook that has nothing to say."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from bench.peer import BODY_BYTES
from bench.probes import as_installed, pss_of
from bench.process import Failed

BODY = "x" * BODY_BYTES
STARTS = 5
MESSAGES = 40
PAIRS = 5
WAIT_SECONDS = 10
VERSION = "2025-06-18"
HELLO: dict[str, object] = {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
TURN = json.dumps({"session_id": "bench", "hook_event_name": "PostToolUse", "cwd": "/", "tool_name": "Bash", "tool_input": {}}).encode()
OFFICIAL = """
from mcp.server.mcpserver import MCPServer
server = MCPServer("bare")
@server.tool()
def send(to: str, body: str) -> str:
    return f"sent to {to}"
server.run()
"""


class Client:
    """Speaks to one MCP server over its pipes, a line at a time."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        pipe = subprocess.PIPE
        self._began = time.monotonic_ns()
        self._process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
        self._id = 0
        self._ask("initialize", HELLO)
        self.first_reply_ms = (time.monotonic_ns() - self._began) / 1e6
        self._write({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def call(self, tool: str, **arguments: object) -> None:
        """Call a tool and wait for what it says."""
        self.begin(tool, **arguments)
        self.result()

    def begin(self, tool: str, **arguments: object) -> None:
        self._id += 1
        self._write({"jsonrpc": "2.0", "id": self._id, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})

    def result(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Failed(str(self._process.args))
        return str(json.loads(line)["result"])

    def pss_mib(self) -> float:
        """With its tools, which ours loads when it is asked for them."""
        self._ask("tools/list", {})
        return pss_of(self._process.pid)

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _ask(self, method: str, params: dict[str, object]) -> None:
        self._id += 1
        self._write({"jsonrpc": "2.0", "id": self._id, "method": method, "params": params})
        self.result()

    def _write(self, message: dict[str, object]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()


class Servers:
    """`postroom mcp` beside a server of the official SDK that has one tool and does nothing."""

    load = "mcp"

    def __init__(self, home: Path) -> None:
        peer = as_installed(home)
        self.subject = peer.name
        self._program = str(Path(sys.executable).with_name("postroom"))
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(home), "POSTROOM_HOME": str(peer.home)}

    def measure(self) -> dict[str, float]:
        own = [self._started([self._program, "mcp", "--name", "starter"]) for _ in range(STARTS)]
        official = [self._started([sys.executable, "-c", OFFICIAL]) for _ in range(STARTS)]
        return {
            "first_reply_ms": median(reply for reply, _ in own),
            "pss_mib": median(pss for _, pss in own),
            "official_first_reply_ms": median(reply for reply, _ in official),
            "official_pss_mib": median(pss for _, pss in official),
            "between_ms": self._between(),
            "hook_ratio": self._hook(),
        }

    def _started(self, command: list[str]) -> tuple[float, float]:
        client = Client(command, self._environment)
        try:
            return client.first_reply_ms, client.pss_mib()
        finally:
            client.end()

    def _between(self) -> float:
        """From the call of `send` in one server until the waiting `inbox` of another has its result."""
        one, other = (Client([self._program, "mcp", "--name", name], self._environment) for name in ("one", "other"))
        took = []
        try:
            other.call("inbox")
            for _ in range(MESSAGES):
                other.begin("inbox", wait=WAIT_SECONDS)
                one.call("agents")  # the other one has begun to wait by then
                began = time.monotonic_ns()
                one.begin("send", to="other", body=BODY)
                other.result()
                took.append((time.monotonic_ns() - began) / 1e6)
                one.result()
        finally:
            one.end()
            other.end()
        return median(took)

    def _hook(self) -> float:
        """A hook call that finds no mail, as a whole process, in turns with `python -c pass`."""
        pairs = [(self._ms([sys.executable, "-c", "pass"]), self._ms([self._program, "hook", "PostToolUse"])) for _ in range(PAIRS)]
        return median(hook / bare for bare, hook in pairs)

    def _ms(self, command: list[str]) -> float:
        began = time.monotonic_ns()
        done = subprocess.run(command, env=self._environment, input=TURN, capture_output=True, check=False)
        took = time.monotonic_ns() - began
        if done.returncode:
            raise Failed(" ".join(command[:2]))
        return took / 1e6


class WaitingPrograms:
    """From the start of a program that sends until another program, which waits for it, has printed the message: the command lines."""

    load = "command line"

    def __init__(self, home: Path) -> None:
        peer = as_installed(home)
        self.subject = peer.name
        programs = Path(sys.executable).parent
        environment = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(home)}
        own = {**environment, "POSTROOM_HOME": str(peer.home)}
        self._postroom = Dialogue(
            ["postroom", "inbox", "--wait", "20", "--limit", "1", "--as", "reader0"],
            ["postroom", "send", "reader0", BODY, "--as", "sender0"],
            own,
        )
        self._hcom = Dialogue(
            ["hcom", "listen", "20", "--name", "luna"], ["hcom", "send", "@luna", "--name", "nova", "--", BODY], environment
        )
        for name in ("luna", "nova"):
            subprocess.run(["hcom", "start", "--as", name], env=environment, capture_output=True, check=True)

    def measure(self) -> dict[str, float]:
        figures = {}
        for name, dialogue in (("postroom", self._postroom), ("hcom", self._hcom)):
            pairs = [dialogue.once() for _ in range(PAIRS)]
            figures[f"{name}_woken_ms"] = median(woken for woken, _ in pairs)
            figures[f"{name}_send_ms"] = median(sent for _, sent in pairs)
        return figures


class Dialogue:
    """A program that waits for a message, and one that sends it."""

    def __init__(self, waiting: list[str], sending: list[str], environment: dict[str, str]) -> None:
        self._waiting = waiting
        self._sending = sending
        self._environment = environment

    def once(self) -> tuple[float, float]:
        """How long after the start of the sender the other one prints, and how long the sender runs; in ms."""
        quiet = subprocess.DEVNULL
        with subprocess.Popen(self._waiting, env=self._environment, stdin=quiet, stdout=subprocess.PIPE, stderr=quiet) as waiting:
            assert waiting.stdout is not None
            until_asleep(waiting.pid)
            began = time.monotonic_ns()
            sender = subprocess.Popen(self._sending, env=self._environment, stdin=quiet, stdout=quiet, stderr=quiet)
            if not waiting.stdout.readline():
                raise Failed(" ".join(self._waiting[:2]))
            woken = time.monotonic_ns()
            sender.wait()
            sent = time.monotonic_ns()
            waiting.stdout.read()
        return (woken - began) / 1e6, (sent - began) / 1e6


def until_asleep(pid: int, settled: int = 20) -> None:
    """Wait until a program has slept for a while."""
    asleep = 0
    while asleep < settled:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
        asleep = asleep + 1 if state == "S" else 0
        time.sleep(0.01)
