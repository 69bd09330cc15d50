"""axe-core, which finds what people who do not see, or do not use a mouse, would stumble over. Put into the page from outside of it."""

from __future__ import annotations

from functools import cache
from typing import Any

from playwright.sync_api import Page

from tests.npm import PROGRAMS, alone, node, run

PACKAGE, VERSION = "axe-core", "4.14.1"
GRAVE = {"serious", "critical"}
RUN = """
async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  const where = (nodes) => nodes.slice(0, 5).map(({ html, failureSummary }) => [html.slice(0, 200), failureSummary]);
  return found.violations.map(({ id, impact, help, nodes }) => ({ id, impact, help, where: where(nodes) }));
}
"""


@cache
def source() -> str:
    """The program, installed once."""
    _, npm = node()
    place = PROGRAMS / f"{PACKAGE}-{VERSION}"
    with alone():
        if not (place / "done").exists():
            place.mkdir(exist_ok=True)
            run([*npm, "install", "--prefix", str(place), "--no-audit", "--no-fund", "--loglevel=error", f"{PACKAGE}@{VERSION}"])
            (place / "done").touch()
    return (place / "node_modules" / PACKAGE / "axe.min.js").read_text(encoding="utf-8")


def grave_findings(page: Page) -> list[dict[str, Any]]:
    """What is seriously wrong with what the page shows now."""
    page.evaluate(source())
    found: list[dict[str, Any]] = page.evaluate(RUN)
    return [one for one in found if one["impact"] in GRAVE]
