"""What an agent says about itself: which values there are, and how long they may be. Who sees it is in core/visibility.py."""

from __future__ import annotations

from postroom.core.address import fold_name
from postroom.core.errors import BadName, BadValue, TooLarge
from postroom.core.limits import Limits
from postroom.core.message import are_texts, check_text
from postroom.core.types import TYPE_CHECKING, NamedTuple, TypedDict
from postroom.core.visibility import SIGHTS

if TYPE_CHECKING:
    from collections.abc import Collection

STATUSES = ("active", "idle", "busy")
OFFLINE = "offline"
"""Found out, not declared: no process of the agent is attached."""


class Profile(NamedTuple):
    """What an agent changes of what it says about itself; None leaves a thing as it is."""

    status: str | None = None
    description: str | None = None
    auto_accept: bool | None = None
    visibility: str | None = None
    harness: str | None = None
    directory: str | None = None
    tags: Collection[str] | None = None
    capabilities: Collection[str] | None = None


class ProfileOptions(TypedDict, total=False):
    """The fields of a profile, given by name."""

    status: str | None
    description: str | None
    auto_accept: bool | None
    visibility: str | None
    harness: str | None
    directory: str | None
    tags: Collection[str] | None
    capabilities: Collection[str] | None


def profile_with(changes: ProfileOptions) -> Profile:
    """A profile with fields given by name. Raises BadValue for a field that there is not."""
    unknown = sorted(changes.keys() - set(Profile._fields))
    if unknown:
        raise BadValue(name="a field", value=unknown[0], why=f"the fields are {', '.join(Profile._fields)}")
    return Profile(**changes)


TEXTS = ("description", "harness", "directory")


def checked_profile(profile: Profile, limits: Limits) -> Profile:
    """Check everything, and fold the tags. Raises BadValue, BadText, TooLarge."""
    if profile.status not in (None, *STATUSES):
        why = f"it is one of {', '.join(STATUSES)}; offline is found out, not declared"
        raise BadValue(name="status", value=profile.status, why=why)
    if profile.auto_accept not in (None, True, False):
        raise BadValue(name="auto_accept", value=profile.auto_accept, why="it is True or False")
    if profile.visibility not in (None, *SIGHTS):
        raise BadValue(name="visibility", value=profile.visibility, why=f"it is one of {', '.join(SIGHTS)}")
    for name in TEXTS:
        check_short(name, getattr(profile, name), limits)
    tags = None if profile.tags is None else tuple(dict.fromkeys(tag_name(text) for text in several("tags", profile.tags, limits)))
    capabilities = None if profile.capabilities is None else several("capabilities", profile.capabilities, limits)
    for text in capabilities or ():
        check_short("capability", text, limits)
    return profile._replace(tags=tags, capabilities=capabilities)


def check_short(name: str, text: str | None, limits: Limits) -> None:
    """A text about an agent is a short one."""
    if text is not None:
        check_text(name, text, limits.description_bytes, "description_bytes", advice="Say it in fewer words.")


def several(name: str, texts: Collection[str], limits: Limits) -> tuple[str, ...]:
    """A few texts. Raises BadValue, TooLarge."""
    if isinstance(texts, str) or not are_texts(texts):
        raise BadValue(name=name, value=texts, why="they are a list of texts")
    if len(texts) > limits.tags:
        raise TooLarge(part="profile", size=len(texts), unit=name, limit_name="tags", limit=limits.tags, advice="Choose the best of them.")
    return tuple(texts)


def tag_name(text: str) -> str:
    """A tag, written as names are. Raises BadValue."""
    try:
        return fold_name(text)
    except BadName:
        why = "a tag is 1 to 63 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit"
        raise BadValue(name="a tag", value=text, why=why) from None
