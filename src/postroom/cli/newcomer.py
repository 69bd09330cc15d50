"""What is said when a verb has registered a name: it may be new, and it may be mistyped."""

from __future__ import annotations

from postroom.cli.failure import note
from postroom.core.address import close_names
from postroom.core.types import TYPE_CHECKING
from postroom.exchange import naming

if TYPE_CHECKING:
    from postroom.places import AnyDesk

DIGITS = {ord(digit): None for digit in "0123456789"}


def introduce_sender(desk: AnyDesk, *, as_json: bool) -> None:
    """Say who is new, if that looks like somebody else: who sends is known from now on, so a new name alone is nothing to tell."""
    if close := meant(desk):
        note(f"you are the new agent '{desk.agent.name}'{close}", as_json=as_json)


def introduce_bearer(desk: AnyDesk, *, as_json: bool) -> None:
    """The same of a name to which somebody gives a token, who need not be it."""
    if close := meant(desk):
        note(f"'{desk.agent.name}' is a new agent{close}", as_json=as_json)


def introduce_reader(desk: AnyDesk, *, as_json: bool) -> None:
    """Say that the name is new: nothing can be waiting for it."""
    note(f"new name '{desk.agent.name}'{meant(desk)}", as_json=as_json)


def meant(desk: AnyDesk) -> str:
    """The names that may have been meant, as a question. Those that differ in a number only are taken for others: worker-1, worker-2."""
    name = desk.agent.name
    others = desk.do(naming.listed)
    return close_names(name, [other for other in others if other.translate(DIGITS) != name.translate(DIGITS)]).replace(" Did", "; did")
