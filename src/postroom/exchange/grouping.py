"""Acts of several desks on one connection, in one transaction. Each succeeds or fails for itself; flushing is the caller's matter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from postroom.core.types import NamedTuple
from postroom.store.database import Database, Group

Act = Callable[[], object]


class Outcome(NamedTuple):
    """What an act returned, or the error that it raised; and whether it counts only when the disk has been flushed."""

    value: object
    flushes: bool = False


def together(database: Database, acts: Sequence[Act], *, patient: bool = True) -> list[Outcome]:
    """Do acts in one transaction, and commit it. If it fails as a whole, that is raised and nothing was done.

    Unless `patient`, StoreBusy is raised at once while another process writes.
    """
    database.begin(patient=patient)
    group = database.group = Group()
    try:
        outcomes = [outcome(group, act) for act in acts]
    except BaseException:
        database.group = None
        database.rollback()
        raise
    database.group = None
    if not database.connection.in_transaction:  # a full or failing disk has undone all of it
        raise next(one.value for one in outcomes if isinstance(one.value, Exception))
    database.commit()
    for afterwards in group.afterwards:
        afterwards()
    return outcomes


def outcome(group: Group, act: Act) -> Outcome:
    """What comes of an act."""
    group.flushes = False
    try:
        return Outcome(act(), group.flushes)
    except Exception as error:  # noqa: BLE001  # of this act only: the others go on
        return Outcome(error)
