"""`postroom token create`, `list` and `revoke`. A secret is written once: to standard output, or into a new private file."""

from __future__ import annotations

from postroom.cli.call import Call
from postroom.cli.command import Command
from postroom.cli.parsing import Parser, count, lifetime
from postroom.cli.secrets import hand_out, save_argument, saving
from postroom.cli.showing import moment, name_of
from postroom.config import identity
from postroom.core.address import HUMAN
from postroom.core.render import one_line
from postroom.core.types import TYPE_CHECKING
from postroom.exchange import tokens

if TYPE_CHECKING:
    from postroom.exchange.tokens import Token


def create_arguments(parser: Parser) -> None:
    """The arguments of `token create`."""
    parser.add_argument("name", metavar="AGENT", nargs="?", help="whose token it is; default: you")
    parser.add_argument("--scope", choices=[*tokens.SCOPES], help="agent: acts as it; read: only looks; admin: is the human")
    parser.add_argument("--expires", metavar="TIME", type=lifetime, default=float(tokens.DAYS), help="90d, 12h, never; default: 90d")
    parser.add_argument("--note", metavar="TEXT", default="", help="what it is for")
    save_argument(parser)


def list_arguments(parser: Parser) -> None:
    """The arguments of `token list`."""
    parser.add_argument("--gone", action="store_true", help="also those that expired or were revoked")


def revoke_arguments(parser: Parser) -> None:
    """The argument of `token revoke`."""
    parser.add_argument("id", metavar="ID", type=count, help="its number, see `postroom token list`")


def create(call: Call) -> None:
    """Make one, and write its secret out."""
    args = call.args
    args.agent = args.agent if args.name is None else args.name
    kind = "human" if identity(args.agent).strip().lower() == HUMAN else "agent"
    scope = args.scope or ("admin" if kind == "human" else "agent")
    tokens.check_scope(scope, kind)  # before the name is registered
    desk = call.desk_of_bearer()
    with saving(args.save) as save:
        made = desk.do(tokens.create, scope=scope, expires_days=args.expires, note=args.note)
        save(made.secret)
        token = made.token
        hand_out(call, made.secret, token._asdict(), f"token {token.id} of {token.agent}", lambda: desk.do(tokens.revoke, token.id))
    call.hint("point to it with POSTROOM_TOKEN_FILE" if args.save else "give it to the program as POSTROOM_TOKEN; it is not shown again")


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
