"""Another page in the browser in which a person is logged in: it reads nothing, does nothing, and shows nothing of the console."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.console.browser import launched

ATTEMPTS = Path(__file__).with_name("attempts.js").read_text(encoding="utf-8").partition("\n")[2]
FRAME = """
async (node) => {
  const frame = document.createElement("iframe");
  const loaded = new Promise((done) => { frame.onload = done });
  frame.src = node;
  document.body.append(frame);
  await loaded;
  try { return frame.contentDocument === null ? "closed" : frame.contentDocument.body.innerText } catch { return "closed" }
}
"""
FORM = """
(node) => {
  const form = document.createElement("form");
  form.method = "post"; form.enctype = "text/plain"; form.action = `${node}/api/pause`;
  const input = document.createElement("input");
  input.name = '{"name": "alice", "reason": "'; input.value = '"}';
  form.append(input); document.body.append(form); form.submit();
}
"""


class Empty(http.server.BaseHTTPRequestHandler):
    """Somebody else's server on this machine, with an empty page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>another page</title><body>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def elsewhere() -> Iterator[int]:
    """The port of another web server."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Empty)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_another_page_reaches_nothing(node, post, screen, elsewhere, host):
    alice, bob = post.agents("alice", "bob")
    other = screen.context.new_page()  # the same browser, with the same cookies
    other.goto(f"http://{host}:{elsewhere}/")
    tried = other.evaluate(ATTEMPTS, node.url)
    harmless = {"failed", "opaque 0 0", "true"}
    assert {name: result for name, result in tried.items() if result not in harmless} == {}
    assert other.evaluate(FRAME, node.url) == "closed"
    with other.expect_navigation():
        other.evaluate(FORM, node.url)
    assert alice.send("bob", "I am not paused").state == "delivered"
    assert [message.body for message in bob.take()] == ["I am not paused"]


def test_a_link_from_elsewhere_leads_to_the_page_and_the_page_works(node, post, screen, elsewhere):
    other = screen.context.new_page()
    other.goto(f"http://127.0.0.1:{elsewhere}/")
    other.evaluate(
        "node => { const link = document.createElement('a'); link.href = node; document.body.append(link); link.click() }", node.url
    )
    expect(other.get_by_role("heading", name="Overview")).to_be_visible()


def test_a_page_under_a_name_that_leads_here_gets_nothing(node, playwright):
    """A name that led to an attacker's server first, and leads to this machine now (DNS rebinding)."""
    port = node.url.rpartition(":")[2]
    with launched(playwright, f"--host-resolver-rules=MAP rebound.test 127.0.0.1:{port}") as rebound:
        page = rebound.new_page()
        answer = page.goto("http://rebound.test/")
        assert answer is not None
        assert answer.status == 421
        assert page.evaluate("fetch('/api/agents').then((answer) => answer.status)") == 421
