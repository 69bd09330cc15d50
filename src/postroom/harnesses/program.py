"""How this Postroom is started by others: with absolute paths, as they start it from any directory and with another $PATH."""

from __future__ import annotations

import os
import shutil
import sys

COMMAND = "postroom"


def this_program(home: str | None) -> tuple[str, ...]:
    """The words that start it; with the post room, if that is not the one of this user."""
    script = command()
    words = (sys.executable, "-m", COMMAND) if script is None else (script,)
    return (*words, *(("--home", home) if home else ()))


def command() -> str | None:
    """The script that runs now, the one beside this interpreter, or the one on the path. Links are kept: an update moves what is behind."""
    running = sys.argv[0] if os.path.basename(sys.argv[0]) == COMMAND and os.sep in sys.argv[0] else ""
    beside = os.path.join(os.path.dirname(sys.executable), COMMAND)
    found = next((path for path in (running, beside) if path and os.access(path, os.X_OK)), None) or shutil.which(COMMAND)
    return None if found is None else os.path.abspath(found)
