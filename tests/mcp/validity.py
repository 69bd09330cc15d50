"""What is valid JSON-RPC 2.0, as a server of the protocol may write it."""

from __future__ import annotations


def check(value: object) -> None:
    """An answer, a notification, or several answers."""
    for one in value if isinstance(value, list) else [value]:
        assert isinstance(one, dict), one
        assert one.pop("jsonrpc") == "2.0"
        if "method" in one:
            assert one.keys() <= {"method", "params"}, one
            assert isinstance(one["method"], str)
            continue
        assert one.keys() in ({"id", "result"}, {"id", "error"}), one
        assert one["id"] is None or (isinstance(one["id"], str | int) and not isinstance(one["id"], bool))
        if "result" in one:
            assert isinstance(one["result"], dict)
            assert one["id"] is not None
        else:
            error = one["error"]
            assert error.keys() <= {"code", "message", "data"}
            assert type(error["code"]) is int
            assert isinstance(error["message"], str)
        one["jsonrpc"] = "2.0"
    assert value != []
