"""Which way programs here take to the post room, and why; whether it is open; and what waits to be handed in. Part of `postroom doctor`."""

from __future__ import annotations

import os
from collections.abc import Iterator

from postroom.core.address import SYSTEM
from postroom.core.errors import NotRegistered, PostroomError, ReservedName
from postroom.core.render import counted, one_line
from postroom.paths import node_socket
from postroom.remote import values
from postroom.remote.bus import Bus, bus_at
from postroom.remote.caller import Ask
from postroom.remote.desk import RemoteDesk
from postroom.remote.finding import SHUT, URL, addresses_beside, bus_beside, remote_desk
from postroom.remote.postbag import URL as AT
from postroom.remote.postbag import WAITING
from postroom.store.checks import Finding, Level
from postroom.store.place import try_place
from postroom.store.satchel import Satchel

WAY = "verbs are done"


def ways(url: str | None, name: str | None, home: str) -> tuple[list[Finding], bool]:
    """The way to the post room in `home`, or at the node that was named; and whether it leads into the store."""
    if url is None:
        found, here = beside(name, home)
    else:
        why = f"${URL} says so" if os.environ.get(URL) == url else "--url says so"
        found, here = list(at_node(url, name, home, why)), False
    return [*found, *waiting(home)], here


def at_node(url: str, name: str | None, home: str, why: str) -> Iterator[Finding]:
    """The way to a node that was named."""
    try:
        bus = bus_at(url)
    except PostroomError as error:
        yield Finding(Level.ERROR, str(error))
        return
    yield Finding(Level.OK, f"{WAY} by the node at {bus.url}, as {why}; the store here is not used")
    yield answering(bus, name, home)


def beside(name: str | None, home: str) -> tuple[list[Finding], bool]:
    """The way into the store, or to the node beside it; and whether it is the first."""
    bus = bus_beside(home)
    try:
        try_place(home)
    except SHUT as error:
        if bus is None:
            step = "If the store is shut to this program on purpose, run `postroom up` outside, or set POSTROOM_URL."
            return [Finding(Level.NOTE, f"no node answers at {node_socket(home)}", step)], True
        what = f"{WAY} by the node at {bus.url}, as the store is shut to this program: {str(error).partition('. ')[0]}"
        return [Finding(Level.OK, what), answering(bus, name, home)], False
    except PostroomError:
        return [], True  # told with the place
    node = f"; a node serves it, too, at {' and '.join([bus.url, *addresses_beside(home)])}" if bus is not None else ""
    return [Finding(Level.OK, f"{WAY} in the store itself{node}")], True


def answering(bus: Bus, name: str | None, home: str) -> Finding:
    """Whether a node lets one in, and as whom."""
    desk: RemoteDesk | None = None
    try:
        desk = remote_desk(bus, name or SYSTEM, home) if bus.token is None else remote_desk(bus, name, home)
        return Finding(Level.OK, f"the node lets you in as {values.listed(desk.call(Ask('profile', {}, looks=True))).name}")
    except (NotRegistered, ReservedName):  # by its Unix socket, under a name that nobody has
        return Finding(Level.OK, "the node lets in every agent of this user")
    except PostroomError as error:
        what, _, step = str(error).partition(". ")
        return Finding(Level.ERROR, what, step)
    finally:
        if desk is not None:
            desk.close()


def waiting(home: str) -> Iterator[Finding]:
    """Messages that wait for a bus that is away."""
    root = os.path.join(home, "remote")
    for path, _, names in os.walk(root):
        if "satchel.db" not in names:
            continue
        satchel = Satchel(path)
        number = len(satchel.queued(limit=1_000_000))
        satchel.close()
        if number:
            what = f"{WAITING}: {counted(number, 'message')} of {os.path.basename(path)}, for {url_of(path)}"
            yield Finding(Level.NOTE, what, "They are sent when the bus is back at that URL and a verb of that agent is done there.")


def url_of(directory: str) -> str:
    """Where the node of a satchel is."""
    try:
        with open(os.path.join(os.path.dirname(directory), AT), encoding="utf-8") as file:
            return one_line(file.read())
    except OSError:
        return "a URL that was not written down"
