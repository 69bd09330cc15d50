"""Rooms: who may do what in which room, how one gets in and out, and that nobody notices what is secret."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from postroom.agent import Agent
from postroom.aio import connect_async
from postroom.core import errors
from postroom.core.profile import Profile
from postroom.core.room import RULES, Act, Policy, Role, as_markdown, may, next_names, roles
from postroom.exchange import events, presence
from postroom.exchange import rooms as exchange
from postroom.store import rooms as stored
from tests.inside import desk_of
from tests.times import Timed

PAGE = Path(__file__).resolve().parent.parent / "docs" / "rooms.md"
POLICIES = ("public", "private", "secret")
ROLES = ("outsider", "invited", "member", "owner", "human")

# Who may do it in a public, a private and a secret room: the articles' table and what follows from it, once more by hand.
ALL = "outsider invited member owner human"
MAY = {
    "find it": (ALL, ALL, "invited member owner human"),
    "join it": (ALL, "invited member owner human", "invited member owner human"),
    "read its history": (ALL, "member owner human", "member owner human"),
    "send to it": ("member owner", "member owner", "member owner"),
    "see its members": (ALL, "member owner human", "member owner human"),
    "invite others": ("member owner human", "member owner human", "owner human"),
    "set its topic": ("member owner human",) * 3,
    "describe it or close it further": ("owner human",) * 3,
    "remove somebody": ("owner human",) * 3,
    "hand it over": ("owner human",) * 3,
    "destroy it": ("owner human",) * 3,
    "decline an invitation": ("invited",) * 3,
    "mute it": ("member owner",) * 3,
    "leave it": ("member owner",) * 3,
}
VERBS = {
    "find it": lambda me: me.room("dev"),
    "join it": lambda me: me.join("dev"),
    "read its history": lambda me: me.history(peer="#dev"),
    "send to it": lambda me: me.send("#dev", "hello"),
    "see its members": lambda me: me.members("dev"),
    "invite others": lambda me: me.invite("dev", "frank"),
    "set its topic": lambda me: me.set_topic("dev", "now"),
    "describe it or close it further": lambda me: me.describe_room("dev", description="new"),
    "remove somebody": lambda me: me.kick("dev", "gina"),
    "hand it over": lambda me: me.transfer("dev", "gina"),
    "destroy it": lambda me: me.destroy_room("dev"),
    "decline an invitation": lambda me: me.decline_invitation("dev", "no"),
    "mute it": lambda me: me.mute("dev"),
    "leave it": lambda me: me.leave("dev"),
}
REFUSALS = {
    "join it": errors.NotInvited,
    "decline an invitation": errors.NotInvited,
    **dict.fromkeys(
        ("read its history", "send to it", "see its members", "invite others", "set its topic", "mute it", "leave it"), errors.NotAMember
    ),
    **dict.fromkeys(("describe it or close it further", "remove somebody", "hand it over", "destroy it"), errors.NotTheOwner),
}


@pytest.fixture
def people(post):
    """One agent in each role, in rooms yet to be made; frank is in none of them, gina is a member of all."""
    names = ("outsider", "invited", "member", "owner", "frank", "gina")
    return dict(zip(names, post.agents(*names), strict=True)) | {"human": Timed(post).human()}


def furnish(people: dict[str, Agent], policy: str, name: str = "dev") -> None:
    """A room with a member, an invited and an owner."""
    people["owner"].create_room(name, policy=policy)
    people["owner"].invite(name, "member", "invited", "gina")
    people["gina"].join(name)
    people["member"].join(name)


def notices(agent: Agent) -> list[tuple[str, str]]:
    """What the post room told an agent since the last time."""
    return [(message.subject.removeprefix("notice: "), message.body) for message in agent.inbox() if message.sender == "postroom"]


def happened(agent: Agent) -> list[tuple[str, str]]:
    """The events that an agent is told of, and about whom they are; not how busy everybody is."""
    told = [one.event for one in events.news(desk_of(agent))]
    return [(event.what, event.agent) for event in told if event.what != "member_status"]


# The table


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("policy", POLICIES)
def test_each_cell_of_the_room_table(policy, role, verb, people):
    furnish(people, policy)
    me = people[role]
    if role in MAY[verb][POLICIES.index(policy)].split():
        VERBS[verb](me)
        return
    refusal = errors.NotTheOwner if (verb, policy) == ("invite others", "secret") else REFUSALS.get(verb)
    if role not in MAY["find it"][POLICIES.index(policy)].split():
        refusal = errors.NoSuchRoom
    assert refusal is not None
    with pytest.raises(refusal) as refused:
        VERBS[verb](me)
    assert "'dev'" in str(refused.value)
    assert refused.value.exit_code == (67 if refusal is errors.NoSuchRoom else 77)


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("policy", Policy)
def test_the_table_is_the_one_written_by_hand(policy, act):
    allowed = MAY[act][POLICIES.index(policy)].split()
    assert [role for role in ROLES if may(act, policy, [Role(role)])] == [role for role in ROLES if role in allowed]
    assert set(RULES[act]) == set(Policy)


def test_the_page_about_rooms_shows_the_table():
    assert as_markdown() in PAGE.read_text(encoding="utf-8")


def test_every_act_is_in_the_table():
    assert set(RULES) == set(Act) == {Act(act) for act in MAY}


def test_an_agent_can_have_several_roles():
    assert roles(member=True, owner=True, invited=False, human=True) == ("owner", "member", "human")
    assert roles(member=False, owner=False, invited=False, human=False) == ("outsider",)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_listing_says_what_each_may_know(policy, people):
    furnish(people, policy)
    people["owner"].describe_room("dev", description="work")
    people["owner"].set_topic("dev", "now")
    for role in ROLES:
        found = [room for room in people[role].rooms() if room.name == "dev"]
        if role not in MAY["find it"][POLICIES.index(policy)].split():
            assert found == []
            continue
        (room,) = found
        knows = role in MAY["join it"][POLICIES.index(policy)].split()
        sees = role in MAY["see its members"][POLICIES.index(policy)].split()
        assert (room.policy, room.role) == (policy, role)
        assert (room.description, room.topic) == (("work", "now") if knows else ("", ""))
        assert (room.members, room.owner) == ((3, "owner") if sees else (None, None))
        assert people[role].room("#DEV") == room


def test_a_room_must_have_a_name_and_a_policy(post):
    (alice,) = post.agents("alice")
    for name in ("", "#", "two words", "a/b", None):
        with pytest.raises(errors.BadName):
            alice.create_room(name)
    with pytest.raises(errors.BadValue, match="public, private, secret"):
        alice.create_room("dev", policy="open")
    with pytest.raises(errors.TooLarge):
        alice.create_room("dev", description="x" * 1001)
    assert alice.create_room(" #Dev ").name == "dev"


@pytest.mark.parametrize("policy", POLICIES)
def test_the_name_of_a_room_that_one_sees_is_taken(policy, people):
    furnish(people, policy)
    for role in ROLES if policy != "secret" else ROLES[1:]:
        with pytest.raises(errors.RoomTaken, match="'dev'"):
            people[role].create_room("dev")


def test_unknown_rooms_are_errors_that_quote_the_name(post):
    (alice,) = post.agents("alice")
    alice.create_room("development")
    for verb in VERBS.values():
        with pytest.raises(errors.NoSuchRoom, match="'dev'"):
            verb(alice)
    with pytest.raises(errors.NoSuchRoom, match=r"'developmemt'\. Did you mean development\?"):
        alice.join("#developmemt")


# What is secret


def test_a_secret_room_is_refused_as_a_name_never_used(people):
    furnish(people, "secret")
    outsider = people["outsider"]
    outsider.create_room("deu")
    for verb in VERBS.values():
        with pytest.raises(errors.NoSuchRoom) as refused:
            verb(outsider)
        assert str(refused.value) == "There is no room 'dev'. Did you mean deu? See: postroom rooms."
    assert [room.name for room in outsider.rooms()] == ["deu"]


def test_a_secret_room_reserves_no_name(people):
    furnish(people, "secret")
    notices(people["invited"])
    made = people["outsider"].create_room("dev")
    assert (made.name, made.members, made.owner) == ("dev", 1, "outsider")
    told = ("room-renamed", "The room #dev is called #dev-2 now, as somebody who cannot see it has taken its name.")
    for role in ("invited", "member", "owner"):
        assert [room.name for room in people[role].rooms()] == ["dev", "dev-2"]
        assert told in notices(people[role])
    assert notices(people["outsider"]) == []
    people["invited"].join("dev-2")


def test_a_secret_room_that_makes_way_may_make_another_one_make_way(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    alice.create_room("dev", policy="secret")
    bob.create_room("dev-2", policy="secret")
    bob.create_room("dev-3")
    carol.create_room("dev")
    assert [room.name for room in alice.rooms()] == ["dev", "dev-2", "dev-3"]
    assert [room.name for room in bob.rooms()] == ["dev", "dev-2-2", "dev-3"]


def test_long_names_make_way_too(post):
    alice, bob = post.agents("alice", "bob")
    name = "x" * 61 + "-2"
    alice.create_room(name, policy="secret")
    bob.create_room(name)
    assert [room.name for room in alice.rooms()] == [name, "x" * 61 + "-3"]
    assert all(len(one) == 63 for one, _ in zip(next_names(name), range(20), strict=False))


def test_what_a_stranger_sees_is_what_an_outsider_sees(people):
    for policy in POLICIES:
        furnish(people, policy, policy)
    database = people["owner"]._seat.desk.database
    assert stored.seen_names(database, viewer=0) == [room.name for room in people["outsider"].rooms()] == ["private", "public"]


# Coming and going


def test_who_joins_hears_who_is_there_and_the_others_hear_of_it_once(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    alice.create_room("dev")
    bob.join("dev")
    carol.profile(status="busy")
    carol.join("dev")
    bob.profile(status="idle")
    assert happened(alice) == [("member_joined", "bob"), ("member_joined", "carol")]
    assert happened(bob)[:2] == [("room_members", "bob"), ("member_joined", "carol")]
    assert happened(carol)[:1] == [("room_members", "carol")]
    ((text,),) = carol._seat.desk.database.execute(
        "SELECT text FROM event WHERE what = 'room_members' AND target = ?", (carol._seat.desk.agent.id,)
    )
    assert json.loads(text) == {"alice": "active", "bob": "active"}


def test_joining_again_changes_nothing(post):
    alice, bob = post.agents("alice", "bob")
    alice.create_room("dev")
    assert bob.join("dev") == bob.join("dev")
    assert happened(alice) == [("member_joined", "bob")]
    assert happened(bob) == [("room_members", "bob")]
    assert [(member.name, member.role) for member in alice.members("dev")] == [("alice", "owner"), ("bob", "member")]


def test_leaving_is_heard_by_the_others_once(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    alice.create_room("dev")
    bob.join("dev")
    carol.join("dev")
    bob.leave("dev")
    assert happened(alice)[-1] == ("member_left", "bob")
    assert happened(carol)[-1] == ("member_left", "bob")
    assert happened(bob) == [("room_members", "bob")]
    with pytest.raises(errors.NotAMember):
        bob.leave("dev")


def test_who_comes_later_hears_nothing_of_before(post):
    alice, bob = post.agents("alice", "bob")
    alice.create_room("dev")
    alice.set_topic("dev", "one")
    bob.join("dev")
    alice.set_topic("dev", "two")
    alice.set_topic("dev", "two")
    assert happened(bob) == [("room_members", "bob"), ("topic", "alice")]


def test_an_owner_who_leaves_hands_the_room_to_the_longest_member(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    alice.create_room("dev")
    bob.join("dev")
    carol.join("dev")
    alice.leave("dev")
    assert carol.room("dev").owner == "bob"
    assert notices(bob) == [("room-yours", "The room #dev is yours now: its owner left.")]
    assert notices(carol) == []
    bob.kick("dev", "carol")
    alice.join("dev")
    assert alice.room("dev").role == "member"


def test_a_room_ends_with_its_last_member(post):
    alice, bob = post.agents("alice", "bob")
    alice.create_room("dev", policy="private")
    alice.invite("dev", "bob")
    alice.leave("dev")
    assert bob.rooms() == []
    with pytest.raises(errors.NoSuchRoom):
        bob.join("dev")
    assert bob.create_room("dev").role == "owner"


def test_the_number_of_a_room_is_never_used_again(post):
    alice, bob = post.agents("alice", "bob")
    numbers = set()
    for _ in range(3):
        alice.create_room("dev")
        bob.join("dev")
        numbers |= {row.room.id for row in stored.listing(alice._seat.desk.database, viewer=2)}
        alice.destroy_room("dev")
    assert len(numbers) == 3
    assert happened(bob) == [("room_members", "bob")] * 3


# Hidden agents and ghosts


def be(agent: Agent, visibility: str) -> None:
    """Let an agent be visible, hidden or a ghost."""
    presence.set_profile(desk_of(agent), Profile(visibility=visibility))


@pytest.mark.parametrize("policy", ["public", "private"])
def test_hidden_members_are_seen_by_members_and_ghosts_by_nobody(policy, people):
    furnish(people, policy)
    be(people["member"], "hidden")
    be(people["gina"], "ghost")
    seen = {role: [member.name for member in people[role].members("dev")] for role in ("owner", "human", "member", "gina")}
    assert seen["owner"] == seen["member"] == ["owner", "member"]
    assert seen["human"] == seen["gina"] == ["owner", "gina", "member"]
    assert [people[role].room("dev").members for role in ("owner", "human", "member", "gina")] == [2, 3, 2, 3]
    if policy == "public":
        assert [member.name for member in people["outsider"].members("dev")] == ["owner"]
        assert people["outsider"].room("dev").members == 1


def test_an_owner_is_named_to_those_who_see_it(people):
    furnish(people, "public")
    be(people["owner"], "hidden")
    assert [people[role].room("dev").owner for role in ("owner", "member", "human", "outsider")] == ["owner", "owner", "owner", None]


def test_nobody_hears_of_a_ghost(post):
    alice, bob, ghost = post.agents("alice", "bob", "ghost")
    be(ghost, "ghost")
    alice.create_room("dev")
    ghost.join("dev")
    bob.join("dev")
    ghost.leave("dev")
    assert happened(alice) == [("member_joined", "bob")]
    ((text,),) = bob._seat.desk.database.execute("SELECT text FROM event WHERE target = ?", (bob._seat.desk.agent.id,))
    assert text == '{"alice":"active"}'
    assert happened(bob) == [("room_members", "bob")]


def test_a_ghost_can_be_neither_invited_nor_removed_nor_made_owner(people):
    furnish(people, "secret")
    be(people["gina"], "ghost")
    be(people["frank"], "hidden")
    owner = people["owner"]
    for verb in (owner.invite, owner.kick, owner.transfer):
        with pytest.raises(errors.NoSuchAgent) as refused:
            verb("dev", "gina")
        with pytest.raises(errors.NoSuchAgent) as unknown:
            verb("dev", "gino")
        assert str(refused.value) == str(unknown.value).replace("gino", "gina")
    assert [one.state for one in owner.invite("dev", "frank")] == ["invited"]
    people["human"].kick("dev", "gina")
    assert happened(owner) == [("member_joined", "member"), ("member_left", "gina")]


def test_a_ghost_does_nothing_that_outsiders_could_see(people):
    furnish(people, "public")
    gina = people["gina"]
    be(gina, "ghost")
    for policy in ("public", "private"):
        with pytest.raises(errors.GhostsLeaveNoTrace, match=policy):
            gina.create_room("ops", policy=policy)
    with pytest.raises(errors.GhostsLeaveNoTrace, match="topic"):
        gina.set_topic("dev", "boo")
    gina.create_room("ops", policy="secret")
    gina.set_topic("ops", "boo")
    with pytest.raises(errors.BadValue, match="secret"):
        people["human"].transfer("dev", "gina")
    people["human"].join("ops")
    people["human"].transfer("ops", "human")


def test_an_owner_that_becomes_a_ghost_gives_its_rooms_up_but_the_secret_ones(post):
    alice, bob = post.agents("alice", "bob")
    for policy in POLICIES:
        alice.create_room(policy, policy=policy)
    alice.create_room("alone")
    alice.invite("private", "bob")
    bob.join("public")
    bob.join("private")
    be(alice, "ghost")
    assert [(room.name, room.owner) for room in alice.rooms()] == [("private", "bob"), ("public", "bob"), ("secret", "alice")]


def test_a_ghost_neither_keeps_a_room_nor_inherits_it(post):
    alice, ghost = post.agents("alice", "ghost")
    alice.create_room("dev")
    be(ghost, "ghost")
    ghost.join("dev")
    alice.leave("dev")
    assert alice.rooms() == ghost.rooms() == []
    (told,) = ghost.inbox()
    assert (told.body, told.number) == ("The room #dev is no more: its owner left.", 0)


def test_notices_about_secret_rooms_have_no_number(people):
    furnish(people, "secret")
    furnish(people, "public", "ops")
    found = {message.body.partition("#")[2][:3]: message.number > 0 for message in people["invited"].inbox()}
    assert found == {"dev": False, "ops": True}


# Invitations


def test_an_invitation_says_how_to_join_and_how_to_decline(post):
    alice, bob = post.agents("alice", "bob")
    alice.create_room("dev", policy="private", description="work")
    assert [(one.agent, one.state) for one in alice.invite("dev", "bob")] == [("bob", "invited")]
    words = 'alice invites you to the room #dev: work\nTo join: postroom join dev\nTo decline: postroom room decline dev "why"'
    assert notices(bob) == [("invited", words)]


@pytest.mark.parametrize("policy", ["private", "secret"])
def test_an_invitation_is_needed_and_used_up(policy, post):
    alice, bob = post.agents("alice", "bob")
    alice.create_room("dev", policy=policy)
    with pytest.raises((errors.NotInvited, errors.NoSuchRoom)):
        bob.join("dev")
    alice.invite("dev", "bob")
    assert bob.join("dev").role == "member"
    bob.leave("dev")
    with pytest.raises((errors.NotInvited, errors.NoSuchRoom)):
        bob.join("dev")


def test_an_invitation_is_not_touched_by_other_joins(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    for name in ("dev", "ops"):
        alice.create_room(name, policy="private")
        alice.invite(name, "bob", "carol")
    carol.join("dev")
    bob.join("ops")
    assert [(room.name, room.role) for room in bob.rooms()] == [("dev", "invited"), ("ops", "member")]
    bob.join("dev")


def test_a_declined_invitation_is_gone_and_the_inviter_is_told_why(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    alice.create_room("dev", policy="private")
    alice.invite("dev", "carol")
    carol.join("dev")
    carol.invite("dev", "bob")
    bob.decline_invitation("dev", "too busy")
    assert notices(carol)[-1] == ("invitation-declined", "bob declined your invitation to the room #dev: too busy")
    assert notices(alice) == []
    with pytest.raises(errors.NotInvited):
        bob.join("dev")
    with pytest.raises(errors.NotInvited):
        bob.decline_invitation("dev", "again")
    with pytest.raises(errors.BadValue, match="why"):
        bob.decline_invitation("dev", " ")


def test_who_is_in_a_room_or_invited_is_not_invited_again(post):
    alice, bob, carol = post.agents("alice", "bob", "carol")
    alice.create_room("dev")
    bob.join("dev")
    assert [one.state for one in alice.invite("dev", "bob", "carol", "carol")] == ["member", "invited"]
    assert [one.state for one in bob.invite("dev", "carol", "alice")] == ["already-invited", "member"]
    assert len(notices(carol)) == 1
    assert notices(bob) == []


def test_nobody_is_invited_when_one_name_is_unknown(post):
    alice, bob = post.agents("alice", "bob")
    alice.create_room("dev", policy="private")
    for names, error in ((("bob", "bop"), errors.NoSuchAgent), ((), errors.BadValue), (("bob", "postroom"), errors.ReservedName)):
        with pytest.raises(error):
            alice.invite("dev", *names)
    with pytest.raises(errors.TooLarge, match="recipients"):
        alice.invite("dev", *(f"bob{number}" for number in range(101)))
    assert notices(bob) == []
    with pytest.raises(errors.NotInvited):
        bob.join("dev")


def test_an_invitation_that_a_full_mailbox_refuses_is_named(post):
    post.configure("[limits]\nwaiting = 1\n")
    alice, bob, _ = post.agents("alice", "bob", "carol")
    alice.send("bob", "full")
    alice.create_room("dev", policy="private")
    found = alice.invite("dev", "bob", "carol")
    assert [(one.agent, one.state) for one in found] == [("bob", "refused"), ("carol", "invited")]
    assert str(found[0].reason).startswith("mailbox-full")
    with pytest.raises(errors.NotInvited):
        bob.join("dev")


def test_an_invitation_that_nobody_could_be_told_of_is_an_error(post):
    post.configure("[limits]\nwaiting = 1\n")
    alice, bob = post.agents("alice", "bob")
    alice.send("bob", "full")
    alice.create_room("dev")
    with pytest.raises(errors.MailboxFull, match="'bob'"):
        alice.invite("dev", "bob")
    assert bob.room("dev").role == "outsider"


# What owners do


def test_who_is_removed_has_no_rights_any_more_at_once(people):
    furnish(people, "private")
    member = people["member"]
    assert member.members("dev")
    notices(member)
    people["owner"].kick("dev", "member", "another project")
    assert notices(member) == [("kicked", "owner removed you from the room #dev: another project")]
    for act in (member.members, member.leave, member.mute):
        with pytest.raises(errors.NotAMember):
            act("dev")
    with pytest.raises(errors.NotInvited):
        member.join("dev")
    assert happened(people["gina"])[-1] == ("member_left", "member")
    assert member.room("dev").role == "outsider"


def test_an_invitation_can_be_taken_back(people):
    furnish(people, "secret")
    notices(people["invited"])
    people["owner"].kick("dev", "invited")
    assert notices(people["invited"]) == [("uninvited", "owner took your invitation to the room #dev back.")]
    with pytest.raises(errors.NoSuchRoom):
        people["invited"].join("dev")


def test_only_who_is_there_can_be_removed(people):
    furnish(people, "public")
    owner = people["owner"]
    with pytest.raises(errors.NotInRoom, match="There is no 'frank' in the room 'dev'"):
        owner.kick("dev", "frank")
    with pytest.raises(errors.NoSuchAgent, match=r"'frang'\. Did you mean frank\?"):
        owner.kick("dev", "frang")
    with pytest.raises(errors.BadValue, match="leave the room"):
        owner.kick("dev", "owner")


def test_a_room_whose_owner_the_human_removes_goes_to_the_longest_member(people):
    furnish(people, "private")
    people["human"].kick("dev", "owner", "enough")
    assert people["gina"].room("dev").owner == "gina"
    assert notices(people["owner"]) == [("kicked", "human removed you from the room #dev: enough")]


def test_a_room_is_handed_over_to_a_member(people):
    furnish(people, "public")
    owner, member = people["owner"], people["member"]
    with pytest.raises(errors.NotInRoom, match="'frank'"):
        owner.transfer("dev", "frank")
    notices(member)
    owner.transfer("dev", "member")
    owner.mute("dev")
    assert notices(member) == [("room-yours", "The room #dev is yours now: owner handed it to you.")]
    assert (owner.room("dev").role, member.room("dev").role) == ("member", "owner")
    with pytest.raises(errors.NotTheOwner):
        owner.destroy_room("dev")
    member.transfer("dev", "member")
    assert notices(member) == []


def test_the_members_of_a_destroyed_room_are_told(people):
    furnish(people, "secret")
    notices(people["member"])
    people["owner"].destroy_room("dev", "done")
    assert notices(people["member"]) == [("room-ended", "The room #dev is no more: owner destroyed it: done")]
    assert notices(people["owner"]) == []
    for role in ROLES:
        with pytest.raises(errors.NoSuchRoom):
            people[role].room("dev")


def test_a_room_is_closed_further_and_never_opened_again(people):
    furnish(people, "public")
    owner, outsider = people["owner"], people["outsider"]
    assert owner.describe_room("dev", policy="private", description="work").description == "work"
    with pytest.raises(errors.NotInvited):
        outsider.join("dev")
    assert owner.describe_room("dev", policy="secret").description == "work"
    with pytest.raises(errors.NoSuchRoom):
        outsider.room("dev")
    for policy in ("public", "private"):
        with pytest.raises(errors.BadValue, match="among its members"):
            owner.describe_room("dev", policy=policy)
    assert owner.describe_room("dev") == owner.room("dev")


def test_muting_is_for_oneself(people):
    furnish(people, "public")
    people["member"].mute("dev")
    assert [people[role].room("dev").muted for role in ("member", "owner", "outsider")] == [True, False, False]
    people["member"].mute("dev", on=False)
    assert not people["member"].room("dev").muted


def test_rooms_work_the_same_with_asyncio(post):
    async def story():
        (bob,) = post.agents("bob")
        async with connect_async("alice") as me:
            made = await me.create_room("dev", policy="private", description="work")
            assert [one.state for one in await me.invite("dev", "bob")] == ["invited"]
            bob.join("dev")
            assert (
                await me.describe_room("dev", description="play") == (await me.rooms())[0] == made._replace(description="play", members=2)
            )
            assert (await me.set_topic("dev", "now")).topic == (await me.room("dev")).topic == "now"
            await me.mute("dev")
            assert [member.name for member in await me.members("dev")] == ["alice", "bob"]
            await me.transfer("dev", "bob")
            await me.leave("dev")
            bob.invite("dev", "alice")
            await me.decline_invitation("dev", "no")
            bob.create_room("ops")
            assert (await me.join("ops")).role == "member"
            await me.create_room("mine")
            bob.join("mine")
            await me.kick("mine", "bob")
            await me.destroy_room("mine")
        assert [kind for kind, _ in notices(bob)] == ["invited", "room-yours", "invitation-declined", "kicked"]

    asyncio.run(story())


# What is bounded


def test_the_rooms_of_one_agent_are_limited(post):
    post.configure("[limits]\nrooms = 2\n")
    alice, bob = post.agents("alice", "bob")
    alice.create_room("one", policy="private")
    bob.create_room("own")
    alice.join("own")
    alice.create_room("two")
    with pytest.raises(errors.TooMany, match="limit rooms"):
        alice.create_room("three")
    with pytest.raises(errors.TooMany, match="limit rooms"):
        bob.transfer("own", "alice")


def test_the_members_of_one_room_are_limited(post):
    post.configure("[limits]\nmembers = 2\n")
    alice, bob, carol = post.agents("alice", "bob", "carol")
    alice.create_room("dev")
    bob.join("dev")
    bob.join("dev")
    with pytest.raises(errors.TooMany, match="members of #dev"):
        carol.join("dev")


def test_who_changes_much_in_a_room_is_slowed_down(timed):
    timed.post.configure("[limits]\nroom_per_minute = 3\n")
    alice, bob = timed.agents("alice", "bob")
    alice.create_room("dev")
    bob.join("dev")
    alice.invite("dev", "bob")
    alice.set_topic("dev", "one")
    alice.kick("dev", "bob")
    for verb in (lambda: alice.set_topic("dev", "two"), lambda: bob.join("dev"), lambda: alice.invite("dev", "bob")):
        with pytest.raises(errors.TooFast, match="room_per_minute"):
            verb()
    alice.leave("dev")


@pytest.mark.slow
def test_a_thousand_agents_fit_into_one_room(post):
    (alice,) = post.agents("alice")
    alice.create_room("dev")
    database = alice._seat.desk.database
    with alice._seat.desk.posting() as posting:
        database.execute(
            "INSERT INTO agent (name, kind, created_ms) WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1500)"
            " SELECT 'agent-' || x, 'agent', 0 FROM n"
        )
        for (agent,) in database.execute("SELECT id FROM agent WHERE name LIKE 'agent-%'").fetchall():
            stored.join(database, 1, agent, now_ms=posting.now_ms)
    (bob,) = post.agents("bob")
    assert bob.join("dev").members == len(bob.members("dev")) == 1502
    ((text,),) = database.execute("SELECT text FROM event WHERE what = 'room_members'")
    assert len(json.loads(text)) == exchange.TOLD_MEMBERS_MAX


@pytest.mark.parametrize(
    "act, heard",
    [
        (lambda owner: owner.transfer("dev", "member"), [("owner", "member", "")]),
        (lambda owner: owner.describe_room("dev", description="work"), [("described", "owner", "work")]),
        (lambda owner: owner.describe_room("dev", policy="secret"), [("policy", "owner", "secret")]),
        (
            lambda owner: owner.describe_room("dev", description="all", policy="private"),
            [("described", "owner", "all"), ("policy", "owner", "private")],
        ),
        (lambda owner: owner.kick("dev", "member", "why"), [("member_left", "member", "removed by owner")]),
        (lambda owner: owner.leave("dev"), [("member_left", "owner", ""), ("owner", "gina", "")]),
        (lambda owner: owner.describe_room("dev", description="", policy="public"), []),
    ],
)
def test_the_members_hear_what_becomes_of_their_room(people, act, heard):
    furnish(people, "public")
    third = people["human"]
    third.join("dev")
    list(third.events())
    act(people["owner"])
    assert [(event.what, event.agent, event.text) for event in third.events()] == heard
    assert happened(people["outsider"]) == []


def test_a_ghost_is_not_named_as_the_one_who_removed_somebody(people):
    furnish(people, "secret")
    people["human"].join("dev")
    be(people["owner"], "ghost")
    list(people["gina"].events())
    people["owner"].kick("dev", "member")
    assert [(event.what, event.agent, event.text) for event in people["gina"].events()] == [("member_left", "member", "")]


def test_names_that_come_as_a_list_are_refused_with_an_example(people):
    furnish(people, "public")
    with pytest.raises(errors.BadValue, match="each name is a text of its own"):
        people["owner"].invite("dev", ["frank"])
