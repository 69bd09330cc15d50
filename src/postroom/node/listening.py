"""The addresses of a node: which, what Host may say there, and the sockets. Other machines reach it only if it is told so."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from ipaddress import ip_address
from typing import Final, NamedTuple

from postroom.config import NodeSettings
from postroom.core.errors import BadValue
from postroom.core.refusals import CannotListen
from postroom.http.request import Way
from postroom.paths import node_socket, socket_directory
from postroom.store.place import check_directory, make_private

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
BACKLOG: Final = 2_048


class Listener(NamedTuple):
    """An open socket, by which way requests come in there, and how the address is written."""

    socket: socket.socket
    way: Way
    url: str


def listeners(home: str, settings: NodeSettings) -> list[Listener]:
    """Open everything. Raises CannotListen, BadValue."""
    opened = [unix(home)]
    try:
        if settings.listen:
            host, port = parted(settings.listen)
            opened.append(tcp(host, port, "tcp", settings))
            if settings.gateway_port:
                opened.append(tcp(host, settings.gateway_port, "gateway", settings))
    except BaseException:
        for listener in opened:
            listener.socket.close()
        raise
    return opened


def parted(listen: str) -> tuple[str, int]:
    """The host and the port of an address as it is configured. Raises BadValue."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65_535:  # noqa: PLR2004  # https://www.rfc-editor.org/rfc/rfc9293: 16 bits
        raise BadValue(name="listen", value=listen, why="it is HOST:PORT, as 127.0.0.1:8091 or [::1]:8091")
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def tcp(host: str, port: int, name: str, settings: NodeSettings) -> Listener:
    """Listen at an address."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        opened = socket.socket(family, kind, protocol)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind(address)
            opened.listen(BACKLOG)
        except BaseException:
            opened.close()
            raise
    except OSError as error:
        raise CannotListen(address=f"{host}:{port}", why=error.strerror or str(error)) from error
    bound = opened.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    secure = bool(settings.certificate)
    hosts, others = frozenset({shown.lower(), *LOOPBACK}), frozenset(one.lower() for one in settings.hosts)
    scheme = {"tcp": "http", "gateway": "ws"}[name] + ("s" if secure else "")
    return Listener(opened, Way(name, hosts, others, secure=secure, port=bound), f"{scheme}://{shown}:{bound}")


def unix(home: str) -> Listener:
    """Listen on the socket that only this user reaches: its mode is set before its name appears."""
    path, directory = node_socket(home), socket_directory(home)
    make_private(directory)
    check_directory(directory)
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(opened.fileno(), 0o600)
        with suppress(FileNotFoundError):
            os.unlink(path)  # of a node that was killed: who runs now has the lock
        opened.bind(path)
        opened.listen(BACKLOG)
    except OSError as error:
        opened.close()
        raise CannotListen(address=path, why=error.strerror) from error
    return Listener(opened, Way("unix", frozenset(), same_user=True), f"unix://{path}")
