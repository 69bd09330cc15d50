"""Tokens: a secret is shown once and stored nowhere, and it lets in whom it names until it expires or is revoked."""

from __future__ import annotations

import os

import pytest

from postroom.core import errors, refusals
from postroom.exchange import keeping, tokens
from postroom.exchange.desk import open_desk, open_desk_of_human
from tests.store.keepers import query

DAY_S = 86_400


@pytest.fixture
def jack(post):
    """The desk of jack."""
    desk = open_desk("jack", post.home, interface="sdk")
    yield desk
    desk.close()


@pytest.fixture
def human(post, jack):
    """The desk of the human, where jack is registered."""
    desk = open_desk_of_human(post.home, interface="sdk")
    yield desk
    desk.close()


def let_in(desk, secret):
    return tokens.check(desk.database, secret, now_ms=desk.now_ms())


def test_a_token_lets_in_the_agent_that_it_names(jack):
    made = tokens.create(jack, note="the webshop")
    assert made.secret.startswith("pr_")
    assert len(made.secret) >= 35
    bearer = let_in(jack, made.secret)
    assert bearer is not None
    assert (bearer.id, bearer.agent, bearer.name, bearer.scope) == (made.token.id, jack.agent.id, "jack", "agent")
    assert tokens.checked(jack, made.secret) == bearer


@pytest.mark.parametrize("secret", ["", "pr_", "jack", "pr_" + "x" * 43, "' OR 1=1 --", "pr_\ud800", "pr_\0"])
def test_what_is_no_token_lets_nobody_in(jack, secret):
    tokens.create(jack)
    assert let_in(jack, secret) is None
    with pytest.raises(refusals.BadToken):
        tokens.checked(jack, secret)


def test_two_tokens_have_nothing_in_common(jack):
    assert len({tokens.create(jack).secret for _ in range(20)}) == 20


def test_a_secret_is_stored_nowhere(post, jack):
    made = tokens.create(jack, note="here")
    jack.database.checkpoint(all_of_it=True)
    for name in os.listdir(post.home):
        path = f"{post.home}/{name}"
        if os.path.isfile(path):
            with open(path, "rb") as file:
                assert made.secret.encode()[3:] not in file.read(), name


def test_a_token_that_is_revoked_is_dead_at_once(jack, human):
    first, second = tokens.create(jack), tokens.create(jack)
    assert tokens.revoke(human, first.token.id).revoked_ms is not None
    assert let_in(jack, first.secret) is None
    assert let_in(jack, second.secret) is not None
    assert [token.id for token in tokens.list_tokens(jack)] == [second.token.id]
    assert [token.id for token in tokens.list_tokens(jack, gone=True)] == [first.token.id, second.token.id]


def test_a_token_that_is_revoked_twice_is_revoked_once(jack):
    made = tokens.create(jack)
    assert tokens.revoke(jack, made.token.id) == tokens.revoke(jack, made.token.id)


def test_a_number_is_never_used_again(jack):
    first = tokens.create(jack).token
    tokens.revoke(jack, first.id)
    assert tokens.create(jack).token.id > first.id


def test_a_token_expires(timed):
    desk = timed.agent("jack")._seat.desk
    made = tokens.create(desk, expires_days=1)
    timed.pass_s(DAY_S - 1)
    assert let_in(desk, made.secret) is not None
    timed.pass_s(1)
    assert let_in(desk, made.secret) is None
    assert tokens.list_tokens(desk) == []


def test_a_token_that_never_expires_does_not(timed):
    desk = timed.agent("jack")._seat.desk
    made = tokens.create(desk, expires_days=None)
    timed.pass_s(36_500 * DAY_S)
    assert let_in(desk, made.secret) is not None


def test_the_last_use_is_noted_at_most_once_a_minute(timed):
    desk = timed.agent("jack")._seat.desk
    secret = tokens.create(desk).secret
    assert tokens.list_tokens(desk)[0].used_ms is None
    uses = []
    for _ in range(4):
        tokens.note_use(desk, tokens.checked(desk, secret))
        uses.append(tokens.list_tokens(desk)[0].used_ms)
        timed.pass_s(30)
    assert uses[0] is not None
    assert [used - uses[0] for used in uses if used is not None] == [0, 0, 60_000, 60_000]


def test_an_agent_sees_and_revokes_its_own_tokens_and_the_human_all(post, jack, human):
    joe = open_desk("joe", post.home, interface="sdk")
    of_jack, of_joe = tokens.create(jack).token, tokens.create(joe).token
    assert [token.agent for token in tokens.list_tokens(jack)] == ["jack"]
    assert [token.agent for token in tokens.list_tokens(human)] == ["jack", "joe"]
    for id in (of_joe.id, 99):
        with pytest.raises(refusals.NoSuchToken, match=f"There is no token {id} of yours"):
            tokens.revoke(jack, id)
    assert tokens.revoke(human, of_jack.id).agent == "jack"
    joe.close()


def test_the_human_makes_tokens_for_others(human):
    assert tokens.create(human, "jack").token.agent == "jack"
    with pytest.raises(errors.NoSuchAgent, match="Did you mean jack"):
        tokens.create(human, "jock")


@pytest.mark.parametrize(
    "agent, scope, why",
    [
        ("jack", "admin", "an admin is the human"),
        ("human", "agent", "for the human there are admin and read"),
        ("postroom", "agent", "nobody acts as that one"),
        ("jack", "owner", "it is one of agent, read, admin"),
    ],
)
def test_a_scope_fits_whom_it_is_for(human, agent, scope, why):
    with pytest.raises(errors.BadValue, match=why):
        tokens.create(human, agent, scope=scope)
    assert tokens.list_tokens(human) == []


@pytest.mark.parametrize("days", [0, -1, 36_526, float("nan"), float("inf")])
def test_a_token_lives_for_a_time_that_there_is(jack, days):
    with pytest.raises(errors.BadValue, match="number of days"):
        tokens.create(jack, expires_days=days)


def test_a_token_goes_on_under_another_name_of_its_agent(post, jack):
    secret = tokens.create(jack).secret
    with post.connect("jack") as agent:
        agent.rename("jacques")
    assert tokens.checked(jack, secret).name == "jacques"


def test_a_restored_backup_brings_no_revoked_token_back(post, jack, human, home):
    dead, kept = tokens.create(jack), tokens.create(jack)
    keeping.back_up(post.home, str(home / "copy"))
    tokens.revoke(jack, dead.token.id)
    later = tokens.create(jack)
    keeping.restore(str(home / "copy"), post.home)
    assert let_in(human, dead.secret) is None
    assert let_in(human, kept.secret) is not None
    assert let_in(human, later.secret) is not None
    assert keeping.restore(str(home / "copy"), str(home / "elsewhere")).messages == 0
    assert query(str(home / "elsewhere"), "SELECT count(*) FROM token") == [(0,)], "one that was revoked since would be valid there"
