"""`postroom files`: the files of a message. A name that a sender gave is never a path: it is cleaned, and nothing is written over."""

from __future__ import annotations

import os

from postroom.cli.call import Call
from postroom.cli.command import Command
from postroom.cli.parsing import Parser, path
from postroom.cli.showing import file_text
from postroom.exchange import tracing
from postroom.store import files


def arguments(parser: Parser) -> None:
    """The arguments of `files`."""
    parser.add_argument("id", metavar="ID", help="the message")
    parser.add_argument("--save", metavar="DIR", type=path, help="write them into this directory")


def run(call: Call) -> None:
    """List or save them."""
    desk = call.viewing_desk()
    message = desk.do(tracing.message, call.args.id)
    if not message.attachments:
        call.hint(f"message {message.id} has no files")
    for place, file in enumerate(message.attachments):
        target = None
        if call.args.save is not None:
            taken = place and any(file.name == earlier.name for earlier in message.attachments[:place])
            target = os.path.join(call.args.save, f"{place}-{file.name}" if taken else files.clean_name(file.name))
            desk.do(tracing.save, file, target)
        if call.json:
            call.emit(file._asdict() | {"saved": target})
        else:
            call.output.write(file_text(file))


COMMANDS = {
    "files": Command(arguments, run, "List the files of a message, or save them.", "postroom files 41 --save downloads --as executor")
}
