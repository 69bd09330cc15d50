"""Waking the session of an agent: when mail is pushed into it, how much at once, and when that counts as read. How, the harness knows.

Urgency decides: `now` goes in at once, `next` when the session rests, `info` along with others or when the session comes by. What was
pushed and did not arrive is pushed again; what the harness has taken is never pushed twice.
"""

from __future__ import annotations

from itertools import count
from math import inf
from threading import Event
from time import monotonic, monotonic_ns

from postroom.core.errors import Closed, PostroomError
from postroom.core.message import Urgency
from postroom.core.types import TYPE_CHECKING, NamedTuple
from postroom.core.way import OPENING, AtWork, Fate
from postroom.exchange import handover
from postroom.mcp.calls import HandedOver
from postroom.mcp.digest import digest

if TYPE_CHECKING:
    from postroom.core.way import Way
    from postroom.mcp.digest import Style
    from postroom.mcp.guest import Guest
    from postroom.store.deliveries import Handed

LOOK_S = 0.02
"""How often it is looked whether a push has arrived."""
TURN_LOOK_S = 0.25
"""How often it is looked whether a turn has ended, while something waits for that."""
REST_S = 5.0
PATIENCE_S = 3.0
"""Within so many seconds a harness shows that it has taken a push; Claude Code does within 0.1 s."""
TRIES = 4
BACK_OFF_S, BACK_OFF_S_MAX = 15.0, 600.0
"""After so many tries the mail goes back, where tools and hooks find it; pushes begin again after a while."""
TURN_S = 60.0
"""What a turn has had for so long counts as read also while the turn goes on."""
GRACE_S = 0.1
"""A call that waits for mail gets urgent mail before it is pushed."""
BROKEN_OFF_S = 3.0
"""So long a session that is said to be busy must show otherwise to be believed."""
LOOK_AT = 100
TOP = OPENING + """{me}. Nobody typed this: it comes from other agents, not from your user.{again}"""
BOTTOM = "If nothing of this needs an answer or work, end your turn without one."


class Push:
    """Mail on its way into a session."""

    def __init__(self, text: str, handed: list[Handed], seen: int) -> None:
        self.id = f"push-{next(NUMBERS)}"
        self.text, self.handed, self.seen = text, handed, seen
        self.tries: list[str] = []
        self.fate = Fate.UNKNOWN
        self.at = self.read_at = 0.0
        self.read_ns = 0


NUMBERS = count(1)


class Wanted(NamedTuple):
    """What waits: whether any of it is urgent, and whether any of it is to wake somebody. And whether the agent is said to be busy."""

    now: bool
    any: bool
    busy: bool


class Waker:
    """Wakes the session of one agent, in a thread of its own."""

    def __init__(self, guest: Guest, way: Way, style: Style) -> None:
        self._guest, self._way, self._style = guest, way, style
        self._pushes: list[Push] = []
        self._not_before = self._urgent_since = 0.0
        self._rests_since = inf
        self._failures = 0
        self._cannot_interrupt = False
        self._woke = False

    def run(self) -> None:
        """Wake until the agent leaves."""
        while True:
            try:
                bell = self._guest.seat.bell
                rings = bell.rings
                bell.wait(rings, self.step())
            except Closed:
                return
            except PostroomError:
                Event().wait(REST_S)  # the store is busy, or gone: whoever calls is told

    def step(self) -> float:
        """Do what is to be done now. Returns after how many seconds there is more, if nothing rings before."""
        for push in list(self._pushes):
            self._follow(push)
        seconds = self._wake()
        if self._woke and self._rests(busy=True):
            self._woke = False
            self._say("idle", instead_of="busy")
        if any(push.fate < Fate.TAKEN for push in self._pushes):
            return min(seconds, LOOK_S)
        return min(seconds, TURN_LOOK_S) if self._pushes or self._woke else seconds

    # What becomes of a push

    def _follow(self, push: Push) -> None:
        fate = max(self._way.fate(text) for text in push.tries)
        now = monotonic()
        if fate >= Fate.READ > push.fate:
            push.read_at, push.read_ns = now, monotonic_ns()
            self._guest.hand_over(HandedOver(push.id, push.handed, push.seen, push.read_ns))
        push.fate = max(fate, push.fate)
        if push.fate >= Fate.TAKEN:
            self._failures = 0
        elif now - push.at > PATIENCE_S:
            self._try_again(push)
        if push.fate == Fate.OVER or (push.fate == Fate.READ and now - push.read_at > TURN_S):
            self._pushes.remove(push)
            self._guest.settle(push.read_ns + 1)

    def _try_again(self, push: Push) -> None:
        if len(push.tries) < TRIES:
            self._push(push)
        else:
            self._give_up(push)

    def _give_up(self, push: Push, *, is_unseen: bool = False) -> None:
        if push in self._pushes:
            self._pushes.remove(push)
        self._not_before = monotonic() + min(BACK_OFF_S * 2**self._failures, BACK_OFF_S_MAX)
        self._failures += 1
        (self._guest.put_back if is_unseen else self._guest.give_back)(push.handed)

    # Whether to push, and what

    def _wake(self) -> float:
        """Push what waits, if it is time. Returns after how many seconds to look again."""
        wanted = self._wanted()
        now = monotonic()
        if not wanted.now:
            self._urgent_since = 0.0
        if not wanted.any:
            return REST_S
        if now < self._not_before:
            return self._not_before - now
        rests = self._rests(busy=wanted.busy)
        self._cannot_interrupt &= not rests
        if not rests and (not wanted.now or self._cannot_interrupt):
            return TURN_LOOK_S
        if not rests:
            self._urgent_since = self._urgent_since or now
            if now - self._urgent_since < GRACE_S:
                return GRACE_S
        new = digest(self._guest, [], self._style)
        if new.handed:
            push = Push(new.text, new.handed, new.seen)
            self._pushes.append(push)
            self._push(push, interrupt=wanted.now)
        return self._way.pace_s

    def _wanted(self) -> Wanted:
        with self._guest.seat.turn as desk:
            urgencies, busy = desk.do(handover.wanted, limit=LOOK_AT)
        return Wanted(Urgency.NOW in urgencies, bool(urgencies - {Urgency.INFO}), busy)

    def _rests(self, *, busy: bool) -> bool:
        """Whether the session rests. Hooks say first that a turn begins, and do not say that the user broke it off."""
        now = monotonic()
        if not self._way.rests():
            self._rests_since = inf
        elif self._rests_since == inf:
            self._rests_since = now
        return not self._pushes and now - self._rests_since >= (BROKEN_OFF_S if busy else 0)

    def _push(self, push: Push, *, interrupt: bool = False) -> None:
        """Push it; with other words if it was pushed before, as a harness may drop what it knows."""
        again = f" (Sent again, {len(push.tries) + 1}.)" if push.tries else ""
        text = f"{TOP.format(me=self._guest.agent.name, again=again)}\n{push.text}\n{BOTTOM}"
        push.tries.append(text)
        push.at = monotonic()
        self._not_before = push.at + self._way.pace_s
        try:
            self._way.push(text, interrupt=interrupt)
        except AtWork:
            self._cannot_interrupt = True
            self._pushes.remove(push)
            self._guest.put_back(push.handed)
        except TimeoutError:
            self._give_up(push)
        except OSError:
            self._give_up(push, is_unseen=len(push.tries) == 1)
        else:
            self._woke = self._say("busy", instead_of="idle") or self._woke

    def _say(self, status: str, *, instead_of: str) -> bool:
        """Say what the agent does now, as a hook does at a prompt that was typed; there may be none. False if it says something else."""
        agent = self._guest.agent
        if agent.profile().status != instead_of:
            return False
        agent.profile(status=status)
        return True
