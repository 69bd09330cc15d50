"""Values as what JSON has: named tuples become objects. What --json prints and what HTTP answers comes from here."""

from __future__ import annotations

from postroom.core.fault import PostroomError
from postroom.core.message import Message, Receipt

SENTENCES = {"advice", "close"}
"""Facts that are sentences of their own, after a blank."""


ATOMS = frozenset({str, int, float, bool, type(None)})


def plain(value: object) -> object:
    """A value as dicts, lists, texts and numbers."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        shown = {name: part if type(part) in ATOMS else plain(part) for name, part in zip(value._fields, value, strict=True)}
        return shown | {"state": value.state} if isinstance(value, Receipt) else shown
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value


def message_object(message: Message) -> dict[str, object]:
    """The same for a message, of which there may be many: texts and numbers but for three fields."""
    shown: dict[str, object] = message._asdict()
    shown["to"] = list(message.to)
    shown["provenance"] = message.provenance._asdict()
    shown["attachments"] = [one._asdict() for one in message.attachments]
    return shown


def receipt_object(receipt: Receipt) -> dict[str, object]:
    """The same for a receipt, of which there is one for each message that is sent."""
    shown: dict[str, object] = receipt._asdict()
    shown["deliveries"] = [one._asdict() for one in receipt.deliveries]
    shown["state"] = receipt.state
    return shown


def failure_object(failure: PostroomError) -> dict[str, object]:
    """An error as an object."""
    facts = {key: value if isinstance(value, int | float) else str(value) for key, value in failure.facts.items()}
    facts |= {key: str(facts[key]).strip() for key in SENTENCES & facts.keys()}
    message = in_words(failure)
    return {"error": failure.code, "message": message, "exit_code": failure.exit_code, "retry": failure.retry, "facts": facts}


def in_words(failure: PostroomError) -> str:
    """The sentence of an error, and what else came of the call."""
    return " ".join([str(failure), *getattr(failure, "__notes__", ())])
