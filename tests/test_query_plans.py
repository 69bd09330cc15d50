"""Query plans: whatever the verbs of sending and receiving ask of the store is answered through an index, never by looking at all."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from postroom.core.message import Draft
from postroom.core.profile import Profile
from postroom.exchange import asking, events, handover, presence, reading, rooms, sending, sessions, tracing
from postroom.exchange.desk import open_desk

# A table of which a verb may see every row, and the statements that do; it is small, or the verb is not on these paths.
SMALL = {"store": "one row"}
SCAN = re.compile(r"SCAN (?:CONSTANT ROW|(\w+))")


class Asked(NamedTuple):
    """A statement that a verb ran, and how SQLite finds what it asks for."""

    sql: str
    plan: list[str]


@pytest.fixture
def desk(post):
    """A desk in a store with enough in it for plans to matter; SQLite has not been told how much."""
    alice, *_ = post.agents("alice", "bob", "carol")
    alice.send_many([Draft(("bob", "carol"), str(number)) for number in range(50)])
    desk = open_desk("bob", post.home, interface="sdk")
    yield desk
    desk.close()


def asked_by(desk, verb):
    """What a verb asks of the store, with its plan."""
    statements: dict[str, int] = {}

    def note(_cursor, sql, bindings):
        statements.setdefault(sql, len(bindings or ()))
        return True

    desk.database.connection.exec_trace = note
    try:
        verb(desk)
    finally:
        desk.database.connection.exec_trace = None
    for sql, count in statements.items():
        if sql.split()[0] in {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}:
            rows = desk.database.execute(f"EXPLAIN QUERY PLAN {sql}", (None,) * count)
            yield Asked(sql, [detail for *_, detail in rows])


def send(desk):
    sending.send(desk, [Draft("alice", "one"), Draft(["alice", "carol"], "two", id="x", expires_in=60, reply_within=60)])


def send_again(desk):
    sending.send(desk, [Draft("alice", "one", id="x")])
    sending.send(desk, [Draft("alice", "one", id="x")])


def send_many(desk):
    sending.send(desk, [Draft("alice", str(number)) for number in range(100)])


def reply(desk):
    sending.send(desk, [Draft("alice", "yes", reply_to="1"), Draft("alice", "no", thread="2")])


def ask(desk):
    asking.let_go(desk, asking.ask(desk, Draft("alice", "why?", reply_within=60))[1])


def take(desk):
    reading.confirm(desk, reading.take(desk, limit=2))
    reading.take(desk, limit=2, confirm=reading.take(desk, limit=2))
    reading.give_back(desk, reading.take(desk, limit=2))


def take_claimed(desk):
    reading.take(desk, limit=2, claim=1)


def look(desk):
    reading.anything(desk)
    handover.anything_free(desk)
    reading.peek(desk, limit=10)
    presence.is_attached(desk)


def lose_a_lease(desk):
    taken = reading.take(desk, limit=1)
    reading.confirm(desk, taken)
    reading.confirm(desk, taken)


def status(desk):
    tracing.status(desk, "1")
    tracing.follow(desk, "1")
    tracing.thread(desk, "1")


def session(desk):
    id = sessions.open_session(desk, Draft("alice", "talk"), claim=True).id
    sessions.close(desk, id)


def talk(desk):
    presence.set_profile(desk, Profile(auto_accept=True))
    opener = open_desk("alice", desk.database.home, interface="sdk")
    id = sessions.open_session(opener, Draft("bob", "talk")).id
    sessions.say(desk, id, Draft("", "one"))
    sessions.state(desk, int(id))
    sessions.close(opener, id)
    while taken := reading.take(desk, limit=100):
        reading.confirm(desk, taken)
    opener.close()


def hear(desk):
    alice = open_desk("alice", desk.database.home, interface="sdk")
    reading.confirm(alice, reading.take(alice, limit=50))
    alice.close()
    events.listen(desk, on=True)
    for told in events.news(desk):
        events.seen(desk, told.position)
    events.listen(desk, on=False)


def change_status(desk):
    rooms.create(desk, "dev", policy="public", description="")
    for status in ("busy", "idle"):
        presence.set_profile(desk, Profile(status=status))
    presence.set_profile(desk, Profile(visibility="hidden"))


VERBS = [send, send_again, send_many, reply, ask, take, take_claimed, look, lose_a_lease, status, session, talk, hear, change_status]
each_verb = pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)


@each_verb
def test_no_verb_looks_at_every_row(desk, verb):
    asked = list(asked_by(desk, verb))
    assert asked, "the verb asks something"
    for sql, plan in asked:
        for line in plan:
            scanned = SCAN.match(line)
            assert scanned is None or scanned[1] is None or scanned[1] in SMALL, f"{line}\n{sql}"


@each_verb
def test_no_verb_sorts(desk, verb):
    for sql, plan in asked_by(desk, verb):
        assert not [line for line in plan if "TEMP B-TREE" in line], f"{plan}\n{sql}"


def test_taking_goes_through_the_mailbox_in_its_order(desk):
    (plan,) = (plan for sql, plan in asked_by(desk, take) if sql.lstrip().startswith("SELECT") and "d.handovers" in sql)
    assert plan[0] == "SEARCH d USING INDEX mailbox (unread=?)"


def test_a_scan_is_noticed(desk):
    (asked,) = asked_by(desk, lambda desk: desk.database.execute("SELECT * FROM message WHERE body = ?", ("x",)).fetchall())
    assert SCAN.match(asked.plan[0])
    (asked,) = asked_by(desk, lambda desk: desk.database.execute("SELECT * FROM delivery ORDER BY state", ()).fetchall())
    assert any("TEMP B-TREE" in line for line in asked.plan)
