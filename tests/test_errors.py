"""Errors: the docstring is the sentence, the facts fill it in, and each error is met by somebody."""

from __future__ import annotations

import ast
import pickle
import re
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

from postroom.core import errors, refusals
from postroom.core.errors import PostroomError

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))
BRANCHES = {"PostroomError", "CallerError", "WorldError"}
NAMED = {**vars(errors), **vars(refusals)}
CLASSES = {name: item for name, item in NAMED.items() if isinstance(item, type) and issubclass(item, PostroomError)}
CODES = re.compile(r"[a-z]+(-[a-z]+)*")
each_class = pytest.mark.parametrize("name", sorted(CLASSES))


def facts_of(name):
    """What the sentence of an error speaks of."""
    return {field for _, field, _, _ in Formatter().parse(CLASSES[name].__doc__ or "") if field}


def test_what_is_quoted_is_cut_when_it_is_long_and_what_is_told_is_whole():
    long = "x" * 5_000
    assert str(errors.NoSuchMessage(id=long, advice=long)) == f"There is no message '{'x' * 200}…'.{long} See: postroom history."
    assert len(str(errors.BadValue(name="to", value=[long], why="no"))) < 300
    assert str(errors.BadId(id="x" * 200)).count("x") == 200
    assert errors.BadId(id=long).facts == {"id": long}


@cache
def nodes():
    """Every call and every raise of the sources, with its place."""
    return [
        (f"{path.relative_to(ROOT)}:{node.lineno}", node)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Call, ast.Raise))
    ]


@cache
def calls():
    """Where errors are made: file and line, class, the facts that are named there (None: they come in a dict), and whether others are."""
    found = []
    for where, node in nodes():
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name in CLASSES:
                found.append((where, name, {keyword.arg for keyword in node.keywords}, bool(node.args)))
    return found


def raised_bare():
    for where, node in nodes():
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name) and node.exc.id in CLASSES:
            yield where, node.exc.id


@cache
def written():
    """The texts of all tests but these."""
    return [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)]


def test_every_error_is_made_with_the_facts_that_its_sentence_needs():
    wrong = [
        f"{where}: {name} without {', '.join(sorted(facts_of(name) - facts))}"
        for where, name, facts, _ in calls()
        if None not in facts and facts_of(name) - facts
    ]
    wrong += [f"{where}: {name} without facts" for where, name in raised_bare() if facts_of(name)]
    assert not wrong, "\n".join(wrong)


def test_facts_are_named():
    assert not [where for where, _, _, positional in calls() if positional]


@each_class
def test_an_error_is_made_somewhere(name):
    made = {made for _, made, _, _ in calls()} | {bare for _, bare in raised_bare()}
    named = re.compile(rf"(apsw\.\w+|OSError): {name},")  # the table of the store
    assert name in BRANCHES | made or any(named.search(path.read_text(encoding="utf-8")) for path in SOURCES)


@each_class
def test_an_error_that_programs_can_meet_is_met_in_a_test(name):
    """Those that only the command line makes are met there, by their exit codes."""
    if name in BRANCHES or all("/cli/" in where for where, made, _, _ in calls() if made == name):
        return
    met = re.compile(rf"\b{name}\b")
    code = re.compile(rf"[\"'{{]{CLASSES[name].code}\b")
    assert any(met.search(text) or code.search(text) for text in written())


@each_class
def test_an_error_has_a_sentence_and_says_what_programs_need(name):
    error = CLASSES[name]
    assert error.__doc__
    assert "\n" not in error.__doc__.strip()
    assert error.__doc__.endswith((".", "}"))
    assert CODES.fullmatch(error.code)
    assert 1 <= error.exit_code < 126
    assert 400 <= error.http_status < 600
    assert isinstance(error.retry, bool)


def test_codes_tell_errors_apart():
    codes = [error.code for name, error in CLASSES.items() if "code" in vars(error)]
    assert len(codes) == len(set(codes))


@each_class
def test_an_error_survives_being_sent_to_another_process(name):
    error = CLASSES[name](**{fact: 7 if fact == "seconds" else f"<{fact}>" for fact in facts_of(name)})
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  # made here
    assert (type(again), again.facts, str(again)) == (type(error), error.facts, str(error))
    assert "{" not in str(error)


@pytest.mark.parametrize("fact", ["{name}", "{0}", "%s", "{", "a\nb"])
def test_a_fact_cannot_change_the_sentence(fact):
    assert str(errors.NoSuchAgent(name=fact, close="")).startswith(f"There is no agent {fact!r}.")


def test_the_three_branches_say_whose_fault_it_is():
    for name, error in CLASSES.items():
        if issubclass(error, errors.CallerError):
            assert not error.retry, f"{name}: the same call would fail again"
        assert not (issubclass(error, errors.CallerError) and issubclass(error, errors.WorldError))
