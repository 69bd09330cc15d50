"""Acts of several desks on one connection, in one transaction with one flush. Each succeeds or fails for itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from postroom.store.database import Database, Group

Act = Callable[[], object]


def together(database: Database, acts: Sequence[Act]) -> list[object]:
    """What each act returned, or the error that it raised. If the transaction as a whole fails, that is raised and nothing was done."""
    database.begin()
    group = database.group = Group()
    try:
        outcomes = [outcome(act) for act in acts]
    except BaseException:
        database.group = None
        database.rollback()
        raise
    database.group = None
    if not database.connection.in_transaction:  # a full or failing disk has undone all of it
        raise next(one for one in outcomes if isinstance(one, Exception))
    database.commit()
    for afterwards in group.afterwards:
        afterwards()
    if group.flushes:
        database.flush()
    return outcomes


def outcome(act: Act) -> object:
    """What an act returns, or its error."""
    try:
        return act()
    except Exception as error:  # noqa: BLE001  # of this act only: the others go on
        return error
