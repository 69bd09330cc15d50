"""`postroom install` and `remove`: what will change is shown, and done when a person, or --yes, has agreed. The work is in harnesses/."""

from __future__ import annotations

import os
from difflib import unified_diff
from typing import TYPE_CHECKING

from postroom.cli.call import STDIN, Call
from postroom.cli.command import Command
from postroom.cli.failure import note, tell
from postroom.cli.parsing import Parser
from postroom.core.errors import BadUsage
from postroom.core.refusals import ForeignFile
from postroom.core.render import counted, one_line, visible
from postroom.harnesses import changes, standing
from postroom.harnesses.harness import FILE, PROJECT, SCOPES, USER, Place
from postroom.harnesses.ledger import Ledger
from postroom.harnesses.probing import is_there
from postroom.harnesses.program import this_program
from postroom.harnesses.table import harness, harnesses

if TYPE_CHECKING:
    from postroom.harnesses.changes import Change
    from postroom.harnesses.harness import Harness

DECLINED = 1
CONTEXT_LINES = 1
"""Little is shown of what surrounds a change: others may have put secrets there."""
COLOURS = {"+": "green", "-": "red", "@": "cyan"}
AGREED = {"y", "yes"}
CONFIGURED = {"yes": "configured", "partly": "partly configured", "no": "not configured"}


def common_arguments(parser: Parser) -> None:
    """The arguments of both."""
    parser.add_argument("harness", metavar="HARNESS", nargs="*", help="claude-code, codex, opencode, gemini-cli, pi, cursor, vs-code, ...")
    parser.add_argument("--scope", choices=SCOPES, help="the configuration of this user, or of the directory in which you are")
    parser.add_argument("--dry-run", action="store_true", help="only show what would change")
    parser.add_argument("--yes", action="store_true", help="do it without asking")


def install_arguments(parser: Parser) -> None:
    """The arguments of `install`."""
    common_arguments(parser)
    parser.add_argument("--status", action="store_true", help="change nothing; let each harness connect and say what works")
    parser.add_argument("--ask", action="store_true", help="let the harness ask you before each use of a tool of Postroom")


def install(call: Call) -> int:
    """Configure what was named, or every harness that is here."""
    place = place_of(call, call.args.scope or USER, asks=call.args.ask)
    if call.args.status:
        return status(call, place)
    chosen = named(call) or [one for one in harnesses() if is_there(one, place)]
    if not chosen:
        raise BadUsage(why="No harness was found here. Name one to configure it all the same.", see="postroom install --help")
    ledger = Ledger(call.home)
    for one in chosen:
        if place.scope not in one.scopes:
            note(f"{one.title} has no configuration of projects", as_json=call.json)
    planned: list[tuple[Harness, list[Change]]] = []
    broken: list[ForeignFile] = []
    for one in chosen:
        try:
            planned += [(one, changes.installing(one, place, ledger))] if place.scope in one.scopes else []
        except ForeignFile as error:  # its harness is left alone
            broken.append(error)
    code = carry_out(call, planned, ledger, done="configured", nothing="is configured already")
    if not code and not call.json and not call.args.dry_run:
        for one, _ in planned:
            for line in one.advice:
                call.output.write(f"{one.title}: {line}\n")
    return told(call, broken) or code


def remove(call: Call) -> int:
    """Take out what was put in, at the scope that is named, or both."""
    ledger = Ledger(call.home)
    scopes = [call.args.scope] if call.args.scope else SCOPES

    planned: list[tuple[Harness, list[Change]]] = []
    broken: list[ForeignFile] = []
    for one in named(call) or harnesses():
        places = [place_of(call, scope) for scope in scopes if scope in one.scopes]
        found = {path: what for place in reversed(places) for path, what in changes.removing(one, place, ledger).items()}
        broken += [what for what in found.values() if isinstance(what, ForeignFile)]
        each = [what for what in found.values() if not isinstance(what, ForeignFile)]
        planned += [(one, each)] if each or (call.args.harness and not found) else []
    if not planned and not broken:
        note("there is nothing to remove", as_json=call.json)
    code = carry_out(call, planned, ledger, done="removed", nothing="has nothing of Postroom")
    return told(call, broken) or code


def told(call: Call, broken: list[ForeignFile]) -> int:
    """Tell of files that were left alone. Returns the exit code for it."""
    codes = [tell(error, as_json=call.json) for error in broken]
    return codes[0] if codes else 0


def named(call: Call) -> list[Harness]:
    """The harnesses that were named, each once. Raises BadUsage."""
    return list({one.name: one for one in map(harness, call.args.harness)}.values())


def place_of(call: Call, scope: str, *, asks: bool = False) -> Place:
    """Whose configuration it is about."""
    project = os.getcwd() if scope == PROJECT else None
    own_home = call.home if call.args.home or os.environ.get("POSTROOM_HOME") else None
    return Place(dict(os.environ), this_program(own_home), project, asks)


def carry_out(call: Call, planned: list[tuple[Harness, list[Change]]], ledger: Ledger, *, done: str, nothing: str) -> int:
    """Show the changes, ask, and make them. Returns the exit code."""
    everything = [change for _, found in planned for change in found]
    for one, found in planned:
        show(call, one, found, "would be " * call.args.dry_run + done if found else nothing)
    if call.args.dry_run or not everything:
        return 0
    number = sum(change.before != change.after for change in everything)
    if number and not call.args.yes and not agreed(call, number):
        call.output.write("Nothing was changed.\n")
        return DECLINED
    changes.carry_out(everything, ledger)
    if not call.json:
        call.output.write(f"{counted(number, 'file')} changed.\n")
    return 0


def show(call: Call, one: Harness, found: list[Change], outcome: str) -> None:
    """What will become of the files of one harness."""
    if call.json:
        files = [{"path": change.path, "note": change.note} for change in found]
        call.emit({"harness": one.name, "outcome": outcome, "files": files})
        return
    call.output.write(f"{call.output.paint(one.title, 'bold')} {outcome if not found else ''}".rstrip() + "\n")
    for change in found:
        call.output.write(brief(change) or difference(call, change))
        if change.note:
            call.output.write(f"  {one_line(change.path)}: {change.note}\n")


def brief(change: Change) -> str:
    """A file that is all ours is named and not shown: one that comes, and every one that goes."""
    entries = change.record.entries if change.record else []
    match change.before, change.after:
        case None, str(text) if [entry.kind for entry in entries] == [FILE]:
            sign = "+"
        case str(text), None:
            sign = "-"
        case _:
            return ""
    return f"  {sign} {visible(change.path)}  ({counted(len(text.splitlines()), 'line')})\n"


def difference(call: Call, change: Change) -> str:
    """The lines that change in one file."""
    old, new = (text.splitlines() if text is not None else [] for text in (change.before, change.after))
    before, after = (change.path if text is not None else "(no file)" for text in (change.before, change.after))
    lines = unified_diff(old, new, before, after, n=CONTEXT_LINES, lineterm="")
    return "".join(f"  {call.output.paint(visible(line), COLOURS.get(line[:1], 'dim'))}\n" for line in lines)


def agreed(call: Call, number: int) -> bool:
    """Ask the person. Raises BadUsage where there is nobody to ask."""
    if call.json or not call.output.terminal or not os.isatty(STDIN):
        raise BadUsage(
            why="Nobody is here to agree, so nothing was changed. Say --yes to agree in advance.", see="postroom install --dry-run"
        )
    call.output.write(f"Change {counted(number, 'file')}? [y/N] ")
    return os.read(STDIN, 100).decode(errors="replace").strip().lower() in AGREED


def status(call: Call, place: Place) -> int:
    """Let each harness connect, and say what works."""
    chosen = named(call) or [one for one in harnesses() if is_there(one, place)]
    for one in standing.standings(chosen, place):
        if call.json:
            call.emit(one)
            continue
        mark, colour = standing.MARKS[one.connected]
        facts = f"{one.title:<13} {one.version:<9} {CONFIGURED[one.configured]:<18} {one_line(one.detail)}"
        call.output.write(f"{call.output.paint(mark, colour)} {facts.rstrip()}\n")
    if not chosen:
        note("no harness was found here", as_json=call.json)
    return 0


COMMANDS = {
    "install": Command(
        install_arguments,
        install,
        "Connect the harnesses that are installed here, or those that you name: server, hooks, plugin and skill.\n"
        "What will change is shown first. `postroom remove` restores the files.",
        "postroom install claude-code codex",
    ),
    "remove": Command(
        common_arguments,
        remove,
        "Take out of the configuration of harnesses what `postroom install` put in. A file that nobody edited since is restored\n"
        "byte for byte; from any other only what is ours is taken out. Your messages stay.",
        "postroom remove claude-code",
    ),
}
