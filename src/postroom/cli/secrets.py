"""How a secret is handed out that is kept nowhere: to standard output, or into a new file that only its owner can read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from postroom.cli.call import Call
from postroom.cli.parsing import Parser, path
from postroom.core.errors import NotSaved
from postroom.core.render import one_line

Save = Callable[[str], object]


def save_argument(parser: Parser) -> None:
    """Where a secret goes."""
    parser.add_argument("--save", metavar="PATH", type=path, help="write the secret into a new file that only you can read")


@contextmanager
def saving(name: str | None) -> Iterator[Save]:
    """Open a new file for a secret before there is one; it is removed if anything fails. Raises NotSaved."""
    if name is None:
        yield lambda _: None
        return
    try:
        target = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise NotSaved(path=name, why=error.strerror) from error
    try:
        yield lambda secret: os.write(target, f"{secret}\n".encode())
    except BaseException:
        os.unlink(name)
        raise
    finally:
        os.close(target)


def hand_out(call: Call, secret: str, about: Mapping[str, object], what: str, undo: Callable[[], object]) -> None:
    """Show a secret, or where it is. What nobody got the secret of is undone."""
    saved = call.args.save
    try:
        if call.json:
            call.emit({**about, **({"secret": secret} if saved is None else {"saved": saved})})
        elif saved is not None:
            call.output.write(f"{what} is in {one_line(saved)}\n")
        else:
            call.output.write(f"{secret}\n")
    except BaseException:
        undo()
        raise
