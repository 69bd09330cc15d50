"""`postroom demo`: three agent processes work through a small project, in a post room of their own, while you watch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from statistics import median
from threading import Thread
from time import monotonic_ns
from typing import NamedTuple

from postroom.cli.call import Call
from postroom.cli.command import Command
from postroom.cli.parsing import Parser
from postroom.core.address import SYSTEM
from postroom.core.errors import PostroomError
from postroom.exchange import holding
from postroom.exchange.desk import open_desk_of_human

NAMES = ("builder", "reviewer", "manager")
TIMEOUT_NS = 60 * 10**9
REORDER_NS = 50 * 10**6
"""How long a report waits for earlier ones of the other processes before it is shown."""
COLOURS = {"manager": "36", "builder": "33", "reviewer": "35", "postroom": "31"}


class Event(NamedTuple):
    """What an agent process reported."""

    who: str
    event: str
    began_ns: int
    ended_ns: int
    to: str = ""
    sender: str = ""
    kind: str = ""
    text: str = ""
    state: str = ""
    answer: str = ""
    id: str = ""
    pid: int = 0
    redelivered: bool = False

    @property
    def took_ms(self) -> float:
        """How long the agent's call took."""
        return (self.ended_ns - self.began_ns) / 1e6


LINES: dict[str, Callable[[Event], tuple[str, str]]] = {
    "sent": lambda event: (event.text, f"{event.state} after {event.took_ms:.2f} ms"),
    "opened": lambda event: (f"session: {event.text}", f"{event.state} ({event.took_ms:.1f} ms)"),
    "closed": lambda event: ("FIN → FIN-ACK", event.text),
    "asked": lambda event: (event.text, f"answer after {event.took_ms:.1f} ms: {event.answer}"),
    "made": lambda event: (event.text, f"{event.took_ms:.1f} ms"),
    "heard": lambda event: (event.text, ""),
    "joined": lambda event: (event.text, f"{event.took_ms:.1f} ms; has read: {event.answer or 'nothing yet'}"),
    "looked": lambda event: (event.text, event.state),
}
"""What each report is shown as, and a remark beside it."""
UNSEEN = frozenset({"in-hand", "held"})
"""What follows from these is shown: the process is killed, the person looks."""


class DemoFailed(PostroomError):
    """The demo did not come to its end: {why}."""

    code = "demo-failed"


def arguments(parser: Parser) -> None:
    """The demo needs none."""


def run(call: Call) -> None:
    """Play it."""
    with tempfile.TemporaryDirectory(prefix="postroom-demo-") as directory:
        Stage(f"{directory}/home", colour=call.output.colours and not call.json, json_lines=call.json).play()


class Stage:
    """Starts the agents, shows what they report, and kills one of them."""

    def __init__(self, home: str, *, colour: bool, json_lines: bool) -> None:
        self._home = home
        self._colour = colour
        self._json = json_lines
        self._began_ns = monotonic_ns()
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._reports: SimpleQueue[tuple[subprocess.Popen[str], str, str]] = SimpleQueue()  # process, name, line; "" at its end
        self._handed_us: list[float] = []
        self._at_ns = self._began_ns
        self._sent: dict[str, Event] = {}
        self._pending: list[Event] = []
        self._stopped = False

    def play(self) -> None:
        """The whole play; whatever happens, no process is left behind."""
        self._note("Three agents, three processes, one SQLite file, no server.")
        prepare(self._home)
        try:
            for name in NAMES:
                self._start(name)
            for event in self._events():
                if event.event == "in-hand":
                    self._kill("builder")
                elif event.event == "held" and not self._stopped:
                    self._stop_loop(event.id)
            self._show_until(monotonic_ns())
            self._close()
        finally:
            self._show_until(monotonic_ns())
            for process in self._processes.values():
                process.kill()
                process.wait()
                if process.stdin is not None:
                    process.stdin.close()

    def _start(self, name: str) -> None:
        environment = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "PYTHONPATH") if key in os.environ}
        command = [sys.executable, "-m", "postroom.cli.cast", name, self._home]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)  # noqa: S603  # ours
        self._processes[name] = process
        Thread(target=self._listen, args=(process, name), daemon=True).start()

    def _listen(self, process: subprocess.Popen[str], name: str) -> None:
        assert process.stdout is not None, "started with a pipe"
        with process.stdout as lines:
            for line in lines:
                self._reports.put((process, name, line))
        self._reports.put((process, name, ""))

    def _kill(self, name: str) -> None:
        process = self._processes[name]
        process.kill()
        process.wait()
        text = f"kill -9 {process.pid}: {name} died with the message in its hands. It starts again …"
        self._pending.append(Event("postroom", "killed", monotonic_ns(), monotonic_ns(), text=text))
        self._start(name)

    def _events(self) -> Iterator[Event]:
        """What the processes report, until all have ended well. The manager begins when all are there."""
        waited_for, acting = set(NAMES), set(NAMES)
        give_up_ns = monotonic_ns() + TIMEOUT_NS
        while acting:
            if monotonic_ns() > give_up_ns:
                raise DemoFailed(why=f"it took more than {TIMEOUT_NS // 10**9} s")
            self._show_until(monotonic_ns() - REORDER_NS)
            try:
                process, name, line = self._reports.get(timeout=REORDER_NS / 1e9)
            except Empty:
                continue
            if process is not self._processes[name]:
                continue  # the last words of the one that was killed
            if not line:
                acting.remove(name)
                if process.wait():
                    raise DemoFailed(why=f"{name} ended with {process.returncode}")
                continue
            event = Event(name, **json.loads(line))
            self._pending.append(event)
            yield event
            if event.event == "ready" and name in waited_for:
                waited_for.remove(name)
                if not waited_for:
                    self._signal()

    def _stop_loop(self, thread: str) -> None:
        """What a person does about a loop: look, discard, let all go on."""
        self._stopped = True
        desk = open_desk_of_human(self._home, interface="cli")
        try:
            (held,) = holding.held(desk)
            began_ns = monotonic_ns()
            holding.discard(desk, thread, "you thank each other")
        finally:
            desk.close()
        text = f"held, and the person is told once: {held.reason}"
        self._pending.append(Event("postroom", "looked", began_ns, monotonic_ns(), text=text, state=f"postroom discard {thread} …"))
        self._signal()

    def _signal(self) -> None:
        writer = self._processes["manager"].stdin
        assert writer is not None, "started with a pipe"
        writer.write("go\n")
        writer.flush()

    def _show_until(self, until_ns: int) -> None:
        """Show what began before a moment, in order: the reports of three processes do not arrive in the order of what they report."""
        self._pending.sort(key=lambda event: event.began_ns)
        while self._pending and self._pending[0].began_ns < until_ns:
            self._show(self._pending.pop(0))

    def _show(self, event: Event) -> None:
        self._at_ns = event.began_ns
        if event.event == "sent":
            self._sent[event.id] = event
        if event.event == "got":
            self._got(event)
        elif event.event in ("killed", "ready"):
            self._note(event.text, "31" if event.event == "killed" else "2")
        elif event.event in LINES:
            self._line(event.who, event.to, *LINES[event.event](event))
        elif event.event not in UNSEEN:
            raise DemoFailed(why=f"{event.who} reported {event.event!r}")

    def _got(self, event: Event) -> None:
        message = self._sent.get(event.id)
        if event.sender == SYSTEM:
            self._line(SYSTEM, event.who, event.text, "")
        elif event.redelivered:
            self._line(event.who, "", f"handed over again, marked “redelivered”: {event.text}", "", "31")
        elif message is not None:
            late_us = (event.began_ns - message.began_ns) / 1000
            self._handed_us.append(late_us)
            self._line(event.who, "", f"has it in hands: {event.text}", f"{late_us / 1000:.2f} ms after send was called")

    def _close(self) -> None:
        from postroom.exchange.desk import open_desk

        desk = open_desk("audience", self._home, interface="cli")
        with desk.reading() as database:
            ((messages, deliveries, unread),) = database.execute(
                "SELECT (SELECT count(*) FROM message), count(*), count(unread) FROM delivery WHERE recipient != 2"
            )
            ((integrity,),) = database.execute("PRAGMA integrity_check")
        desk.close()
        self._at_ns = monotonic_ns()
        self._note(f"{messages} messages, {deliveries} deliveries, {unread} unread, integrity check: {integrity}")
        if self._handed_us:
            self._note(f"median from send to the other agent's hands: {median(self._handed_us) / 1000:.2f} ms")
        self._note("Now yourself, in two terminals:  postroom inbox --as bob --wait 60   and   postroom send bob hello --as alice")

    def _line(self, who: str, to: str, text: str, remark: str, colour: str | None = None) -> None:
        arrow = f"{who} → {to}" if to else who
        self._print(f"{arrow:<20}", colour or COLOURS[who], text, remark)

    def _note(self, text: str, colour: str = "2") -> None:
        self._print("", colour, text, "")

    def _print(self, who: str, colour: str, text: str, remark: str) -> None:
        at_ms = (self._at_ns - self._began_ns) / 1e6
        if self._json:
            print(json.dumps({"at_ms": round(at_ms, 3), "who": who.strip(), "text": text, "remark": remark}), flush=True)
            return
        tail = f"   [{remark}]" if remark else ""
        head = f"{at_ms:8.1f} ms  {who}"
        print(f"\x1b[{colour}m{head}{text}\x1b[0m\x1b[2m{tail}\x1b[0m" if self._colour else f"{head}{text}{tail}", flush=True)


def prepare(home: str) -> None:
    """Make the post room, with a budget that is used up soon enough to be watched."""
    desk = open_desk_of_human(home, interface="cli")
    desk.close()
    with open(os.path.join(home, "config.toml"), "w", encoding="utf-8") as config:
        config.write("[limits]\nthread_turns = 6\n")


COMMANDS = {
    "demo": Command(
        arguments,
        run,
        "Watch three agent processes work through a small project together, in a post room of their own, with the timings.",
        "postroom demo",
    )
}
