"""An agent elsewhere is an agent like any other: one story is told in the store and over HTTP, and each step has the same outcome."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import postroom
from postroom import Draft, connect
from postroom.agent import Agent
from postroom.core.errors import PostroomError
from postroom.core.message import Attachment, Provenance


class Cast(NamedTuple):
    """Who is in the story: the one whose verbs are compared, and another one in the store."""

    me: Agent
    bob: Agent
    home: Path


def bodies(messages):
    return [message.body for message in messages]


def settle(agent):
    """Read everything."""
    taken = agent.take()
    agent.confirm(taken)
    return bodies(taken)


def left_early(me):
    for message in me.inbox():
        return message.body
    return None


def given_back(cast):
    cast.bob.send("alice", "back", id="b2")
    taken = cast.me.take()
    cast.me.give_back(taken)
    return bodies(taken), [(message.body, message.redelivered) for message in cast.me.peek()]


def batches(cast):
    cast.bob.send_many([Draft("alice", str(number)) for number in range(5)])
    first = cast.me.take(2)
    rest = cast.me.take(9, confirm=first)
    cast.me.confirm(rest)
    return bodies(first), bodies(rest), bodies(cast.me.take())


def vanished(cast):
    settle(cast.bob), settle(cast.me)
    cast.bob.send("alicia", "unread", id="u1", reply_within=60)
    cast.me.send("bob", "will you?", id="u2", reply_within=60)
    returned = cast.me.profile(visibility="ghost").returned
    told = [(message.body, message.expects_reply) for message in cast.bob.peek()]
    again = cast.me.profile(visibility="visible").returned
    return returned, told, cast.bob.status("u1").deliveries, settle(cast.bob), settle(cast.me), again


def listed(cast):
    return [(one.name, one.kind, one.status, one.online, one.description, one.waiting) for one in cast.me.agents()]


def renamed(cast):
    sent = cast.bob.send("alicia", "welcome", id="z2")
    return sent.state, [(message.sender, message.body) for message in cast.bob.peek()][-1], bodies(cast.me.take(wait=30))[-1:]


def answering(cast, text):
    """Bob answers one question, or declines or accepts one session."""

    def answer():
        for message in cast.bob.inbox(wait=30):
            message.confirm()
            if message.kind == "syn" and text == "decline":
                message.decline("no time")
            elif message.kind == "syn":
                with message.accept() as session:
                    for said in session:
                        session.send(said.body.upper())
            else:
                message.reply(text)
            return

    thread = threading.Thread(target=answer)
    thread.start()
    return thread


def asked(cast):
    thread = answering(cast, "8080")
    answer = cast.me.ask("bob", "which port?", timeout=30, id="q1")
    thread.join()
    return answer.body, answer.reply_to, cast.me.status("q1").state


def talked(cast):
    thread = answering(cast, "accept")
    with cast.me.session("bob", "shout", timeout=30) as session:
        told = [session.peer, session.task, session.state, session.send("hello").state]
        told.append(session.receive(timeout=30).body)
    thread.join()
    return [*told, session.state, [(view.opener, view.peer, view.task, view.state, view.messages) for view in cast.me.sessions()]]


def declined(cast):
    thread = answering(cast, "decline")
    try:
        cast.me.session("bob", "now?", timeout=30)
    except postroom.errors.SessionDeclined as error:
        return error.reason
    finally:
        thread.join()
    return None


def answered_session(cast):
    def opens():
        with cast.bob.session("alice", "a task", timeout=30) as session:
            session.send("first")
            heard.append(session.receive(timeout=30).body)

    heard = []
    thread = threading.Thread(target=opens)
    thread.start()
    for message in cast.me.inbox(wait=30):
        message.confirm()
        with message.accept() as session:
            heard.append((session.task, session.peer, session.state))
            heard.append(session.receive(timeout=30).body)
            session.send("second")
            heard.append(bodies(session))
        break
    thread.join()
    return heard


def with_file(cast):
    path = cast.home / "notes.txt"
    path.write_text("what was noted\n")
    receipt = cast.me.send("bob", "see the file", files=path, id="file-1")
    (message,) = cast.bob.take()
    message.confirm()
    message.save(message.attachments[0], cast.home / "copy-of-bob.txt")
    cast.me.save(message.attachments[0], cast.home / "copy-of-me.txt")
    return receipt.state, message.attachments, [(cast.home / f"copy-of-{who}.txt").read_text() for who in ("bob", "me")]


def waited(cast):
    def soon():
        cast.me.send("bob", "wake up", id="wake")

    waiting = threading.Timer(0, soon)
    waiting.start()
    taken = cast.bob.take(wait=30)
    cast.bob.confirm(taken)
    waiting.join()
    woken = threading.Timer(0, lambda: cast.bob.send("alice", "you too", id="wake-2"))
    woken.start()
    mine = cast.me.take(wait=30)
    cast.me.confirm(mine)
    woken.join()
    return bodies(taken), bodies(mine)


# A step: what it is called, and what it gives or raises.
STORY: list[tuple[str, Callable[[Any], object]]] = [
    ("name", lambda c: c.me.name),
    ("send", lambda c: c.me.send("bob", "hello", subject="greeting", id="m1")),
    ("send again", lambda c: c.me.send("bob", "hello", subject="greeting", id="m1")),
    ("another with that id", lambda c: c.me.send("bob", "other", id="m1")),
    ("bad id", lambda c: c.me.send("bob", "x", id="7")),
    ("to nobody", lambda c: c.me.send("nobody", "x")),
    ("to a close name", lambda c: c.me.send("bobb", "x")),
    ("to a name to come", lambda c: c.me.send("carol", "in advance", create=True, id="m2").deliveries),
    ("to another machine", lambda c: c.me.send("bob@laptop", "x")),
    ("to a number", lambda c: c.me.send(7, "x")),
    ("no text", lambda c: c.me.send("bob", None)),
    ("too large", lambda c: c.me.send("bob", "x" * 2_000_000)),
    ("bad urgency", lambda c: c.me.send("bob", "x", urgency="soon")),
    ("bad time", lambda c: c.me.send("bob", "x", expires_in=-1)),
    ("no file", lambda c: c.me.send("bob", "x", files="/nowhere/at/all")),
    ("send many", lambda c: [one.state for one in c.me.send_many([Draft("bob", "one", id="n1"), Draft("bob", "two", id="n2")])]),
    ("send many, one of them wrong", lambda c: c.me.send_many([Draft("bob", "x", id="n3"), Draft("nobody", "x")])),
    ("send many of what is none", lambda c: c.me.send_many(["x"])),
    ("nothing of that was sent", lambda c: c.me.status("n3")),
    ("bob reads", lambda c: settle(c.bob)),
    ("status", lambda c: c.me.status("m1")),
    ("status of nothing", lambda c: c.me.status("m99")),
    ("status of what is no id", lambda c: c.me.status(None)),
    ("follow", lambda c: c.me.follow("m1", until="read", timeout=5).state),
    ("follow in vain", lambda c: c.me.follow("m2", until="read", timeout=0.01).state),
    ("follow to nowhere", lambda c: c.me.follow("m1", until="there")),
    ("events", lambda c: [(one.what, one.agent, one.message) for one in c.me.events()]),
    ("no more events", lambda c: list(c.me.events())),
    ("an answer", lambda c: c.bob.send("alice", "hi", reply_to="alice:m1", id="a1").state),
    ("peek", lambda c: bodies(c.me.peek())),
    ("take", lambda c: c.me.take()),
    ("take nothing", lambda c: c.me.take()),
    ("take no number", lambda c: c.me.take(limit=0)),
    ("confirm what is none", lambda c: c.me.confirm(["x"])),
    ("reply", lambda c: c.me.answer(c.me.history()[-1], "thanks", id="r1").state),
    ("bob reads again", lambda c: settle(c.bob)),
    ("left early", lambda c: (c.bob.send("alice", "again", id="b1").state, left_early(c.me))),
    ("it comes again", lambda c: [(m.body, m.redelivered, m.confirm()) for m in c.me.inbox()]),
    ("given back", given_back),
    ("and read", lambda c: settle(c.me)),
    ("confirmed with the next", batches),
    ("woken", waited),
    ("history", lambda c: c.me.history(peer="bob", limit=3)),
    ("history before", lambda c: bodies(c.me.history(before="m2"))),
    ("history of a stranger", lambda c: c.me.history(peer="nobody")),
    ("too much history", lambda c: c.me.history(limit=5000)),
    ("thread", lambda c: bodies(c.me.thread("m1"))),
    ("search", lambda c: bodies(c.me.search("hello OR thanks"))),
    ("search for nothing", lambda c: c.me.search("AND")),
    ("files", with_file),
    ("over a file", lambda c: c.me.save(c.me.thread("file-1")[0].attachments[0], c.home / "copy-of-me.txt")),
    ("a file of nobody", lambda c: c.me.save(Attachment("x", 1, "0" * 64), c.home / "new.txt")),
    ("a file that is none", lambda c: c.me.save("x", "y")),
    ("ask", asked),
    ("ask in vain", lambda c: c.me.ask("bob", "quick?", timeout=0.01, reply_within=600, id="q2")),
    ("ask nobody", lambda c: c.me.ask("nobody", "quick?", timeout=1)),
    ("bob reads the question", lambda c: settle(c.bob)),
    ("agents", listed),
    ("profile", lambda c: c.me.profile(status="busy", description="runs", tags=["tests"], capabilities=["reads"], auto_accept=True)),
    ("profile that is none", lambda c: c.me.profile(status="away")),
    ("profile of an unknown thing", lambda c: c.me.profile(colour="red")),
    ("agents with a tag", lambda c: [one.name for one in c.me.agents(tag="tests")]),
    ("back again", lambda c: c.me.profile(status="active", auto_accept=False).status),
    ("session", talked),
    ("session declined", declined),
    ("session with oneself", lambda c: c.me.session("alice", "x", timeout=1)),
    ("session in vain", lambda c: c.me.session("carol", "x", timeout=0.01)),
    ("what came of it", lambda c: settle(c.me).clear()),  # it was withdrawn, or its time was over before: then one is told
    ("session of the other side", answered_session),
    ("no such session", lambda c: c.me.resume("m1")),
    ("nothing to decline", lambda c: c.me.decline("m1", "no")),
    ("create a room", lambda c: c.me.create_room("web", description="things")[:-1]),
    ("create it again", lambda c: c.me.create_room("web")),
    ("a bad room", lambda c: c.me.create_room("no room")),
    ("rooms", lambda c: [one[:-1] for one in c.me.rooms()]),
    ("no such room", lambda c: c.me.room("wbe")),
    ("invite", lambda c: c.me.invite("web", "bob", "nobody")),
    ("bob joins", lambda c: c.bob.join("web").role),
    ("members", lambda c: [one[:-1] for one in c.me.members("web")]),
    ("say there", lambda c: c.me.send("#web", "all here", id="w1").deliveries),
    ("topic", lambda c: c.me.set_topic("web", "today").topic),
    ("mute", lambda c: (c.me.mute("web"), c.me.room("web").muted, c.me.mute("web", on=False), c.me.room("web").muted)),
    ("describe", lambda c: c.me.describe_room("web", description="more", policy="private")[:-1]),
    ("open it again", lambda c: c.me.describe_room("web", policy="public")),
    ("kick", lambda c: c.me.kick("web", "bob", "too loud")),
    ("kick again", lambda c: c.me.kick("web", "bob")),
    ("transfer to nobody", lambda c: c.me.transfer("web", "bob")),
    ("bob makes one", lambda c: c.bob.create_room("den", policy="private") and c.bob.invite("den", "alice")[0].state),
    ("decline the invitation", lambda c: c.me.decline_invitation("den", "busy")),
    ("not invited any more", lambda c: c.me.join("den")),
    ("not the owner", lambda c: c.me.destroy_room("den")),
    ("destroy", lambda c: c.me.destroy_room("web", "done")),
    ("it is gone", lambda c: c.me.leave("web")),
    ("rename to a taken name", lambda c: c.me.rename("bob")),
    ("rename to a reserved one", lambda c: c.me.rename("human")),
    ("rename", lambda c: (c.me.rename("alicia"), c.me.name, c.me.send("bob", "it is me", id="z1").state)),
    ("mail under the new name", renamed),
    ("a ghost", vanished),
    ("closed", lambda c: (c.me.close(), c.me.close())),
    ("after that", lambda c: c.me.send("bob", "x")),
    ("and reading", lambda c: c.me.take()),
]  # fmt: skip


VARYING = re.compile(r"session '[^']+'|from '[^']+'")
"""What an error tells that is another thing each time: the id of a session, where a store lies."""


def outcome(step, cast):
    """What a step gives or raises, without what differs from one run to the next."""
    try:
        return timeless(step(cast))
    except PostroomError as error:
        return type(error), VARYING.sub("…", str(error).replace(str(cast.home), "~"))
    except (AttributeError, LookupError, TypeError) as error:  # a step that needs what an earlier one should have done
        return type(error), str(error)


def timeless(value):
    """A value without times, and without the process that did it."""
    if isinstance(value, Provenance):
        return "provenance"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: "time" if name.endswith("_ms") and part else timeless(part) for name, part in zip(value._fields, value, strict=True)}
    if isinstance(value, list | tuple):
        return [timeless(part) for part in value]
    return value


def told(cast: Cast) -> Iterator[object]:
    for _, step in STORY:
        yield outcome(step, cast)


def test_each_verb_has_the_same_outcome_in_the_store_and_over_http(room, home):
    near, far = home / "near-files", home / "far-files"
    near.mkdir()
    far.mkdir()
    with connect("alice", home=str(home / "near")) as alice, connect("bob", home=str(home / "near")) as bob:
        here = list(told(Cast(alice, bob, near)))
    there = list(told(Cast(room.there("alice"), room.here("bob"), far)))
    differences = {name: (local, remote) for (name, _), local, remote in zip(STORY, here, there, strict=True) if remote != local}
    assert not differences, "\n".join(f"{name}\n  here  {local}\n  there {remote}" for name, (local, remote) in differences.items())


def test_the_story_tells_of_every_verb():
    import inspect

    text = inspect.getsource(inspect.getmodule(told) or told)
    verbs = [name for name, member in vars(Agent).items() if not name.startswith("_") and inspect.isfunction(member)]
    assert not [verb for verb in verbs if f".{verb}(" not in text]
