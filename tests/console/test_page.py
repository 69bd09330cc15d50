"""What the page is made of: text of agents never becomes markup, and nothing comes from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import postroom.http.pages as served

PAGE = Path(served.PAGE)
SCRIPTS = sorted(PAGE.rglob("*.js"))
STYLES = sorted(PAGE.rglob("*.css"))
MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|setHTML|srcdoc"
    r"|\beval\b|new Function|javascript:"
)
ELSEWHERE = re.compile(r"""["'(]\s*(?:https?:)?//(?!www\.w3\.org/)""")
IMPORTED = re.compile(r'^import .*? from "(\./|\.\./)([\w./]+)";$', re.MULTILINE)
BYTES_MAX = 250_000
"""All of it together: it is read at once, from the machine itself or over a slow line."""


def names(paths):
    return [str(path.relative_to(PAGE)) for path in paths]


@pytest.mark.parametrize("script", SCRIPTS, ids=names(SCRIPTS))
def test_no_text_can_become_markup_or_code(script):
    assert not MARKUP.search(script.read_text(encoding="utf-8"))


def test_what_makes_markup_is_noticed():
    assert all(MARKUP.search(text) for text in ("a.innerHTML = b", "eval(x)", "new Function('x')", 'h("a", { href: "javascript:x" })'))


@pytest.mark.parametrize("file", [*SCRIPTS, *STYLES, PAGE / "index.html"], ids=names([*SCRIPTS, *STYLES, PAGE / "index.html"]))
def test_nothing_is_loaded_from_elsewhere(file):
    text = file.read_text(encoding="utf-8")
    assert not ELSEWHERE.search(text)
    assert "url(" not in text


@pytest.mark.parametrize("script", SCRIPTS, ids=names(SCRIPTS))
def test_each_module_says_what_lives_in_it_and_what_it_imports_is_there(script):
    text = script.read_text(encoding="utf-8")
    assert text.startswith("// ")
    assert text.count("\n") <= 400
    imported = [(script.parent / up / name).resolve() for up, name in IMPORTED.findall(text)]
    assert text.count("\nimport ") == len(imported)
    assert [path for path in imported if path not in SCRIPTS] == []


def test_every_file_is_served_and_together_they_are_small():
    files = dict(served.files())
    assert len(files) == len([path for path in PAGE.rglob("*") if path.is_file()])
    assert sum(len(file.body) for file in files.values()) < BYTES_MAX


def test_the_markup_holds_no_script_and_no_style():
    text = (PAGE / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script[^>]*>[^<]", text) == []
    assert not re.search(r"<style|style=|\son\w+=", text)
