"""OpenCode and pi: the plugin listens on a socket that is named after its process, which is the one that has started us. See inbox.js.

A text counts as read when the plugin has seen it in the conversation.
"""

from __future__ import annotations

import json
import os
import socket
import stat
from contextlib import suppress
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING

from postroom.core.way import Fate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroom.harnesses.waking.way import Session

PACE_S = 1.0
ANSWER_S = 3.0
FATES = {"taken": Fate.TAKEN, "read": Fate.READ, "over": Fate.OVER}
Answer = dict[str, object]


def way(session: Session) -> Plugin:
    """The plugin in the process that has started us. It may begin to listen later."""
    home = session.environ.get("HOME") or os.path.expanduser("~")
    return Plugin(os.path.join(home, ".cache", "postroom", "inboxes", f"{session.harness}-{os.getppid()}.sock"))


class Plugin:
    """The socket of a plugin."""

    pace_s = PACE_S

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: socket.socket | None = None
        self._unread = b""
        self._ids = count(1)
        self._texts: dict[object, str] = {}
        self._fates: dict[str, Fate] = {}

    def push(self, text: str, *, interrupt: bool) -> None:
        """Hand it to the plugin. Raises OSError if that has no session, or there is no plugin."""
        id = next(self._ids)
        self._texts[id], self._fates[text] = text, Fate.UNKNOWN
        answer = self._ask({"id": id, "text": text, "interrupt": interrupt})
        if "error" in answer:
            del self._texts[id], self._fates[text]
            raise OSError(str(answer["error"]))

    def fate(self, text: str) -> Fate:
        """What the plugin has said of it. What is over is not asked for again."""
        if self._connection is not None:
            with suppress(OSError):
                list(self._answers(0))
        found = self._fates.get(text, Fate.UNKNOWN)
        if found is Fate.OVER:
            del self._fates[text]
        return found

    def rests(self) -> bool:
        """Whether the session rests, as the plugin says; and if there is none, as then nothing can be in the way."""
        try:
            return bool(self._ask({"id": next(self._ids)}).get("rests"))
        except OSError:
            return True

    # The connection

    def _ask(self, question: Answer) -> Answer:
        """Ask, and wait for the answer. Raises OSError."""
        connection = self._connected()
        try:
            connection.settimeout(ANSWER_S)
            connection.sendall(json.dumps(question).encode() + b"\n")
            for answer in self._answers(ANSWER_S):
                if answer.get("id") == question["id"]:
                    return answer
        except OSError:
            self._close()
            raise
        raise TimeoutError(self._path)

    def _connected(self) -> socket.socket:
        if self._connection is None:
            found = os.lstat(os.path.dirname(self._path))
            if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
                raise PermissionError(self._path)
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(self._path)
            except OSError:
                connection.close()
                raise
            self._connection, self._unread = connection, b""
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _answers(self, patience_s: float) -> Iterator[Answer]:
        """What the plugin says, for some seconds at the most. What it says of fates is noted. Raises OSError when it has gone."""
        until = monotonic() + patience_s
        while self._connection is not None:
            self._connection.settimeout(max(until - monotonic(), 0.0))
            try:
                more = self._connection.recv(65_536)
            except (BlockingIOError, TimeoutError):
                return
            if not more:
                self._close()
                raise ConnectionResetError(self._path)
            *lines, self._unread = (self._unread + more).split(b"\n")
            for answer in map(json.loads, lines):
                fate, text = FATES.get(answer.get("fate")), self._texts.get(answer.get("id"))
                if fate is not None and text in self._fates:
                    self._fates[text] = max(fate, self._fates[text])
                yield answer
