"""SQL about tokens. Only the hash of a secret is stored; a token that was revoked keeps its row, so that its number means nothing else."""

from __future__ import annotations

from postroom.core.types import NamedTuple
from postroom.store.agents import HUMAN
from postroom.store.database import Database


class Token(NamedTuple):
    """A token as its owner sees it: everything but the secret. Times are ms since 1970."""

    id: int
    agent: str
    scope: str
    note: str
    created_ms: int
    expires_ms: int | None
    used_ms: int | None
    revoked_ms: int | None


class Bearer(NamedTuple):
    """Who comes in with a token, and what it may do. `agent` is the row of the agent."""

    id: int
    agent: int
    name: str
    kind: str
    scope: str
    expires_ms: int | None
    used_ms: int | None


BEARER = """
SELECT t.id, t.agent, a.name, a.kind, t.scope, t.expires_ms, t.used_ms FROM token t JOIN agent a ON a.id = t.agent
WHERE t.sha256 = ? AND t.revoked_ms IS NULL AND (t.expires_ms IS NULL OR t.expires_ms > ?)
"""
ROWS = """
SELECT t.id, a.name, t.scope, t.note, t.created_ms, t.expires_ms, t.used_ms, t.revoked_ms FROM token t JOIN agent a ON a.id = t.agent
"""
OWN = f"(t.agent = ?1 OR ?1 = {HUMAN})"
LIVE = "t.revoked_ms IS NULL AND (t.expires_ms IS NULL OR t.expires_ms > ?2)"
INSERT = "INSERT INTO token (sha256, agent, scope, note, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?)"


def bearer(database: Database, sha256: str, *, now_ms: int) -> Bearer | None:
    """Whose token has that hash, if it is valid now."""
    for row in database.execute(BEARER, (sha256, now_ms)):
        return Bearer(*row)
    return None


def listing(database: Database, *, viewer: int, now_ms: int, gone: bool) -> list[Token]:
    """The tokens of the viewer, or all for the human, in the order of their making; those that are gone as well, if told."""
    sql = f"{ROWS} WHERE {OWN} AND (?3 OR {LIVE}) ORDER BY t.id"
    return [Token(*row) for row in database.execute(sql, (viewer, now_ms, gone))]


def one(database: Database, id: int, *, viewer: int) -> Token | None:
    """A token of the viewer; any for the human."""
    for row in database.execute(f"{ROWS} WHERE {OWN} AND t.id = ?2", (viewer, id)):
        return Token(*row)
    return None


def count(database: Database, agent: int, *, now_ms: int) -> int:
    """How many valid tokens an agent has."""
    ((number,),) = database.execute(f"SELECT count(*) FROM token t WHERE t.agent = ?1 AND {LIVE}", (agent, now_ms))
    return int(number)


def insert(database: Database, sha256: str, agent: int, fresh: Token) -> int:
    """Keep the hash of a new token. Returns its number."""
    database.execute(INSERT, (sha256, agent, fresh.scope, fresh.note, fresh.created_ms, fresh.expires_ms))
    return database.connection.last_insert_rowid()


def revoke(database: Database, id: int, *, now_ms: int) -> None:
    """Let a token be valid no more."""
    database.execute("UPDATE token SET revoked_ms = ? WHERE id = ? AND revoked_ms IS NULL", (now_ms, id))


def use(database: Database, id: int, *, now_ms: int) -> None:
    """Note that a token was used."""
    database.execute("UPDATE token SET used_ms = ? WHERE id = ?", (now_ms, id))
