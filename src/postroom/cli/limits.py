"""`postroom limits`: the table of limits, with what the config file sets."""

from __future__ import annotations

from postroom.cli.call import Call
from postroom.cli.command import Command
from postroom.cli.parsing import Parser
from postroom.config import read_config
from postroom.core.limits import as_markdown, table


def arguments(parser: Parser) -> None:
    """The arguments of `limits`."""
    parser.add_argument("--markdown", action="store_true", help="the defaults, as docs/limits.md shows them")


def run(call: Call) -> None:
    """The limits in force, with the default where that is another."""
    if call.args.markdown:
        call.output.write(as_markdown())
        return
    in_force = read_config(call.home).limits._asdict()
    for limit in table():
        value = in_force[limit.name]
        if call.json:
            call.emit({"name": limit.name, "value": value, "default": limit.default, "unit": limit.unit, "about": limit.about})
        else:
            changed = call.output.paint(f"  (default {limit.default:,})", "yellow") if value != limit.default else ""
            call.output.write(f"{limit.name:<18} {value:>13,} {limit.unit:<15} {limit.about}{changed}\n")


COMMANDS = {
    "limits": Command(
        arguments,
        run,
        "The limits in force. Each can be set in config.toml in the post room's directory, under [limits]; above it, durability ('safe' or"
        " 'relaxed') and prune_days (old threads go after so many days; 0, as when nothing is said: never).",
        "postroom limits",
    )
}
