"""`postroom token create`, `list` and `revoke`. A secret is written once: to standard output, or into a new private file."""

from __future__ import annotations

import os

from postroom.cli.call import Call
from postroom.cli.command import Command
from postroom.cli.parsing import Parser, count, lifetime, path
from postroom.cli.showing import moment, name_of
from postroom.config import identity
from postroom.core.address import HUMAN
from postroom.core.errors import NotSaved
from postroom.core.render import one_line
from postroom.core.types import TYPE_CHECKING
from postroom.exchange import tokens

if TYPE_CHECKING:
    from postroom.exchange.tokens import Token
    from postroom.places import AnyDesk


def create_arguments(parser: Parser) -> None:
    """The arguments of `token create`."""
    parser.add_argument("name", metavar="AGENT", nargs="?", help="whose token it is; default: you")
    parser.add_argument("--scope", choices=[*tokens.SCOPES], help="agent: acts as it; read: only looks; admin: is the human")
    parser.add_argument("--expires", metavar="TIME", type=lifetime, default=float(tokens.DAYS), help="90d, 12h, never; default: 90d")
    parser.add_argument("--note", metavar="TEXT", default="", help="what it is for")
    parser.add_argument("--save", metavar="PATH", type=path, help="write the secret into a new file that only you can read")


def list_arguments(parser: Parser) -> None:
    """The arguments of `token list`."""
    parser.add_argument("--gone", action="store_true", help="also those that expired or were revoked")


def revoke_arguments(parser: Parser) -> None:
    """The argument of `token revoke`."""
    parser.add_argument("id", metavar="ID", type=count, help="its number, see `postroom token list`")


def create(call: Call) -> None:
    """Make one, and write its secret out."""
    args = call.args
    args.agent = args.name or args.agent
    kind = "human" if identity(args.agent).strip().lower() == HUMAN else "agent"
    scope = args.scope or ("admin" if kind == "human" else "agent")
    tokens.check_scope(scope, kind)  # before the name is registered
    desk = call.desk_of_bearer()
    target = None if args.save is None else new_file(args.save)
    try:
        made = desk.do(tokens.create, scope=scope, expires_days=args.expires, note=args.note)
        if target is not None:
            os.write(target, f"{made.secret}\n".encode())
        hand_out(call, desk, made)
    except BaseException:
        if target is not None:
            os.unlink(args.save)
        raise
    finally:
        if target is not None:
            os.close(target)


def hand_out(call: Call, desk: AnyDesk, made: tokens.Created) -> None:
    """Show the secret, or where it is. A token whose secret nobody got is revoked."""
    saved = call.args.save
    try:
        if call.json:
            call.emit(made.token._asdict() | ({"secret": made.secret} if saved is None else {"saved": saved}))
        elif saved is not None:
            call.output.write(f"token {made.token.id} of {made.token.agent} is in {one_line(saved)}\n")
        else:
            call.output.write(f"{made.secret}\n")
    except BaseException:
        desk.do(tokens.revoke, made.token.id)
        raise
    call.hint(
        "give it to the program as POSTROOM_TOKEN; it is not shown again" if saved is None else "point to it with POSTROOM_TOKEN_FILE"
    )


def new_file(name: str) -> int:
    """Open a new file for a secret. Raises NotSaved."""
    try:
        return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise NotSaved(path=name, why=error.strerror) from error


def list_all(call: Call) -> None:
    """Those of the agent that calls; all of them for the person at a terminal."""
    found = call.viewing_desk().do(tokens.list_tokens, gone=call.args.gone)
    if not found:
        call.nothing("there are no tokens")
    for token in found:
        show(call, token)


def revoke(call: Call) -> None:
    """Let one be valid no more."""
    revoked = call.viewing_desk().do(tokens.revoke, call.args.id)
    if call.json:
        call.emit(revoked)
    else:
        call.output.write(f"token {revoked.id} of {revoked.agent} is valid no more\n")


def show(call: Call, token: Token) -> None:
    """A token on one line."""
    if call.json:
        call.emit(token)
        return
    used = f"used {moment(token.used_ms)}" if token.used_ms is not None else "never used"
    ends = f"until {moment(token.expires_ms)}" if token.expires_ms is not None else "for ever"
    facts = [used, ends if token.revoked_ms is None else f"revoked {moment(token.revoked_ms)}", one_line(token.note)]
    id = call.output.paint(f"{token.id:<5}", "bold")
    call.output.write(f"{id}  {name_of(call.output, f'{token.agent:<16}')}  {token.scope:<5}  {'  '.join(filter(None, facts))}\n")


COMMANDS = {
    "token create": Command(
        create_arguments,
        create,
        "Make a token by which a program comes in over HTTP as an agent, or only looks as it; for `human` (an admin) at a terminal only.\n"
        "The secret is shown this once, and kept nowhere.",
        "postroom token create jack --expires 30d --save jack.token",
    ),
    "token list": Command(
        list_arguments,
        list_all,
        "Your tokens that are valid, and when each was used last; for the person at a terminal those of everybody.",
        "postroom token list --as jack",
    ),
    "token revoke": Command(
        revoke_arguments,
        revoke,
        "Let a token be valid no more, from the next request on; the person at a terminal may revoke any.",
        "postroom token revoke 3 --as jack",
    ),
}
