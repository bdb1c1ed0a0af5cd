"""The catalogue page: what a KPI is, its current value, which sources feed it, what is missing."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ioc.messages import Message
from ioc.model.source import error_fields
from tests.browser import province
from tests.browser.accessible import violations, wide
from tests.browser.fake_centre import FakeCentre
from tests.support.chromium import OpenPage

pytestmark = pytest.mark.browser

KPI = "dossier.on_time_rate"
UNITS = province.units_of(KPI)


def open_catalog(open_page: OpenPage, centre: FakeCentre, path: str = f"/catalog/{KPI}", width: int = 1366) -> Page:
    page = open_page(centre, path, width, 768)
    expect(page.locator("nav [data-kpi]").first).to_be_visible()
    return page


ROWS = len({each["family"] or each["id"] for each in province.definitions()})


def found(page: Page) -> list[str]:
    return page.locator("nav [data-kpi]").evaluate_all("all => all.map(a => a.dataset.kpi)")


def test_search_needs_no_diacritics(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_catalog(open_page, centre, "/catalog")
    page.keyboard.press("/")
    for typed in ("dung han trong thang", "ĐÚNG HẠN trong", "on_time_rate", "settled on time"):
        page.keyboard.insert_text(typed)
        expect(page.locator(f"nav [data-kpi='{KPI}']")).to_be_visible()
        assert 0 < len(found(page)) < ROWS / 4, typed
        page.keyboard.press("Escape")
        expect(page.locator("nav [data-kpi]")).to_have_count(ROWS)
    page.fill("#search", "xyzzy")
    expect(page.get_by_text("Không có chỉ tiêu nào khớp “xyzzy”")).to_be_visible()
    page.get_by_role("button", name="Xóa tìm kiếm").click()
    assert len(found(page)) == ROWS


def test_all_that_is_known_of_a_kpi(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_catalog(open_page, centre)
    article = page.locator("article")
    for said in (
        "Tỷ lệ hồ sơ giải quyết đúng hạn trong tháng",
        "96,4",
        "Mục tiêu 98",
        "−1,6 chưa đạt mục tiêu",
        "Trong số hồ sơ thủ tục hành chính",
        "QĐ 766/QĐ-TTg",
        "có ít nhất 20 mẫu",
        "Một cửa điện tử",
        f"Cả {UNITS} đơn vị đều có số liệu mới.",
        "48.210 bản ghi",
        "đã giải quyết",
        "200 / 400",
        "Chưa có kỳ nào đã công bố phải điều chỉnh.",
    ):
        expect(article).to_contain_text(said)
    page.get_by_text("Biểu thức chính xác").click()
    definition = province.definition_of(KPI)
    expect(article).to_contain_text(definition["expression"]["where"])


def test_by_keyboard_alone(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_catalog(open_page, centre, "/catalog")
    page.keyboard.press("/")
    page.keyboard.type("dung han trong thang")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Tỷ lệ hồ sơ giải quyết đúng hạn trong tháng")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")  # once for the text, once to leave the field
    first = found(page).index(KPI)
    page.keyboard.press("j")
    page.wait_for_url(f"**/catalog/{found(page)[first + 1]}")
    page.keyboard.press("k")
    page.wait_for_url(f"**/catalog/{KPI}")
    page.keyboard.press("2")
    page.wait_for_url("**?range=7d")
    expect(page.locator("[data-unit]").nth(1)).to_be_visible()
    page.keyboard.press("u")
    expect(page.locator("#unit-filter")).to_be_focused()
    page.keyboard.type("a luoi 2")
    expect(page.locator("[data-unit]")).to_have_count(1)
    page.keyboard.press("Tab")
    page.locator("[data-unit] button").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**?unit=20044&range=7d")
    expect(page.locator("article header").first).to_contain_text("A Lưới 2")
    page.keyboard.press("t")
    page.wait_for_url(f"**/catalog/{KPI}?range=7d")
    page.go_back()
    page.wait_for_url("**?unit=20044&range=7d")
    expect(page.locator("article header").first).to_contain_text("A Lưới 2")


def test_shortcuts_can_be_turned_off(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_catalog(open_page, centre)
    page.get_by_role("button", name="Phím tắt").click()
    page.keyboard.press("j")
    page.keyboard.press("/")
    assert page.url.endswith(KPI)
    assert page.evaluate("document.activeElement.id") != "search"


def test_the_address_names_what_is_shown(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_catalog(open_page, centre, f"/catalog/{KPI}?unit=19753&range=7d&lang=en")
    expect(page.locator("article header").first).to_contain_text("Phú Xuân")
    expect(page.get_by_role("button", name="7 days")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="30 days").click()
    page.reload()
    expect(page.get_by_role("button", name="30 days")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("article header").first).to_contain_text("Phú Xuân")


def test_an_unknown_kpi_is_said(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_catalog(open_page, centre, "/catalog/no.such")
    expect(page.get_by_text("Danh mục không có chỉ tiêu “no.such”")).to_be_visible()


def unit_names(page: Page) -> list[str]:
    return page.locator("[data-unit] button").all_inner_texts()


def test_units_sort_filter_and_export(centre: FakeCentre, open_page: OpenPage) -> None:
    centre.value(KPI, 12.5, unit="19753")
    centre.value(KPI, 99.5, unit="20044")
    centre.value(KPI, None, unit="19900", freshness="no_data", as_of=None)
    page = open_catalog(open_page, centre)
    expect(page.locator("[data-unit]").first).to_contain_text("99,5")
    by_value = page.locator("th.value")
    expect(by_value).to_have_attribute("aria-sort", "descending")
    page.get_by_role("columnheader", name="Đơn vị").get_by_role("button").click()
    names = unit_names(page)
    assert len(names) >= 15
    folded = [re.sub(r"^(Phường|Xã) ", "", name) for name in names]
    assert folded[0].startswith("A Lưới 1")
    page.get_by_role("button", name="Thiếu số liệu").click()
    expect(page.locator("[data-unit]")).to_have_count(1)
    expect(page.locator("[data-unit='19900']")).to_contain_text("Không có dữ liệu")
    expect(page.locator("[data-unit='19900'] .value")).to_have_text("—")
    page.get_by_role("button", name="Tất cả").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    lines = text.splitlines()
    assert download.value.suggested_filename == f"{KPI}.csv"
    assert len(lines) == UNITS + 1
    assert any(line.startswith(f"{KPI},20044,") and ",99.5,%,live," in line for line in lines)
    assert any(line.startswith(f"{KPI},19900,") and ",,%,no_data," in line for line in lines)


def test_only_rows_in_sight_are_in_the_page(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_catalog(open_page, centre)
    expect(page.locator("[data-unit]").first).to_be_visible()
    assert page.locator("[data-unit]").count() < UNITS
    last = page.locator(".box")
    last.evaluate("box => box.scrollTo(0, box.scrollHeight)")
    expect(page.locator(f"tr[aria-rowindex='{UNITS + 1}']")).to_be_visible()


@pytest.mark.parametrize(
    ("value", "other", "said"),
    [
        pytest.param(None, {"freshness": "no_data", "as_of": None}, "Không có dữ liệu", id="no data"),
        pytest.param(41.5, {"freshness": "insufficient", "samples": 2}, "Chưa đủ mẫu 2/20", id="too few samples"),
    ],
)
def test_a_value_that_is_none_is_a_dash(
    centre: FakeCentre, open_page: OpenPage, value: float | None, other: province.Json, said: str
) -> None:
    centre.value(KPI, value, **other)
    page = open_catalog(open_page, centre)
    expect(page.locator("article header .value b").first).to_have_text("—")
    expect(page.locator("article header").first).to_contain_text(said)


def test_the_chart_shows_gaps_and_tells_them(centre: FakeCentre, open_page: OpenPage) -> None:
    now = centre.now()
    points = province.history(96.4, now - timedelta(days=30), now, timedelta(days=1))
    centre.histories[KPI] = [point | ({"value": None} if 12 <= i < 17 else {}) for i, point in enumerate(points)]
    page = open_catalog(open_page, centre)
    chart = page.locator("[data-chart=drawn]")
    expect(chart).to_be_visible()
    expect(chart).to_have_attribute("aria-label", re.compile("5/30 thời điểm không có số liệu"))
    expect(chart.locator("canvas")).to_be_visible()
    gap, line = drawn_columns(page)
    assert gap > 40, "no gap in the line"
    assert line > 200
    chart.hover(position={"x": 120, "y": 120})
    expect(chart).to_contain_text("20 mẫu")
    expect(chart).to_contain_text(re.compile(r"\d\d:\d\d .*, \d\d/\d\d/\d{4}\d\d,\d %"))
    page.get_by_role("button", name="Bảng").click()
    expect(page.locator("tr.gap")).to_have_count(5)


def test_a_long_computation_can_be_stopped(centre: FakeCentre, open_page: OpenPage) -> None:
    centre.history_takes_s = 30
    page = open_catalog(open_page, centre)
    expect(page.get_by_text("Đang tính từ dữ liệu gốc…")).to_be_visible()
    page.get_by_role("button", name="Dừng").click()
    expect(page.get_by_text("Đã dừng tính diễn biến")).to_be_visible()
    centre.history_takes_s = 0
    page.get_by_role("button", name="Thử lại").click()
    expect(page.locator("[data-chart=drawn]")).to_be_visible()


def drawn_columns(page: Page) -> tuple[int, int]:
    """(columns of the widest stretch without the line between two with it, columns with it), in px of the chart."""
    counted = page.evaluate(
        """() => {
            const canvas = document.querySelector('[data-chart] canvas')
            const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
            const has = []
            for (let x = 0; x < width; x += 1) {
                has[x] = false
                for (let y = 0; y < height && !has[x]; y += 1) {
                    const i = 4 * (y * width + x)
                    has[x] = data[i + 3] > 200 && data[i] < 90 && data[i + 1] < 130 && data[i + 2] > 140
                }
            }
            return has
        }"""
    )
    runs = re.findall("0+", "".join("01"[bool(each)] for each in counted).strip("0"))
    return max((len(run) for run in runs), default=0), sum(counted)


def test_a_restated_period_is_told(centre: FakeCentre, open_page: OpenPage) -> None:
    centre.restatements = [province.restatement(KPI, centre.now(), 96.2, 95.8)]
    page = open_catalog(open_page, centre)
    expect(page.locator("[data-restated]")).to_contain_text("96,2 → 95,8")
    expect(page.locator("[data-restated]")).to_contain_text("Dữ liệu đến muộn hoặc được sửa: 4 bản ghi.")


def test_a_centre_that_fails_is_said_and_asked_again(centre: FakeCentre, open_page: OpenPage) -> None:
    centre.failing = True
    page = open_page(centre, f"/catalog/{KPI}", 1366, 768)
    expect(page.get_by_role("alert")).to_contain_text("Không đọc được kho dữ liệu")
    centre.failing = False
    page.get_by_role("button", name="Thử lại").click()
    expect(page.locator("h1")).to_have_text("Tỷ lệ hồ sơ giải quyết đúng hạn trong tháng")


VIETNAMESE = re.compile("[ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", re.IGNORECASE)


def test_english_is_complete(centre: FakeCentre, open_page: OpenPage) -> None:
    """Only the names of places and the legal basis stay in Vietnamese."""
    page = open_catalog(open_page, centre)
    page.get_by_role("button", name="English").click()
    expect(page.locator("h1")).to_have_text("Dossiers settled on time this month")
    assert page.url.endswith("?lang=en")
    assert page.locator("html").get_attribute("lang") == "en"
    texts = page.evaluate(
        """() => {
            const walker = document.createTreeWalker(document.querySelector('.desk'), NodeFilter.SHOW_TEXT)
            const texts = []
            while (walker.nextNode()) {
                const parent = walker.currentNode.parentElement
                if (!parent.closest('[data-unit], [lang=vi], dd, .basis') && walker.currentNode.textContent.trim())
                    texts.push(walker.currentNode.textContent.trim())
            }
            return texts
        }"""
    )
    names = {unit["name"] for unit in province.units()} | {"IOC Huế"}
    english = json.dumps([[row["name"]["en"] for row in province.catalogue()[kind]] for kind in ("kpis", "sectors")])
    left = [text for text in texts if VIETNAMESE.search(text.replace("đ", "")) and text not in names]
    assert [text for text in left if json.dumps(text)[1:-1] not in english] == []


@pytest.mark.parametrize(
    ("path", "ready"),
    [
        (f"/catalog/{KPI}?unit=19753", "[data-chart=drawn]"),
        ("/catalog", "nav [data-kpi]"),
        pytest.param("/catalog/no.such", "article", marks=pytest.mark.soak),
        ("/sources", "tr[data-source]"),
        ("/lab", "main"),
    ],
)
def test_a_page(centre: FakeCentre, open_page: OpenPage, path: str, ready: str) -> None:
    """Accessible, and nothing scrolls sideways: in both languages, on a small screen and a large one."""
    page = open_page(centre, path, 1366, 768)
    expect(page.locator(ready).first).to_be_visible()
    assert violations(page) == []
    assert wide(page) == []
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert violations(page, translated=True) == []
    assert wide(page) == []
    page.set_viewport_size({"width": 1920, "height": 1080})
    assert wide(page) == []


def test_sources_with_their_accounts(centre: FakeCentre, open_page: OpenPage) -> None:
    now = centre.now()
    late = province.source("air", "Quan trắc khí", "Air quality", now, condition="late", lag_s=2820.0, rejected=11)
    centre.push(sources=[late])
    page = open_page(centre, "/sources", 1366, 768)
    rows = page.locator("tr[data-source]")
    expect(rows).to_have_count(4)
    expect(rows.first).to_contain_text("Quan trắc khí")
    expect(page.locator("aside")).to_contain_text("Bản ghi bị loại: 11")
    expect(page.locator("aside")).to_contain_text("47 phút")
    page.keyboard.press("j")
    expect(page).to_have_url(re.compile("#cameras$"))
    expect(page.locator("aside h2")).to_have_text("Camera giao thông")
    page.keyboard.press("/")
    page.keyboard.type("mot cua")
    expect(rows).to_have_count(1)


def test_the_error_of_a_source_is_in_the_language_of_the_page(centre: FakeCentre, open_page: OpenPage) -> None:
    reason = Message("source_file_unreadable", path="air.toml", reason="EACCES")
    coded = error_fields(Message("sources_unread", reason=reason))
    uncoded = {"error": "It says so in English."}
    faulty = province.source("air", "Quan trắc khí", "Air quality", centre.now(), condition="failing", **coded)
    old = province.source("cameras", "Camera giao thông", "Cameras", centre.now(), condition="failing", **uncoded)
    centre.push(sources=[faulty, old])
    page = open_page(centre, "/sources", 1366, 768)
    wrong = page.locator("aside p.wrong")
    expect(wrong).to_have_text("Không đọc được các nguồn đã cấu hình: air.toml: không đọc được: EACCES.")
    page.keyboard.press("j")
    expect(wrong).to_have_text("It says so in English.")
    english = open_page(centre, "/sources?lang=en", 1366, 768)
    expect(english.locator("aside p.wrong")).to_have_text(coded["error"])
