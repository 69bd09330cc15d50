"""The OpenAPI document says what there is, and every operation keeps to it, whatever is sent."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from postroom.agent import Agent
from postroom.http.docs import document
from postroom.http.verbs import VERBS, seats

EXAMPLES = 12
"""For each operation and mode: a hundred operations take half a minute."""
ADMIN = "Scope: admin."
ENDLESS = "/api/live"
"""Read by test_live.py: here it would never end."""
PATIENCE_S = 0.01
"""How long a generated call may wait."""
NO_VERBS = {"inbox", "name", "home", "close", "save", "send_many"}
"""Of the SDK: `inbox` is `take` and `confirm`, `save` is a download, `close` is `seat-close`; the others are about this process."""
RENAMED = {"session": "session", "send_many": "send-many"}


def test_each_verb_of_the_sdk_is_there():
    public = {name for name in vars(Agent) if not name.startswith("_")} - NO_VERBS | {"send_many"}
    there = {verb.name for verb in VERBS}
    assert not {name.replace("_", "-") for name in public} - there


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: f"{verb.method} {verb.name}")
def test_a_verb_takes_the_keywords_of_the_sdk(verb):
    said = getattr(Agent, verb.name.replace("-", "_"), None)
    if (
        said is None
        or (verb.name, verb.method) == ("profile", "GET")
        or verb.name in {"confirm", "give-back", "events", "take", "send-many"}
    ):
        return
    ours = {field.encode_name for field in msgspec.structs.fields(verb.arguments)}
    theirs = {name for name, one in inspect.signature(said).parameters.items() if name != "self" and one.kind is not one.VAR_KEYWORD}
    assert theirs <= ours


def test_each_verb_is_in_its_page():
    page = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")
    assert not [verb.name for verb in VERBS if verb not in seats.VERBS[1:] and f"`{verb.name}`" not in page]


def test_each_operation_has_a_name_and_a_summary_of_its_own():
    paths: Any = document(VERBS)["paths"]
    operations = [one for path in paths.values() for one in path.values()]
    assert len({one["operationId"] for one in operations}) == len(operations)
    assert all(one["summary"] for one in operations)


def test_the_page_needs_no_network(bus):
    page = bus.stranger().get("/docs").body.decode()
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page
    assert all(f"/api/{verb.name}" in page for verb in VERBS)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", GenerationMode)
def test_every_operation_keeps_to_the_document(bus, mode):
    served = json.loads(bus.stranger().get("/openapi.json").body)
    schema = schemathesis.openapi.from_dict(served)
    tokens = {scope: bus.token(name, scope) for name, scope in (("joe", "agent"), ("human", "admin"))}
    tried, broken = 0, {}
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]  # the document is right
        if operation.path == ENDLESS:
            continue
        token = tokens["admin" if operation.definition.raw.get("description") == ADMIN else "agent"]
        try:
            check_operation(bus, operation.as_strategy(generation_mode=mode), {"X-Bus-Token": token})
        except (FailureGroup, Unsatisfiable) as error:
            if not isinstance(error, Unsatisfiable):  # without arguments nothing can be wrong
                broken[operation.label] = [str(one) for one in error.exceptions]
        tried += 1
    assert not broken
    assert tried == sum(len(path) for path in served["paths"].values()) - 1


def check_operation(bus, strategy, headers):
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def keeps(case):
        hasten(case.query)
        hasten(case.body)
        reply = case.call(base_url=bus.node.url, headers=headers)
        checks = [schemathesis.checks.not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
        case.validate_response(reply, checks=checks)

    keeps()


def hasten(given):
    """Let nothing take long."""
    if isinstance(given, dict):
        for name in ("wait", "timeout"):
            if isinstance(given.get(name), int | float) and not isinstance(given[name], bool):
                given[name] = min(given[name], PATIENCE_S) if given[name] > 0 else given[name]
