"""A day in a post room, so that every view of the console has something to show: rooms, sessions, requests, a loop, a paused agent.

Its clock is the scene's own, up to the present; so a day takes a second. Also used for the pictures in docs/console.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice
from random import Random
from time import time_ns

from postroom.agent import Agent
from postroom.core.message import Draft
from postroom.delivery import Delivery
from postroom.exchange import holding, sessions
from postroom.exchange.desk import Desk, Options, open_desk, open_desk_of_human
from postroom.seat import Seat
from postroom.testing import PostRoom

MINUTES = 58
TURNS_MAX = 12
CAST = {
    "manager": ("Plans the work and hands it out", "claude-code"),
    "builder": ("Writes the code", "codex"),
    "reviewer": ("Reads every change before it lands", "claude-code"),
    "tester": ("Runs the suite, on three systems", "opencode"),
    "researcher": ("Finds out how others do it", "gemini-cli"),
    "docs-writer": ("Keeps the handbook true", "pi"),
    "release-bot": ("Tags, builds and uploads", ""),
}
SMALL_TALK = (
    "tests are green on linux and macos",
    "cache hit rate is back at 94 %",
    "I am on the migration, 3 of 7 tables done",
    "the flaky one is `test_retry_after`, it races with the clock",
    "pushed the fix, could you look at auth/?",
    "docs for the new flag are up",
    "the wheel went from 412 kB to 388 kB",
    "benchmarks: p50 21 µs, p99 140 µs, same machine as last week",
    "I need ten more minutes for the windows run",
)
THANKS = ("Thank you too!", "You are very welcome!", "No, thank you!", "Always a pleasure.")
CODE = """```python
def check(database, secret, now_ms):
    row = by_hash(database, sha256(secret))
    return row if row and row.expires_ms > now_ms else None
```"""
REVIEW = (
    ("builder", "Start with `auth/check.py`, the rest follows from it."),
    ("reviewer", "Line 40: the lookup is by hash, good. But the cache above it keeps a revoked token for 60 s."),
    ("builder", f"Right. I drop the cache; the lookup costs 9 µs:\n{CODE}"),
    ("reviewer", "Then it is fine. Please add the test that revokes between two requests."),
    ("builder", "Done in 3f2c1aa."),
    ("reviewer", "Looks good to me."),
)


class Scene:
    """The agents of the scene, connected. `review` is the id of the session, `loop` of the thread that is held."""

    def __init__(self, post: PostRoom) -> None:
        post.configure(f"[limits]\nthread_turns = {TURNS_MAX}\nhandshake_ms = 3600000\n")
        self._post = post
        self._chance = Random(4)
        self._until_us = time_ns() // 1000
        self._us = self._until_us - MINUTES * 60_000_000
        self.agents = {name: self._keep(Agent(Seat(open_desk(name, post.home, interface="sdk", options=self._options)))) for name in CAST}
        self.review = self.loop = ""
        self._introduce()
        self._talk()
        self._sessions()
        self._ask()
        self._thank()
        self._pause()

    @property
    def _options(self) -> Options:
        return Options(clock=lambda: self._us)

    def _keep(self, agent: Agent) -> Agent:
        self._post._agents.append(agent)
        return agent

    def _desk(self, name: str) -> Desk:
        desk = self.agents[name]._seat.desk
        assert isinstance(desk, Desk)
        return desk

    def _later(self, seconds: float) -> None:
        self._us = min(self._us + round(seconds * 1_000_000), self._until_us)

    def _read(self, *names: str) -> None:
        """Let agents read what is there, some faster than others."""
        for name in names:
            self._later(self._chance.choice((0.002, 0.01, 0.03, 0.2)))
            taken = self.agents[name].take()
            self._later(self._chance.uniform(0.2, 4))
            self.agents[name].confirm(taken)

    def _introduce(self) -> None:
        for name, (description, harness) in CAST.items():
            self.agents[name].profile(description=description, harness=harness, tags=["team"], directory=f"/srv/app/{name}")
        self.agents["tester"].profile(status="busy")
        self.agents["docs-writer"].profile(status="idle")
        manager = self.agents["manager"]
        manager.create_room("release-2.4", description="What has to be done before Friday")
        for name in ("builder", "reviewer", "tester", "release-bot"):
            self.agents[name].join("release-2.4")
        manager.set_topic("release-2.4", "Freeze on Thursday, 18:00. Only fixes from then on.")
        self.agents["researcher"].create_room("reading-list", description="Papers and threads worth an hour")
        manager.create_room("incident", policy="private", description="The queue that filled up on Monday")
        self._read(*CAST)

    def _talk(self) -> None:
        chatty = [name for name in CAST if name != "release-bot"]
        while self._us < self._until_us - 3 * 60_000_000:
            for _ in range(self._chance.choice((1, 2, 3, 5, 9))):
                sender, reader = self._chance.sample(chatty, 2)
                subject = self._chance.choice(("", "", "status", "build"))
                self.agents[sender].send(reader, self._chance.choice(SMALL_TALK), subject=subject)
                self._later(self._chance.uniform(0.05, 2))
                if self._chance.random() < 0.8:
                    self._read(reader)
            if self._chance.random() < 0.4:
                self.agents[self._chance.choice(("builder", "tester"))].send("#release-2.4", self._chance.choice(SMALL_TALK))
            self._later(self._chance.uniform(20, 80))
        self._read(*CAST)

    def _open(self, opener: str, peer: str, task: str) -> str:
        offered = sessions.open_session(self._desk(opener), Draft(peer, task))
        self._later(0.4)
        return f"{opener}:{offered.id}"

    def _accept(self, id: str, peer: str) -> None:
        self._read(peer)
        sessions.accept(self._desk(peer), id)
        self._read(id.partition(":")[0])

    def _sessions(self) -> None:
        self.review = self._open("builder", "reviewer", "Review PR #42: tokens die at once when revoked")
        self._accept(self.review, "reviewer")
        for name, text in REVIEW:
            sessions.say(self._desk(name), self.review, Draft("", text))
            self._read(*({"builder", "reviewer"} - {name}))
        sessions.close(self._desk("builder"), self.review)
        self._read("reviewer", "builder")
        soak = self._open("manager", "tester", "Soak test of the release candidate, two hours")
        self._accept(soak, "tester")
        sessions.say(self._desk("tester"), soak, Draft("", "Running: 14 of 120 minutes, no failure yet"))
        rewrite = self._open("researcher", "docs-writer", "Rewrite the chapter about leases")
        self._read("docs-writer", "manager")
        sessions.decline(self._desk("docs-writer"), rewrite, "Not before the freeze: I would have to write it twice.")
        self._read("researcher")

    def _ask(self) -> None:
        self.agents["release-bot"].send(
            "human",
            "The candidate is built and signed. Upload 2.4.0 to the registry now? It cannot be taken back.\n\n"
            "- wheel 388 kB, 12 files\n- 1,204 tests green on three systems\n- changelog: 9 entries",
            subject="Upload 2.4.0?",
            reply_within=2_600,
        )
        self._later(9)
        self.agents["manager"].send(
            "human",
            "Two agents want the staging machine at the same time. I would give it to tester first (20 min), then to builder.",
            subject="Who gets staging first?",
            reply_within=900,
            urgency="now",
        )
        self._later(4)
        self.agents["researcher"].send(
            "human", "Found three papers on lease expiry; the summary is in #reading-list.", subject="Reading done"
        )
        self.agents["docs-writer"].send("human", "Which spelling do we want: data set or dataset?", reply_within=7_200)
        self._later(3)

    def _thank(self) -> None:
        """Two agents that cannot stop, until the post room holds what they say."""
        self.loop = f"builder:{self.agents['builder'].send('tester', 'Thanks for the quick run!').id}"
        for name in islice(cycle(("tester", "builder")), 2 * TURNS_MAX):
            taken = self.agents[name].take()
            self._later(0.4)
            self._thank_for(name, taken)
            self.agents[name].confirm(taken)

    def _thank_for(self, name: str, taken: Sequence[Delivery]) -> None:
        for message in taken:
            if message.kind == "message" and message.sender in ("builder", "tester"):
                self.agents[name].answer(message, self._chance.choice(THANKS))

    def _pause(self) -> None:
        desk = open_desk_of_human(self._post.home, interface="cli")
        desk.clock = lambda: self._us
        holding.pause(desk, "release-bot", "wait until I have looked at the upload")
        desk.close()
        self.agents["release-bot"].send("#release-2.4", "Uploading in 60 s")
        self.agents["release-bot"].send("manager", "I am ready when you are")
        self.agents["manager"].send("tester", "Is \u202egnp.exe\u202c safe? And a bell\u0007, zero\u200bwidth.", subject="odd names")
        self.agents["manager"].send("reviewer", "One more pair of eyes on `store/tokens.py`, please", reply_within=900, urgency="now")
        self.agents["manager"].send("@all", "Freeze is in two hours. Say now if you need more.", subject="Freeze")
        for text in SMALL_TALK[:3]:
            self.agents["researcher"].send("docs-writer", text)
        self.agents["researcher"].close()
