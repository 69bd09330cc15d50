"""Natural mistakes: what can be meant works, and what cannot is an error of the post room that names the argument."""

from __future__ import annotations

import asyncio
import inspect
import math
from contextlib import suppress
from pathlib import Path

import pytest

import postroom
from postroom.core import errors, refusals
from postroom.core.errors import PostroomError
from postroom.core.profile import Profile
from postroom.exchange.sessions import open_session
from tests.waiting import SOON_S

STRANGE: tuple[object, ...] = (
    *(None, True, 5, -1, 10**30, 2.5, math.nan, math.inf, "", "bogus", "5", b"x", object()),
    *((), [], ["x"], [None], [["bob"]], {"bob": 1}, ("bob", 5), Path("log.txt")),
)
"""What somebody may give where something else is expected."""
RIGHT: dict[str, dict[str, object]] = {
    "send": {"to": "bob", "body": "x"},
    "send_many": {"drafts": []},
    "answer": {"message": None, "body": "x"},
    "ask": {"to": "bob", "body": "x", "timeout": 0.001},
    "inbox": {},
    "take": {},
    "confirm": {"messages": []},
    "give_back": {"messages": []},
    "peek": {},
    "save": {"attachment": None, "path": "copy"},
    "status": {"id": "1"},
    "follow": {"id": "1", "until": "delivered"},
    "history": {},
    "thread": {"id": "1"},
    "search": {"words": "x"},
    "agents": {},
    "profile": {},
    "rename": {"name": "alice"},
    "events": {},
    "create_room": {"name": "dev"},
    "rooms": {},
    "room": {"name": "ops"},
    "members": {"room": "ops"},
    "join": {"room": "ops"},
    "leave": {"room": "dev"},
    "invite": {"room": "ops"},
    "decline_invitation": {"room": "ops", "reason": "x"},
    "kick": {"room": "ops", "agent": "bob"},
    "transfer": {"room": "ops", "agent": "alice"},
    "describe_room": {"room": "ops"},
    "set_topic": {"room": "ops", "topic": "x"},
    "mute": {"room": "ops"},
    "destroy_room": {"room": "dev"},
    "session": {"to": "bob", "task": "x", "timeout": 0.001},
    "accept": {"id": "1"},
    "decline": {"id": "1", "reason": "x"},
    "resume": {"id": "1"},
    "sessions": {},
}
"""Arguments with which each verb is right, or fails for what they speak of."""
OPTIONS = {"options": set(postroom.Draft._fields) - {"to", "body"}, "changes": set(Profile._fields)}


@pytest.fixture
def me(post):
    post.configure("[limits]\nhandshake_ms = 1\nsender_per_minute = 60_000_000\npair_per_minute = 60_000_000\n")
    alice = post.connect("alice", durability="relaxed")
    bob = post.connect("bob")
    alice.send(["alice", "bob"], "something that waits")
    bob.confirm(bob.take())  # an event for alice, who would wait for one for ever otherwise
    alice.create_room("ops")
    return alice


def parameters(verb):
    named = inspect.signature(getattr(postroom.Agent, verb)).parameters
    plain = {name for name, one in named.items() if one.kind not in {one.VAR_POSITIONAL, one.VAR_KEYWORD}} - {"self"}
    return sorted(plain.union(*(OPTIONS[name] for name in OPTIONS if name in named)))


def waits(parameter, value):
    """Whether a verb would only wait, as it was told to."""
    return parameter in {"timeout", "wait"} and isinstance(value, int | float) and value > 0


@pytest.mark.parametrize("verb", RIGHT)
def test_whatever_is_given_only_errors_of_the_post_room_come_out(me, verb):
    for parameter in parameters(verb):
        for value in STRANGE:
            if not waits(parameter, value):
                call(me, verb, RIGHT[verb] | {parameter: value})
    assert me.send("bob", "and all is well").state == "delivered"


def call(me, verb, arguments):
    told = []
    try:
        result = getattr(me, verb)(**arguments)
        if verb in {"inbox", "events"}:
            next(result, None)
            result.close()
        elif verb == "take":
            me.give_back(result)
    except PostroomError as error:
        told.append(str(error))
    except Exception as error:
        error.add_note(f"{verb}({', '.join(f'{name}={value!r}' for name, value in arguments.items())})")
        raise
    assert all(told)


def test_every_verb_is_misused():
    assert {name for name in dir(postroom.Agent) if not name.startswith("_")} == {*RIGHT, "close", "home", "name"}


def test_whoever_is_invited_is_named(me):
    for strange in STRANGE:
        with suppress(PostroomError):
            me.invite("ops", "bob", strange)
    assert me.invite("ops", "bob")[0].agent == "bob"


def test_a_profile_has_no_other_fields(me):
    with pytest.raises(errors.BadValue, match="the fields are status, description"):
        me.profile(mood="fine")


# What can be meant works


def test_the_number_of_a_message_may_be_given_as_a_number(post):
    alice, bob = post.agents("alice", "bob")
    first = alice.send("bob", "one")
    assert alice.status(first.number) == alice.follow(first.number, timeout=0) == alice.status("1")
    answer = bob.send("alice", "two", reply_to=1)
    assert [message.reply_to for message in alice.take()] == ["1"]
    assert alice.send("bob", "three", thread=answer.number).thread == "1"
    assert [message.body for message in alice.thread(1)] == ["one", "two", "three"]


def test_the_number_of_a_session_may_be_given_as_a_number(post):
    alice, bob = post.agents("alice", "bob")
    sessions = [postroom.Draft("bob", "a talk"), postroom.Draft("bob", "another")]
    first, second = (open_session(alice._seat.desk, offer).number for offer in sessions)
    assert bob.accept(first).id == bob.resume(first).id == "1"
    assert bob.decline(second, "no time").state == "delivered"


@pytest.mark.parametrize("path", [str, Path], ids=["text", "path"])
def test_a_lone_path_is_one_file(post, home, path):
    (home / "log.txt").write_text("a log")
    (alice,) = post.agents("alice")
    file = path(home / "log.txt")
    alice.send("alice", "see", files=file)
    alice.send_many([postroom.Draft("alice", "see", files=file)])
    assert [[attached.name for attached in message.attachments] for message in alice.take()] == [["log.txt"]] * 2


def test_several_names_may_come_in_any_collection(post):
    alice, _, _ = post.agents("alice", "bob", "carol")
    for names in (["bob", "carol"], ("bob", "carol"), {"bob", "carol"}, dict.fromkeys(["bob", "carol"]), {"bob": 1, "carol": 2}.keys()):
        assert {progress.recipient for progress in alice.send(names, "hi").deliveries} == {"bob", "carol"}


def test_a_state_may_be_given_by_its_text(post):
    (alice,) = post.agents("alice")
    receipt = alice.send("alice", "hi")
    assert alice.follow(receipt.id, until="delivered", timeout=SOON_S).has_come_to("delivered")


# What cannot be meant is told


@pytest.mark.parametrize(
    "mistake, error, words",
    [
        (lambda me: me.status(None), errors.BadValue, "id cannot be None: it is the id of a message, as text, or its number"),
        (lambda me: me.send(None, "x"), errors.BadValue, "to cannot be None: it is the name of an agent, or a list of names"),
        (lambda me: me.send(me, "x"), errors.BadValue, "to cannot be <Agent alice connected>"),
        (lambda me: me.send(5, "x"), errors.BadValue, "to cannot be 5"),
        (lambda me: me.send(["bob", None], "x"), errors.BadValue, "to cannot be"),
        (lambda me: me.send("bob", None), errors.BadText, "body is not text: it is NoneType, not str"),
        (lambda me: me.send("bob", "x", subject=5), errors.BadText, "subject is not text"),
        (lambda me: me.send("bob", "x", files=5), errors.BadValue, "files cannot be 5: a path is text or a pathlib.Path"),
        (lambda me: me.send("bob", "x", files=[b"x"]), errors.BadValue, "files cannot be b'x'"),
        (lambda me: me.send("bob", "x", expires_in="5"), errors.BadValue, "expires_in cannot be '5': it is a number of seconds"),
        (lambda me: me.send("bob", "x", id=7), errors.BadId, "The message id 7 cannot be used"),
        (lambda me: me.send_many(["x"]), errors.BadValue, r"a draft cannot be 'x': it is a postroom.Draft\(to, body\)"),
        (lambda me: me.send_many(5), errors.BadValue, "drafts cannot be 5: they are a list of postroom.Draft"),
        (lambda me: me.answer("1", "x"), errors.BadValue, "message cannot be '1'.*reply_to"),
        (lambda me: me.ask("bob", "x", timeout=-1), errors.BadValue, "timeout cannot be -1"),
        (lambda me: me.ask("bob", "x", timeout=None), errors.BadValue, "timeout cannot be None"),
        (lambda me: me.ask("bob", "x", urgent=True), errors.BadValue, "an option cannot be 'urgent': the options are subject, "),
        (lambda me: me.session("bob", "x", timeout=0), errors.BadValue, "timeout cannot be 0"),
        (lambda me: me.take(wait="x"), errors.BadValue, "wait cannot be 'x': it is a number of seconds"),
        (lambda me: next(me.inbox(wait=math.nan)), errors.BadValue, "wait cannot be nan"),
        (lambda me: me.take("x"), errors.BadValue, "limit cannot be 'x': it is a whole number above zero"),
        (lambda me: me.confirm(me.take()[0]), errors.BadValue, "messages cannot be 'Delivery': they are a list"),
        (
            lambda me: me.follow(1, until="bogus"),
            errors.BadValue,
            "until cannot be 'bogus': it is one of accepted, held, delivered, handed",
        ),
        (lambda me: me.follow(1, timeout="x"), errors.BadValue, "timeout cannot be 'x'"),
        (lambda me: me.status(1).has_come_to("red"), errors.BadValue, "state cannot be 'red': it is one of accepted"),
        (lambda me: me.history(before="9"), errors.NotYourMessage, "There is no message '9' that"),
        (lambda me: me.history(limit="x"), errors.BadValue, "limit cannot be 'x'"),
        (lambda me: me.history(peer=5), errors.BadName, "The name 5 cannot be used"),
        (lambda me: me.search(5), errors.BadQuery, "it is not text"),
        (lambda me: me.decline(1, None), errors.BadText, "The reason is not text"),
        (lambda me: me.save("log.txt", "copy"), errors.BadValue, "attachment cannot be 'log.txt'"),
        (lambda me: me.profile(status=5), errors.BadValue, "status cannot be 5"),
        (lambda me: me.profile(auto_accept="yes"), errors.BadValue, "auto_accept cannot be 'yes': it is True or False"),
        (lambda me: me.profile(description=5), errors.BadText, "description is not text"),
    ],
)
def test_a_mistake_is_told_by_the_name_of_the_argument(me, mistake, error, words):
    with pytest.raises(error, match=words):
        mistake(me)


@pytest.mark.parametrize(
    "arguments, error, words",
    [
        ({"name": 5}, errors.BadName, "The name 5 cannot be used"),
        ({"name": b"bob"}, errors.BadName, "The name b'bob' cannot be used"),
        ({}, errors.NoIdentity, r"Say --as NAME \(connect\(\"NAME\"\) in Python\), or set POSTROOM_AGENT"),
        ({"name": "bob", "home": 5}, errors.BadValue, "home cannot be 5: a path is text"),
        ({"name": ""}, errors.BadName, "The name '' cannot be used"),
        ({"name": "bob", "home": ""}, errors.BadValue, "home cannot be '': a path is text or a pathlib.Path, and not empty"),
        ({"name": "bob", "url": ""}, refusals.BadUrl, "The URL '' names no node"),
        ({"name": "bob", "url": "http://127.0.0.1:1", "token": ""}, refusals.BadToken, "lets nobody in: it is empty"),
        ({"name": "bob", "durability": "fast"}, errors.BadValue, "durability cannot be 'fast'"),
    ],
)
def test_a_mistake_in_connecting_is_told(post, arguments, error, words, monkeypatch):
    if arguments:
        monkeypatch.setenv("POSTROOM_AGENT", "alice")
        monkeypatch.setenv("POSTROOM_TOKEN", "pr_x")
    with pytest.raises(error, match=words):
        postroom.connect(**arguments)


def test_a_mistake_in_a_session_is_told_and_the_session_goes_on(post):
    alice, bob = post.agents("alice", "bob")
    bob.profile(auto_accept=True)
    session = alice.session("bob", "a talk")
    for mistake in (lambda: session.receive(timeout="x"), lambda: session.close(timeout="x")):
        with pytest.raises(errors.BadValue, match="timeout cannot be 'x'"):
            mistake()
    with pytest.raises(errors.BadText, match="body is not text"):
        session.send(None)
    assert session.send("still here").state == "delivered"
    assert session.state == "open"


def test_a_mistake_confirms_and_takes_nothing(post):
    (alice,) = post.agents("alice")
    alice.send_many([postroom.Draft("alice", "one"), postroom.Draft("alice", "two")])
    batch = alice.take(limit=1)
    for mistake in ({"wait": "x"}, {"limit": "x"}):
        with pytest.raises(errors.BadValue):
            alice.take(**mistake, confirm=batch)
    assert alice.status("1").state == "handed"
    assert [message.body for message in alice.take(confirm=batch)] == ["two"]


def test_the_async_agent_tells_the_same(post):
    async def mistakes(me):
        with pytest.raises(errors.BadValue, match="to cannot be None"):
            await me.send(None, "x")
        with pytest.raises(errors.BadValue, match="wait cannot be 'x'"):
            await me.take(wait="x")
        with pytest.raises(errors.BadValue, match="timeout cannot be -1"):
            await me.ask("alice", "x", timeout=-1)
        with pytest.raises(errors.BadValue, match="drafts cannot be 5"):
            await me.send_many(5)

    async def story():
        async with postroom.connect_async("alice") as me:
            await mistakes(me)
            await me.send("alice", "hi")
            assert (await me.status(1)).state == "delivered"

    asyncio.run(story())


@pytest.mark.parametrize("verb", ["connect_async", "session", "accept", "resume"])
def test_a_forgotten_await_is_told(post, verb):
    def forgetting(me):
        match verb:
            case "connect_async":
                return postroom.connect_async("bob")
            case "session":
                return me.session("bob", "a talk")
            case _:
                return getattr(me, verb)(1)

    async def story():
        async with postroom.connect_async("alice") as me:
            forgotten = forgetting(me)
            assert repr(forgotten) == f"<not opened yet: write `await {verb}(...)` or `async with {verb}(...)`>"
            with pytest.raises(AttributeError, match=rf"'send' of something that is <not opened yet: write `await {verb}"):
                await forgotten.send("hi")
            with suppress(errors.NoSuchAgent, errors.NoSuchSession):
                await (await forgotten).close()

    asyncio.run(story())
