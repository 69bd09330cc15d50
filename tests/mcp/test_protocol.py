"""The protocol in both eras, request by request."""

from __future__ import annotations

import json

import pytest

from postroom.mcp.protocol import BATCHES, LEGACY
from tests.mcp.serving import META, text_of

VERSION = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
SCHEMA_BYTES_MAX = 2_200


# With a handshake


@pytest.mark.parametrize("version", LEGACY)
def test_a_client_gets_the_revision_that_it_asks_for(start, version):
    answer = start().request("initialize", {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}})[
        "result"
    ]
    assert answer["protocolVersion"] == version
    assert answer["capabilities"] == {"tools": {}}
    assert answer["serverInfo"]["name"] == "postroom"
    assert "peer-message" in answer["instructions"]


@pytest.mark.parametrize("version", ["1900-01-01", "2026-07-28", "", None, 7])
def test_who_asks_for_another_revision_gets_the_newest_with_a_handshake(start, version):
    assert start().request("initialize", {"protocolVersion": version})["result"]["protocolVersion"] == LEGACY[0]


def test_results_of_the_legacy_era_have_nothing_of_the_modern_one(serve):
    served = serve()
    assert served.request("tools/list")["result"].keys() == {"tools"}
    assert served.answer(served.begin("agents"))["result"].keys() == {"content", "isError"}
    assert served.request("ping")["result"] == {}


def test_a_request_before_the_handshake_is_told_what_to_do(start):
    served = start()
    for method in ("tools/list", "tools/call", "server/discover"):
        error = served.request(method)["error"]
        assert error["code"] == -32602
        assert "initialize" in error["message"]


def test_unknown_methods_and_tools_are_errors(serve):
    served = serve()
    assert served.request("resources/list")["error"]["code"] == -32601
    assert served.request("server/discover")["error"]["code"] == -32601
    error = served.request("tools/call", {"name": "sned", "arguments": {}})["error"]
    assert error["code"] == -32602
    assert "send, inbox" in error["message"]
    assert served.request("tools/call", {"name": "send", "arguments": []})["error"]["code"] == -32602


def test_notifications_and_answers_are_not_answered(serve):
    served = serve()
    served.tell("notifications/roots/list_changed", {})
    served.tell("notifications/unheard-of", {})
    served.tell("tools/call", {"name": "agents", "arguments": {}})
    served.put({"jsonrpc": "2.0", "id": 9, "result": {}})
    assert served.request("ping")["result"] == {}
    assert served.is_silent()


def test_a_batch_is_answered_together_in_the_only_revision_that_has_them(serve):
    served = serve(version=BATCHES)
    call = {"name": "agents", "arguments": {}}
    served.write(
        json.dumps(
            [
                {"jsonrpc": "2.0", "id": "a", "method": "tools/call", "params": call},
                {"jsonrpc": "2.0", "method": "notifications/x"},
                {"jsonrpc": "2.0", "id": "b", "method": "ping"},
                {"jsonrpc": "2.0", "id": "c"},
            ]
        ).encode()
        + b"\n"
    )
    answers = {answer["id"]: answer for answer in served.lines_of_batch()}
    assert text_of(answers["a"]).startswith("you are")
    assert answers["b"]["result"] == {}
    assert answers["c"]["error"]["code"] == -32600


def test_a_cancelled_call_of_a_batch_is_not_waited_for(serve):
    served = serve(version=BATCHES)
    wait = {"name": "inbox", "arguments": {"wait": 50}}
    served.put([{"jsonrpc": "2.0", "id": "a", "method": "tools/call", "params": wait}, {"jsonrpc": "2.0", "id": "b", "method": "ping"}])
    served.tell("notifications/cancelled", {"requestId": "a"})
    assert [answer["id"] for answer in served.lines_of_batch()] == ["b"]


def test_other_revisions_have_no_batches(serve):
    served = serve(version="2025-06-18")
    served.put([{"jsonrpc": "2.0", "id": 1, "method": "ping"}])
    assert served.line()["error"]["code"] == -32600


# With metadata in each request


def test_discovery_says_who_we_are(start):
    result = start().request("server/discover", {"_meta": META})["result"]
    assert result["supportedVersions"] == ["2026-07-28"]
    assert result["resultType"] == "complete"
    assert result["capabilities"] == {"tools": {}}
    assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "postroom"
    assert result["ttlMs"] >= 0
    assert result["cacheScope"] == "public"


def test_the_modern_era_needs_no_handshake(start):
    served = start()
    listed = served.request("tools/list", {"_meta": META})["result"]
    assert len(listed["tools"]) == 6
    assert (listed["resultType"], listed["cacheScope"]) == ("complete", "public")
    called = served.answer(served.begin("profile", META))["result"]
    assert called["resultType"] == "complete"
    assert called["content"][0]["text"].startswith("you are")


def test_another_version_is_refused_with_those_that_we_speak(start):
    error = start().request("tools/list", {"_meta": META | {VERSION: "1900-01-01"}})["error"]
    assert error["code"] == -32022
    assert error["data"] == {"supported": ["2026-07-28"], "requested": "1900-01-01"}


def test_capabilities_are_needed(start):
    assert start().request("tools/list", {"_meta": {VERSION: "2026-07-28"}})["error"]["code"] == -32602


def test_what_the_modern_era_left_behind_is_unknown_in_it(start):
    served = start()
    for method in ("ping", "initialize", "logging/setLevel", "resources/subscribe"):
        assert served.request(method, {"_meta": META})["error"]["code"] == -32601


def test_both_eras_are_served_at_once(serve):
    served = serve()
    assert "ttlMs" in served.request("tools/list", {"_meta": META})["result"]
    assert "ttlMs" not in served.request("tools/list")["result"]


def test_a_subscription_is_acknowledged_and_ends_with_the_server(start):
    served = start()
    first = served.ask("subscriptions/listen", {"_meta": META, "notifications": {"toolsListChanged": True}})
    second = served.ask("subscriptions/listen", {"_meta": META, "notifications": {}})
    for id in (first, second):
        told = served.line()
        assert told["method"] == "notifications/subscriptions/acknowledged"
        assert told["params"] == {"_meta": {"io.modelcontextprotocol/subscriptionId": id}, "notifications": {}}
    served.tell("notifications/cancelled", {"requestId": first})
    served.close_input()
    (ended,) = served.rest()
    assert ended["id"] == second
    assert ended["result"]["resultType"] == "complete"


# What a model is told


def test_the_schemas_are_small(serve):
    tools = serve().request("tools/list")["result"]["tools"]
    assert [tool["name"] for tool in tools] == ["send", "inbox", "agents", "history", "room", "profile"]
    assert len(json.dumps(tools)) < SCHEMA_BYTES_MAX
    for tool in tools:
        assert tool["inputSchema"]["type"] == "object"
        assert all("type" in schema for schema in tool["inputSchema"]["properties"].values())


def test_tools_are_listed_alike_each_time(serve):
    served = serve()
    assert served.request("tools/list")["result"] == served.request("tools/list")["result"]


# The end


def test_the_end_of_the_input_is_the_end(serve):
    served = serve()
    waiting = served.begin("inbox", wait=50)
    assert served.end() == 0
    assert [answer["id"] for answer in served.rest() if "id" in answer] == [waiting]


def test_what_came_before_the_end_is_still_answered(start):
    served = start()
    served.ask("initialize", {"protocolVersion": "2025-06-18"})
    calls = [served.begin("profile") for _ in range(20)]
    served.close_input()
    answers = {answer["id"]: answer for answer in served.rest()}
    assert all(text_of(answers[call]).startswith("you are") for call in calls)
    assert served.wait() == 0


def test_a_server_that_is_terminated_leaves_properly(serve, home):
    import postroom

    served = serve("--name", "bob")
    served.call("inbox")
    served.terminate()
    served.wait()
    with postroom.connect("alice") as alice:
        assert not next(one for one in alice.agents() if one.name == "bob").processes


def test_who_only_looks_leaves_no_trace(start, home):
    served = start()
    served.initialize()
    served.request("tools/list")
    assert served.end() == 0
    assert not (home / "postroom").exists()
