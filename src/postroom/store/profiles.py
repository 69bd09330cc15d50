"""SQL about what agents say about themselves, how they are listed, whether they are here, and which have been away for long."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import islice, repeat
from operator import itemgetter

from postroom.core.profile import OFFLINE, Profile
from postroom.core.types import NamedTuple, made
from postroom.core.visibility import VISIBLE
from postroom.store.agents import CAME, HUMAN, LISTED_TO
from postroom.store.database import Database, Row
from postroom.store.mailboxes import HIDDEN

GLANCE = "cli"
"""Who waits at the command line looks in now and then, and works in between: that a look ends is no going offline."""


Query = tuple[str, tuple[int | str, ...]]
"""A statement and what is bound in it."""


class Listed(NamedTuple):
    """An agent as a listing shows it. Times are ms since 1970. How much is `waiting` only the agent itself and the human are told."""

    name: str
    kind: str
    status: str
    online: bool
    waiting: int | None
    description: str
    auto_accept: bool
    seen_ms: int | None  # last attached or detached; to itself and the human also when it last began a call; None: never
    processes: int
    visibility: str
    harness: str
    directory: str
    tags: tuple[str, ...]
    capabilities: tuple[str, ...]
    archived: bool
    declared: str | None  # the status that it has said, and has again when it is here; as `paused` for itself and the human only
    paused: str | None  # why a human holds what it sends
    returned: int | None = None  # how many messages went back to their senders by the change of which this tells: it made a ghost


class Standing(NamedTuple):
    """How an agent stands with its rooms: what they were told last, and how it is."""

    visibility: str
    announced: str
    status: str


NONE = "[]"
AT_A_TIME = 500
"""So many agents become columns at a time, and remain in the processor's cache for as long: 0.8 of 10 ms for 10,000."""
SET_PROFILE = """
UPDATE agent SET status = coalesce(?, status), description = coalesce(?, description), auto_accept = coalesce(?, auto_accept),
    visibility = coalesce(?, visibility), harness = coalesce(?, harness), directory = coalesce(?, directory),
    capabilities = coalesce(?, capabilities) WHERE id = ?
"""
STANDING = f"""
SELECT a.id, a.visibility, a.announced, iif(EXISTS (
    SELECT 1 FROM attached t JOIN provenance v ON v.id = t.id WHERE t.agent = a.id AND v.interface != '{GLANCE}'
), a.status, '{OFFLINE}') AS now
FROM agent a
"""
NEAR = f"""
a.archived_ms IS NULL OR EXISTS (SELECT 1 FROM meter w WHERE w.sender = 0 AND w.recipient = a.id AND w.value % {HIDDEN} > 0)
"""
LISTED = f"""
SELECT a.name, a.id, a.kind, a.description, a.auto_accept, a.seen_ms, a.harness, a.directory, a.capabilities
FROM agent a WHERE a.kind != 'system' AND {LISTED_TO} AND ({NEAR} OR ?2)
"""
ITSELF = " AND a.id = ?1"
TAGGED = " AND a.id IN (SELECT agent FROM tag WHERE tag = ?3)"
HERE = "SELECT t.agent, a.status, count(*) FROM attached t JOIN agent a ON a.id = t.agent WHERE {} GROUP BY t.agent"
INSIDE = f"""
SELECT a.id, coalesce(w.value / {HIDDEN} + w.value % {HIDDEN}, 0), a.visibility, a.status, a.paused
FROM agent a LEFT JOIN meter w ON w.sender = 0 AND w.recipient = a.id
"""
CALLED = f"SELECT recipient, value FROM meter WHERE sender = {CAME}"
LONG_AWAY = f"""
SELECT a.id FROM agent a
LEFT JOIN meter c ON c.sender = {CAME} AND c.recipient = a.id LEFT JOIN meter w ON w.sender = 0 AND w.recipient = a.id
WHERE a.kind = 'agent' AND a.archived_ms IS NULL AND max(a.created_ms, coalesce(a.seen_ms, 0), coalesce(c.value, 0)) < ?
AND coalesce(w.value, 0) % {HIDDEN} = 0 AND NOT EXISTS (SELECT 1 FROM attached WHERE agent = a.id)
AND NOT EXISTS (SELECT 1 FROM request q JOIN message m ON m.seq = q.message WHERE q.recipient = a.id AND NOT m.hidden)
AND NOT EXISTS (SELECT 1 FROM request q JOIN message m ON m.seq = q.message WHERE q.asker = a.id AND NOT m.hidden)
"""
AWAITED = f"""
SELECT id FROM agent WHERE archived_ms IS NOT NULL
AND (SELECT value FROM meter WHERE sender = 0 AND recipient = agent.id) % {HIDDEN} > 0
"""
"""Of hidden messages nothing may be seen, also not by who is listed."""


def set_profile(database: Database, agent: int, profile: Profile) -> None:
    """Change what an agent says about itself; None leaves a thing as it is."""
    database.execute(SET_PROFILE, (*profile[:6], None if profile.capabilities is None else listed_texts(profile.capabilities), agent))
    if profile.tags is not None:
        database.execute("DELETE FROM tag WHERE agent = ?", (agent,))
        database.executemany("INSERT INTO tag VALUES (?, ?)", [(tag, agent) for tag in profile.tags])


def listed_texts(several: Collection[str]) -> str:
    """Texts as one."""
    from json import dumps  # costs 3 ms, and most agents have no capabilities

    return dumps(list(several), ensure_ascii=False)


def texts(listed: Sequence[str]) -> Iterable[tuple[str, ...]]:
    """What `listed_texts` wrote, of several agents."""
    if listed.count(NONE) == len(listed):
        return repeat(())
    from json import loads

    return map(tuple, loads(f"[{','.join(listed)}]"))


# Listing


def listing(
    database: Database, *, viewer: int, tag: str | None = None, archived: bool = True, without: Collection[int] = ()
) -> list[Listed]:
    """The agents that the viewer may find, by name, as if some processes were not attached."""
    everyone: Query = (LISTED, (viewer, archived)) if tag is None else (LISTED + TAGGED, (viewer, archived, tag))
    # By the index on names SQLite would look each row up on a page of its own: 4 ms more.
    return sorted(shown(database, everyone, viewer=viewer, archived=archived, without=without), key=itemgetter(0))


def listed(database: Database, agent: int, *, without: Collection[int] = ()) -> Listed:
    """An agent as a listing shows it to itself."""
    (found,) = shown(database, (LISTED + ITSELF, (agent, True)), viewer=agent, archived=True, without=without)
    return found


def shown(database: Database, query: Query, *, viewer: int, archived: bool, without: Collection[int]) -> list[Listed]:
    """The agents that a statement like LISTED finds, as the viewer may see them."""
    known = f"t.id NOT IN ({', '.join(map(str, without))})" if without else "true"
    here = {agent: (status, True, processes) for agent, status, processes in database.execute(HERE.format(known))}
    inside = by_agent(database.execute(INSIDE) if viewer == HUMAN else database.execute(f"{INSIDE} WHERE a.id = ?", (viewer,)))
    calls = database.execute(CALLED) if viewer == HUMAN else database.execute(f"{CALLED} AND recipient = ?", (viewer,))
    called: dict[int, int] = {agent: at_ms for agent, at_ms in calls}  # noqa: C416  # for the types
    away = {agent: (True,) for (agent,) in database.execute(f"SELECT a.id FROM agent a WHERE NOT ({NEAR})")} if archived else {}
    tagged = tags_of_all(database)
    found: list[Listed] = []
    rows = iter(database.execute(*query))  # last: a statement that is under way while another one fails would hold the store
    # Column by column, and of what few have only theirs: no code of Python runs for most values. So 10,000 agents take 9 ms and not 24.
    while some := [*islice(rows, AT_A_TIME)]:
        names, ids, kinds, words, accepts, seen, harnesses, directories, capabilities = zip(*some, strict=True)
        status, online, processes = columns(here, ids, (OFFLINE, False, 0))
        waiting, visibility, declared, paused = columns(inside, ids, (None, VISIBLE, None, None))
        (tags,) = columns(tagged, ids, ((),))
        (archives,) = columns(away, ids, (False,))
        if not called.keys().isdisjoint(ids):
            seen = tuple(max(at or 0, called.get(agent, 0)) or None for agent, at in zip(ids, seen, strict=True))
        found += made(Listed, zip(
            names, kinds, status, online, waiting, words, map(bool, accepts), seen, processes, visibility,
            harnesses, directories, tags, texts(capabilities), archives, declared, paused, repeat(None), strict=False,
        ))  # fmt: skip
    return found


def columns(found: dict[int, Row], agents: Sequence[int], absent: Row) -> Iterable[Iterable[object]]:
    """What was found of each of some agents, column by column; what is `absent` stands for those of whom nothing was."""
    if not found or found.keys().isdisjoint(agents):
        return map(repeat, absent)
    return zip(*map(found.get, agents, repeat(absent)), strict=True)


def by_agent(rows: Iterable[Row]) -> dict[int, Row]:
    """What follows the agent in rows."""
    return {row[0]: row[1:] for row in rows}


def tags_of_all(database: Database) -> dict[int, Row]:
    """The tags of all agents that have any."""
    found: dict[int, list[str]] = {}
    for agent, tag in database.execute("SELECT agent, tag FROM tag ORDER BY tag"):
        found.setdefault(agent, []).append(tag)
    return {agent: (tuple(tags),) for agent, tags in found.items()}


# Presence


def standing(database: Database, agent: int) -> Standing:
    """How an agent stands with its rooms."""
    ((_, *row),) = database.execute(f"{STANDING} WHERE a.id = ?", (agent,))
    return Standing(*row)


def unannounced(database: Database) -> list[int]:
    """The agents whose rooms were told another status than they have. There are some when a process died at the wrong moment."""
    return [agent for (agent,) in database.execute(f"SELECT id FROM ({STANDING}) WHERE announced != now")]


def set_announced(database: Database, agent: int, status: str) -> None:
    """Note what the rooms of an agent have been told."""
    database.execute("UPDATE agent SET announced = ? WHERE id = ?", (status, agent))


def rejoin(database: Database, agent: int, *, now_ms: int) -> None:
    """Let an agent be the newest member of its rooms: it was not seen there for a while."""
    database.execute("UPDATE member SET joined_ms = ? WHERE agent = ?", (now_ms, agent))


# Archiving


def long_away(database: Database, *, before_ms: int) -> list[int]:
    """The agents that have not been here for long, and for whom nothing waits."""
    return [agent for (agent,) in database.execute(LONG_AWAY, (before_ms,))]


def awaited(database: Database) -> list[int]:
    """The archived agents for whom something waits."""
    return [agent for (agent,) in database.execute(AWAITED)]


def set_archived(database: Database, agents: list[int], since_ms: int | None) -> None:
    """Leave agents out of listings since a time, or take them in again."""
    database.executemany("UPDATE agent SET archived_ms = ? WHERE id = ?", [(since_ms, agent) for agent in agents])
