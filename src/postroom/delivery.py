"""A message in the hands of its reader: what it can do with it. Every verb is the agent's."""

from __future__ import annotations

from collections.abc import Iterable

from postroom.core.errors import BadValue
from postroom.core.message import Attachment, DraftOptions, Message, Receipt
from postroom.core.types import TYPE_CHECKING, Self, Unpack

if TYPE_CHECKING:
    import os

    from postroom.agent import Agent
    from postroom.aio import AsyncDelivery
    from postroom.session import Session
    from postroom.store.deliveries import Handed


class Delivery(Message):
    """A message in the hands of its reader."""

    agent: Agent
    handed: Handed

    @classmethod
    def of(cls, agent: Agent, handed: Handed) -> Self:
        """A message as the exchange handed it over to an agent."""
        delivery = cls(*handed.message)
        delivery.agent = agent
        delivery.handed = handed
        return delivery

    def reply(self, body: str, **options: Unpack[DraftOptions]) -> Receipt:
        """Answer the sender, in the same thread. In a session the answer is part of the session. Options as of `Agent.send`."""
        return self.agent.answer(self, body, **options)

    def confirm(self) -> None:
        """Say that the message is read. A loop does this by itself when it moves on; this is for a loop that ends early."""
        self.agent.confirm([self])

    def accept(self) -> Session:
        """Accept the session that this message (kind "syn") offers."""
        return self.agent.accept(self)

    def decline(self, reason: str) -> Receipt:
        """Decline the session that this message (kind "syn") offers."""
        return self.agent.decline(self, reason)

    def save(self, attachment: Attachment, path: str | os.PathLike[str]) -> None:
        """Write an attached file to a new file at `path`."""
        self.agent.save(attachment, path)


def in_hand(messages: Iterable[Delivery] | Iterable[AsyncDelivery]) -> list[Handed]:
    """What was handed over, of messages. Raises BadValue."""
    try:
        return [message.handed for message in messages]
    except (AttributeError, TypeError):
        given = type(messages).__name__
        raise BadValue(name="messages", value=given, why="they are a list of messages that a loop or `take` handed over") from None
