"""Which way leads to a post room: its store on this machine, or a node. Decided when somebody connects, and told by `postroom doctor`."""

from __future__ import annotations

import json
import os
import socket

from postroom.config import identity, named
from postroom.core.address import claimable, fold_name
from postroom.core.errors import PostroomError, StoreReadOnly, StoreUnusable
from postroom.core.message import path_text
from postroom.core.refusals import NoToken, NotYourName
from postroom.core.types import TYPE_CHECKING
from postroom.paths import default_home, node_socket
from postroom.remote.bus import Bus, bus_at
from postroom.seat import take_seat

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroom.exchange.watching import Sieve
    from postroom.places import AnyDesk, AnySeat
    from postroom.remote.desk import RemoteDesk
    from postroom.remote.feed import RemoteFeed
    from postroom.remote.seat import RemoteSeat

URL = "POSTROOM_URL"
SHUT = (StoreUnusable, StoreReadOnly)
"""What a store ends in that may not be opened from here: another user's, a sandbox's, one that another kernel uses."""
TRY_S = 1.0
LOCK = "node.lock"


def named_bus(url: str | None, token: str | None, *, home_is_named: bool) -> Bus | None:
    """The node that was named, or that $POSTROOM_URL names unless a directory was. Raises BadUrl, BadToken."""
    if url is None:
        url = None if home_is_named else os.environ.get(URL) or None
    return None if url is None else bus_at(url, token)


def bus_beside(home: str) -> Bus | None:
    """The node of the post room in `home`, if one answers at its Unix socket."""
    path = node_socket(home)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
            trial.settimeout(TRY_S)
            trial.connect(path)
    except OSError:
        return None
    return Bus("unix", "localhost", 0, path)


def addresses_beside(home: str) -> list[str]:
    """Where the node of the post room in `home` is reached over a network, as it has written down itself; that may be an earlier one."""
    try:
        with open(os.path.join(home, LOCK), encoding="utf-8") as lock:
            return [str(one) for one in json.loads(lock.read())["addresses"] if str(one).startswith("http")]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def take_any_seat(
    name: str | None,
    home: str | os.PathLike[str] | None,
    durability: str | None,
    *,
    url: str | None = None,
    token: str | None = None,
) -> AnySeat:  # fmt: skip
    """A seat for the agent `name`: in the store, at the node that is named, or at the one beside a store that is shut. See `connect`."""
    directory = path_text("home", default_home() if home is None else home)
    bus = named_bus(url, token, home_is_named=home is not None)
    if bus is not None:
        return remote_seat(bus, name, directory)
    try:
        return take_seat(name, home, durability)
    except SHUT as error:
        bus = bus_beside(directory)
        if bus is None:
            raise error from None
        return remote_seat(bus, name, directory)


def remote_desk(bus: Bus, name: str | None, home: str) -> RemoteDesk:
    """A desk at a node. Raises NoToken, or NoIdentity at a Unix socket, where nothing says who calls."""
    from postroom.remote.caller import Caller
    from postroom.remote.desk import RemoteDesk
    from postroom.remote.postbag import Postbag

    if bus.token is None and bus.scheme != "unix":
        raise NoToken(url=bus.url)
    known = identity(name) if bus.token is None else named(name)
    return RemoteDesk(Caller(bus, known), Postbag(home, bus))


def called_desk(url: str | None, name: str | None, home: str, *, registers: bool) -> RemoteDesk:
    """The desk at a node from which the command line does a verb. Raises NotRegistered, unless a name that is new is to be registered."""
    assert url is not None, "named"
    return known_desk(bus_at(url), name, home, registers=registers)


def desk_beside(error: PostroomError, name: str | None, home: str, *, registers: bool) -> RemoteDesk:
    """The same at the node beside a store that is shut. Raises the error without one."""
    bus = bus_beside(home)
    if bus is None:
        raise error
    return known_desk(bus, name, home, registers=registers)


def known_desk(bus: Bus, name: str | None, home: str, *, registers: bool) -> RemoteDesk:
    """A desk at a node whose agent is known there. A token says whose it is, and a name beside it must be the same. Raises NotYourName."""
    desk = remote_desk(bus, name, home)
    asked_for = desk.caller.name
    if asked_for is not None:
        desk.caller.name = fold_name(asked_for)
    if asked_for is not None or desk.postbag.owner() is None:
        desk.ask_who(registers=registers)
    if asked_for is not None and desk.agent.name != fold_name(asked_for):
        raise NotYourName(name=desk.agent.name, act="speak", other=asked_for)
    return desk


def seat_at(desk: AnyDesk, *, note: Callable[[str], None]) -> RemoteSeat:
    """A seat at the node of a desk. If it is away that is told."""
    from postroom.remote.desk import RemoteDesk
    from postroom.remote.seat import RemoteSeat

    assert isinstance(desk, RemoteDesk), "the only desk elsewhere"
    seat = RemoteSeat(desk)
    if seat.is_away:
        note(f"waiting for bus: {desk.home} cannot be reached")
    return seat


def feed_at(desk: AnyDesk, sieve: Sieve, *, last: int) -> RemoteFeed:
    """What happens at the node of a desk."""
    from postroom.remote.desk import RemoteDesk
    from postroom.remote.feed import RemoteFeed

    assert isinstance(desk, RemoteDesk), "the only desk elsewhere"
    return RemoteFeed(desk, sieve, last=last)


def remote_seat(bus: Bus, name: str | None, home: str) -> RemoteSeat:
    """A seat at a node. Raises BadName, ReservedName, NoIdentity, Unreachable, BadToken, NotYourName."""
    from postroom.remote.seat import RemoteSeat

    desk = remote_desk(bus, name, home)
    if desk.caller.name is not None:
        desk.caller.name = claimable(desk.caller.name)
    return RemoteSeat(desk)
