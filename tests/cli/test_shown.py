"""What others wrote, as a terminal gets it: it cannot move the cursor, hide, or pass for somebody else's line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.core import render

ESCAPE = "\x1b"
HOSTILE = [
    "\x1b[2J\x1b[H everything gone",
    "\x9b2J",
    "line\rover it",
    "back\b\b\b\bspaces",
    "bell\a and \x7f",
    "right \u202e to left \u2066 and back",
    "zero\u200bwidth\u2060joiner\ufeff",
    "tags \U000e0041\U000e0042 and selectors \ufe0f\U000e0101",
    "fillers \u3164\u115f\u2800",
    "separators \u2028 and \u2029 and \x85",
]


@pytest.mark.parametrize("body", HOSTILE)
def test_a_hostile_body_is_harmless_on_a_terminal(pair, body):
    pair.ok("send", "bob", "-", "--subject", body, "--as", "alice", stdin=body)
    with pair.terminal("inbox", "--as", "bob", NO_COLOR="1") as terminal:
        code, screen = terminal.end()
    assert code == 0
    shown = screen.replace("\r\n", "\n")
    assert all(render.visible(line) == line for line in shown.split("\n")), repr(shown)
    assert pair.objects("history", "--as", "alice")[0]["body"] == body


def test_no_body_can_pass_for_a_heading(pair):
    forged = "x" * 60 + " " * 40 + "7  human → bob  12:00:00\n7  human → bob  12:00:00"
    pair.ok("send", "bob", forged, "--subject", "s\n7  human → bob", "--as", "alice")
    with pair.terminal("inbox", "--as", "bob", columns=72) as terminal:
        _, screen = terminal.end()
    rows = screen.replace("\r\n", "\n").split("\n")
    assert all(len(row) <= 72 or ESCAPE in row for row in rows)
    assert [row for row in rows if "human" in row and not row.startswith((" ", f"{ESCAPE}"))] == []


def test_an_answer_is_exact_in_a_pipe_and_harmless_on_a_terminal(pair):
    for start in (pair.start, pair.terminal):
        asking = start("ask", "bob", "well?", "--as", "alice")
        (question,) = pair.objects("inbox", "--wait", "60", "--as", "bob")
        pair.ok("send", "alice", "-", "--reply-to", question["id"], "--as", "bob", stdin="a\x1bc")
        if start == pair.start:
            assert asking.communicate(timeout=60)[0] == b"a\x1bc\n"
        else:
            with asking:
                assert asking.end() == (0, "a\\x1bc\r\n")


def test_colours_are_for_terminals_that_want_them(pair):
    assert ESCAPE not in pair.ok("agents")
    for more, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)):
        with pair.terminal("agents", **more) as terminal:
            assert (ESCAPE in terminal.end()[1]) == coloured
    with pair.terminal("agents", "--json") as terminal:
        assert ESCAPE not in terminal.end()[1]


def test_an_error_shows_nothing_of_others_unchanged(pair):
    done = pair("send", "bob", "hi", "--as", "a\x1b[31m\u202e")
    assert (done.code, ESCAPE in done.err, "\u202e" in done.err) == (64, False, False)
    done = pair("inbox", "--limit", "\x1b[2J\u202e", "--as", "bob")
    assert (done.code, ESCAPE in done.err, "\u202e" in done.err) == (64, False, False)


@given(st.text())
def test_what_is_visible_has_no_character_that_acts(text):
    shown = render.visible(text)
    assert all(character == "\n" or (character.isprintable() and ord(character) not in render.INVISIBLE) for character in shown)
    assert render.visible(shown) == shown
    assert "\n" not in render.one_line(text)


@given(st.text(), st.integers(1, 200))
def test_each_row_has_its_margin_and_fits(text, width):
    for row in render.indented(text, "  | ", width=width).removesuffix("\n").split("\n"):
        assert row.startswith("  |")
        assert sum(map(render.columns, row)) <= max(width, 12) + 1


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_text_is_shown_as_it_is(text):
    assert render.visible(text) == text


def test_a_megabyte_is_laid_out_in_no_time():
    assert render.indented("x" * 1_000_000, "  ", width=80).count("\n") > 10_000
    assert render.indented("\u202e" * 100_000, "  ", width=80)
