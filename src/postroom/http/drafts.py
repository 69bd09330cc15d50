"""What is to be sent, as it comes by HTTP: the keywords of the SDK's `send`. Files were sent before, and are named by their hash."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from postroom.core.address import EVERYONE, fold_name
from postroom.core.message import Draft
from postroom.core.refusals import NotYourName
from postroom.http.verb import Arguments

Ref = str | int
ALL = "all"
"""How the bus of the article calls everyone, in capitals."""


class FileArguments(Arguments, frozen=True):
    """A file that was uploaded before, or that the caller may see."""

    name: str
    sha256: str


class Options(Arguments, frozen=True):
    """How a message is sent."""

    subject: str = ""
    thread: Ref | None = None
    reply_to: Ref | None = None
    urgency: str = "next"
    reply_within: float | None = None
    expires_in: float | None = None
    files: list[FileArguments] = []
    id: str | None = None
    create: bool = False
    follow: bool = False


class SendArguments(Options, frozen=True, kw_only=True):
    """A message. `to` is one name or several, a `#room`, `@all` (also written ALL) or `@tag:x`; `from`, if given, is the caller's name."""

    to: str | list[str] = ""
    body: str = ""
    sender: str | None = msgspec.field(name="from", default=None)
    claim: bool = False  # at a named seat: its answers come only to who takes with the handle that is returned


class SendManyArguments(Arguments, frozen=True):
    """Several messages, of which all are sent or none."""

    drafts: list[SendArguments]


def checked_sender(given: SendArguments, name: str) -> None:
    """Raise NotYourName if a message says that it is from somebody else: its sender is who sends it."""
    if given.sender is not None and given.sender != name and fold_name(given.sender) != name:
        raise NotYourName(name=name, act="send", other=given.sender[:100])


def draft(given: SendArguments, paths: Sequence[str] = ()) -> Draft:
    """A message as the exchange takes it; `paths` are those of its files."""
    everyone = isinstance(given.to, str) and given.to.strip().lower() == ALL
    return drafted(given, EVERYONE if everyone else given.to, given.body, paths)


def drafted(given: Options, to: str | list[str], body: str, paths: Sequence[str]) -> Draft:
    """A message with these options."""
    return Draft(
        to, body, given.subject, given.thread, given.reply_to, given.urgency, given.reply_within, given.expires_in, paths,
        given.id, given.create, given.follow,
    )  # fmt: skip
