"""Who there is, and what an agent says about itself."""

from __future__ import annotations

from postroom.agent import Agent
from postroom.core.profile import Profile
from postroom.exchange import naming, presence
from postroom.exchange.desk import Desk
from postroom.http.verb import Arguments, Nothing, Verb, act, look
from postroom.store.profiles import Listed


class AgentsArguments(Arguments, frozen=True):
    """Which agents."""

    tag: str | None = None
    archived: bool = False


class ProfileArguments(Arguments, frozen=True):
    """What is changed."""

    status: str | None = None
    description: str | None = None
    auto_accept: bool | None = None
    visibility: str | None = None
    harness: str | None = None
    directory: str | None = None
    tags: list[str] | None = None
    capabilities: list[str] | None = None


class NameArguments(Arguments, frozen=True):
    """A name."""

    name: str


def profile(desk: Desk, given: ProfileArguments) -> Listed:
    """Change what is given."""
    return presence.change(desk, Profile(**{name: getattr(given, name) for name in Profile._fields}))


VERBS: list[Verb] = [
    look(
        "agents",
        AgentsArguments,
        list[Listed],
        lambda desk, given: presence.list_agents(desk, tag=given.tag, archived=given.archived),
        Agent.agents,
    ),
    look("profile", Nothing, Listed, lambda desk, _: presence.listed(desk), "How this agent is listed."),
    act("profile", ProfileArguments, Listed, profile, Agent.profile),
    act("rename", NameArguments, None, lambda desk, given: naming.rename(desk, given.name), Agent.rename),
]
