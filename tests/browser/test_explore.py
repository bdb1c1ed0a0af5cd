"""The explorer: charts without SQL, with the whole question in the address, by mouse and by keyboard."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, Page, expect

from ioc.messages import Message
from tests.browser import province
from tests.browser.accessible import WCAG, violations
from tests.browser.fake_explorer import FakeExplorer
from tests.browser.tasks import main_thread_tasks
from tests.support.chromium import OpenPage

pytestmark = pytest.mark.browser

KPI = "dossier.on_time_rate"
VIETNAMESE = re.compile("[ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệịỉĩọỏốồổỗộớờởỡợụủũứừửữựỳỵỷỹ]", re.IGNORECASE)
DRAWN = "[data-chart=drawn]"


@pytest.fixture
def centre() -> Iterator[FakeExplorer]:
    with FakeExplorer() as centre:
        yield centre


def explore(open_page: OpenPage, centre: FakeExplorer, query: str = f"kpi={KPI}", ready: str = DRAWN) -> Page:
    page = open_page(centre, f"/explore?{query}", 1366, 768)
    expect(page.locator(ready).first).to_be_visible()
    return page


def test_a_kpi_is_found_without_diacritics_and_shown(centre: FakeExplorer, open_page: OpenPage) -> None:
    page = explore(open_page, centre, "", "nav [data-kpi]")
    expect(page.get_by_role("heading", name="Khám phá chỉ tiêu")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("dung han trong thang")
    page.keyboard.press("Enter")
    expect(page.locator(DRAWN)).to_be_visible()
    expect(page.locator("h1")).to_have_text("Tỷ lệ hồ sơ giải quyết đúng hạn trong tháng")
    assert f"kpi={KPI}" in page.url


def test_units_years_and_forecast_are_added_and_stay_in_the_address(centre: FakeExplorer, open_page: OpenPage) -> None:
    page = explore(open_page, centre)
    page.keyboard.press("u")
    page.keyboard.type("phu xuan")
    page.locator(".list input").first.check()
    page.locator("article").focus()
    page.keyboard.press("l")
    page.keyboard.press("f")
    expect(page.get_by_text("Khả năng đạt mục tiêu ≥ 98")).to_be_visible()
    expect(page.get_by_text("< 1 %")).to_be_visible()
    expect(page.locator("article thead").first).to_contain_text("năm trước")
    last = centre.questions("series")[-1]
    assert (last["units"], last["compare"], last["step"]) == ("46,19753", "last_year", "1d")
    address = page.url
    page.reload()
    expect(page.get_by_text("< 1 %")).to_be_visible()
    assert page.url == address
    assert centre.questions("series")[-1] == last


def test_several_kpis_stand_below_one_another(centre: FakeExplorer, open_page: OpenPage) -> None:
    page = explore(open_page, centre)
    others = page.locator("[data-add]").evaluate_all("all => all.slice(0, 2).map(one => one.dataset.add)")
    for kpi in others:
        page.locator(f"[data-add='{kpi}']").click()
    expect(page.locator(DRAWN)).to_have_count(3)
    compared = page.locator("[data-compared]").evaluate_all("all => all.map(one => one.dataset.compared)")
    assert compared == [KPI, *others]
    assert len({(asked["from"], asked["to"], asked["step"]) for asked in centre.questions("series")}) == 1
    page.keyboard.press("s")
    expect(page.locator("pre")).to_have_count(3)
    page.reload()
    expect(page.locator(DRAWN)).to_have_count(3)
    assert violations(page, rules=WCAG) == []
    page.locator(f"[data-compared='{others[0]}']").get_by_role("button", name=re.compile("^Bỏ: ")).click()
    expect(page.locator(DRAWN)).to_have_count(2)
    assert f"also={others[1]}" in page.url


def test_a_chart_says_that_its_forecast_is_coming(centre: FakeExplorer, open_page: OpenPage) -> None:
    page = explore(open_page, centre)
    centre.takes_s = 30
    page.keyboard.press("f")
    coming = page.locator(f"[data-compared='{KPI}'] [data-forecasting]")
    expect(coming).to_contain_text("đã 1 s")
    coming.get_by_role("button").click()
    expect(coming).to_have_count(0)
    expect(page.locator(DRAWN)).to_be_visible()


def test_the_table_says_what_the_chart_says(centre: FakeExplorer, open_page: OpenPage) -> None:
    page = explore(open_page, centre, f"kpi={KPI}&range=7d&step=1d")
    rows = page.locator("[role=region] tbody tr")
    expect(rows.first).to_contain_text("9")
    expect(rows).to_have_count(7)
    picture = page.get_by_role("img", name=re.compile("Diễn biến"))
    expect(picture).to_have_attribute("aria-label", re.compile(r"1 đơn vị, 7 thời điểm"))
    for form in ("CSV", "XLSX"):
        assert f"format={form.lower()}" in str(page.get_by_role("link", name=form, exact=True).get_attribute("href"))
    for form in ("PNG", "SVG"):
        with page.expect_download() as download:
            page.get_by_role("button", name=form).click()
        content = Path(download.value.path()).read_bytes()
        assert content[:4] == (b"\x89PNG" if form == "PNG" else b"<svg")


def test_communes_are_painted_without_holding_the_page_up(
    centre: FakeExplorer, open_page: OpenPage, browser: Browser
) -> None:
    page = explore(open_page, centre)
    communes = [unit for unit in province.units() if province.level(unit) == "commune"]
    with main_thread_tasks(browser, page) as tasks:
        page.keyboard.press("2")
        expect(page.locator("li svg path")).to_have_count(len(communes))
    assert len(tasks) > 10
    assert [ms for ms in tasks if ms > 200] == []
    page.locator("li a[data-unit='19753']").click()
    expect(page.locator(DRAWN)).to_be_visible()
    assert "units=19753" in page.url


def test_a_change_is_told_apart(centre: FakeExplorer, open_page: OpenPage) -> None:
    page = explore(open_page, centre, f"kpi={KPI}&view=parts", "tfoot")
    expect(page.locator(".whole")).to_contain_text("−1,50")
    page.get_by_role("button", name="Kênh").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    expect(page.locator("tbody")).to_contain_text("(không ghi)")
    centre.problems["parts"] = (400, Message("from_after_to"))
    page.get_by_role("button", name="7 ngày", exact=True).click()
    expect(page.get_by_text("from phải trước to")).to_be_visible()


def test_the_sql_is_shown_and_opens_in_the_lab(centre: FakeExplorer, open_page: OpenPage) -> None:
    page = explore(open_page, centre)
    page.get_by_role("button", name="Xem SQL").click()
    expect(page.locator("pre")).to_contain_text("FROM kpi_1")
    href = str(page.get_by_role("link", name="Mở trong trang SQL").get_attribute("href"))
    search, _, text = href.partition("#")
    assert text.startswith("sql=--%20dossier.on_time_rate")
    chart = json.loads(parse_qs(search.partition("?")[2])["chart"][0])
    assert chart == ["line", "from", ["value"], "unit"]


@pytest.mark.parametrize(
    ("address", "status", "message", "shown"),
    [
        pytest.param("series", 503, Message("lab_away", log="lab.log"), "Phòng phân tích không trả lời", id="away"),
        pytest.param(
            "series", 400, Message("too_many_points", points=2160, max=1000), "2.160 điểm là quá nhiều", id="too much"
        ),
        pytest.param("forecast", 503, Message("forecast_too_slow", seconds=30), "quá 30 giây", id="forecast failed"),
    ],
)
def test_a_failure_says_why_and_can_be_tried_again(
    centre: FakeExplorer, open_page: OpenPage, address: str, status: int, message: Message, shown: str
) -> None:
    centre.problems[address] = (status, message)
    page = explore(open_page, centre, f"kpi={KPI}&forecast=1", "[role=alert]")
    expect(page.get_by_text(shown)).to_be_visible()
    centre.problems.clear()
    page.get_by_role("button", name="Thử lại").click()
    expect(page.locator(DRAWN)).to_be_visible()
    expect(page.get_by_text(shown)).to_have_count(0)


def test_too_little_history_is_a_sentence_and_no_number(centre: FakeExplorer, open_page: OpenPage) -> None:
    centre.too_little = True
    page = explore(open_page, centre, f"kpi={KPI}&forecast=1")
    expect(page.get_by_text("Chỉ có giá trị của 12 ngày; dự báo cần ít nhất 56.")).to_be_visible()
    expect(page.locator("section:has(#forecast-heading) b")).to_have_text("Chưa thể dự báo")


def test_one_click_from_a_tile_and_from_the_catalogue(centre: FakeExplorer, open_page: OpenPage) -> None:
    page = open_page(centre, "/wall/main")
    page.locator(f"[data-kpi='{KPI}']").hover()
    page.locator(f"[data-kpi='{KPI}'] a.explore").click()
    expect(page.locator(DRAWN)).to_be_visible()
    page.goto(f"{centre.address}/catalog/{KPI}?unit=19753")
    page.get_by_role("link", name="Khám phá", exact=True).click()
    expect(page.locator(DRAWN)).to_be_visible()
    assert f"kpi={KPI}&units=19753" in page.url


def test_every_view_can_be_used_by_all(centre: FakeExplorer, open_page: OpenPage) -> None:
    page = explore(open_page, centre, f"kpi={KPI}&last=1&forecast=1")
    page.keyboard.press("s")
    page.get_by_text("Độ tin cậy của dự báo").click()
    for key, ready in (("1", "pre"), ("2", "li svg path"), ("3", "tfoot")):
        page.keyboard.press(key)
        expect(page.locator(ready).first).to_be_visible()
        assert violations(page, rules=WCAG) == []
        for width in (1920, 1366):
            page.set_viewport_size({"width": width, "height": 768})
            assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    names = {unit["name"] for unit in province.units()} | {unit["short_name"] for unit in province.units()}
    for key, ready in (("1", "pre"), ("2", "li svg path"), ("3", "tfoot")):
        page.keyboard.press(key)
        expect(page.locator(ready).first).to_be_visible()
        lines = page.locator("article").inner_text().splitlines()
        assert [line for line in lines if VIETNAMESE.search(line) and not any(name in line for name in names)] == []


@pytest.mark.parametrize("query", ["", "kpi=none"])
def test_nothing_chosen_says_what_to_do(centre: FakeExplorer, open_page: OpenPage, query: str) -> None:
    page = explore(open_page, centre, query, "nav [data-kpi]")
    assert violations(page, rules=WCAG) == []
    expect(page.locator("article")).to_contain_text("Chọn một chỉ tiêu" if not query else "none")
