"""`postroom alert test`: tell people once, at each address of [node] alerts, and say which of them work."""

from __future__ import annotations

from postroom.cli.call import Call
from postroom.cli.command import Command
from postroom.cli.failure import note
from postroom.cli.parsing import Parser
from postroom.cli.up import check_packages
from postroom.config import read_config
from postroom.core.refusals import NotTold

TITLE = "Postroom: a test"
BODY = "Somebody at this machine tries whether alerts reach you. Nothing waits for you because of it."


def no_arguments(parser: Parser) -> None:
    """There are none."""


def test(call: Call) -> None:
    """Tell each address."""
    urls = read_config(call.home).node.alerts
    if not urls:
        note("no alerts are configured: [node] alerts in config.toml is a list of apprise URLs", as_json=call.json)
        return
    check_packages(call, ["apprise"])
    import asyncio

    from postroom.node import alerts

    outcomes = asyncio.run(alerts.tell(urls, TITLE, BODY))
    for outcome in outcomes:
        if call.json:
            call.emit({"alert": outcome.address, "works": not outcome.why, "why": outcome.why or None})
        else:
            call.output.write(f"alert {outcome.address}: {outcome.why or 'works'}\n")
    if failed := [outcome for outcome in outcomes if outcome.why]:
        raise NotTold(number=len(failed), total=len(outcomes))


COMMANDS = {
    "alert test": Command(
        no_arguments,
        test,
        "Tell people once at each address of [node] alerts, and say which of them work. The addresses themselves are not shown.",
        "postroom alert test",
    )
}
