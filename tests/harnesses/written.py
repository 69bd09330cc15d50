"""Texts as people and programs write configuration: generated values, with comments, blanks, trailing commas, tabs, CRLF and marks."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

KEYS = st.sampled_from(["mcpServers", "hooks", "theme", "Stop", "a b", 'q"uote', "ünï", "postroom-2", ""])
SCALARS = (
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=5)


@st.composite
def jsonc_texts(draw: st.DrawFn) -> str:
    """An object as a person might have typed it."""
    style: dict[str, Any] = {
        "newline": draw(st.sampled_from(["\n", "\r\n"])),
        "unit": draw(st.sampled_from(["  ", "    ", "\t", ""])),
        "flat": draw(st.booleans()),
        "trailing": draw(st.booleans()),
        "comments": draw(st.booleans()),
    }
    text: str = draw(st.sampled_from(["", "\ufeff"]))
    if style["comments"]:
        text += draw(st.sampled_from(["", "// first" + style["newline"], "/* first */ "]))
    text += written(draw, draw(OBJECTS), "", style)
    endings = ["", style["newline"], style["newline"] + "// last"]
    return text + str(draw(st.sampled_from(endings if style["comments"] else endings[:2])))


def written(draw: st.DrawFn, value: object, indent: str, style: dict[str, Any]) -> str:
    """A value in a style."""
    if not isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=draw(st.booleans()))
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    deeper = indent + style["unit"]
    rows = []
    for key, item in value.items() if isinstance(value, dict) else ((None, item) for item in value):
        name = "" if key is None else f"{json.dumps(key)}{draw(st.sampled_from([':', ': ', ' : ']))}"
        rows.append(name + written(draw, item, deeper, style))
    if not rows:
        return opening + blank(draw, style) + closing
    commas = [","] * (len(rows) - 1) + ["," if style["trailing"] else ""]
    if style["flat"]:
        inner = "".join(blank(draw, style) + row + comma for row, comma in zip(rows, commas, strict=True))
        return f"{opening}{inner}{blank(draw, style)}{closing}"
    lines = [f"{deeper}{row}{comma}{note(draw, style)}" for row, comma in zip(rows, commas, strict=True)]
    return str(style["newline"]).join([opening + note(draw, style), *lines, indent + closing])


def blank(draw: st.DrawFn, style: dict[str, Any]) -> str:
    """What may stand between two marks on a line."""
    marks = ["", " ", " /* , } */ "] if style["comments"] else ["", " "]
    return str(draw(st.sampled_from(marks)))


def note(draw: st.DrawFn, style: dict[str, Any]) -> str:
    """What may stand at the end of a line."""
    marks = ["", " // it's {", " /* x */"] if style["comments"] else ["", " "]
    return str(draw(st.sampled_from(marks)))


TOML_TEXTS = st.lists(
    st.sampled_from(
        [
            'model = "gpt"',
            "# a comment",
            "",
            "[tui]",
            "[mcp_servers.other]",
            'command = "x"  # why',
            'args = [ "a", # [b]\n  "c" ]',
            'long = """\n[mcp_servers.postroom]\ncommand = "no"\n"""',
            "literal = 'C:\\new'",
            "[[rules]]",
            "[rules.\"a.b\".'c']",
            'inline = { a = [1, 2], b = "}" }',
            "when = 2026-11-20T08:00:00Z",
        ]
    ),
    max_size=9,
).map("\n".join)

YAML_BLOCKS = [
    "GOOSE_PROVIDER: openai",
    "# a comment",
    "",
    "GOOSE_MODEL: 'gpt: 5'",
    "extensions:\n  developer:\n    enabled: true\n    type: builtin # really\n    args:\n    - a\n    - b",
    "notes: |\n  extensions:\n    postroom: not this one\n",
    "list:\n- a\n- b",
]
YAML_TEXTS = st.lists(st.sampled_from(YAML_BLOCKS), max_size=6, unique=True).map("\n".join)
