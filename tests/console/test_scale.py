"""Much of everything: the feed of 100,000 messages is scrolled, filtered and followed with no more rows than are seen."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from postroom.core.message import Draft

MESSAGES = 100_000
BATCH = 1_000
ROWS_MAX = 80
LIMITS = "\n".join(f"{name} = 10000000" for name in ("sender_per_minute", "pair_per_minute", "waiting"))
FRAMES = """
async (steps) => {
  const list = document.querySelector(".rows");
  let rows = 0, holes = 0;
  for (let step = 0; step < steps; step += 1) {
    list.scrollTop = (step * 7919) % list.scrollHeight;
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    const seen = list.getBoundingClientRect();
    rows = Math.max(rows, list.querySelectorAll(".row").length);
    const middle = document.elementFromPoint(seen.left + 200, seen.top + seen.height / 2);
    if (!middle?.closest(".row")) holes += 1;
  }
  return { rows, holes };
}
"""
LOADED = "document.querySelector('.rows-room').offsetHeight / document.querySelector('.row').offsetHeight"
TO_THE_FIRST = """
async (all) => {
  const list = document.querySelector(".rows"), room = document.querySelector(".rows-room");
  const height = document.querySelector(".row").offsetHeight;
  while (room.offsetHeight < all * height) {
    list.scrollTop = list.scrollHeight;
    await new Promise(done => requestAnimationFrame(done));
  }
}
"""


@pytest.fixture
def many(post):
    """Two agents and what they have said."""
    post.configure(f"[limits]\n{LIMITS}\n")
    alice, bob = post.connect("alice", durability="relaxed"), post.connect("bob", durability="relaxed")
    for first in range(0, MESSAGES, BATCH):
        alice.send_many([Draft("bob", f"message {number}") for number in range(first, first + BATCH)])
    return alice, bob


@pytest.mark.slow
@pytest.mark.timeout(480)
def test_a_hundred_thousand_messages_are_scrolled(many, screen):
    alice, _ = many
    page = screen.at("live")
    expect(page.get_by_role("listbox", name="newest first").get_by_role("option").filter(has_text="message 99999")).to_be_visible()
    # To the very first message: each time the end is in sight, what is before it is fetched.
    page.evaluate(TO_THE_FIRST, MESSAGES)
    assert round(page.evaluate(LOADED)) == MESSAGES
    page.keyboard.press("End")
    expect(page.get_by_role("listbox", name="newest first").get_by_role("option").filter(has_text="message 0").first).to_be_visible()
    # Anywhere at once: there is always a row where one looks, and never many.
    seen = page.evaluate(FRAMES, 200)
    assert seen["holes"] == 0
    assert seen["rows"] <= ROWS_MAX
    # What comes meanwhile moves nothing that is read, and is one key away.
    reading = page.locator(".row").nth(30).inner_text()
    alice.send("bob", "the newest of all")
    expect(page.get_by_role("button", name="1 new")).to_be_visible()
    assert reading in page.locator(".rows").inner_text()
    page.keyboard.press(".")
    expect(page.get_by_role("listbox", name="newest first").get_by_role("option").first).to_be_visible()
    expect(page.get_by_role("listbox", name="newest first").get_by_role("option").filter(has_text="the newest of all")).to_be_visible()
    # And it is filtered while one types.
    page.keyboard.press("/")
    page.keyboard.type("4242")
    expect(page.get_by_role("status").filter(has_text="of 100,001")).to_be_visible()
    expect(page.get_by_role("listbox", name="newest first").get_by_role("option").filter(has_text="message 4242").first).to_be_visible()
