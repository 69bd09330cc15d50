"""Codex: the queue of a thread, in the app server that all sessions of a terminal share, or in one that is started for a moment.

Its answer says that the queue has it, the rollout of the thread that the model has it. A thread in an app server of its own, as editors
start it, finds what others have queued when it looks, every ten seconds.
"""

from __future__ import annotations

import os
import shutil
from glob import escape, iglob
from time import time
from typing import TYPE_CHECKING

from postroom.core.way import AtWork, Fate
from postroom.harnesses.waking.app_server import Refused, Sent, through_daemon, through_own
from postroom.harnesses.waking.journal import Journal, Record, changed_s, contains, part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from postroom.harnesses.waking.way import Session

PACE_S = 1.0
STALE_S = 600.0
"""A turn in which nothing was written for so long may have ended without a trace. If not, what is queued waits for its end."""
BEGINS, ENDS = {"task_started", "turn_started"}, {"task_complete", "turn_complete", "turn_aborted"}


def way(session: Session) -> Queue | None:
    """The queue of a thread, if it is known which one it is."""
    return Queue(session.id, session.environ) if session.id else None


class Queue:
    """The queue of a thread, and its rollout."""

    pace_s = PACE_S

    def __init__(self, thread: str, environ: Mapping[str, str]) -> None:
        self._home = environ.get("CODEX_HOME") or os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".codex")
        self._environ = environ
        self._thread = thread
        self._journal: Journal | None = None
        self._fates: dict[str, Fate] = {}
        self._turn: str | None = None

    def push(self, text: str, *, interrupt: bool) -> None:
        """Queue it, or steer the turn that runs. Raises OSError if Codex does not take it, TimeoutError if it does not say.

        AtWork where only that app server could steer in which the thread lives: in the queue it would wait for the end of the turn,
        while a tool or a hook may come before.
        """
        self._look()
        self._fates[text] = Fate.UNKNOWN
        what: dict[str, object] = {"threadId": self._thread, "input": [{"type": "text", "text": text, "text_elements": []}]}
        mark = f"postroom-{os.getpid()}-{len(text)}-{time():.6f}"
        queued = Sent("thread/queue/add", {**what, "clientUserMessageId": mark})
        steered = Sent("turn/steer", {**what, "clientUserMessageId": mark, "expectedTurnId": self._turn})
        try:
            if not (interrupt and self._turn):
                self._send(queued)
            elif not self._try(steered):
                del self._fates[text]
                raise AtWork
        except Refused as error:
            del self._fates[text]
            raise OSError(str(error)) from error
        except (ValueError, EOFError) as error:
            del self._fates[text]
            raise TimeoutError(str(error)) from error
        self._fates[text] = max(Fate.TAKEN, self._fates[text])

    def _try(self, sent: Sent) -> bool:
        """Do what only the app server can do in which the thread lives. False if that is another one, or the turn has just ended."""
        try:
            through_daemon(self._home, sent)
        except (OSError, Refused, ValueError, EOFError):
            return False
        return True

    def _send(self, sent: Sent) -> None:
        try:
            through_daemon(self._home, sent)
        except (ConnectionError, FileNotFoundError):
            through_own(program(self._environ), {**self._environ, "CODEX_HOME": self._home}, sent)

    def fate(self, text: str) -> Fate:
        """What the rollout says of it. What is over is not asked for again."""
        self._look()
        found = self._fates.get(text, Fate.UNKNOWN)
        if found is Fate.OVER:
            del self._fates[text]
        return found

    def rests(self) -> bool:
        """Whether the last turn in the rollout has ended."""
        self._look()
        return self._turn is None or self._journal is None or time() - changed_s(self._journal.path) > STALE_S

    # Reading the rollout

    def _look(self) -> None:
        if self._journal is None:
            pattern = os.path.join(escape(self._home), "sessions", "*", "*", "*", f"rollout-*-{escape(self._thread)}.jsonl")
            found = next(iglob(pattern), None)
            self._journal = None if found is None else Journal(found)
        for record in self._journal.new() if self._journal is not None else ():
            self._note(record)

    def _note(self, record: Record) -> None:
        kind, payload = record.get("type"), record.get("payload")
        said = part(payload, "type")
        if kind == "response_item" and part(payload, "role") == "user":
            for text in [text for text, fate in self._fates.items() if fate < Fate.READ and contains(payload, text)]:
                self._fates[text] = Fate.READ
        elif kind == "event_msg" and said in BEGINS:
            turn = part(payload, "turn_id")
            self._turn = turn if isinstance(turn, str) else ""
        elif kind == "event_msg" and said in ENDS:
            self._turn = None
            self._fates.update((text, Fate.OVER) for text, fate in self._fates.items() if fate is Fate.READ)


def program(environ: Mapping[str, str]) -> str:
    """The Codex that has started us, or the one on the path. Raises FileNotFoundError."""
    try:
        starter = os.readlink(f"/proc/{os.getppid()}/exe")
    except OSError:
        starter = ""
    if os.path.basename(starter).startswith("codex") and os.access(starter, os.X_OK):
        return starter
    found = shutil.which("codex", path=environ.get("PATH"))
    if found is None:
        raise FileNotFoundError("codex")
    return found
