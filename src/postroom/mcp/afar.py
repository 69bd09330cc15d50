"""How an agent of this process comes in at a node: under the name that was given, that its token says, or under which nobody lives."""

from __future__ import annotations

from itertools import chain

from postroom import identity
from postroom.core.refusals import NotYourName
from postroom.core.types import TYPE_CHECKING
from postroom.exchange import presence
from postroom.remote.bus import bus_at
from postroom.remote.finding import remote_seat

if TYPE_CHECKING:
    from postroom.mcp.guest import House
    from postroom.remote.seat import RemoteSeat


def seat_afar(url: str, house: House, guest: identity.Guest, name: str | None = None) -> RemoteSeat:
    """A seat at a node. Raises NotYourName for another name than that of the token."""
    bus = bus_at(url)
    wished = name or house.name
    if bus.token is not None:
        seat = remote_seat(bus, None, house.home)
        if wished is not None and seat.desk.agent.name != wished:
            seat.leave()
            raise NotYourName(name=seat.desk.agent.name, act="take part", other=wished)
        return seat
    if wished is not None:
        return remote_seat(bus, wished, house.home)
    before = identity.remembered(house.home, guest)
    for free in chain([before.name] if before is not None else [], identity.numbered(identity.readable_name(guest))):
        seat = remote_seat(bus, free, house.home)
        if seat.desk.do(presence.listed).processes <= 1:
            return seat
        seat.leave()  # somebody lives under that name
    raise AssertionError
