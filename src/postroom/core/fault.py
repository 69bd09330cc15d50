"""What every error is: a sentence with facts, a code for programs, and whose fault it is. The sentences are in core/errors.py."""

from __future__ import annotations

QUOTED_MAX = 200


class Fact:
    """One fact of an error in its sentence: whole, but when it is quoted and long."""

    __slots__ = ("_value",)

    def __init__(self, value: object) -> None:
        self._value = value

    def __format__(self, spec: str) -> str:
        return format(self._value, spec)

    def __repr__(self) -> str:
        if isinstance(self._value, str) and len(self._value) > QUOTED_MAX:
            return repr(f"{self._value[:QUOTED_MAX]}…")
        text = repr(self._value)
        return text if isinstance(self._value, str) or len(text) <= QUOTED_MAX else f"{text[:QUOTED_MAX]}…"


class PostroomError(Exception):
    """Something went wrong in the post room."""

    code = "error"
    exit_code = 1
    http_status = 500
    retry = False

    def __init__(self, **facts: object) -> None:
        super().__init__()
        self.facts = facts

    def __str__(self) -> str:
        sentence = " ".join((type(self).__doc__ or self.code).split())
        return sentence.format_map({name: Fact(value) for name, value in self.facts.items()})

    def __reduce__(self) -> tuple[object, ...]:
        from functools import partial

        return partial(type(self), **self.facts), ()


class CallerError(PostroomError):
    """The call cannot be carried out as it was made."""

    code, exit_code, http_status = "bad-request", 64, 400


class WorldError(PostroomError):
    """The post room cannot do this now."""

    code, exit_code, http_status, retry = "unavailable", 75, 503, True
