"""Claude Code (2.1.224 or newer): a socket of the session, whose name and token it gives to its servers, and the transcript as evidence.

It drops without a word what comes too fast and what it has had before: a push counts when the transcript has it, not when it is written.
"""

from __future__ import annotations

import os
import socket
from glob import escape, iglob
from json import dumps
from time import monotonic, time
from typing import TYPE_CHECKING

from postroom.core.way import Fate
from postroom.harnesses.waking.journal import Journal, Record, changed_s, contains, part, size_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from postroom.harnesses.waking.way import Session

SOCKET, TOKEN = "CLAUDE_CODE_MESSAGING_SOCKET", "CLAUDE_CODE_MESSAGING_TOKEN"
PACE_S = 2.0
"""Of 80 pushes at two per second 49 arrive; of pushes every two seconds, all."""
CONNECT_S = 2.0
ELSEWHERE_S = 0.3
"""If the transcript does not have a push after so long, others are looked at: /clear begins a new session, and its servers stay."""
STALE_S = 600.0
"""A turn in which nothing was written for so long may have ended without a trace. If not, what is pushed waits for its next step."""
NO_TURN = ("[Request interrupted", "<local-command", "<command-name>", "<bash-", "Caveat:")
"""How entries of the user begin that start no turn."""


def way(session: Session) -> Inbox | None:
    """The socket of a session, if it has one."""
    path, token = session.environ.get(SOCKET), session.environ.get(TOKEN)
    return Inbox(session.id, session.environ, (path, token)) if session.id and path and token else None


class Inbox:
    """The socket of a session, and its transcript."""

    pace_s = PACE_S

    def __init__(self, id: str, environ: Mapping[str, str], inbox: tuple[str, str]) -> None:
        self._path, self._token = inbox
        config = environ.get("CLAUDE_CONFIG_DIR") or os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".claude")
        self._projects = os.path.join(config, "projects")
        self._id = id
        self._journal: Journal | None = None
        self._others: dict[str, Journal] = {}
        self._fates: dict[str, Fate] = {}
        self._pushed = self._looked = 0.0
        self._is_busy = False

    def push(self, text: str, *, interrupt: bool) -> None:  # noqa: ARG002  # a turn that runs gets it with its next step in any case
        """Write it into the socket. Raises OSError when the session is gone."""
        self._look()
        self._fates[text] = Fate.UNKNOWN
        self._pushed, self._others = monotonic(), {path: Journal(path, start=size_of(path)) for path in self._transcripts()}
        message = {"type": "user", "message": {"role": "user", "content": text}}
        with socket.socket(socket.AF_UNIX) as session:
            session.settimeout(CONNECT_S)
            session.connect(self._path)
            session.sendall(f"{dumps({'type': 'auth', 'token': self._token})}\n{dumps(message)}\n".encode())

    def fate(self, text: str) -> Fate:
        """What the transcript says of it. What is over is not asked for again."""
        self._look()
        if self._fates.get(text) is Fate.UNKNOWN and monotonic() - max(self._pushed, self._looked) > ELSEWHERE_S:
            self._look_elsewhere(text)
        found = self._fates.get(text, Fate.UNKNOWN)
        if found is Fate.OVER:
            del self._fates[text]
        return found

    def rests(self) -> bool:
        """Whether the last turn in the transcript has ended. There is no transcript before the first turn."""
        self._look()
        return not self._is_busy or self._journal is None or time() - changed_s(self._journal.path) > STALE_S

    # Reading the transcript

    def _look(self) -> None:
        if self._journal is None:
            found = next(iglob(os.path.join(escape(self._projects), "*", f"{escape(self._id)}.jsonl")), None)
            self._journal = None if found is None else Journal(found)
        for record in self._journal.new() if self._journal is not None else ():
            self._note(record)

    def _look_elsewhere(self, text: str) -> None:
        """See whether another session of this project has it: this process goes on in that one."""
        self._looked = monotonic()
        for path in self._transcripts():
            journal = self._others.setdefault(path, Journal(path, start=0))
            records = list(journal.new())
            if any(is_queued(record) and record.get("content") == text for record in records):
                self._journal = journal
                for record in records:
                    self._note(record)
                return

    def _transcripts(self) -> Iterator[str]:
        """The other transcripts that were written to lately."""
        own = None if self._journal is None else self._journal.path
        place = escape(os.path.dirname(own)) if own else os.path.join(escape(self._projects), "*")
        since = time() - STALE_S
        return (path for path in iglob(os.path.join(place, "*.jsonl")) if path != own and changed_s(path) > since)

    def _note(self, record: Record) -> None:
        if is_queued(record):
            self._advance(record.get("content"), Fate.TAKEN, whole=True)
        elif record.get("isSidechain"):
            return
        elif record.get("type") == "assistant":
            self._is_busy = part(record, "message", "stop_reason") in {None, "tool_use"}
        elif record.get("type") == "user":
            self._is_busy = starts_turn(part(record, "message", "content"))
            self._advance(record, Fate.READ)
        elif record.get("type") == "attachment":
            self._advance(record.get("attachment"), Fate.READ)
        if not self._is_busy:
            self._fates.update((text, Fate.OVER) for text, fate in self._fates.items() if fate is Fate.READ)

    def _advance(self, value: object, fate: Fate, *, whole: bool = False) -> None:
        for text, before in self._fates.items():
            if before < fate and (value == text if whole else contains(value, text)):
                self._fates[text] = fate


def is_queued(record: Record) -> bool:
    """Whether it says that something waits for the model."""
    return record.get("type") == "queue-operation" and record.get("operation") == "enqueue"


def starts_turn(content: object) -> bool:
    """Whether the model is asked something by an entry of the user."""
    first = content[0] if isinstance(content, list) and content else content
    text = part(first, "text") if isinstance(first, dict) else first
    return not (isinstance(text, str) and text.startswith(NO_TURN))
