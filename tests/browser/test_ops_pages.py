"""Every view of the console: accessible (axe, WCAG 2.2 AA), complete in English, without sideways scrolling."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.browser import province
from tests.browser.accessible import violations, wide
from tests.browser.desk_rows import NAMES, fired_row, incident_row, silence_row
from tests.browser.fake_desk import FakeDesk
from tests.browser.ops_page import READY, VIEWS, fill, path_of
from tests.support.chromium import OpenPage

pytestmark = pytest.mark.browser

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


@pytest.mark.parametrize("view", [*VIEWS, "login"])
def test_a_view(desk: FakeDesk, open_page: OpenPage, view: str) -> None:
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
    assert violations(page, translated=view not in KEYS) == []
    names = {unit["name"] for unit in province.units()} | set(FULL)
    text = page.locator(".desk").inner_text()
    left = [line for line in text.splitlines() if VIETNAMESE.search(line) and not any(name in line for name in names)]
    assert left == []
