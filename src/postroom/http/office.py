"""The office: does a verb for a caller, at the counter, in the library or at the caller's seat. HTTP and the gateway both come here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from postroom import waiting
from postroom.agent import Agent
from postroom.core.message import Draft, Receipt
from postroom.core.plain import plain, receipt_object
from postroom.http.auth import Caller, check_right
from postroom.http.bus import Bus
from postroom.http.drafts import Options, SendArguments, SendManyArguments, checked_sender, draft, drafted
from postroom.http.house import House
from postroom.http.library import Library
from postroom.http.lodger import Lodger
from postroom.http.shelf import Shelf
from postroom.http.verb import Arguments, CloseSeatArguments, Verb
from postroom.http.verbs import hooks
from postroom.http.verbs.hooks import HookArguments, UnseenArguments
from postroom.http.verbs.messages import AnswerArguments, AskArguments
from postroom.http.verbs.sessions import SayArguments

WITHOUT_SEAT = SendArguments | SendManyArguments | CloseSeatArguments | HookArguments | UnseenArguments
After = Callable[[bool], Awaitable[None]]


class Done(NamedTuple):
    """What a verb returned, as JSON has it, and what is done when the client has got it, or has not."""

    value: object
    after: After | None = None


class Office:
    """Where verbs are done."""

    def __init__(self, bus: Bus, house: House, library: Library, shelf: Shelf) -> None:
        self._bus = bus
        self.house = house
        self.library = library
        self.shelf = shelf

    async def do(self, verb: Verb, given: Arguments, caller: Caller, seat: str | None) -> Done:
        """Do a verb. Raises NotYourRight, and whatever the verb raises."""
        check_right(caller, verb.scope)
        if verb.look is not None:
            look = verb.look
            return shown(await self.library.look(caller, lambda desk: look(desk, given)))
        if isinstance(given, SendArguments | SendManyArguments):
            return shown(await self._send(given, caller, seat))
        if isinstance(given, HookArguments):
            return shown(await self._bus.at_hook(caller, lambda desk: hooks.at_turn(desk, given)))
        if isinstance(given, UnseenArguments):
            return shown(await self._bus.at_hook(caller, lambda desk: hooks.unseen(desk, given)))
        if isinstance(given, CloseSeatArguments):
            await self.house.leave(caller, seat or "")
            return shown(None)
        lodger = await self.house.lodger(caller, seat, opens=verb.opens)
        return await self._at_seat(verb, given, caller, lodger)

    async def do_at(self, verb: Verb, given: Arguments, caller: Caller, lodger: Lodger) -> Done:
        """The same for one who has a seat."""
        check_right(caller, verb.scope)
        if verb.look is not None or isinstance(
            given, SendArguments | SendManyArguments | CloseSeatArguments | HookArguments | UnseenArguments
        ):
            return await self.do(verb, given, caller, lodger.seat_id)
        return await self._at_seat(verb, given, caller, lodger)

    async def _at_seat(self, verb: Verb, given: Arguments, caller: Caller, lodger: Lodger) -> Done:
        with lodger:
            if isinstance(given, Options):
                return await self._compose(given, caller, lodger)
            assert verb.perform is not None, "a verb has one or the other"
            return shown(await verb.perform(lodger, given))

    async def _send(self, given: SendArguments | SendManyArguments, caller: Caller, seat: str | None) -> object:
        """Send; at the seat, if something is in hand there from which this may follow."""
        each = given.drafts if isinstance(given, SendManyArguments) else [given]
        for one in each:
            checked_sender(one, caller.name)
        lodger = await self.house.lodger(caller, seat) if seat is not None else None
        paths = [await self.shelf.paths(caller, one.files) if one.files else [] for one in each]
        try:
            drafts = [draft(one, links) for one, links in zip(each, paths, strict=True)]
            if lodger is not None and isinstance(given, SendArguments) and given.claim:
                return await claimed(lodger, drafts[0])
            if lodger is not None and (lodger.seat.desk.in_hand or any(paths)):
                receipts: Sequence[Receipt] = await lodger.clerk.do(lambda: lodger.seat.send(drafts))
            else:
                receipts = await self._bus.send(caller, drafts, attaches=lodger is None)
        finally:
            for links in paths:
                self.shelf.unlink(links)
        return receipts if isinstance(given, SendManyArguments) else receipts[0]

    async def _compose(self, given: Options, caller: Caller, lodger: Lodger) -> Done:
        """Ask, answer, or say something in a session."""
        links = await self.shelf.paths(caller, given.files) if given.files else []
        try:
            match given:
                case AskArguments():
                    question = drafted(given, given.to, given.body, links)._replace(reply_within=given.reply_within or given.timeout)
                    return await self._ask(lodger, question, given.timeout)
                case AnswerArguments():
                    answer = drafted(given, "", given.body, links)._replace(reply_to=given.message)
                    return shown(await lodger.clerk.do(lambda: answered(lodger, answer)))
                case SayArguments():
                    said = drafted(given, "", given.body, links)
                    return shown(await lodger.clerk.do(lambda: lodger.seat.say(given.session, said)))
                case _:
                    raise AssertionError(given)
        finally:
            self.shelf.unlink(links)

    async def _ask(self, lodger: Lodger, question: Draft, seconds: float) -> Done:
        taken = await lodger.go_through(waiting.asking(lodger.seat, question, seconds), undo=lodger.seat.give_back)

        async def after(written: bool) -> None:  # noqa: FBT001  # a callback
            await lodger.clerk.do(lambda: lodger.seat.confirm(taken) if written else lodger.seat.give_back(taken))

        return Done(plain(taken[0].message), after)


async def claimed(lodger: Lodger, question: Draft) -> object:
    """Send, and claim what answers it, in one transaction."""
    receipt, seq = await lodger.clerk.do(lambda: lodger.seat.ask(question), undo=lambda asked: lodger.seat.let_go(asked[1]))
    shown = plain(receipt)
    assert isinstance(shown, dict)
    return shown | {"claim": lodger.note(seq)}


def answered(lodger: Lodger, answer: Draft) -> Receipt:
    """Answer a message; within a session, in the session."""
    from postroom.exchange import tracing

    with lodger.seat.turn as desk:
        assert answer.reply_to is not None
        message = tracing.message(desk, answer.reply_to)
        given = {name: getattr(answer, name) for name in Draft._fields[2:] if name != "reply_to"}
        return Agent(lodger.seat).answer(message, answer.body, **given)


def shown(value: object) -> Done:
    """A value as JSON has it; nothing is an empty object."""
    if isinstance(value, Receipt):
        return Done(receipt_object(value))
    return Done({} if value is None else plain(value))
