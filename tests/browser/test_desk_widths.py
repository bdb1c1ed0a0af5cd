"""Every desk page on the small screens that people have: 1366 x 768, also at 125 % (1093 x 614)."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessible import wide
from tests.browser.desk_rows import fired_row, incident_row, silence_row
from tests.browser.fake_desk import FakeDesk
from tests.browser.ops_page import VIEWS, fill, path_of
from tests.support.chromium import OpenPage

pytestmark = pytest.mark.browser

SIZES = ((1366, 768), (1093, 614))
CUT = """() => [...document.querySelectorAll('button, a, select, input')].filter(e => {
    const box = e.getBoundingClientRect()
    if (!box.width || e.closest('.hidden, [aria-hidden=true]') || e.matches('.hidden, .skip')) return false
    let around = e.parentElement
    while (around && !/auto|scroll/.test(getComputedStyle(around).overflow)) around = around.parentElement
    return box.right > innerWidth + 1 || (!around && box.bottom > innerHeight + 1)
}).map(e => e.outerHTML.slice(0, 120))"""
"""Controls that reach beyond the window, where nothing scrolls to them."""


@pytest.fixture(scope="module")
def desk() -> Iterator[FakeDesk]:
    with FakeDesk(role="admin") as desk:
        fill(desk)
        now = desk.now()
        desk.incidents = [incident_row("Mất điện diện rộng ở bốn phường", [], now, "lan")]
        desk.silences = [silence_row("s1", ['rule="lgsp"'], now)]
        desk.fired = [fired_row(f"lgsp-latency/46/{i}", "low", now) for i in range(12)]
        yield desk


def fits(page: Page) -> list[str]:
    return [*wide(page), *page.evaluate(CUT)]


@pytest.mark.parametrize("path", [*(path_of(view) for view in VIEWS), "/catalog", "/sources", "/login"])
def test_nothing_is_wider_than_the_page(desk: FakeDesk, open_page: OpenPage, path: str) -> None:
    page = open_page(desk, path, *SIZES[0])
    expect(page.locator("main h1, main h2").first).to_be_attached()
    page.wait_for_timeout(400)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(150)  # charts are drawn anew in their new room
        assert fits(page) == []


def test_the_name_of_an_alert_has_the_room(desk: FakeDesk, open_page: OpenPage) -> None:
    page = open_page(desk, path_of("alerts"), *SIZES[1])
    name = page.locator("td.name button").first
    expect(name).to_be_visible()
    for each in page.locator("td.name button").all():
        assert each.evaluate("e => e.scrollWidth <= e.clientWidth"), each.inner_text()
