"""SQL about agents, the connections they came in by, and the processes that are attached. Who sees an agent is decided here, in `SEEN`.

A viewer is the id of an agent; the human sees every agent, 0 (nobody) what any stranger may see.
"""

from __future__ import annotations

from postroom.core.address import Name
from postroom.core.message import Provenance
from postroom.core.types import NamedTuple
from postroom.core.visibility import having
from postroom.store.database import Database


class AgentRow(NamedTuple):
    """What the rules need to know of an agent."""

    id: int
    name: Name
    kind: str
    status: str
    auto_accept: int


class AttachedRow(NamedTuple):
    """A process that wants to be woken."""

    agent: int
    id: int
    pid: int
    started: str
    socket: str | None


HUMAN = 2
AGENT = "SELECT id, name, kind, status, auto_accept FROM agent"
BY_NAME = f"{AGENT} WHERE name = ?"
BY_ID = f"{AGENT} WHERE id = ?"
SEES_ALL = f"(a.id = ?1 OR ?1 = {HUMAN})"
SEEN = f"(a.visibility IN ({having(lambda sight: sight.written_to)}) OR {SEES_ALL})"
LISTED_TO = f"(a.visibility IN ({having(lambda sight: sight.listed)}) OR {SEES_ALL})"
SEEN_BY_NAME = f"SELECT a.id, a.name, a.kind, a.status, a.auto_accept FROM agent a WHERE a.name = ?2 AND {SEEN}"
LISTED_NAMES = f"SELECT a.name FROM agent a WHERE a.kind != 'system' AND {LISTED_TO} ORDER BY a.name"
CAME = -3
"""The sender under which `meter` holds when an agent last came in by a new connection (ms). Others are not told that."""
SOCKETS = "SELECT agent, id, pid, started, socket FROM attached WHERE agent = ?"


def by_name(database: Database, name: str) -> AgentRow | None:
    """The agent of that name."""
    for row in database.execute(BY_NAME, (name,)):
        return AgentRow(*row)
    return None


def seen_by_name(database: Database, name: str, *, viewer: int) -> AgentRow | None:
    """The agent of that name, if the viewer may know of it; a ghost is there for nobody but itself and the human."""
    for row in database.execute(SEEN_BY_NAME, (viewer, name)):
        return AgentRow(*row)
    return None


def listed_names(database: Database, *, viewer: int) -> list[str]:
    """The names that the viewer may find without knowing them: never those of hidden agents and ghosts, but its own."""
    return [name for (name,) in database.execute(LISTED_NAMES, (viewer,))]


def by_id(database: Database, agent: int) -> AgentRow:
    """The agent of that id, which exists."""
    (row,) = database.execute(BY_ID, (agent,))
    return AgentRow(*row)


def names(database: Database) -> list[str]:
    """All names that were ever registered."""
    return [name for (name,) in database.execute("SELECT name FROM agent WHERE kind != 'system' ORDER BY name")]


def count(database: Database, *, ghosts: bool = False) -> int:
    """How many agents there are that are no ghosts, or how many ghosts: neither number says anything about the other."""
    ((number,),) = database.execute("SELECT count(*) FROM agent WHERE kind = 'agent' AND (visibility = 'ghost') = ?", (ghosts,))
    return int(number)


def insert(database: Database, name: str, *, kind: str, now_ms: int) -> AgentRow:
    """Register a name that is new."""
    database.execute("INSERT INTO agent (name, kind, created_ms) VALUES (?, ?, ?)", (name, kind, now_ms))
    return by_id(database, database.connection.last_insert_rowid())


def rename(database: Database, agent: int, name: str) -> None:
    """Give an agent another name, which is free."""
    database.execute("UPDATE agent SET name = ? WHERE id = ?", (name, agent))


def remember_name(database: Database, agent: int, *, ghost: bool) -> None:
    """Note what others call an agent that is a ghost from now on, or none any more: they do not learn the names that it takes as one."""
    database.execute("UPDATE agent SET known_as = iif(?, name, NULL) WHERE id = ?", (ghost, agent))


def known_name(database: Database, agent: int, *, hidden: bool) -> str:
    """The name of an agent, where only those inside see it or everybody does."""
    ((name,),) = database.execute("SELECT iif(?, name, coalesce(known_as, name)) FROM agent WHERE id = ?", (hidden, agent))
    return str(name)


def is_ghost(database: Database, agent: int) -> bool:
    """Whether nobody else may notice an agent."""
    return bool(database.execute("SELECT 1 FROM agent WHERE id = ? AND visibility = 'ghost'", (agent,)).fetchall())


def ghosts(database: Database) -> list[int]:
    """Those whom nobody else may notice."""
    return [agent for (agent,) in database.execute("SELECT id FROM agent WHERE visibility = 'ghost' ORDER BY id")]


def seen(database: Database, agent: int, *, now_ms: int) -> None:
    """Note that a process of the agent came or went."""
    database.execute("UPDATE agent SET seen_ms = ? WHERE id = ?", (now_ms, agent))


def came(database: Database, agent: int, *, now_ms: int) -> None:
    """Note that the agent is back, by whatever connection."""
    database.execute("INSERT OR REPLACE INTO meter VALUES (?, ?, ?)", (CAME, agent, now_ms))
    database.execute("UPDATE agent SET archived_ms = NULL WHERE id = ? AND archived_ms IS NOT NULL", (agent,))


def insert_provenance(database: Database, agent: int, came: Provenance, *, now_ms: int) -> int:
    """Note how an agent came in, and number it."""
    database.execute("INSERT INTO provenance (agent, interface, pid, program, since_ms) VALUES (?, ?, ?, ?, ?)", (agent, *came, now_ms))
    return database.connection.last_insert_rowid()


def interface(database: Database, provenance: int) -> str:
    """By which interface a process came in."""
    ((name,),) = database.execute("SELECT interface FROM provenance WHERE id = ?", (provenance,))
    return str(name)


def attach(database: Database, row: AttachedRow, *, now_ms: int) -> None:
    """Note that a process wants to be woken; again if it was struck off by mistake."""
    database.execute(
        "INSERT OR REPLACE INTO attached (agent, id, pid, started, socket, attached_ms) VALUES (?, ?, ?, ?, ?, ?)", (*row, now_ms)
    )


def detach(database: Database, agent: int, attached: int) -> bool:
    """Strike a process off. False if it was not there."""
    database.execute("DELETE FROM attached WHERE agent = ? AND id = ?", (agent, attached))
    return bool(database.connection.changes())


def attached_to(database: Database, agent: int) -> list[AttachedRow]:
    """The processes of one agent."""
    return [AttachedRow(*row) for row in database.execute(SOCKETS, (agent,))]


def attached_pids(database: Database) -> set[int]:
    """The process ids of all processes."""
    return {pid for (pid,) in database.execute("SELECT pid FROM attached")}


def all_attached(database: Database) -> list[AttachedRow]:
    """The processes of all agents."""
    return [AttachedRow(*row) for row in database.execute("SELECT agent, id, pid, started, socket FROM attached ORDER BY id")]
