"""Editing files of others as text: what comes in means what it should, all else stays, and what goes out leaves no trace."""

from __future__ import annotations

import json
import tomllib
from itertools import pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from postroom.harnesses.changes import stages, taken_out, with_entry, without_entry
from postroom.harnesses.editing import json_text, toml_text, yaml_text
from postroom.harnesses.editing.values import Unreadable, Value, lookup, with_key
from postroom.harnesses.harness import ITEM, Entry
from postroom.harnesses.ledger import Record, digest, step
from tests.harnesses.written import OBJECTS, TOML_TEXTS, VALUES, YAML_TEXTS, jsonc_texts

SERVER: Value = {"command": "/opt/postroom", "args": ["mcp"], "env": {"A": 'b"c'}}
JSON = "settings.json"
YES = True


@given(value=OBJECTS, indent=st.sampled_from([None, 0, 2, 4, "\t"]), ascii_only=st.booleans())
def test_json_is_read_as_json(value, indent, ascii_only):
    assert json_text.parse(json.dumps(value, indent=indent, ensure_ascii=ascii_only)) == value


@given(text=jsonc_texts(), keys=st.sampled_from([("postroom",), ("mcpServers", "postroom"), ("a b", "x", "postroom")]), value=VALUES)
@example(text="", keys=("mcpServers", "postroom"), value=SERVER)
@example(text="// nothing yet", keys=("mcpServers", "postroom"), value=SERVER)
@example(text='{"mcpServers": {"a": 1 // x\n  , /* y */ }}', keys=("mcpServers", "postroom"), value=SERVER)
def test_a_key_that_comes_in_changes_nothing_else(text, keys, value):
    before = json_text.parse(text)
    try:
        after = json_text.put(text, keys, value)
    except Unreadable:  # what lies there is no object
        assert any(not isinstance(lookup(before, keys[:depth]), dict) for depth in range(len(keys)))
        return
    assert json_text.parse(after) == with_key(before, keys, value)
    if lookup(before, keys) is None:
        assert is_within(text, after)


def is_within(part: str, whole: str) -> bool:
    """Whether each character of a text is in another one, in order."""
    rest = iter(whole)
    return all(character in rest for character in part)


@given(text=jsonc_texts(), keys=st.sampled_from([("postroom",), ("mcpServers", "postroom"), ("theme", "postroom")]), value=VALUES)
def test_a_new_key_that_goes_out_again_leaves_all_else(text, keys, value):
    before = json_text.parse(text)
    assume(lookup(before, keys) is None and all(isinstance(lookup(before, keys[:depth]), dict) for depth in range(len(keys))))
    gone = json_text.drop(json_text.put(text, keys, value), keys)
    assert json_text.parse(gone) == before
    assert comments(gone) == comments(text)


def comments(text: str) -> list[str]:
    return [mark for mark in ("// first", "/* first */", "// last") if mark in text] + ["it's"] * text.count("// it's {")


@given(text=jsonc_texts(), value=VALUES)
def test_an_item_that_comes_in_and_goes_out_leaves_all_else(text, value):
    before = json_text.parse(text)
    entry = Entry(JSON, ("hooks", "Stop"), {"command": "/opt/postroom hook Stop", "value": value}, ITEM)
    try:
        after = with_entry(text, entry)
    except Unreadable:  # what lies there is no object, or no list
        hooks = lookup(before, ("hooks",))
        assert isinstance(before, dict)
        assert "hooks" in before
        assert not isinstance(hooks, dict) or not isinstance(hooks.get("Stop", []), list)
        return
    there = lookup(before, entry.keys) or []
    assert isinstance(there, list)
    assert json_text.parse(after) == with_key(before, entry.keys, [*there, entry.value])
    assert json_text.parse(without_entry(after, entry)) == with_key(before, entry.keys, there)


@given(text=jsonc_texts())
def test_what_nobody_edited_since_comes_back_byte_for_byte(text):
    entries = [Entry(JSON, ("mcpServers", "postroom"), SERVER), Entry(JSON, ("permissions", "allow"), "mcp__postroom", ITEM)]
    try:
        texts = [text, *stages(text, entries)]
    except Unreadable:
        return  # such a file is left alone
    steps = [step(before, after) for before, after in pairwise(texts)]
    written = digest(texts[-1])
    record = Record(JSON, "x", "user", written, existed=True, steps=steps, entries=entries, containers=[], directories=[])
    assert taken_out(texts[-1], record, entries) == text
    assert record.undone(texts[-1]) == text


@pytest.mark.parametrize(
    "before, after",
    [
        ('{\n\t"a": 1\n}\n', '{\n\t"a": 1,\n\t"s": {\n\t\t"p": true\n\t}\n}\n'),
        ('{"a":1}', '{"a":1, "s": {"p": true}}'),
        ("{}", '{\n  "s": {\n    "p": true\n  }\n}'),
        ('{\r\n    "s": {}, // mine\r\n}\r\n', '{\r\n    "s": {\r\n        "p": true\r\n    }, // mine\r\n}\r\n'),
        ('{\n  "s": {\n    "q": 1, // mine\n  },\n}\n', '{\n  "s": {\n    "q": 1, // mine\n    "p": true,\n  },\n}\n'),
        ('{\n  "s": {\n    "q": 1 // mine\n  }\n}\n', '{\n  "s": {\n    "q": 1, // mine\n    "p": true\n  }\n}\n'),
        ("\ufeff{ // mine\n}", '\ufeff{ // mine\n  "s": {\n    "p": true\n  }\n}'),
        ('{"s": {"p": false}}', '{"s": {"p": true}}'),
    ],
)
def test_json_is_continued_in_its_own_style(before, after):
    assert json_text.put(before, ("s", "p"), YES) == after


@pytest.mark.parametrize(
    "text, line, why",
    [
        ('{\n  "a": 1\n  "b": 2\n}', 3, "a comma or '}' is missing"),
        ('{\n  "a": 1,\n', 3, "'}' is missing"),
        ("{\n  a: 1\n}", 2, "a key in double quotes is missing"),
        ('{"a" 1}', 1, "a colon is missing after 'a'"),
        ('{"a": 01}', 1, "a comma or '}' is missing"),
        ('{"a": yes}', 1, "'y' cannot stand here"),
        ('{"a": "b\n"}', 1, "a text in quotes is broken (invalid control character at)"),
        ("{} {}", 1, "something follows after the end"),
        ("{ /* no end }", 1, "a comment has no end"),
        ('{"a":', 1, "the end comes too early"),
        ("[1]", 1, "an object is needed here, for 's'"),
        ('{"s":\n[]}', 2, "an object is needed here, for 'p'"),
        ("[" * 300, 1, "it is nested too deeply"),
    ],
)
def test_broken_json_is_reported_with_its_line(text, line, why):
    with pytest.raises(Unreadable) as found:
        json_text.put(text, ("s", "p"), YES)
    assert (found.value.line, found.value.why) == (line, why)


@given(text=TOML_TEXTS)
def test_a_table_that_comes_in_and_goes_out_leaves_toml_as_it_was(text):
    keys = ("mcp_servers", "postroom")
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        with pytest.raises(Unreadable):
            toml_text.put(text, keys, SERVER)
        return
    after = toml_text.put(text, keys, SERVER)
    assert tomllib.loads(after) == with_key(before, keys, SERVER)
    assert after.startswith(text)
    assert toml_text.drop(after, keys).rstrip("\n") == text.rstrip("\n")


def test_a_table_of_an_earlier_version_gives_way_with_its_own_tables():
    text = '[mcp_servers.postroom]\ncommand = "old" # here\n\n[mcp_servers.postroom.tools.send]\nmode = "x"\n\n# mine\n[tui]\na = 1\n'
    after = toml_text.put(text, ("mcp_servers", "postroom"), {"command": "new"})
    assert after == '\n\n# mine\n[tui]\na = 1\n\n[mcp_servers.postroom]\ncommand = "new"\n'


def test_toml_written_otherwise_is_found_too():
    text = 'mcp_servers.postroom.command = "x"\n[mcp_servers]\n'
    assert toml_text.drop('[mcp_servers]\n"postroom" = { command = "x" }\nother = { command = "y" }\n', ("mcp_servers", "postroom")) == (
        '[mcp_servers]\nother = { command = "y" }\n'
    )
    with pytest.raises(Unreadable, match="line 2"):
        toml_text.put(text, ("mcp_servers", "postroom"), SERVER)


def test_an_inline_table_of_servers_is_not_guessed_at():
    with pytest.raises(Unreadable, match=r"mcp_servers\.postroom cannot be added to what is there; add it by hand"):
        with_entry('mcp_servers = { a = { command = "x" } }\n', Entry("config.toml", ("mcp_servers", "postroom"), SERVER))


@given(text=YAML_TEXTS, ending=st.sampled_from(["", "\n"]))
def test_a_block_that_comes_in_and_goes_out_leaves_yaml_as_it_was(text, ending):
    keys = ("extensions", "postroom")
    before = yaml_text.parse(text + ending)
    after = yaml_text.put(text + ending, keys, SERVER)
    assert yaml_text.parse(after) == with_key(before, keys, "")
    gone = yaml_text.drop(after, keys)
    if "extensions" not in before:
        gone = yaml_text.drop_empty(gone, "extensions")
    assert gone.rstrip("\n") == text.rstrip("\n")


@pytest.mark.parametrize(
    "text, line, why",
    [
        ("a: 1\n\tb: 2\n", 2, "a tab indents it, which YAML does not allow"),
        ("a: 1\nb\n", 2, "a key with a colon is expected"),
        ("a: 1\n---\nb: 2\n", 2, "only one document is understood here"),
        ("extensions: [a]\n", 1, "'extensions' is not written as one key per line"),
        ("extensions:\n- a\n", 2, "what is under 'extensions' is not written as one key per line"),
        ("extensions: &x\n  a: 1\n", 1, "'extensions' is not written as one key per line"),
    ],
)
def test_unusual_yaml_is_reported_with_its_line(text, line, why):
    with pytest.raises(Unreadable) as found:
        yaml_text.put(text, ("extensions", "postroom"), SERVER)
    assert (found.value.line, found.value.why) == (line, why)


def test_yaml_is_continued_in_its_own_style():
    text = "GOOSE_MODEL: x\r\nextensions: {} # none yet\r\nlast: 1\r\n"
    assert yaml_text.put(text, ("extensions", "postroom"), {"enabled": True, "args": ["mcp", "no"], "envs": {}}) == (
        "GOOSE_MODEL: x\r\nextensions: # none yet\r\n  postroom:\r\n    enabled: true\r\n    args:\r\n      - mcp\r\n"
        '      - "no"\r\n    envs: {}\r\nlast: 1\r\n'
    )
