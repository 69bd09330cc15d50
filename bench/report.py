"""Results as tables in Markdown and as JSON. Judges nothing itself: requirements.py does."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from bench.requirements import MANY, ONE, RELAXED, REQUIREMENTS, SAFE, TWO, Requirement
from bench.results import Key, Results


class Column(NamedTuple):
    """One column of the table of peers."""

    title: str
    load: str
    figure: str
    more_is_better: bool = False


COLUMNS = [
    Column("one-way p50", ONE, "one_way_p50"),
    Column("p99", ONE, "one_way_p99"),
    Column("send p50", ONE, "send_p50"),
    Column("p99", ONE, "send_p99"),
    Column("1×1 per s", TWO, "per_second", more_is_better=True),
    Column("send p50", TWO, "send_p50"),
    Column("p99", TWO, "send_p99"),
    Column("CPU", TWO, "cpu_per_message"),
    Column("8×8 per s", MANY, "per_second", more_is_better=True),
    Column("send p50", MANY, "send_p50"),
    Column("p99", MANY, "send_p99"),
    Column("CPU", MANY, "cpu_per_message"),
]
COMPARED = [
    Column("one-way", ONE, "one_way_p50"),
    Column("send", ONE, "send_p50"),
    Column("1×1 per s", TWO, "per_second", more_is_better=True),
    Column("8×8 per s", MANY, "per_second", more_is_better=True),
    Column("8×8 CPU", MANY, "cpu_per_message"),
]
PEERS = """\
Times in µs, medians of the rounds. A send is over when it is acknowledged; CPU is per message, of sender, receiver and
server together. The first four columns are of one message a millisecond, the others of as many as go."""
TIMES_BETTER = """\
Above 1, Postroom is faster, carries more, or uses less. First safe, then relaxed; the median of the rounds' own ratios."""
WORDS = {True: "yes", False: "**no**", None: "not measured"}


def markdown(results: Results, facts: dict[str, str], promises: dict[str, str], notes: Sequence[str]) -> str:
    """The whole report. `promises` are the peers in their order, with what an acknowledged message survives."""
    parts = [
        "# Postroom beside its peers",
        "\n".join(f"- {name}: {fact}" for name, fact in facts.items()),
        "## Requirements",
        table(["requirement", "bound", "measured", "met"], [requirement_row(row, results) for row in REQUIREMENTS]),
        "## Peers",
        PEERS,
        peer_table(results, promises),
        "## How many times better Postroom is",
        TIMES_BETTER,
        ratio_table(results, promises),
        "## Postroom alone",
        table(["subject", "load", "figure", "median"], own_rows(results, promises)),
        "## Notes",
        "\n".join(f"- {note}" for note in [*notes, *losses(results)]) or "None.",
    ]
    return "\n\n".join(parts) + "\n"


def as_json(results: Results, facts: dict[str, str], notes: Sequence[str]) -> str:
    """Every figure of every round, and the requirements with their verdicts."""
    figures = [{**key._asdict(), "median": results.median(key), "rounds": values} for key, values in results.rounds.items()]
    requirements = [
        {
            "requirement": row.text,
            "sense": row.sense,
            "bound": row.bound,
            "unit": row.unit,
            "measured": row.figure(results),
            "met": row.met(results),
        }
        for row in REQUIREMENTS
    ]
    return json.dumps(
        {"facts": facts, "notes": list(notes), "requirements": requirements, "figures": figures},
        indent=1,
        ensure_ascii=False,
    )


def requirement_row(row: Requirement, results: Results) -> list[str]:
    found = row.figure(results)
    measured = "" if found is None else amount(found) + row.unit
    return [row.text, f"{row.sense} {row.bound:,g}{row.unit}", measured, WORDS[row.met(results)]]


def peer_table(results: Results, promises: dict[str, str]) -> str:
    titles = ["", "ack survives", *(column.title for column in COLUMNS)]
    rows = []
    for peer, promise in promises.items():
        cells = [results.median(Key(peer, column.load, column.figure)) for column in COLUMNS]
        rows.append([peer, promise, *(amount(cell) for cell in cells)])
    return table(titles, rows)


def ratio_table(results: Results, promises: dict[str, str]) -> str:
    rows = []
    for peer in promises:
        if peer not in (SAFE, RELAXED):
            pairs = [(ratio(results, column, SAFE, peer), ratio(results, column, RELAXED, peer)) for column in COMPARED]
            rows.append([peer, *(f"{amount(safe)} / {amount(relaxed)}" for safe, relaxed in pairs)])
    return table(["", *(column.title for column in COMPARED)], rows)


def ratio(results: Results, column: Column, mine: str, peer: str) -> float | None:
    ours, theirs = Key(mine, column.load, column.figure), Key(peer, column.load, column.figure)
    return results.ratio(ours, theirs) if column.more_is_better else results.ratio(theirs, ours)


def own_rows(results: Results, promises: dict[str, str]) -> list[list[str]]:
    """What has no place in the table of peers."""
    shown = {(column.load, column.figure) for column in COLUMNS} | {(load, "lost") for load in (ONE, TWO, MANY)}
    rows = []
    for key in results.rounds:
        mine = key.subject in (SAFE, RELAXED) or key.subject not in promises
        if mine and (key.load, key.figure) not in shown:
            rows.append([key.subject, key.load, key.figure, amount(results.median(key))])
    return rows


def losses(results: Results) -> list[str]:
    """Peers of which some sent messages never arrived."""
    lost = {key: sum(value or 0 for value in values) for key, values in results.rounds.items() if key.figure == "lost"}
    return [f"{key.subject}, {key.load}: {count:g} messages never arrived" for key, count in lost.items() if count]


def amount(value: float | None) -> str:
    """A figure with about three digits."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with aligned columns."""
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    rule = ["-" * width for width in widths]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in [titles, rule, *rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
