"""`postroom doctor`, `backup`, `restore`, `export` and `prune`: keeping the post room well. The work is done in exchange/keeping.py."""

from __future__ import annotations

import os
from time import time

from postroom.cli.call import Call
from postroom.cli.command import Command
from postroom.cli.failure import warn
from postroom.cli.parsing import CENTURY_DAYS, Parser, amount, path, seconds
from postroom.cli.showing import moment
from postroom.core.errors import StoreDamaged, StoreUnusable
from postroom.core.render import counted, one_line, visible
from postroom.exchange import keeping
from postroom.store.archive import Progress, silent
from postroom.store.checks import Level

COLOURS = {Level.OK: "green", Level.NOTE: "cyan", Level.WARNING: "yellow", Level.ERROR: "red", Level.DAMAGE: "red"}
EXIT_CODES = {Level.DAMAGE: StoreDamaged.exit_code, Level.ERROR: StoreUnusable.exit_code}
"""What the doctor ends with, the worst first."""


def doctor_arguments(parser: Parser) -> None:
    """The arguments of `doctor`."""
    parser.add_argument("--full", action="store_true", help="also compare all attached files and all indexes; takes a while")


def backup_arguments(parser: Parser) -> None:
    """The arguments of `backup`."""
    parser.add_argument("target", metavar="DIR", type=path, help="a directory that does not exist yet")


def restore_arguments(parser: Parser) -> None:
    """The arguments of `restore`."""
    parser.add_argument("source", metavar="DIR", type=path, help="the directory of a backup")


def export_arguments(parser: Parser) -> None:
    """The arguments of `export`."""
    only = "only messages that this agent sent or received; the list of agents is written out all the same"
    parser.add_argument("--agent", dest="only", metavar="NAME", help=only)
    parser.add_argument("--since", metavar="SECONDS", type=seconds, help="only messages of the last so many seconds")


def prune_arguments(parser: Parser) -> None:
    """The arguments of `prune`."""
    parser.add_argument("--older-than", metavar="DAYS", type=days, required=True, help="only threads in which nothing is younger")
    parser.add_argument("--dry-run", action="store_true", help="only say what would go")


def days(text: str) -> float:
    """A time in days, up to a century."""
    return amount(text, "days", CENTURY_DAYS)


def doctor(call: Call) -> int:
    """Say what was found. The exit code tells damage, and errors that keep everybody out."""
    from postroom.remote.checkup import ways

    found, is_here = ways(call.url, call.args.agent, call.home)
    findings = [*found, *(keeping.examine(call.home, full=call.args.full) if is_here else [])]
    for finding in findings:
        if call.json:
            call.emit(finding)
        else:
            step = f". {one_line(finding.next_step)}" if finding.next_step else ""
            call.output.write(f"{call.output.paint(f'{finding.level:<8}', COLOURS[finding.level])} {one_line(finding.what)}{step}\n")
    levels = {finding.level for finding in findings}
    return next((code for level, code in EXIT_CODES.items() if level in levels), 0)


def backup(call: Call) -> None:
    """Copy it."""
    made = keeping.back_up(call.home, os.path.abspath(call.args.target), progress=progress(call))
    if call.json:
        call.emit(made)
    else:
        what = f"{counted(made.messages, 'message')} and {counted(made.files, 'file')} ({counted(made.bytes, 'byte')})"
        call.output.write(f"{what} are in {one_line(made.path)}\n")
        missing(made.missing)


def restore(call: Call) -> None:
    """Bring it back."""
    done = keeping.restore(os.path.abspath(call.args.source), call.home, progress=progress(call))
    if call.json:
        call.emit(done)
        return
    kept = f"; what was there is in {one_line(done.kept)}" if done.kept else ""
    state = f"restored to {moment(done.made_ms)}: {counted(done.messages, 'message')}"
    call.output.write(f"{state}; rolled back: {counted(done.rolled_back, 'later one')}{kept}\n")
    missing(done.missing)


def progress(call: Call) -> Progress:
    """Tell a person how far it is; nobody else."""

    def tell(what: str, done: int, total: int) -> None:
        """One line that is written over."""
        os.write(2, f"\r\x1b[K{what} {done:,} of {total:,}{'' if done < total else chr(10)}".encode())

    return tell if call.output.terminal and not call.json and os.isatty(2) else silent


def missing(hashes: tuple[str, ...]) -> None:
    """Warn that the bytes of attached files are not there."""
    if hashes:
        warn(f"postroom: the bytes of {counted(len(hashes), 'attached file')} are missing: {', '.join(hashes)}")


def export(call: Call) -> None:
    """Write it out. It is JSON with and without --json."""
    since_ms = 0 if call.args.since is None else round((time() - call.args.since) * 1000)
    desk = call.desk() if call.named else call.any_desk()
    for line in desk.do(keeping.export, agent=call.args.only, since_ms=since_ms):
        call.output.write(f"{visible(line) if call.output.terminal else line}\n")


def prune(call: Call) -> None:
    """Remove what is old and settled."""
    gone = keeping.prune(call.any_desk(), older_than_days=call.args.older_than, dry_run=call.args.dry_run)
    if call.json:
        call.emit(gone)
    else:
        act = "would go" if call.args.dry_run else "are gone"
        what = f"{counted(gone.messages, 'message')} in {counted(gone.threads, 'thread')} and {counted(gone.files, 'file')}"
        call.output.write(f"{what} ({counted(gone.bytes, 'byte')}) {act}\n")


COMMANDS = {
    "doctor": Command(
        doctor_arguments,
        doctor,
        "Examine the post room and change nothing. The exit code is 74 when it is damaged, 73 when it cannot be used.",
        "postroom doctor --full",
    ),
    "backup": Command(
        backup_arguments,
        backup,
        "Copy the post room, while it is in use, into a new directory.",
        "postroom backup /media/backup/postroom-today",
    ),
    "restore": Command(
        restore_arguments,
        restore,
        "Bring the post room back to the state of a backup. What was there is kept beside it.",
        "postroom restore /media/backup/postroom-today",
    ),
    "export": Command(
        export_arguments,
        export,
        "Write the post room, its agents and messages out as JSON lines: as an agent what you took part in, without a name everything.",
        "postroom export > postroom.jsonl",
    ),
    "prune": Command(
        prune_arguments,
        prune,
        "Remove old threads in which everything is settled. What is unread, held or awaited is never removed.",
        "postroom prune --older-than 90 --dry-run",
    ),
}
