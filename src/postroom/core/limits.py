"""The table of limits: every bound with its unit, default and reason. Config, `postroom limits` and docs/limits.md come from it."""

from __future__ import annotations

from postroom.core.errors import BadValue
from postroom.core.types import Annotated, NamedTuple

RESERVE = "from one sender into the last tenth of a mailbox, which rooms and broadcasts leave free; never more than a tenth of that"


class Limits(NamedTuple):
    """The limits in force. Each can be set in the config file under [limits]; zero or less is refused."""

    body_bytes: Annotated[int, "bytes", "the body of a message, as UTF-8; more belongs into a file"] = 1_048_576
    subject_bytes: Annotated[int, "bytes", "the subject of a message, as UTF-8"] = 1_000
    description_bytes: Annotated[int, "bytes", "what an agent says about itself, or the description or topic of a room, as UTF-8"] = 1_000
    tags: Annotated[int, "tags", "of one agent; and as many capabilities"] = 20
    file_bytes: Annotated[int, "bytes", "one attached file"] = 268_435_456
    files_per_message: Annotated[int, "files", "attached to one message"] = 20
    recipients: Annotated[int, "names", "addressed by one message"] = 100
    batch: Annotated[int, "messages", "in one send_many, or handed over by one take"] = 1_000
    waiting: Annotated[int, "messages", "waiting in one mailbox; a full mailbox refuses, it never drops"] = 10_000
    reserve_per_minute: Annotated[int, "messages/minute", RESERVE] = 10
    sender_per_minute: Annotated[int, "messages/minute", "from one sender; as many may come at once"] = 6_000
    pair_per_minute: Annotated[int, "messages/minute", "from one sender to one recipient; as many may come at once"] = 3_000
    room_per_minute: Annotated[int, "messages/minute", "in one room, of all its members; as many may come at once"] = 3_000
    sender_in_room_per_minute: Annotated[int, "messages/minute", "in one room, of one sender: the rest is for the others"] = 1_000
    broadcasts_per_minute: Annotated[int, "messages/minute", "from one sender to @all or @tag:x; as many at once, more with time"] = 10
    thread_turns: Annotated[int, "turns", "changes of speaker in one thread until a human looks; then held, see `postroom held`"] = 200
    hops: Annotated[int, "answers", "in a chain, each to the one before or said with that in hand, until a human looks; then held"] = 250
    agents: Annotated[int, "names", "registered in one store; ghosts are counted for themselves"] = 100_000
    rooms: Annotated[int, "rooms", "owned by one agent; secret ones are counted for themselves"] = 1_000
    members: Annotated[int, "agents", "in one room"] = 10_000
    archive_days: Annotated[int, "days", "offline with nothing waiting, after which an agent is no longer listed, until it returns"] = 90
    event_days: Annotated[int, "days", "an event is kept, whether it was seen or not"] = 14
    tokens: Annotated[int, "tokens", "of one agent, that are valid"] = 100
    webhooks: Annotated[int, "webhooks", "of one agent"] = 20
    webhook_bytes: Annotated[int, "bytes", "the body of a call; a message that is too large for it is cut, and says so"] = 262_144
    webhook_calls: Annotated[int, "calls", "of one webhook that wait; while it is so many, what happens stays in the log"] = 100
    webhook_timeout_ms: Annotated[int, "ms", "a receiver may take for a call"] = 10_000
    webhook_retry_ms: Annotated[int, "ms", "until a call that failed is made again; then four times as long each time, up to 8 h"] = 5_000
    webhook_attempts: Annotated[int, "attempts", "of one call, in about a day; then it is given up, see `postroom webhook list`"] = 10
    webhook_given_up: Annotated[int, "calls", "of one webhook that were given up and are kept; with more it is paused"] = 1_000
    alert_ms: Annotated[int, "ms", "between two alerts to people; what comes meanwhile is told together"] = 60_000
    requests: Annotated[int, "messages", "sent by one agent that still expect an answer"] = 10_000
    handshake_ms: Annotated[int, "ms", "for the answer to the offer of a session"] = 30_000
    session_idle_ms: Annotated[int, "ms", "without a message, after which an open session is closed and both are told"] = 86_400_000
    lease_ms: Annotated[int, "ms", "a message may be in the hands of a living reader before another one gets it"] = 600_000
    page: Annotated[int, "messages", "in one page of history or search"] = 1_000
    busy_ms: Annotated[int, "ms", "a verb waits for the store before it gives up"] = 10_000

    @property
    def unreserved(self) -> int:
        """How many messages may wait in a mailbox before only its reserve is left: the last tenth."""
        return self.waiting - self.waiting // 10

    @property
    def into_reserve(self) -> int:
        """How many messages in a minute one sender may put into the reserve: never more than a tenth of that."""
        return min(self.pair_per_minute, self.reserve_per_minute, max(1, self.waiting // 100))


HIGHEST = {"body_bytes": 900_000_000, "subject_bytes": 90_000_000}
"""Together they fit into one row: SQLite holds 1,000,000,000 bytes in it, see SQLITE_MAX_LENGTH in https://sqlite.org/limits.html."""
HIGHEST_OF_ALL = 1_000_000_000_000_000
"""As a time in ms, or in µs, it still fits into 64 bits after it was added to the present."""


class Limit(NamedTuple):
    """One row of the table."""

    name: str
    default: int
    unit: str
    about: str


def table() -> list[Limit]:
    """The rows, in the order of the documentation."""
    import typing

    hints = typing.get_type_hints(Limits, localns={"Annotated": typing.Annotated}, include_extras=True)
    rows = [Limit(name, Limits._field_defaults[name], *hints[name].__metadata__) for name in Limits._fields]
    return [row._replace(about=f"{row.about}; at most {HIGHEST[row.name]:,}") if row.name in HIGHEST else row for row in rows]


def limits_from(settings: dict[str, object]) -> Limits:
    """The limits with a config file's [limits] applied. Raises BadValue for an unknown name or a value that is no positive whole number."""
    for name, value in settings.items():
        if name not in Limits._fields:
            raise BadValue(name="[limits]", value=name, why=f"the limits are {', '.join(Limits._fields)}")
        if type(value) is not int or value < 1:
            raise BadValue(name=f"[limits] {name}", value=value, why="a limit is a whole number above zero")
        if value > (highest := HIGHEST.get(name, HIGHEST_OF_ALL)):
            why = "SQLite holds a row of 1,000,000,000 bytes" if name in HIGHEST else "the store counts in 64 bits"
            raise BadValue(name=f"[limits] {name}", value=value, why=f"it is at most {highest:,}, because {why}")
    return Limits(**settings)  # type: ignore[arg-type]  # checked above: every value is an int


def as_markdown() -> str:
    """The table as docs/limits.md shows it."""
    lines = ["| limit | default | unit | what is bounded |", "|---|---:|---|---|"]
    lines += [f"| `{limit.name}` | {limit.default:,} | {limit.unit} | {limit.about} |" for limit in table()]
    return "\n".join(lines) + "\n"
