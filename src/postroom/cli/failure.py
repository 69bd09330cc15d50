"""How errors are told: one line on standard error with the next step, and an exit code. Never a traceback, unless POSTROOM_DEBUG asks."""

from __future__ import annotations

import os
import sys

from postroom.core.errors import BadText, Bug, PostroomError
from postroom.core.plain import failure_object, in_words
from postroom.core.render import one_line

INTERRUPTED = 130  # as shells count: 128 + SIGINT
PIPE_CLOSED = 141  # 128 + SIGPIPE


def tell(error: BaseException, *, as_json: bool) -> int:
    """Say what went wrong, and return the exit code for it."""
    if os.environ.get("POSTROOM_DEBUG") and not isinstance(error, SystemExit):
        import traceback

        traceback.print_exception(error)
    match error:
        case SystemExit():
            return error.code if isinstance(error.code, int) else 0
        case KeyboardInterrupt():
            return INTERRUPTED
        case BrokenPipeError():
            return PIPE_CLOSED
        case PostroomError():
            failure = error
        case UnicodeEncodeError():  # a path or an environment variable in no encoding that we know
            failure = BadText(part="argument", why="it is not valid UTF-8")
        case MemoryError():
            failure = Bug(what="out of memory")
        case _:
            failure = Bug(what=f"{type(error).__name__}: {error}")
    line = as_object(failure) if as_json else f"postroom: {one_line(in_words(failure))}"
    warn(line)
    return failure.exit_code


def note(text: str, *, as_json: bool) -> None:
    """Tell something beside the output that is no failure."""
    from json import dumps

    warn(dumps({"note": text}) if as_json else f"postroom: {text}")


def warn(line: str) -> None:
    """Write one line to standard error. If that is closed there is nobody left to tell; the exit code still says it."""
    if sys.stderr is not None:
        try:
            os.write(2, f"{line}\n".encode(errors="backslashreplace"))
        except OSError:
            return


def as_object(failure: PostroomError) -> str:
    """The error as one JSON object."""
    from json import dumps

    return dumps(failure_object(failure))
