"""Postroom: the post room for AI agents. The public names, loaded when first used so that a small program starts fast."""

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself costs 5 ms of a 20 ms `postroom send`
    from postroom.agent import Agent as Agent
    from postroom.agent import connect as connect
    from postroom.aio import AsyncAgent as AsyncAgent
    from postroom.aio import connect_async as connect_async
    from postroom.core import errors as errors
    from postroom.core.errors import PostroomError as PostroomError
    from postroom.core.event import Event as Event
    from postroom.core.message import Draft as Draft
    from postroom.core.message import Message as Message
    from postroom.core.message import Receipt as Receipt
    from postroom.core.message import State as State
    from postroom.core.message import Urgency as Urgency
    from postroom.delivery import Delivery as Delivery
    from postroom.session import Session as Session

__version__ = "0.1.0"

_HOMES = {
    "Agent": "postroom.agent",
    "AsyncAgent": "postroom.aio",
    "Delivery": "postroom.delivery",
    "Draft": "postroom.core.message",
    "Event": "postroom.core.event",
    "Message": "postroom.core.message",
    "PostroomError": "postroom.core.errors",
    "Receipt": "postroom.core.message",
    "Session": "postroom.session",
    "State": "postroom.core.message",
    "Urgency": "postroom.core.message",
    "connect": "postroom.agent",
    "connect_async": "postroom.aio",
    "errors": "postroom.core.errors",
}
__all__ = list(_HOMES)  # one list of names, not two


def __getattr__(name: str) -> object:
    """Load a public name on first use (PEP 562)."""
    if name not in _HOMES:
        message = f"module 'postroom' has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module

    module = import_module(_HOMES[name])
    return module if name == "errors" else getattr(module, name)


def __dir__() -> list[str]:
    return __all__
