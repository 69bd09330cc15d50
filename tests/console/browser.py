"""A real browser, Debian's Chromium, in an empty home of its own; and the pages that it shows, which must not complain about anything."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, expect

from tests.npm import ENVIRONMENT, INSTALL_S, alone

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALLING = (["apt-get", "update"], ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"])
SOON_MS = 60_000
WIDE, PHONE = (1280, 800), (390, 844)
SHOWN = ", ".join(f"main {one}" for one in (".row", "article", "tbody tr", ".hit", ".call", "form", ".room-list a"))
"""What views consist of; one of these is seen when a view has something to show."""

GO = """
place => new Promise((done) => {
  if (location.hash === place) return done();
  addEventListener("hashchange", () => setTimeout(done), { once: true });
  location.hash = place;
})
"""

PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""Keys that come before a page was painted for the first time may be dropped by the browser."""

expect.set_options(timeout=SOON_MS)


@cache
def chromium() -> str:
    """Where Chromium is. Root on Debian installs it; elsewhere these tests are skipped, where tests are meant to be complete they fail."""
    path = ENVIRONMENT.get("PATH", os.defpath)
    with alone():
        found = next((found for name in NAMES if (found := shutil.which(name, path=path))), None)
        if found is None and os.getuid() == 0 and shutil.which("apt-get", path=path):
            quiet = ENVIRONMENT | {"DEBIAN_FRONTEND": "noninteractive"}
            for command in INSTALLING:
                subprocess.run(command, env=quiet, capture_output=True, check=False, timeout=INSTALL_S)
            found = shutil.which("chromium", path=path)
    if found is None:
        (pytest.fail if ENVIRONMENT.get("CI") else pytest.skip)("there is no Chromium: apt-get install chromium")
    return str(found)


@contextmanager
def launched(playwright: Playwright, *more: str) -> Iterator[Browser]:
    """A browser that knows nobody."""
    with tempfile.TemporaryDirectory(prefix="browser-") as home:
        surroundings: dict[str, str | float | bool] = {"HOME": home, "PATH": os.defpath, "LANG": "C.UTF-8", "TZ": "UTC"}
        browser = playwright.chromium.launch(executable_path=chromium(), args=[*FLAGS, *more], env=surroundings)
        try:
            yield browser
        finally:
            browser.close()


Theme = Literal["light", "dark"]


class Screen:
    """A page of one person, and what it complained about."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(SOON_MS)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._heard)

    def _heard(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.complaints.append(said.text)

    def at(self, place: str) -> Page:
        """Go to a view: `live`, `thread/alice:1`. It is there when this returns; what it fetches may not be."""
        self.page.evaluate(GO, f"#/{place}")
        return self.page


def new_screen(browser: Browser, *, size: tuple[int, int] = WIDE, theme: Theme = "light") -> Screen:
    """A page in a profile of its own. Nothing moves in it."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="reduce", locale="en-GB", accept_downloads=True
    )
    return Screen(context)
