"""The life of a session: everything that affects its state is in MOVES. The state is never stored: it is folded from the messages."""

from __future__ import annotations

from enum import StrEnum

from postroom.core.message import Kind
from postroom.core.types import NamedTuple


class SessionState(StrEnum):
    """Where a session stands."""

    OFFERED = "offered"
    OPEN = "open"
    DECLINED = "declined"
    LAPSED = "lapsed"  # the handshake was not answered in time
    CLOSING_BY_OPENER = "closing-by-opener"  # FIN sent, FIN-ACK awaited
    CLOSING_BY_PEER = "closing-by-peer"
    CLOSED = "closed"


class Side(StrEnum):
    """Who sent a message of a session: the one that opened it, the other one, or the post room itself."""

    OPENER = "opener"
    PEER = "peer"
    POSTROOM = "postroom"


_S, _K = SessionState, Kind
MOVES: dict[tuple[SessionState, Side, Kind], SessionState] = {
    (_S.OFFERED, Side.PEER, _K.SYN_ACK): _S.OPEN,
    (_S.OFFERED, Side.PEER, _K.SYN_NACK): _S.DECLINED,
    (_S.OFFERED, Side.POSTROOM, _K.LAPSE): _S.LAPSED,
    (_S.OFFERED, Side.OPENER, _K.FIN): _S.CLOSED,  # withdrawn: nobody has to acknowledge it
    (_S.OPEN, Side.OPENER, _K.DATA): _S.OPEN,
    (_S.OPEN, Side.PEER, _K.DATA): _S.OPEN,
    (_S.OPEN, Side.OPENER, _K.FIN): _S.CLOSING_BY_OPENER,
    (_S.OPEN, Side.PEER, _K.FIN): _S.CLOSING_BY_PEER,
    (_S.OPEN, Side.POSTROOM, _K.LAPSE): _S.CLOSED,  # idle for too long
    (_S.CLOSING_BY_OPENER, Side.PEER, _K.FIN_ACK): _S.CLOSED,
    (_S.CLOSING_BY_OPENER, Side.PEER, _K.FIN): _S.CLOSED,  # both closed at once
    (_S.CLOSING_BY_OPENER, Side.POSTROOM, _K.LAPSE): _S.CLOSED,
    (_S.CLOSING_BY_PEER, Side.OPENER, _K.FIN_ACK): _S.CLOSED,
    (_S.CLOSING_BY_PEER, Side.OPENER, _K.FIN): _S.CLOSED,
    (_S.CLOSING_BY_PEER, Side.POSTROOM, _K.LAPSE): _S.CLOSED,
}
LIVE = frozenset({_S.OFFERED, _S.OPEN, _S.CLOSING_BY_OPENER, _S.CLOSING_BY_PEER})

IMPOSSIBLE = {
    Kind.SYN_ACK: "it cannot be accepted",
    Kind.SYN_NACK: "it cannot be declined",
    Kind.DATA: "nothing can be sent in it",
    Kind.FIN: "it cannot be closed",
}
"""What cannot be done where the table does not allow an act, as people say it."""


class SessionView(NamedTuple):
    """A session as its two sides see it. Times are ms since 1970."""

    id: str
    opener: str
    peer: str
    task: str
    state: SessionState
    reason: str | None
    messages: int
    opened_ms: int
    active_ms: int


def after(state: SessionState, side: Side, kind: Kind) -> SessionState | None:
    """The state after one more message, or None when that message is not possible now."""
    return MOVES.get((state, side, kind))


def in_words(state: SessionState, *, opener: str, peer: str) -> str:
    """A state as people say it. The two sides are names, or "you"."""
    match state:
        case SessionState.CLOSING_BY_OPENER:
            return f"closing ({opener} closed)"
        case SessionState.CLOSING_BY_PEER:
            return f"closing ({peer} closed)"
        case SessionState.LAPSED:
            return "lapsed (no answer)"
        case _:
            return state.value


def fold(controls: list[tuple[Side, Kind]]) -> SessionState:
    """The state of a session from its control messages after the SYN, in their order. The store never holds an impossible one."""
    state = SessionState.OFFERED
    for side, kind in controls:
        following = after(state, side, kind)
        assert following is not None, f"impossible session message: {side} {kind} in {state}"
        state = following
    return state


def drawing() -> str:
    """The table as a Mermaid state diagram, as docs/sessions.md shows it."""
    lines = ["stateDiagram-v2", "    [*] --> offered: opener SYN"]
    lines += [f"    {a} --> {b}: {side} {kind.upper()}" for (a, side, kind), b in MOVES.items()]
    lines += [f"    {state} --> [*]" for state in SessionState if state not in LIVE]
    return "\n".join(line.replace("-by-", "_by_") for line in lines) + "\n"
