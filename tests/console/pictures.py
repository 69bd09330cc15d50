"""The pictures in docs/console, drawn anew by `python -m tests.console.pictures`: each view of the same scene."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Page, expect, sync_playwright

from postroom.cli.console import address, invitation
from postroom.testing import PostRoom
from tests.cli.shell import Shell, line_of
from tests.console.browser import PHONE, SHOWN, WIDE, Theme, launched, new_screen
from tests.console.scene import Scene

PLACE = Path(__file__).resolve().parents[2] / "docs" / "console"
BYTES_MAX = 100_000
COLOURS = 64


class Picture(NamedTuple):
    """What is drawn: the file, the view, how, and a key that is pressed before."""

    name: str
    view: str
    theme: Theme = "light"
    size: tuple[int, int] = WIDE
    key: str = ""


def pictures(scene: Scene) -> list[Picture]:
    """All of them."""
    return [
        Picture("overview", "overview"),
        Picture("overview-dark", "overview", theme="dark"),
        Picture("live", "live"),
        Picture("inbox", "inbox"),
        Picture("conversation", f"thread/{scene.review}"),
        Picture("diagram", f"thread/{scene.review}?as=diagram"),
        Picture("diagram-dark", f"thread/{scene.loop}?as=diagram", theme="dark"),
        Picture("rooms", "rooms/release-2.4"),
        Picture("sessions", "sessions"),
        Picture("held", "held", theme="dark"),
        Picture("search", "search?words=tests"),
        Picture("agent", "agent/builder"),
        Picture("export", "export"),
        Picture("keys", "live", key="?"),
        Picture("phone-inbox", "inbox", size=PHONE),
        Picture("phone-live", "live", theme="dark", size=PHONE),
    ]


def shrink(path: Path) -> None:
    """Let a picture have a few colours only. It must be small enough then."""
    subprocess.run(["convert", path, "+dither", "-colors", str(COLOURS), "-strip", f"PNG8:{path}"], check=True)
    assert path.stat().st_size < BYTES_MAX, f"{path.name} has {path.stat().st_size} bytes"


def settled(page: Page, view: str) -> None:
    """Wait until a view shows what it is for."""
    expect(page.get_by_role("main").get_by_role("heading").first).to_be_visible()
    expect(page.locator(SHOWN).filter(visible=True).first).to_be_visible()
    if view == "overview":
        expect(page.locator(".plot svg")).to_have_count(2)
    if view == "held":
        page.locator(".hold summary").first.click()
        expect(page.locator(".last li").first).to_be_visible()


def main() -> None:
    """Draw them."""
    PLACE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="post-") as home, PostRoom() as post, sync_playwright() as playwright:
        scene = Scene(post)
        node = Shell(Path(home)).start("up", "--listen", "127.0.0.1:0", "--log", "error", POSTROOM_HOME=post.home)
        line_of(node)
        try:
            with launched(playwright) as browser:
                for picture in pictures(scene):
                    screen = new_screen(browser, size=picture.size, theme=picture.theme)
                    screen.page.goto(f"{address(post.home)}/#login={invitation(post.home)}")
                    screen.page.get_by_role("main").get_by_role("heading", name="Overview").wait_for()
                    page = screen.at(picture.view)
                    settled(page, picture.view)
                    if picture.key:
                        page.keyboard.press(picture.key)
                    path = PLACE / f"{picture.name}.png"
                    page.screenshot(path=path)
                    screen.context.close()
                    shrink(path)
        finally:
            node.terminate()
            node.wait()


if __name__ == "__main__":
    main()
