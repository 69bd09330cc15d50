"""The three agents of `postroom demo`, each a process of its own that uses the SDK like any program. What they do is printed as JSON.

Run as `python -m postroom.cli.cast NAME HOME`. The parts are a fixed play; the messages, receipts and times are real.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from time import monotonic_ns

from postroom.agent import Agent, connect
from postroom.core.errors import SessionDeclined
from postroom.core.message import Message, Receipt
from postroom.delivery import Delivery
from postroom.session import Session

PATIENCE_S = 30.0
ROOM = "launch"


def tell(event: str, began_ns: int, **facts: object) -> None:
    """Report what just happened, and between which two moments of the clock that all processes share."""
    print(json.dumps({"event": event, "began_ns": began_ns, "ended_ns": monotonic_ns(), **facts}), flush=True)


def sent(began_ns: int, to: str, kind: str, text: str, receipt: Receipt) -> None:
    """Report a message that the store has accepted."""
    state = "held" if receipt.state == "held" else "accepted"
    tell("sent", began_ns, to=to, kind=kind, text=text, id=receipt.id, state=state)


def got(message: Message) -> None:
    """Report a message that was handed over."""
    tell("got", monotonic_ns(), sender=message.sender, kind=message.kind, text=message.body, id=message.id, redelivered=message.redelivered)


def say(session: Session, text: str) -> None:
    """Send DATA in a session."""
    began_ns = monotonic_ns()
    sent(began_ns, session.peer, "data", text, session.send(text))


def manager(me: Agent) -> None:
    """Hands out the work."""
    began_ns = monotonic_ns()
    with me.session("builder", "Build the landing page") as session:
        tell("opened", began_ns, to="builder", text=session.task, state="accepted")
        say(session, "Use port 8080, not 3000.")
        got(session.receive(PATIENCE_S))
        began_ns = monotonic_ns()
        session.close(PATIENCE_S)
        tell("closed", began_ns, to="builder", text="both sides have read everything")
    began_ns = monotonic_ns()
    answer = me.ask("reviewer", "Which Python do we support?", timeout=PATIENCE_S)
    tell("asked", began_ns, to="reviewer", text="Which Python do we support?", answer=answer.body)
    began_ns = monotonic_ns()
    try:
        me.session("reviewer", "Rewrite everything in COBOL")
    except SessionDeclined as declined:
        tell("opened", began_ns, to="reviewer", text="Rewrite everything in COBOL", state=f"declined: {declined.reason}")
    began_ns = monotonic_ns()
    order = me.send("builder", "Deploy to staging.", reply_within=PATIENCE_S)
    sent(began_ns, "builder", "message", "Deploy to staging.", order)
    for answer in me.inbox(wait=PATIENCE_S):
        got(answer)
        if answer.reply_to == order.id and answer.sender == "builder":
            answer.confirm()
            break
    in_the_room(me)
    me.send(("builder", "reviewer"), "That was all.", subject="end")
    leaving = {"builder", "reviewer"}
    while leaving:
        leaving.discard(hear(me, "member_status", leaving, "offline"))
    me.confirm(me.take())  # all that thanking


def in_the_room(me: Agent) -> None:
    """Makes a room, in which one comes late, and two are so polite that somebody must stop them."""
    began_ns = monotonic_ns()
    me.create_room(ROOM, description="what is left until the launch")
    tell("made", began_ns, text=f"makes the room #{ROOM}")
    for name, said in (("builder", "We launch at noon."), ("reviewer", "Thank you all, that was good work!")):
        me.send(name, f"Come to #{ROOM}, please.", subject="join")
        hear(me, "member_joined", {name})
        began_ns = monotonic_ns()
        sent(began_ns, f"#{ROOM}", "message", said, me.send(f"#{ROOM}", said))
    sys.stdin.readline()  # the signal that the person has stopped the two
    hear(me, "member_status", {"builder", "reviewer"}, "idle")


def hear(me: Agent, what: str, who: set[str], text: str = "") -> str:
    """Wait until one hears something of somebody; of whom."""
    for event in me.events(wait=PATIENCE_S):
        if event.what == what and event.agent in who and event.text == text:
            news = "joined" if what == "member_joined" else f"is {event.text}"
            tell("heard", monotonic_ns(), text=f"hears in #{event.room}: {event.agent} {news}")
            return event.agent
    raise TimeoutError(what)


def builder(me: Agent) -> None:
    """Builds and deploys; is killed on the way, with a message in its hands."""
    work(me, {"Deploy to staging.": deploy})


def reviewer(me: Agent) -> None:
    """Answers questions; declines what it is not made for."""
    work(me, {"Which Python do we support?": lambda message: message.reply("3.11 and newer.")})


def work(me: Agent, answers: dict[str, Callable[[Delivery], object]]) -> None:
    """Take messages until the end of the play, and answer those that one knows. Who is told that it is enough thanks no more."""
    enough = False
    for message in me.inbox(wait=PATIENCE_S):
        got(message)
        if message.subject == "end":
            message.confirm()
            return
        if message.subject == "join":
            join(me)
        elif message.room and "hank you" in message.body:
            if not enough:
                thank(message)
        elif message.subject == "notice: discarded":
            enough = True
            me.profile(status="idle")
        elif message.kind == "syn" and "COBOL" in message.body:
            message.decline("I review Python. Ask somebody else.")
        elif message.kind == "syn":
            talk(message.accept())
        elif message.body in answers:
            answers[message.body](message)


def talk(session: Session) -> None:
    """The builder's side of the session."""
    for message in session:
        got(message)
        say(session, "Port 8080 it is. The page is up.")


def deploy(message: Delivery) -> None:
    """Deploy; the first time the process does not live to see the end of it."""
    if not message.redelivered:
        tell("in-hand", monotonic_ns(), id=message.id)
        sys.stdin.read()  # here the demo kills this process; otherwise this ends with the demo
        return
    began_ns = monotonic_ns()
    sent(began_ns, message.sender, "message", "Staging is live.", message.reply("Staging is live."))


def join(me: Agent) -> None:
    """Catch up with what was said in the room before, and join it. What is said once the others heard of that comes to the inbox."""
    began_ns = monotonic_ns()
    said = [message.body for message in me.history(peer=f"#{ROOM}")]
    me.join(ROOM)
    there = next((event.text for event in me.events() if event.what == "room_members"), "{}")
    tell("joined", began_ns, to=f"#{ROOM}", text=f"joins; there: {', '.join(json.loads(there))}", answer=" ".join(said))


def thank(message: Delivery) -> None:
    """Be polite, until somebody says that it is enough."""
    began_ns = monotonic_ns()
    receipt = message.reply("No, thank you!")
    sent(began_ns, f"#{ROOM}", "message", "No, thank you!", receipt)
    if receipt.state == "held":
        tell("held", monotonic_ns(), text=receipt.deliveries[0].reason or "", id=receipt.thread)


PARTS = {"manager": manager, "builder": builder, "reviewer": reviewer}


def main(name: str, home: str) -> None:
    """Play one part."""
    with connect(name, home=home) as me:
        tell("ready", monotonic_ns(), pid=os.getpid(), text=f"{name} is here, pid {os.getpid()}")
        if name == "manager":
            sys.stdin.readline()  # the signal that everybody is there
        PARTS[name](me)


if __name__ == "__main__":
    main(*sys.argv[1:])
