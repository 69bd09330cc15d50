"""The command line: finds the verb, and turns whatever happens into an exit code. A verb's module is imported when that verb runs."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

PACKAGE = __name__


def main() -> NoReturn:
    """Do what the arguments of this process say, and end it."""
    import gc

    gc.disable()  # a short life makes no garbage worth collecting: 1 ms of a 20 ms `postroom send`
    code = run(sys.argv[1:])
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        code = code or 74
    os._exit(code)  # everything is closed: to take the interpreter apart costs 2 ms


def run(arguments: list[str]) -> int:
    """Do what the arguments say. Returns the exit code; see docs/cli.md."""
    try:
        hold_standard_files()
        return dispatch(arguments)
    except BaseException as error:  # noqa: BLE001  # whatever happens is told in one line
        from postroom.cli.failure import tell

        return tell(error, as_json="--json" in arguments)


def hold_standard_files() -> None:
    """Where a standard file is closed, hold its number: otherwise the store would be opened there, and output written into it."""
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        while (held := os.open(os.devnull, os.O_RDONLY)) <= 2:  # read-only, so that output still fails  # noqa: PLR2004
            os.set_inheritable(held, True)  # noqa: FBT003  # positional in the standard library
        os.close(held)


def dispatch(arguments: list[str]) -> int:
    """Find the verb and run it, or show what there is."""
    from postroom.cli.table import find, overview

    found, rest = find(arguments)
    if found is None:
        from postroom.cli.output import Output

        Output().write(overview(rest))
        return 0
    command = __import__(f"{PACKAGE}.{found.module}", fromlist=["COMMANDS"]).COMMANDS[found.name]  # importlib costs 0.3 ms more
    from postroom.cli.call import perform

    return perform(found, command, rest)
