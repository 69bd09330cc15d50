"""`postroom up`: be the node, or print how the system starts it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from postroom.cli.call import Call
from postroom.cli.command import Command
from postroom.cli.parsing import Parser

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroom.config import NodeSettings

NEEDED = ("msgspec", "uvicorn", "uvloop", "httptools", "websockets", "prometheus_client", "cryptography")


def arguments(parser: Parser) -> None:
    """The arguments of `up`."""
    parser.add_argument("--listen", metavar="HOST:PORT", help="the address; default: 127.0.0.1:8091; '' for none but the Unix socket")
    parser.add_argument("--gateway-port", metavar="PORT", type=int, help="serve the WebSocket gateway at a port of its own too")
    parser.add_argument("--certificate", metavar="FILE", help="a PEM file with a certificate: the address speaks TLS")
    parser.add_argument("--key", metavar="FILE", help="a PEM file with the key of the certificate")
    parser.add_argument("--log", metavar="LEVEL", choices=["debug", "info", "warning", "error"], default="info", help="how much is logged")
    parser.add_argument("--unit", action="store_true", help="print a systemd user unit (on macOS a launchd file) that starts it")


def run(call: Call) -> None:
    """Serve until it is stopped."""
    if call.args.unit:
        from postroom.node.unit import unit

        call.output.write(unit(call.home, call.args))
        return
    check_packages(call, NEEDED)
    from postroom.node import logs, up

    settings = settings_of(call)
    logs.begin(call.args.log)
    call.any_desk().close()  # the store is made, or found unusable, before anybody is let in
    up.run(call.home, settings, lambda addresses: tell(call, addresses))


def settings_of(call: Call) -> NodeSettings:
    """What the config file says, and what was said here."""
    from postroom.config import read_config

    settings = read_config(call.home).node
    given = {name: getattr(call.args, name) for name in ("listen", "gateway_port", "certificate", "key")}
    return settings._replace(**{name: value for name, value in given.items() if value is not None})


def tell(call: Call, addresses: list[str]) -> None:
    """Say that it serves."""
    if call.json:
        call.emit({"up": addresses, "pid": os.getpid()})
    else:
        call.output.write(f"up: {' and '.join(addresses)}\n")


def check_packages(call: Call, needed: Sequence[str]) -> None:
    """Raise NeedsExtra unless all modules are there that a verb needs, of the packages of the extra `node`."""
    from importlib.util import find_spec

    missing = [name.replace("_", "-") for name in needed if find_spec(name) is None]
    if missing:
        import shlex
        import sys

        from postroom.core.refusals import NeedsExtra

        pip = [sys.executable, "-m", "pip", "install"] if find_spec("pip") else ["uv", "pip", "install", "--python", sys.executable]
        raise NeedsExtra(verb=f"postroom {call.verb.name}", missing=", ".join(missing), command=shlex.join([*pip, *missing]))


COMMANDS = {
    "up": Command(
        arguments,
        run,
        "Serve this post room over HTTP: to programs that cannot open it, to browsers, to other machines. Local agents do not need it.",
        "postroom up",
    )
}
