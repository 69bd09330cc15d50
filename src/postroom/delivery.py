"""A message in the hands of its reader: what it can do with it. Every verb is the agent's."""

from __future__ import annotations

from postroom.core.message import Attachment, DraftOptions, Message, Receipt
from postroom.core.types import TYPE_CHECKING, Self, Unpack

if TYPE_CHECKING:
    import os

    from postroom.agent import Agent
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
        return self.agent.accept(str(self.seq))

    def decline(self, reason: str) -> Receipt:
        """Decline the session that this message (kind "syn") offers."""
        return self.agent.decline(str(self.seq), reason)

    def save(self, attachment: Attachment, path: str | os.PathLike[str]) -> None:
        """Write an attached file to a new file at `path`."""
        self.agent.save(attachment, path)
