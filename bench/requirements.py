"""What the speed of Postroom is held against: one row for each requirement. No other file judges a figure."""

from collections.abc import Callable
from typing import Literal, NamedTuple

from bench.results import Key, Results

SAFE, RELAXED = "Postroom safe", "Postroom relaxed"
PUBSUB, STREAMS, STREAMS_ALWAYS = "Redis pub/sub", "Redis Streams everysec", "Redis Streams always"
JETSTREAM, JETSTREAM_ALWAYS = "JetStream sync default", "JetStream sync always"
ONE, TWO, MANY = "quiet 1×1", "1×1", "8×8"

Figure = Callable[[Results], float | None]


class Requirement(NamedTuple):
    """One requirement: the figure must be at least, or at most, the bound."""

    text: str
    figure: Figure
    sense: Literal["at least", "at most"]
    bound: float
    unit: str = "×"

    def met(self, results: Results) -> bool | None:
        """Whether it is met; None if nothing was measured."""
        found = self.figure(results)
        if found is None:
            return None
        return found >= self.bound if self.sense == "at least" else found <= self.bound


def alone(load: str, figure: str, *, mine: str = RELAXED) -> Figure:
    return lambda results: results.median(Key(mine, load, figure))


def quotient(above: tuple[str, str, str], below: tuple[str, str, str]) -> Figure:
    return lambda results: results.ratio(Key(*above), Key(*below))


def ack(peer: str) -> Figure:
    """How many times faster a power-safe send is acknowledged than the peer's."""
    return quotient((peer, ONE, "send_p50"), (SAFE, ONE, "send_p50"))


def bus(figure: str, peer: str = "naive HTTP bus") -> Figure:
    """A figure of the node's HTTP bus, divided by that of another one."""
    return quotient((SAFE, "http", figure), (peer, "http", figure))


def throughput(mine: str, peer: str) -> Figure:
    return quotient((mine, MANY, "per_second"), (peer, MANY, "per_second"))


def tail(mine: str) -> Figure:
    return quotient((mine, MANY, "send_p99"), (mine, MANY, "send_p50"))


def history(above: str, below: str) -> Figure:
    return quotient((RELAXED, "history", above), (RELAXED, "history", below))


REQUIREMENTS = [
    Requirement(
        "safe: one-way, of Redis pub/sub's",
        quotient((SAFE, ONE, "one_way_p50"), (PUBSUB, ONE, "one_way_p50")),
        "at most",
        1.0,
    ),
    Requirement(
        "relaxed: one-way, of Redis pub/sub's",
        quotient((RELAXED, ONE, "one_way_p50"), (PUBSUB, ONE, "one_way_p50")),
        "at most",
        0.6,
    ),
    Requirement("safe: acknowledged send, faster than JetStream sync always", ack(JETSTREAM_ALWAYS), "at least", 1.5),
    Requirement("safe: acknowledged send, faster than Redis Streams always", ack(STREAMS_ALWAYS), "at least", 1.5),
    Requirement("safe: 8×8 messages, of JetStream sync always's", throughput(SAFE, JETSTREAM_ALWAYS), "at least", 2.0),
    Requirement("relaxed: 8×8 messages", alone(MANY, "per_second"), "at least", 25_000, "/s"),
    Requirement("relaxed: 8×8 messages, of Redis Streams everysec's", throughput(RELAXED, STREAMS), "at least", 1.0),
    Requirement("relaxed: messages by send_many of 100", alone("send_many", "per_second"), "at least", 150_000, "/s"),
    Requirement("safe: 8×8, p99 of a send, of its p50", tail(SAFE), "at most", 20.0),
    Requirement("relaxed: 8×8, p99 of a send, of its p50", tail(RELAXED), "at most", 20.0),
    Requirement("long history: send, of a new store's", history("full_send", "empty_send"), "at most", 1.2),
    Requirement("long history: inbox, of a new store's", history("full_inbox", "empty_inbox"), "at most", 1.2),
    Requirement("long history: slowest of three searches", alone("history", "search_ms"), "at most", 50, "ms"),
    Requirement("long history: opening", alone("history", "full_opening_ms"), "at most", 10, "ms"),
    Requirement("crowds: a message to a room of 1,000 agents", alone("crowds", "room_ms"), "at most", 15, "ms"),
    Requirement("crowds: a broadcast to 10,000 mailboxes", alone("crowds", "broadcast_ms"), "at most", 100, "ms"),
    Requirement("crowds: the list of 10,000 agents", alone("crowds", "list_ms"), "at most", 20, "ms"),
    Requirement("mcp: first reply of a server", alone("mcp", "first_reply_ms", mine=SAFE), "at most", 100, "ms"),
    Requirement("mcp: memory of a server (PSS)", alone("mcp", "pss_mib", mine=SAFE), "at most", 25, " MiB"),
    Requirement("mcp: a message between two servers", alone("mcp", "between_ms", mine=SAFE), "at most", 2, "ms"),
    Requirement(
        "waking: from send to the model of an idle Claude Code", alone("waking", "idle_claude_ms", mine=SAFE), "at most", 100, "ms"
    ),
    Requirement("mcp: a hook without mail, of `python -c pass`", alone("mcp", "hook_ratio", mine=SAFE), "at most", 4.0),
    Requirement("http: requests/s of 8 clients that send, of the naive bus's, as safe", bus("send_per_second"), "at least", 2.0),
    Requirement("http: requests/s of 8 clients that send and fetch, of the naive bus's", bus("both_per_second"), "at least", 2.0),
    Requirement("http: p99 of a request, of the naive bus's", bus("both_p99_ms"), "at most", 1.0),
    Requirement(
        "http: requests/s of 8 clients that send, of Redis Streams' (always) behind the same server",
        bus("send_per_second", "Redis Streams over HTTP"),
        "at least",
        0.5,
    ),
    Requirement("http: a message to 1,000 who watch", alone("watchers", "last_ms", mine=SAFE), "at most", 1_000, "ms"),
    Requirement("http: memory of an idle node (PSS)", alone("node", "pss_mib", mine=SAFE), "at most", 80, " MiB"),
    Requirement("whole `postroom send`, of `python -c pass`", alone("process", "ratio", mine=SAFE), "at most", 4.0),
]
