"""`postroom webhook`: addresses that the node calls when something happens. Neither address nor secret is shown again: both may be keys."""

from __future__ import annotations

import sys

from postroom.cli.call import Call
from postroom.cli.command import Command
from postroom.cli.parsing import Parser, count
from postroom.cli.secrets import hand_out, save_argument, saving
from postroom.cli.showing import moment, name_of
from postroom.core import webhook as rules
from postroom.core.errors import NoSuchAgent, NotRegistered
from postroom.core.refusals import NotReached
from postroom.core.render import counted, one_line
from postroom.core.types import TYPE_CHECKING
from postroom.exchange import webhooks

if TYPE_CHECKING:
    from postroom.exchange.webhooks import Webhook


def add_arguments(parser: Parser) -> None:
    """The arguments of `webhook add`."""
    parser.add_argument(
        "address", metavar="URL", help="what is called; - reads it from standard input, as others see the arguments of programs"
    )
    parser.add_argument("--agent", dest="owner", metavar="NAME", help="through whose eyes it sees; default: you, at a terminal the human")
    parser.add_argument(
        "--events", metavar="KINDS", type=kinds, default=list(rules.DEFAULT), help="message,state,event; default: the first two"
    )
    parser.add_argument("--note", metavar="TEXT", default="", help="what it is for")
    save_argument(parser)


def kinds(text: str) -> list[str]:
    """Kinds separated by commas."""
    return [kind.strip() for kind in text.split(",") if kind.strip()]


def id_argument(parser: Parser) -> None:
    """Which webhook."""
    parser.add_argument("id", metavar="ID", type=count, help="its number, see `postroom webhook list`")


def no_arguments(parser: Parser) -> None:
    """There are none."""


def add(call: Call) -> None:
    """Add one, and write its secret out."""
    args = call.args
    args.agent = args.agent if args.owner is None else args.owner
    try:
        desk = call.desk() if call.named else call.desk_of_human("let a webhook see everything; name an agent with --agent")
    except NotRegistered as error:
        if args.owner is None:
            raise
        raise NoSuchAgent(**error.facts) from None
    url = sys.stdin.readline().strip() if args.address == "-" else args.address
    with saving(args.save) as save:
        added = desk.do(webhooks.add, url, kinds=args.events, note=args.note)
        save(added.secret)
        hook = added.webhook
        what = f"the secret of webhook {hook.id} of {hook.agent}"
        hand_out(call, added.secret, hook._asdict(), what, lambda: desk.do(webhooks.remove, hook.id))
    call.hint(f"webhook {hook.id} is called while `postroom up` runs; its receiver checks signatures with the secret, not shown again")
    if url.startswith("http://"):
        call.hint("what it is told can be read on the way, if it is not on this machine: https:// is not")


def list_all(call: Call) -> None:
    """Those of the agent that calls; all of them for the person at a terminal."""
    found = call.viewing_desk().do(webhooks.list_webhooks)
    if not found:
        call.nothing("there are no webhooks")
    for webhook in found:
        show(call, webhook)


def show(call: Call, webhook: Webhook) -> None:
    """A webhook on one line, and why it is paused on another one."""
    if call.json:
        call.emit(webhook)
        return
    worked = f"worked {moment(webhook.worked_ms)}" if webhook.worked_ms is not None else "never worked"
    waiting = f"{counted(webhook.waiting, 'call')} waiting" if webhook.waiting else ""
    given_up = f"{counted(webhook.given_up, 'call')} given up" if webhook.given_up else ""
    facts = [webhook.address, ",".join(webhook.kinds), worked, waiting, given_up, one_line(webhook.note)]
    id = call.output.paint(f"{webhook.id:<5}", "bold")
    call.output.write(f"{id}  {name_of(call.output, f'{webhook.agent:<16}')}  {'  '.join(filter(None, facts))}\n")
    if webhook.paused is not None:
        call.output.write(f"       {call.output.paint('paused', 'red')}: {one_line(webhook.paused)}\n")


def remove(call: Call) -> None:
    """Call it no more."""
    removed = call.viewing_desk().do(webhooks.remove, call.args.id)
    if call.json:
        call.emit(removed)
    else:
        call.output.write(f"webhook {removed.id} of {removed.agent} is no more\n")


def test(call: Call) -> None:
    """Call it now, from here, without the node."""
    import asyncio

    from postroom.node.webhooks import make

    desk = call.viewing_desk()
    outcome = asyncio.run(make(*desk.do(webhooks.trial, call.args.id), desk.config))
    if not outcome.arrived:
        raise NotReached(id=call.args.id, why=outcome.said)
    if call.json:
        call.emit({"webhook": call.args.id, "status": outcome.status})
    else:
        call.output.write(f"webhook {call.args.id} works: {outcome.said}\n")


def retry(call: Call) -> None:
    """Go on with one that is paused, and make its calls again."""
    number = call.viewing_desk().do(webhooks.retry, call.args.id)
    if call.json:
        call.emit({"webhook": call.args.id, "again": number})
    else:
        call.output.write(f"webhook {call.args.id} goes on; of the calls that were given up {counted(number, 'call')} will be made again\n")


def forget(call: Call) -> None:
    """Forget what was given up."""
    number = call.viewing_desk().do(webhooks.forget, call.args.id)
    if call.json:
        call.emit({"webhook": call.args.id, "forgotten": number})
    else:
        call.output.write(f"{counted(number, 'call')} of webhook {call.args.id} forgotten\n")


def calls(call: Call) -> None:
    """What has not arrived."""
    found = call.viewing_desk().do(webhooks.calls, call.args.id)
    if not found:
        call.nothing("no calls wait, and none were given up")
    for one in found:
        if call.json:
            call.emit(one._asdict())
            continue
        again = "given up" if one.next_ms is None else f"due {moment(one.next_ms)}"
        tried = f"{counted(one.attempts, 'attempt')}  {one.reason}" if one.attempts else "not tried yet"
        call.output.write(f"{one.name}  {moment(one.made_ms)}  {again}  {tried}\n")


COMMANDS = {
    "webhook add": Command(
        add_arguments,
        add,
        "Let `postroom up` call an address with what an agent may see: each message, and what becomes of those that it sent.\n"
        "The secret, with which calls are signed as https://www.standardwebhooks.com says, is shown this once.",
        "postroom webhook add https://example.com/hooks/1 --agent jack --events message,state",
    ),
    "webhook list": Command(
        no_arguments,
        list_all,
        "Your webhooks, and how they are doing; for the person at a terminal those of everybody.",
        "postroom webhook list",
    ),
    "webhook remove": Command(
        id_argument, remove, "Call an address no more. What it was still to be told is forgotten.", "postroom webhook remove 1 --as jack"
    ),
    "webhook test": Command(
        id_argument, test, 'Call it once, now, with a body of the type "test"; the node need not run.', "postroom webhook test 1 --as jack"
    ),
    "webhook retry": Command(
        id_argument,
        retry,
        "Go on with a webhook that is paused, and make the calls again that were given up.",
        "postroom webhook retry 1 --as jack",
    ),
    "webhook forget": Command(
        id_argument, forget, "Forget the calls of a webhook that were given up.", "postroom webhook forget 1 --as jack"
    ),
    "webhook calls": Command(
        id_argument,
        calls,
        "The calls of a webhook that have not arrived yet or were given up, and why; with --json also what they say.",
        "postroom webhook calls 1 --as jack",
    ),
}
