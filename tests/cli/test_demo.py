"""`postroom demo` really happens: processes, a kill, a redelivery, a room, a loop that is stopped."""

import json
import re

from tests.cli.shell import Shell

EXPECTED = [
    ("", r"reviewer is here, pid \d+"),
    ("manager → builder", "session: Build the landing page"),
    ("manager → builder", "FIN → FIN-ACK"),
    ("manager → reviewer", r"Which Python do we support\?"),
    ("manager → reviewer", "session: Rewrite everything in COBOL"),
    ("", r"kill -9 \d+: builder died with the message in its hands.*"),
    ("builder", "handed over again, marked “redelivered”: Deploy to staging."),
    ("manager", "makes the room #launch"),
    ("reviewer → #launch", "joins; there: manager, builder"),
    ("manager", "hears in #launch: reviewer joined"),
    ("manager → #launch", "Thank you all, that was good work!"),
    ("postroom", "held, and the person is told once: thread-budget.*"),
    ("manager", r"hears in #launch: (builder|reviewer) is idle"),
    ("", r"\d+ messages, \d+ deliveries, \d+ unread, integrity check: ok"),
]


def test_the_demo_shows_everything_in_order(tmp_path):
    lines = [json.loads(line) for line in Shell(tmp_path).ok("demo", "--json").splitlines()]
    lines.sort(key=lambda line: float(line["at_ms"]))  # on a busy machine a report comes too late to be shown in its place
    shown = iter(lines)
    for who, text in EXPECTED:
        assert any(line["who"] == who and re.fullmatch(text, line["text"]) for line in shown), f"{who}: {text}"
    joined = [line["remark"].partition("; ")[2] for line in lines if line["text"].startswith("joins; there")]
    assert joined == ["has read: nothing yet", "has read: We launch at noon."], "nothing that was said later"
    held = [line for line in lines if line["remark"].startswith("held")]
    assert 1 <= len(held) <= 2, "what is held is not answered any more"
