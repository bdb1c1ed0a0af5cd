"""The wall shows the centre's values as they arrive."""

import re
import time
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser import province
from tests.browser.fake_centre import FakeCentre
from tests.support.chromium import OpenPage

pytestmark = pytest.mark.browser

KPI = "dossier.on_time_rate"


def tile(page: Page, kpi: str = KPI) -> str:
    """Return a tile's whole text in one line."""
    return " ".join(page.locator(f"[data-kpi='{kpi}']").inner_text().split())


def expect_tile(page: Page, text: str, kpi: str = KPI) -> None:
    expect(page.locator(f"[data-kpi='{kpi}']")).to_contain_text(text, timeout=3000)


def test_a_change_is_shown_within_a_second(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_page(centre)
    assert tile(page) == "Hồ sơ đúng hạn 96,4 % Mục tiêu 98 · −1,6"
    centre.value(KPI, 98.75)
    expect(page.locator(f"[data-kpi='{KPI}'] .value b")).to_have_text("98,8", timeout=1000)
    assert tile(page) == "Hồ sơ đúng hạn 98,8 % Mục tiêu 98 · +0,8"


def test_a_storm_of_changes_is_painted_twice_a_second_and_ends_at_the_last(
    centre: FakeCentre, open_page: OpenPage
) -> None:
    page = open_page(centre)
    page.evaluate(
        """() => {
            window.paints = new Set()
            const value = document.querySelector("[data-kpi='lgsp.rate'] .value b")
            new MutationObserver(() => window.paints.add(value.textContent)).observe(
                value, { characterData: true, childList: true, subtree: true })
        }"""
    )
    began = time.monotonic()
    for i in range(200):
        centre.value("lgsp.rate", 2000 + i)
        page.wait_for_timeout(10)
    expect_tile(page, "2.199", "lgsp.rate")
    elapsed_s = time.monotonic() - began
    assert 3 <= page.evaluate("window.paints.size") <= 2 * elapsed_s + 2


def test_no_data_is_a_dash_with_its_reason(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_page(centre)
    centre.value(KPI, None, freshness="no_data", as_of=None)
    expect_tile(page, "Không có dữ liệu")
    assert tile(page) == "Hồ sơ đúng hạn — % Không có dữ liệu"
    assert page.locator(f"[data-kpi='{KPI}']").get_attribute("data-freshness") == "no_data"
    centre.value(KPI, None, freshness="insufficient", samples=2)
    expect_tile(page, "Chưa đủ mẫu 2/20")
    assert tile(page) == "Hồ sơ đúng hạn — % Chưa đủ mẫu 2/20"
    assert page.locator(f"[data-kpi='{KPI}']").get_attribute("data-freshness") == "insufficient"
    centre.value(KPI, 0)
    expect_tile(page, "−98,0")
    assert tile(page) == "Hồ sơ đúng hạn 0,0 % Mục tiêu 98 · −98,0"


def test_stale_keeps_its_value_dimmed_and_tells_its_time(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_page(centre)
    figure = page.locator(f"[data-kpi='{KPI}'] .value b")
    live_colour = figure.evaluate("e => getComputedStyle(e).color")
    then = centre.now() - timedelta(minutes=47)
    centre.value(KPI, 96.4, freshness="stale", as_of=province.rfc3339(then))
    expect_tile(page, "Dữ liệu lúc")
    assert "96,4" in tile(page)
    assert "Mục tiêu" not in tile(page)
    assert figure.evaluate("e => getComputedStyle(e).color") != live_colour
    ground = page.locator(f"[data-kpi='{KPI}']").evaluate("e => getComputedStyle(e).backgroundImage")
    assert "repeating-linear-gradient" in ground


def test_a_kpi_that_the_centre_never_sent_has_no_data(centre: FakeCentre, open_page: OpenPage) -> None:
    centre._state["kpis"] = [kpi for kpi in centre._state["kpis"] if kpi["id"] != KPI]
    assert tile(open_page(centre)) == "Hồ sơ đúng hạn — % Không có dữ liệu"


def test_the_trend_stops_where_data_stopped(centre: FakeCentre, open_page: OpenPage) -> None:
    now = centre.now()
    stopped = now - timedelta(hours=6)
    day = province.history(96.4, now - timedelta(hours=24), stopped, timedelta(minutes=30))
    gap = [point | ({"value": None} if 10 <= i < 16 else {}) for i, point in enumerate(day)]
    centre.histories[KPI] = gap
    centre.value(KPI, 96.4, freshness="stale", as_of=province.rfc3339(stopped))
    page = open_page(centre)
    trend = page.locator(f"[data-kpi='{KPI}'] svg")
    expect(trend.locator(".rest")).to_have_count(1, timeout=10_000)
    line = trend.locator(".line").get_attribute("d") or ""
    assert line.count("M") == 2  # before and after the gap
    assert float(line.split("L")[-1].split()[0]) == pytest.approx(300 * 18 / 24, abs=4)


def test_all_trends_are_asked_for_one_after_another(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_page(centre)
    expect(page.locator(".tiles .line")).to_have_count(8, timeout=15_000)
    asked = [path.split("/")[4] for path in centre.paths if path.endswith("/history")]
    assert asked == list(province.TILES[:8])


def test_a_commune_without_live_values_is_hatched_and_named(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_page(centre)
    expect(page.locator("[data-unit].silent")).to_have_count(0)
    for kpi in province.TILES[:3]:
        centre.value(kpi, None, unit="20044", freshness="no_data", as_of=None)
    expect(page.locator("[data-unit='20044'].silent")).to_have_count(1, timeout=3000)
    expect(page.get_by_text("Mất dữ liệu: A Lưới 2")).to_be_visible()


def test_a_commune_shows_its_own_values(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_page(centre)
    page.click("[data-unit='19753']")
    expect(page.locator("[data-detail='19753']")).to_contain_text("Hồ sơ đúng hạn")
    page.keyboard.press("Escape")
    expect(page.locator("[data-detail]")).to_have_count(0)


def test_late_sources_and_the_ledger(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_page(centre)
    expect(page.locator("[data-sources]")).to_have_text("Nguồn dữ liệu 4/4 trực tuyến")
    expect(page.locator("[data-ledger=balanced]")).to_contain_text(
        "4.812.906 nhận = 4.811.452 ghi + 1.434 loại + 20 trùng"
    )
    late = province.source("air", "Quan trắc khí", "Air quality", centre.now(), condition="late", lag_s=2820.0)
    centre.push(sources=[late], ledger=province.ledger(balanced=False, applied=4_811_440))
    expect(page.locator("[data-source=air]")).to_have_text("Quan trắc khí: trễ 47 phút", timeout=3000)
    expect(page.locator("[data-sources]")).to_contain_text("3/4")
    expect(page.locator("[data-ledger=unbalanced]")).to_contain_text("lệch 12")
    centre.push(sources=[{"source": "air", "removed": True}])
    expect(page.locator("[data-sources]")).to_contain_text("3/3", timeout=3000)


def test_an_alert_that_is_over_waits_quietly_to_be_acknowledged(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_page(centre)
    now = centre.now()
    names = ("Sổ cái dữ liệu không khớp", "The ledger does not balance")
    over = province.alert(
        "ledger", 1, "46", *names, now - timedelta(minutes=78), kpi=province.TILES[0], state="recovering"
    )
    stands = province.alert("river", 2, "19753", "Mực nước", "Level", now - timedelta(minutes=3))
    centre.push(alerts=[over, stands])
    expect(page.locator("article").nth(1)).to_have_attribute("data-alert", "ledger")
    expect(page.locator("[data-alert=ledger]")).to_contain_text("đã về mức thường · chưa ai nhận")
    expect(page.get_by_role("heading", name="Bất thường hiện nay")).to_contain_text("1 · 1 chưa nhận")
    expect(page.locator(".tile.alerted")).to_have_count(0)
    expect(page.locator(".strip")).to_have_class(re.compile("severity-2"))
    centre.push(alerts=[{"id": "river", "removed": True}])
    expect(page.locator(".strip")).not_to_have_class(re.compile("alarmed"))
    expect(page.locator(".strip")).to_contain_text("đã về mức thường")


def test_alerts_colour_the_list_the_map_the_strip_and_the_tile(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_page(centre)
    expect(page.locator("[data-alerts=none]")).to_contain_text("Không có cảnh báo")
    since = centre.now() - timedelta(minutes=14)
    river = province.alert("river", 1, "19900", "Mực nước sông Bồ vượt BĐ2", "Bồ river above level 2", since)
    overdue = province.alert("late", 2, "46", "Quá hạn tăng", "Overdue rises", since, kpi="dossier.overdue_now")
    centre.push(alerts=[overdue, river])
    expect(page.locator("[data-unit='19900']")).to_have_text("1", timeout=3000)
    assert page.locator("[data-alert]").evaluate_all("all => all.map(a => a.dataset.alert)") == ["river", "late"]
    expect(page.locator("[data-alert=river]")).to_contain_text("Phường Thuận An · 14 phút")
    expect(page.locator("[data-alert=river]")).to_contain_text("chưa ai nhận")
    expect(page.locator(".strip")).to_contain_text("Mực nước sông Bồ vượt BĐ2")
    expect(page.locator("[data-kpi='dossier.overdue_now'].alerted")).to_have_count(1)
    centre.push(alerts=[{"id": "river", "removed": True}, {"id": "late", "removed": True}])
    expect(page.locator("[data-alerts=none]")).to_be_visible(timeout=3000)


def test_the_clock_is_the_centres(open_page: OpenPage) -> None:
    with FakeCentre() as centre:
        centre.clock_ahead = timedelta(days=2, hours=3)
        page = open_page(centre)
        there = centre.now() + timedelta(hours=7)
        around = {(there + timedelta(seconds=s)).strftime("%d/%m/%Y %H:%M") for s in (-5, 0, 5, 60)}
        expect(page.locator("header .date")).to_contain_text(there.strftime("%d/%m/%Y"), timeout=3000)
        assert f"{there:%d/%m/%Y} {page.locator('header time').inner_text()}" in around


def test_the_demonstration_is_marked_and_a_real_province_is_not(centre: FakeCentre, open_page: OpenPage) -> None:
    expect(open_page(centre).get_by_text("DỮ LIỆU MÔ PHỎNG")).to_be_visible()
    centre.demonstration = False
    expect(open_page(centre).get_by_text("DỮ LIỆU MÔ PHỎNG")).to_have_count(0)


def test_english_by_the_toggle_and_by_the_address(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_page(centre)
    page.get_by_role("button", name="EN", exact=True).click()
    assert tile(page) == "Dossiers on time 96.4 % Target 98 · −1.6"
    assert page.url.endswith("?lang=en")
    page.reload()
    page.wait_for_selector("[data-ready]")
    assert tile(page) == "Dossiers on time 96.4 % Target 98 · −1.6"
    assert page.locator("html").get_attribute("lang") == "en"


def test_a_tile_leads_to_what_its_kpi_is(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_page(centre, "/wall/main?lang=en")
    page.click(f"[data-kpi='{KPI}']", position={"x": 120, "y": 110})  # anywhere on the tile
    page.wait_for_url(f"**/catalog/{KPI}?lang=en")


def test_a_restated_value_is_marked(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_page(centre)
    expect(page.locator("abbr")).to_have_count(0)
    centre.value(KPI, 95.8, restated=True, restated_at=province.rfc3339(centre.now()))
    expect(page.locator(f"[data-kpi='{KPI}'] abbr")).to_have_text("*", timeout=3000)


def test_a_display_that_is_not_there(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_page(centre, "/wall/hall")
    expect(page.get_by_text("Trung tâm không có màn hình “hall”.")).to_be_visible(timeout=5000)
