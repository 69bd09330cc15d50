"""A host of the article: a process with some agents, which reach the post room only by the node's address. Started by test_article.py.

It is told on standard input who is here and where the bus is; when that ends, it says on standard output what each agent has read.
Each agent answers before it confirms, with an id that the question decides: so whatever dies, nothing is done twice.
"""

from __future__ import annotations

import json
import sys
from threading import Event, Lock, Thread
from typing import NamedTuple

import postroom
from postroom.agent import Agent
from postroom.delivery import Delivery

MANAGER, USER = "joe", "user"


class Wishes(NamedTuple):
    """What a host is told: its agents with their tokens, and what each of them sends of its own accord (to whom, the id)."""

    url: str
    home: str
    tokens: dict[str, str]
    sends: dict[str, list[tuple[str, str]]]


def reaction(message: Delivery) -> tuple[str, str] | None:
    """To whom something goes because of a message, and its id; nothing where a pattern ends."""
    what, _, number = message.body.partition(" ")
    match what:
        case "task":  # user → manager: delegate it to the one it is for
            return number.partition("/")[0], f"delegated {number}"
        case "delegated":
            return MANAGER, f"done {number}"
        case "done":
            return USER, f"reported {number}"
        case "query":
            return message.sender, f"answer {number}"
        case _:
            return None


def said(text: str) -> str:
    """The id of a text."""
    return text.replace(" ", "-").replace("/", ".")


class Host:
    """Some agents, and what they have read."""

    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes
        self._over = Event()
        self._lock = Lock()
        self.read: list[tuple[str, str, bool]] = []

    def live(self, name: str) -> None:
        """The life of an agent."""
        with postroom.connect(name, url=self._wishes.url, token=self._wishes.tokens[name], home=self._wishes.home) as me:
            sending = Thread(target=self.send, args=(me,))
            sending.start()
            while not self._over.is_set():
                for message in me.inbox(wait=0.5):
                    if (then := reaction(message)) is not None:
                        me.send(then[0], then[1], id=said(then[1]), reply_to=message if then[0] == message.sender else None)
                    with self._lock:
                        self.read.append((name, message.body, message.redelivered))
            sending.join()

    def send(self, me: Agent) -> None:
        """What an agent says of its own accord."""
        for to, text in self._wishes.sends[me.name]:
            me.send(to, text, id=said(text))

    def run(self) -> None:
        """Until standard input ends."""
        lives = [Thread(target=self.live, args=(name,)) for name in self._wishes.tokens]
        for life in lives:
            life.start()
        sys.stdin.read()
        self._over.set()
        for life in lives:
            life.join()
        sys.stdout.write(json.dumps(self.read))


if __name__ == "__main__":
    Host(Wishes(**json.loads(sys.stdin.readline()))).run()
