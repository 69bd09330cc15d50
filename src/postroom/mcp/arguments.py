"""The arguments of a tool as models write them: numbers as texts, texts as numbers, lists as texts with commas, nothing as ""."""

from __future__ import annotations

from collections.abc import Collection

from postroom.core.address import close_names
from postroom.core.errors import BadValue
from postroom.core.message import id_text
from postroom.mcp.jsonrpc import Object

YES = {"true", "yes", "1", "on"}
NO = {"false", "no", "0", "off"}


class Arguments:
    """What a tool was called with. Raises BadValue for what cannot be meant, and says what can."""

    def __init__(self, given: Object, known: Collection[str]) -> None:
        self._given = {name: value for name, value in given.items() if value is not None and value != ""}
        unknown = [name for name in self._given if name not in known]
        if unknown:
            why = f"the arguments are {', '.join(known)}.{close_names(unknown[0], list(known))}".rstrip(".")
            raise BadValue(name="an argument", value=unknown[0], why=why)

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def text(self, name: str) -> str:
        """A text; "" when it is not given."""
        value = self._given.get(name, "")
        if isinstance(value, str):
            return value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadValue(name=name, value=value, why="it is text")
        return f"{value:g}" if isinstance(value, float) else str(value)

    def needed(self, name: str, what: str) -> str:
        """A text that must be given; `what` says what it is."""
        text = self.text(name).strip()
        if not text:
            raise BadValue(name=name, value=text, why=what)
        return text

    def optional(self, name: str) -> str | None:
        """A text, or None when it is not given."""
        return self.text(name) if name in self else None

    def id(self, name: str) -> str | None:
        """The id of a message, also written as #41; None when it is not given."""
        text = self.text(name).strip()
        return (text[1:] if text.startswith("#") and text[1:].isdigit() else text) or None

    def needed_id(self, name: str, what: str) -> str:
        """The same, if it must be given."""
        return self.id(name) or self.needed(name, what)

    def several(self, name: str) -> list[str]:
        """Texts, as a list or with commas between them."""
        value = self._given.get(name, [])
        if isinstance(value, list):
            return [id_text(one) if type(one) is int else str(one).strip() for one in value]
        text = self.text(name).strip()
        if text.startswith("[") and text.endswith("]"):
            text = text[1:-1].replace('"', "").replace("'", "")
        return [part.strip() for part in text.split(",") if part.strip()]

    def number(self, name: str, default: float, most: float) -> float:
        """A number from 0 to the most that is allowed; more counts as that."""
        value = self._given.get(name, default)
        try:
            number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else -1.0
        except (ValueError, OverflowError):
            number = -1.0
        if not number >= 0:
            raise BadValue(name=name, value=value, why=f"it is a number from 0 to {most:g}")
        return min(number, most)

    def choice(self, name: str, choices: Collection[str], default: str = "") -> str:
        """One of several words."""
        word = self.text(name).strip().lower() or default
        if word and word not in choices:
            raise BadValue(name=name, value=word, why=f"it is one of {', '.join(choices)}")
        return word

    def yes(self, name: str, *, default: bool) -> bool:
        """Yes or no."""
        value = self._given.get(name, default)
        word = str(value).strip().lower()
        if word not in YES | NO:
            raise BadValue(name=name, value=value, why="it is true or false")
        return word in YES
