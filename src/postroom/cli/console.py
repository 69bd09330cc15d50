"""`postroom console`: opens the page where a person watches and takes part, by a link that works once."""

from __future__ import annotations

import os
from html import escape
from http.client import HTTPConnection, HTTPException
from json import dumps, loads
from secrets import token_hex
from socket import AF_UNIX, SOCK_STREAM, socket
from typing import Final

from postroom.cli.call import Call
from postroom.cli.command import Command
from postroom.cli.failure import note
from postroom.cli.parsing import Parser
from postroom.core.errors import NeedsTerminal
from postroom.core.refusals import NoAddress, NotThere, Unreachable
from postroom.paths import node_socket, socket_directory
from postroom.remote.finding import addresses_beside

TIMEOUT_S: Final = 10
PREFIX, SUFFIX = "console-", ".html"
ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104  # where a node listens that other machines reach, as this one calls it


def arguments(parser: Parser) -> None:
    """The arguments of `console`."""
    parser.add_argument("--print", dest="printed", action="store_true", help="print the link, and open nothing: for a browser elsewhere")


def run(call: Call) -> None:
    """Ask the node for a link, and open it."""
    if not call.at_terminal:
        raise NeedsTerminal(act="open the console")
    url = f"{address(call.home)}/#login={invitation(call.home)}"
    if call.args.printed:
        call.output.write(f"{url}\n")
    elif opened(call.home, url):
        note("opening the console in your browser. If none appears: postroom console --print", as_json=call.json)
    else:
        note("there is no browser here. Open this link in one; it works once, for five minutes:", as_json=call.json)
        call.output.write(f"{url}\n")


def invitation(home: str) -> str:
    """What lets one in, once. Raises Unreachable, NotThere."""
    path = node_socket(home)
    connection = HTTPConnection("localhost", timeout=TIMEOUT_S)
    try:
        connection.sock = socket(AF_UNIX, SOCK_STREAM)
        connection.sock.settimeout(TIMEOUT_S)
        connection.sock.connect(path)
        connection.request("POST", "/console/link", dumps({}), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:  # noqa: PLR2004  # https://www.rfc-editor.org/rfc/rfc9110#status.200
            raise NotThere(url=f"unix://{path}", why=f"it answers {answer.status}")
        return str(loads(text)["secret"])
    except (OSError, HTTPException) as error:
        raise Unreachable(url=f"unix://{path}", why=getattr(error, "strerror", None) or type(error).__name__) from error
    except (ValueError, KeyError) as error:
        raise NotThere(url=f"unix://{path}", why="its answer cannot be read") from error
    finally:
        connection.close()


def address(home: str) -> str:
    """Where a browser of this machine reaches the node: it has written down its addresses. Raises NoAddress."""
    found = addresses_beside(home)
    if not found:
        raise NoAddress
    scheme, _, place = found[0].partition("://")
    host, _, port = place.rpartition(":")
    return f"{scheme}://{ANYWHERE.get(host, host)}:{port}"


def opened(home: str, url: str) -> bool:
    """Open the link by way of a file that only this user can read: what a program is called with, everybody on this machine sees."""
    import webbrowser

    directory = socket_directory(home)
    for name in os.listdir(directory):
        if name.startswith(PREFIX) and name.endswith(SUFFIX):
            os.unlink(os.path.join(directory, name))  # of an earlier link, which was used or is too old
    path = os.path.join(directory, f"{PREFIX}{token_hex(8)}{SUFFIX}")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(
            f'<!doctype html><meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0;url={escape(url)}">\n'
        )
    return webbrowser.open(f"file://{path}")


COMMANDS = {
    "console": Command(
        arguments,
        run,
        "Open the console: a page where you watch what agents say, answer their requests, hold and release. Needs `postroom up`.",
        "postroom console",
    )
}
