"""What a test of the console gets: a node that serves a post room, a browser, and a person who has logged in."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from postroom.cli.console import address, invitation
from postroom.testing import PostRoom
from tests.cli.shell import Shell, end, line_of
from tests.console.browser import PAINTED, WIDE, Screen, Theme, launched, new_screen


class Served(NamedTuple):
    """A node that runs: where its post room is, and where browsers find it."""

    home: str
    url: str

    def link(self) -> str:
        """What `postroom console` opens."""
        return f"{self.url}/#login={invitation(self.home)}"


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """What drives browsers. While it is there, an event loop counts as running in this thread: other modules have tests that start one."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """One browser for all tests of a module; each test has a profile of its own."""
    with launched(playwright) as browser:
        yield browser


@pytest.fixture
def node(post: PostRoom, home: Path) -> Iterator[Served]:
    """`postroom up`, at a port that was free."""
    process = Shell(home).start("up", "--listen", "127.0.0.1:0", "--log", "error", POSTROOM_HOME=post.home)
    try:
        assert line_of(process).startswith("up: ")
        yield Served(post.home, address(post.home))
    finally:
        assert end(process, signal.SIGTERM) == 0


Open = Callable[..., Screen]


@pytest.fixture
def open_screen(browser: Browser) -> Iterator[Open]:
    """Opens pages, each for somebody else. In the end none of them may have complained, unless the test forgave it."""
    opened: list[Screen] = []

    def opening(*, size: tuple[int, int] = WIDE, theme: Theme = "light") -> Screen:
        opened.append(new_screen(browser, size=size, theme=theme))
        return opened[-1]

    yield opening
    for screen in opened:
        screen.context.close()
    assert [screen.complaints for screen in opened if screen.complaints] == []


@pytest.fixture
def come_in(node: Served, open_screen: Open) -> Open:
    """Opens a page and logs in."""

    def coming(*, size: tuple[int, int] = WIDE, theme: Theme = "light") -> Screen:
        screen = open_screen(size=size, theme=theme)
        screen.page.goto(node.link())
        expect(screen.page.get_by_role("heading", name="Overview")).to_be_visible()
        screen.page.evaluate(PAINTED)
        return screen

    return coming


@pytest.fixture
def screen(come_in: Open) -> Screen:
    """A page in which the person has logged in."""
    return come_in()
