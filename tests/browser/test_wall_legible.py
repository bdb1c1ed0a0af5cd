"""The wall is legible: nothing is clipped or scrolls, letters are large enough, and the fonts come from the build."""

from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import province
from tests.browser.fake_centre import FakeCentre
from tests.browser.tasks import main_thread_tasks
from tests.support.chromium import OpenPage

pytestmark = pytest.mark.browser

SIZES = [(1920, 1080), (1366, 768), (3840, 2160)]
LEAST_PX_AT_1080 = 28  # capitals of 16' at 8 m (37.2 mm) on a wall of 2,000 mm: 27.7 px of Inter

OVERFLOWING = """() => {
    const told = []
    for (const e of document.querySelectorAll(
        '.tile, .tile *, header, header *, footer, footer *, .strip, .column, .column h2, .key, .names, .card, .banner'
    )) {
        if (e.closest('svg') || e.closest('.trend')) continue
        const style = getComputedStyle(e)
        if (style.display === 'inline') continue
        const figures = e.closest('.value') // digits have no marks above or below: their line may be tight
        if (e.scrollWidth > e.clientWidth + 1 || (!figures && e.scrollHeight > e.clientHeight + 1))
            told.push(`${e.className} "${e.textContent.trim().slice(0, 40)}" ${e.scrollWidth}x${e.scrollHeight}`
                + ` in ${e.clientWidth}x${e.clientHeight}`)
    }
    return told
}"""
SMALLEST_REM = """() => {
    const sizes = []
    const walker = document.createTreeWalker(document.querySelector('.wall'), NodeFilter.SHOW_TEXT)
    while (walker.nextNode()) {
        const parent = walker.currentNode.parentElement
        if (walker.currentNode.textContent.trim() && !parent.closest('svg'))
            sizes.push(parseFloat(getComputedStyle(parent).fontSize))
    }
    return Math.min(...sizes) * 1080 / innerHeight
}"""
TIGHTEST_LINE = """() => Math.min(...[...document.querySelectorAll('h1, h2, h3, p, span, li, footer, header button')]
    .filter(e => e.textContent.trim() && /\\p{L}/u.test(e.textContent) && !e.closest('.value'))
    .map(e => parseFloat(getComputedStyle(e).lineHeight) / parseFloat(getComputedStyle(e).fontSize)))"""


def make_trouble(centre: FakeCentre) -> None:
    """Push the longest content a wall can show: every kind of value, two failing sources, communes without data."""
    now = centre.now()
    centre.value("petition.open", None, freshness="no_data", as_of=None)
    centre.value("air.pm25_mean_24h", None, freshness="insufficient", samples=2)
    centre.value("traffic.speed_mean", 31, freshness="stale", as_of=province.rfc3339(now - timedelta(days=3)))
    centre.value("dossier.received_today", 1_284_911)
    away = province.source(
        "cameras", "Camera giao thông", "Traffic cameras", now,
        condition="unavailable", last_success=province.rfc3339(now - timedelta(minutes=134)),
    )  # fmt: skip
    late = province.source("air", "Quan trắc không khí", "Air quality", now, condition="late", lag_s=2820.0)
    centre.push(sources=[away, late], ledger=province.ledger(112_812_906, in_flight=1_234))
    for unit in ("20137", "20044", "20161", "20182"):
        for kpi in province.TILES[:3]:
            centre.value(kpi, None, unit=unit, freshness="no_data", as_of=None)


def make_alerts(centre: FakeCentre) -> None:
    since = centre.now() - timedelta(minutes=134)
    units = ["20137", "46", "19900", "19753", "20044"]
    name = (
        "Hồ sơ đất đai quá hạn tăng bất thường ở nhiều đơn vị",
        "Overdue land dossiers rise abnormally in many units",
    )
    centre.push(alerts=[province.alert(f"a{i}", 1 + i % 4, unit, *name, since) for i, unit in enumerate(units)])


PAINTED = "() => new Promise(painted => requestAnimationFrame(() => requestAnimationFrame(painted)))"
SCROLLS = "[document.documentElement.scrollWidth > innerWidth, document.documentElement.scrollHeight > innerHeight]"


def look(page: Page) -> None:
    page.evaluate(PAINTED)
    assert page.evaluate(OVERFLOWING) == []
    assert page.evaluate(SCROLLS) == [False, False]


@pytest.mark.parametrize(
    "tiles", [pytest.param(8, marks=pytest.mark.soak), pytest.param(10, marks=pytest.mark.soak), 12]
)
def test_nothing_is_clipped(open_page: OpenPage, tiles: int) -> None:
    with FakeCentre(tiles=tiles) as centre:
        page = open_page(centre)
        for make in (None, make_trouble, make_alerts):
            if make:
                make(centre)
                page.wait_for_timeout(700)  # a wall paints twice a second
            for width, height in SIZES:
                page.set_viewport_size({"width": width, "height": height})
                look(page)
                page.click("header button")  # the other language
                look(page)
                assert page.evaluate(SMALLEST_REM) >= LEAST_PX_AT_1080 - 0.1
                assert page.evaluate(TIGHTEST_LINE) >= 1.3


def test_nothing_is_clipped_below_the_banner(open_page: OpenPage) -> None:
    with FakeCentre(tiles=12) as centre:
        page = open_page(centre)
        make_trouble(centre)
        centre.drop(refusing=True)
        page.wait_for_selector("[role=alert]", timeout=15_000)
        page.wait_for_timeout(700)
        look(page)


def test_bubbles_do_not_overlap(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_page(centre)
    spots = page.locator("[data-unit]").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect()).map(r => [r.x + r.width / 2, r.y + r.height / 2, r.width])"
    )
    assert len(spots) == 40
    assert {round(width) for _, _, width in spots} == {round(spots[0][2])}
    for i, (x, y, width) in enumerate(spots):
        for other_x, other_y, _ in spots[i + 1 :]:
            assert ((x - other_x) ** 2 + (y - other_y) ** 2) ** 0.5 >= width * 0.99


def test_the_fonts_are_loaded_from_the_build(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_page(centre)
    page.evaluate("document.fonts.ready")
    faces = "[...document.fonts].map(f => `${f.family.replaceAll('\"', '')} ${f.status}`)"
    assert page.evaluate(faces) == ["Inter Variable loaded"] * 2
    assert page.evaluate("document.fonts.check('700 40px \"Inter Variable\"', 'Ẳ Ế Ộ ữ ₫')")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_text_stands_out(centre: FakeCentre, open_page: OpenPage, theme: str) -> None:
    page = open_page(centre, f"/wall/main?theme={theme}")
    contrast = """names => {
        const style = getComputedStyle(document.documentElement)
        const light = name => {
            const hex = style.getPropertyValue(name).trim().slice(1).replace(/^(.)(.)(.)$/, '$1$1$2$2$3$3')
            const [r, g, b] = [0, 2, 4].map(i => parseInt(hex.slice(i, i + 2), 16) / 255)
                .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
            return 0.2126 * r + 0.7152 * g + 0.0722 * b
        }
        const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
        return Math.min(...names.flatMap(n => ['--ground', '--panel'].map(g => ratio(light(n), light(g)))))
    }"""
    assert page.evaluate(contrast, ["--text", "--dim"]) >= 7
    assert page.evaluate(contrast, ["--critical", "--high", "--medium", "--low"]) >= 4.5


def test_no_long_task_while_values_pour_in(centre: FakeCentre, open_page: OpenPage, browser: Browser) -> None:
    page = open_page(centre)
    page.wait_for_timeout(6000)  # the charts have come
    units = [unit["code"] for unit in province.units()]
    with main_thread_tasks(browser, page) as tasks:
        for i in range(50):
            now = centre.now()
            centre.push(kpis=[province.kpi_value(kpi, "46", 50 + i / 10, now) for kpi in province.TILES[:8]])
            centre.push(kpis=[province.kpi_value(province.TILES[0], unit, i, now) for unit in units])
            page.wait_for_timeout(50)
    assert len(tasks) > 50
    assert [ms for ms in tasks if ms > 100] == []
