"""What every error is: a sentence with facts, a code for programs, and whose fault it is. The sentences are in core/errors.py."""

from __future__ import annotations


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
        return sentence.format_map(self.facts)

    def __reduce__(self) -> tuple[object, ...]:
        from functools import partial

        return partial(type(self), **self.facts), ()


class CallerError(PostroomError):
    """The call cannot be carried out as it was made."""

    code, exit_code, http_status = "bad-request", 64, 400


class WorldError(PostroomError):
    """The post room cannot do this now."""

    code, exit_code, http_status, retry = "unavailable", 75, 503, True
