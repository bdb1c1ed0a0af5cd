"""Every view of the console: accessible (axe, WCAG 2.2 AA), complete in English, without sideways scrolling."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import province
from tests.browser.conftest import OpenWall
from tests.browser.desk_rows import NAMES, fired_row, incident_row, silence_row
from tests.browser.fake_desk import FakeDesk
from tests.browser.ops_page import READY, VIEWS, fill, path_of

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js"
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
VIETNAMESE = re.compile("[ăâơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", re.IGNORECASE)
FULL = ("Tiếng Việt", "Trần Thị Hà", "IOC Huế", "Huế", "đổi ca", "đang diễn ra", "Bảo trì", *NAMES.values())
KEYS = {"alerts": "s", "silences": "n", "rules": "n", "routes": "2", "audit": "2"}
"""What opens more of a view, to be looked at too."""


@pytest.fixture
def desk() -> Iterator[FakeDesk]:
    with FakeDesk() as desk:
        fill(desk)
        desk.incidents = [incident_row("Outage", [], desk.now(), "lan")]
        desk.silences = [silence_row("s1", ['rule="lgsp"'], desk.now())]
        now = desk.now()
        desk.fired = [fired_row(f"lgsp-latency/46/{i}", "low", now - timedelta(minutes=11 * i)) for i in range(40)]
        yield desk


def violations(page: Page) -> list[tuple[str, list[str]]]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    run = "rules => axe.run(document, { runOnly: rules, resultTypes: ['violations'] })"
    result = page.evaluate(run, AXE_RULES)
    assert len(result["passes"]) > 15
    return [(each["id"], [node["html"][:160] for node in each["nodes"]]) for each in result["violations"]]


def wide(page: Page) -> list[str]:
    found: list[str] = page.evaluate(
        """() => [document.documentElement, ...document.querySelectorAll('aside, .box, section, nav, header, .page')]
            .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => `${e.tagName}.${e.className}`)"""
    )
    if not page.evaluate("document.documentElement.scrollHeight <= innerHeight"):
        found.append("the page is higher than the window")
    return found


@pytest.mark.parametrize("view", [*VIEWS, "login"])
def test_a_view(desk: FakeDesk, open_page: OpenWall, view: str) -> None:
    path = "/login" if view == "login" else path_of(view)
    if view == "login":
        desk.role = ""
    page = open_page(desk, path, 1366, 768)
    expect(page.locator(READY.get(view, "form")).first).to_be_visible()
    page.wait_for_timeout(1000)  # charts and lists that come after the first are looked at too
    for width in (1366, 1920):
        page.set_viewport_size({"width": width, "height": 768})
        assert wide(page) == []
    page.set_viewport_size({"width": 1366, "height": 768})
    assert violations(page) == []
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    if view in KEYS:
        page.locator("h1").first.evaluate("heading => heading.ownerDocument.activeElement.blur()")
        page.keyboard.press(KEYS[view])
        page.wait_for_timeout(800)
    assert wide(page) == []
    told = violations(page)
    assert told == [], json.dumps(told, indent=1, ensure_ascii=False)
    names = {unit["name"] for unit in province.units()} | set(FULL)
    text = page.locator(".desk").inner_text()
    left = [line for line in text.splitlines() if VIETNAMESE.search(line) and not any(name in line for name in names)]
    assert left == []
