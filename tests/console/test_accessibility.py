"""Each view as people meet it who do not see well, or not at all: light, dark and narrow, without serious findings of axe-core."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from postroom import Draft
from tests.console.axe import grave_findings
from tests.console.browser import PHONE, SHOWN, WIDE
from tests.console.scene import Scene

PLACES = ("overview", "live", "inbox", "rooms", "rooms/release-2.4", "sessions", "held", "search?words=tests", "export", "agent/builder")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_no_view_has_a_serious_finding(post, come_in, theme, size):
    scene = Scene(post)
    screen = come_in(theme=theme, size=size)
    found = {}
    for place in (*PLACES, f"thread/{scene.review}", f"thread/{scene.loop}?as=diagram"):
        page = screen.at(place)
        expect(page.get_by_role("main").get_by_role("heading").first).to_be_visible()
        expect(page.locator(SHOWN).filter(visible=True).first).to_be_visible()
        if findings := grave_findings(page):
            found[place] = findings
    assert found == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_dialog_has_a_serious_finding(post, come_in, theme):
    Scene(post)
    page = come_in(theme=theme).page
    found = {}
    for key in ("?", "c"):
        page.keyboard.press(key)
        expect(page.get_by_role("dialog")).to_be_visible()
        if findings := grave_findings(page):
            found[key] = findings
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
    assert found == {}


def test_the_door_has_no_serious_finding(node, open_screen):
    page = open_screen().page
    page.goto(node.url)
    expect(page.get_by_text("postroom console")).to_be_visible()
    assert grave_findings(page) == []


def test_a_request_that_comes_is_told_to_who_does_not_see_it(post, screen):
    alice, inbox = post.connect("alice"), screen.page.get_by_role("link", name="Inbox").first
    alice.send("human", "may I?", reply_within=600)
    expect(inbox).to_contain_text("1 requests")  # the page has looked: what it does not know from now on is new
    alice.send_many([Draft("human", "may I now?", reply_within=600)] * 2)
    expect(screen.page.locator("[aria-live=polite]").filter(has_text="2 new requests in the inbox")).to_have_count(1)
    expect(inbox).to_contain_text("3 requests")


def test_who_prefers_less_motion_sees_none(screen):
    moving = screen.page.evaluate(
        "[...document.querySelectorAll('*')].filter(one => { const s = getComputedStyle(one);"
        " return s.animationName !== 'none' || s.transitionDuration !== '0s' }).length"
    )
    assert moving == 0
