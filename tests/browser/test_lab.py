"""The lab: run, stop, read, chart, save and share queries, by mouse and by keyboard alone."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.accessible import violations, wide
from tests.browser.fake_lab import FakeLab
from tests.support.chromium import OpenPage

pytestmark = pytest.mark.browser

VALUES = "SELECT unit, evaluated_at, value FROM kpi_values WHERE unit = '46' ORDER BY evaluated_at"


@pytest.fixture
def lab() -> Iterator[FakeLab]:
    with FakeLab() as lab:
        yield lab


def open_lab(open_page: OpenPage, lab: FakeLab, path: str = "/lab", width: int = 1366, height: int = 768) -> Page:
    page = open_page(lab, path, width, height)
    expect(page.locator("[data-editor=ready]")).to_be_visible()
    expect(page.locator("[data-question]")).to_have_count(3)
    return page


def write(page: Page, sql: str) -> None:
    """Type SQL as if pasted, so that no completion opens."""
    page.locator(".cm-content").focus()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(sql)


def run(page: Page, sql: str) -> None:
    write(page, sql)
    page.keyboard.press("Control+Enter")


def done(page: Page) -> Locator:
    state = page.locator("[data-state=done]")
    expect(state).to_be_visible()
    return state


def test_a_ready_question_is_asked_and_drawn(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_lab(open_page, lab)
    expect(page.locator("[data-question=lowest]")).to_contain_text("Để biết nơi cần hỗ trợ trước.")
    page.click("[data-question=lowest]")
    expect(done(page)).to_contain_text("41 dòng · 0,32 giây")
    expect(page.locator("[data-chart=drawn]")).to_have_attribute(
        "aria-label", re.compile("^Bản đồ: value theo unit; thấp nhất")
    )
    expect(page).to_have_url(re.compile("question=lowest.*view=chart.*#sql="))
    page.get_by_role("tab", name="Bảng").click()
    expect(page.locator("td.number").first).to_have_text(re.compile(r"^\d\d,\d$"))


def test_rows_as_people_read_them(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_lab(open_page, lab)
    run(
        page,
        "FROM (VALUES (1234567.5, TIMESTAMP '2026-11-23 08:15:00', 'Huế'), (NULL, NULL, NULL)) t(n, seen, s)",
    )
    done(page)
    expect(page.locator("[aria-rowindex='2'] td")).to_have_text(["1.234.567,5", "23/11/2026 08:15", "Huế"])
    expect(page.locator("[aria-rowindex='3'] td")).to_have_text(["—", "—", "—"])
    heads = page.locator("thead th:not(.at)")
    expect(heads).to_have_text([re.compile("nDECIMAL"), re.compile("seenTIMESTAMP"), re.compile("sVARCHAR")])
    page.get_by_role("button", name="English").click()
    expect(page.locator("[aria-rowindex='2'] td").first).to_have_text("1,234,567.5")


def test_an_error_is_at_its_place_in_the_words_of_duckdb(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_lab(open_page, lab)
    run(page, "SELECT unit,\n  valu\nFROM kpi_values")
    trouble = page.locator(".trouble")
    expect(trouble).to_contain_text("Truy vấn có lỗi · dòng 2, cột 3")
    expect(trouble).to_contain_text('Referenced column "valu" not found')
    expect(page.locator(".cm-lintRange-error")).to_have_text("valu")
    page.get_by_role("button", name="Đến chỗ lỗi").click()
    page.keyboard.type("value")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Enter")
    done(page)
    expect(page.locator(".cm-lintRange-error")).to_have_count(0)


def test_an_error_is_underlined_while_it_is_written(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_lab(open_page, lab)
    write(page, "SELECT value FROM kpi_valuez")
    expect(page.locator(".cm-lintRange-error")).to_have_text("kpi_valuez")
    assert lab.asked == []


def test_waiting_running_cancelled(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_lab(open_page, lab)
    lab.held, lab.ahead = True, 2
    run(page, VALUES)
    expect(page.get_by_text("Đang chờ: 2 truy vấn đứng trước")).to_be_visible()
    lab.ahead = 0
    expect(page.get_by_text("Đang chạy", exact=True)).to_be_visible()
    expect(page.locator("progress")).to_have_attribute("value", "0.4")
    with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        page.keyboard.press("Escape")
    expect(page.locator("[data-state=cancelled]")).to_have_text("Đã hủy")
    expect(page.get_by_role("button", name="Chạy")).to_be_enabled()
    assert lab.cancelled == ["q1"]


def test_parameters_have_pickers_and_stay_in_the_address(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_lab(open_page, lab, "/lab?p_from=2026-10-01&p_to=2026-10-15")
    page.click("[data-question=course]")
    done(page)
    expect(page.get_by_role("textbox", name="$from")).to_have_value(re.compile(r"^01/\d\d/\d{4}$"))
    unit = page.get_by_role("combobox", name="$unit")
    expect(unit).to_have_value("Thành phố Huế")
    unit.fill("phu xuan")
    page.keyboard.press("Enter")
    expect(unit).to_have_value("Phường Phú Xuân")
    page.get_by_role("textbox", name="$from").fill("mai")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Viết ngày như 23/11/2026.")).to_be_visible()
    page.get_by_role("textbox", name="$from").fill("1/10/2026")
    page.keyboard.press("Control+Enter")
    expect(page).to_have_url(re.compile(r"p_unit=\d+&p_from=2026-10-01"))
    done(page)
    asked = lab.asked[-1]["parameters"]
    assert asked["from"] == "2026-10-01"
    assert asked["unit"] != "46"
    page.get_by_label("Khoảng thời gian").select_option("last_year")
    expect(page.get_by_text("Truy vấn đã đổi sau khi chạy")).to_be_visible()


def test_a_parameter_without_a_value_is_asked_for(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_lab(open_page, lab)
    run(page, "SELECT $kpi AS kpi")
    expect(page.get_by_text("cần một giá trị")).to_be_visible()
    expect(page.get_by_role("button", name="Chạy")).to_be_disabled()
    page.get_by_role("textbox", name="$kpi").fill("x")
    page.keyboard.press("Control+Enter")
    done(page)
    assert [asked["parameters"] for asked in lab.asked] == [{"kpi": "x"}]


def test_a_hundred_thousand_rows(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_lab(open_page, lab)
    run(page, "SELECT range AS n, 'x' || range % 7 AS t FROM range(100000)")
    expect(done(page)).to_contain_text("100.000 dòng")
    grid = page.get_by_role("grid")
    grid.focus()
    page.keyboard.press("Control+End")
    expect(page.locator("[aria-rowindex='100001'] td").first).to_have_text("99.999")
    assert page.locator("tbody tr").count() < 60
    page.get_by_title("Sắp theo n", exact=True).click()
    expect(page.locator("th[aria-sort=ascending]")).to_be_visible()
    page.get_by_title("Sắp theo n", exact=True).click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("n ▼")
    expect(page.locator("[aria-rowindex='2'] td").first).to_have_text("99.999")


def test_copied_for_a_spreadsheet(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_lab(open_page, lab)
    run(page, "SELECT * FROM (VALUES (1.5, 'a'), (2.5, NULL)) t(n, name)")
    done(page)
    page.evaluate(
        """() => { const set = DataTransfer.prototype.setData
            DataTransfer.prototype.setData = function (kind, text) {
                window.taken = text
                return set.call(this, kind, text)
            } }"""
    )
    page.get_by_role("grid").focus()
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+c")
    expect(page.get_by_text("Đã chép 2 dòng")).to_be_visible()
    assert page.evaluate("window.taken") == "n\tname\n1.5\ta\n2.5\t"


def test_downloads(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_lab(open_page, lab)
    page.click("[data-question=hours]")
    done(page)
    for form in ("CSV", "XLSX", "PARQUET", "ARROW"):
        with page.expect_download():
            page.get_by_role("link", name=form, exact=True).click()
    assert lab.downloads == ["csv", "xlsx", "parquet", "arrow"]
    page.get_by_role("tab", name="Biểu đồ").click()
    expect(page.locator("[data-chart=drawn]")).to_be_visible()
    files = {}
    for form in ("PNG", "SVG"):
        with page.expect_download() as download:
            page.get_by_role("button", name=form).click()
        files[form] = Path(download.value.path()).read_bytes()
    assert files["PNG"].startswith(b"\x89PNG")
    assert len(files["PNG"]) > 5000
    assert files["SVG"].startswith(b"<svg")
    assert b"Ph\xc3\xba Xu\xc3\xa2n" in files["SVG"]


def test_the_chart_is_chosen_and_changed(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_lab(open_page, lab)
    run(page, VALUES)
    done(page)
    page.get_by_role("tab", name="Biểu đồ").click()
    drawn = page.locator("[data-chart=drawn]")
    expect(drawn).to_have_attribute("aria-label", re.compile("^Đường: value theo evaluated_at"))
    page.get_by_label("Kiểu").select_option("bar")
    expect(drawn).to_have_attribute("aria-label", re.compile("^Cột: value"))
    expect(page).to_have_url(re.compile("chart=%5B%22bar"))
    page.get_by_role("button", name="Tự chọn").click()
    expect(drawn).to_have_attribute("aria-label", re.compile("^Đường"))
    run(page, "SELECT 'a' AS a, 'b' AS b")
    expect(page.get_by_text("Kết quả này không vẽ được")).to_be_visible()


def test_saved_with_versions_and_shared(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_lab(open_page, lab)
    write(page, VALUES)
    page.keyboard.press("Control+s")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Nhập tên truy vấn.")
    page.keyboard.type("Huế theo ngày")
    page.get_by_label("Nhãn").fill("hồ sơ, #ngày")
    page.get_by_label("Chia sẻ cho phân tích viên khác").check()
    page.keyboard.press("Enter")
    expect(page.locator("form")).to_have_count(0)
    assert lab.saved[0]["tags"] == ["hồ sơ", "ngày"]
    assert (lab.saved[0]["shared"], lab.saved[0]["sql"]) == (True, VALUES)
    expect(page).to_have_url(re.compile("saved=1"))
    write(page, VALUES + " DESC")
    page.keyboard.press("Control+s")
    page.get_by_role("button", name="Lưu bản 2").click()
    page.get_by_role("tab", name="Đã lưu").click()
    entry = page.locator("[data-saved='1']")
    expect(entry).to_contain_text("của bạn, đã chia sẻ · bản 2")
    page.get_by_role("searchbox").fill("hue theo")
    expect(entry).to_be_visible()
    page.get_by_role("button", name="Các phiên bản").click()
    page.get_by_role("button", name=re.compile("^bản 1")).click()
    done(page)
    assert lab.asked[-1]["sql"] == VALUES
    page.get_by_role("button", name="Xóa", exact=True).click()
    page.get_by_role("button", name="Xóa hẳn “Huế theo ngày”").click()
    expect(page.get_by_text("Chưa lưu truy vấn nào")).to_be_visible()


def test_what_another_shares_is_not_changed_but_copied(lab: FakeLab, open_page: OpenPage) -> None:
    lab.saved = [
        {"id": 9, "name": "Của sở", "sql": "SELECT 1 AS n", "parameters": {}, "chart": None, "tags": [], "shared": True}
        | {"owner": "someone", "version": 3, "changed_at": "2026-11-01T00:00:00Z"}
    ]
    page = open_lab(open_page, lab)
    page.get_by_role("tab", name="Đã lưu").click()
    expect(page.locator("[data-saved]")).to_contain_text("của someone · bản 3")
    expect(page.get_by_role("button", name="Xóa", exact=True)).to_have_count(0)
    page.click("[data-saved]")
    done(page)
    page.keyboard.press("Control+s")
    page.keyboard.type("Bản của tôi")
    page.keyboard.press("Enter")
    expect(page.locator("form")).to_have_count(0)
    assert [(each["name"], each["version"]) for each in lab.saved] == [("Bản của tôi", 1), ("Của sở", 3)]


def test_a_link_shows_another_the_same(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_lab(open_page, lab)
    page.click("[data-question=course]")
    done(page)
    page.get_by_role("tab", name="Biểu đồ").click()
    page.get_by_label("Kiểu").select_option("bar")
    expect(page).to_have_url(re.compile("chart="))
    link = page.url.removeprefix(lab.address)
    other = open_lab(open_page, lab, link)
    expect(other.locator("[data-chart=drawn]")).to_have_attribute("aria-label", re.compile("^Cột: value"))
    assert lab.asked[-1] == lab.asked[0]
    expect(other.locator(".cm-content")).to_contain_text("evaluated_at >= $from::DATE")


def test_a_long_text_is_packed_into_its_link(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_lab(open_page, lab)
    sql = "SELECT 1 AS n -- " + "đúng hạn " * 300
    run(page, sql)
    expect(page).to_have_url(re.compile("#z="))
    assert len(page.url) < 400
    page.reload()
    done(page)
    assert lab.asked[-1]["sql"] == sql


def test_the_way_back_brings_the_text_that_was_there(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_lab(open_page, lab)
    run(page, VALUES)
    done(page)
    page.click("[data-question=hours]")
    expect(page.locator(".cm-content")).to_contain_text("FROM hours")
    done(page)
    page.go_back()
    expect(page.locator(".cm-content")).to_contain_text("WHERE unit = '46'")


def test_completion_knows_views_columns_and_kpis(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_lab(open_page, lab)
    page.locator(".cm-content").focus()
    page.keyboard.type("FROM kpi_v")
    expect(page.locator(".cm-completionInfo")).to_have_text("Giá trị KPI theo thời gian")
    page.wait_for_timeout(300)  # the list takes no Enter in its first moment, so that nothing is chosen by accident
    page.keyboard.press("Enter")
    page.keyboard.type(" WHERE kpi = 'ty le giai quyet dung han")
    first = page.locator(".cm-tooltip-autocomplete [aria-selected]")
    expect(first).to_contain_text("dossier.on_time_rate")
    page.wait_for_timeout(300)  # the list takes no Enter in its first moment, so that nothing is chosen by accident
    page.keyboard.press("Enter")
    expect(page.locator(".cm-content")).to_have_text("FROM kpi_values WHERE kpi = 'dossier.on_time_rate'")


def test_the_dictionary_tells_and_writes(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_lab(open_page, lab)
    page.get_by_role("tab", name="Từ điển").click()
    expect(page.get_by_text("Tên cột không đổi trong một phiên bản.")).to_be_visible()
    page.get_by_role("searchbox").fill("thoi diem")
    expect(page.locator("[data-view]")).to_have_count(1)
    page.get_by_role("button", name="evaluated_at").click()
    page.keyboard.type(" x")
    expect(page.locator(".cm-content")).to_contain_text("evaluated_at x")


def test_history(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_lab(open_page, lab)
    page.get_by_role("tab", name="Lịch sử").click()
    expect(page.get_by_text("Chưa chạy truy vấn nào")).to_be_visible()
    run(page, VALUES)
    done(page)
    page.get_by_role("tab", name="Câu hỏi").click()
    page.get_by_role("tab", name="Lịch sử").click()
    expect(page.locator("[data-past]")).to_contain_text("xong")
    page.click("[data-past]")
    expect(page.locator(".cm-content")).to_contain_text("WHERE unit = '46'")


def test_the_plan(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_lab(open_page, lab)
    write(page, VALUES)
    page.get_by_role("button", name="Kế hoạch").click()
    expect(page.locator("pre")).to_contain_text("ORDER_BY")
    assert lab.asked == []


def test_the_age_of_the_data_and_a_new_snapshot(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_lab(open_page, lab)
    expect(page.locator("[data-snapshot]")).to_contain_text("3 phút trước")
    expect(page.get_by_text("Giới hạn 60 giây · 100.000 dòng · 512 MB")).to_be_visible()
    page.get_by_role("button", name="Làm mới").click()
    expect(page.locator("[data-snapshot]")).to_contain_text("giây trước")
    assert lab.snapshots == 1


def test_a_cut_result_and_one_without_rows(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_lab(open_page, lab)
    lab.cut_at = 10
    run(page, "FROM range(50)")
    expect(page.get_by_text("Chỉ có 10 dòng đầu")).to_be_visible()
    run(page, "SELECT * FROM kpi_values WHERE false")
    expect(page.get_by_text("Không có dòng nào")).to_be_visible()


def test_a_lab_that_is_away_loses_nothing(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_lab(open_page, lab)
    lab.away = True
    run(page, VALUES)
    expect(page.locator(".trouble")).to_contain_text("The lab does not answer just now")
    expect(page.locator(".cm-content")).to_contain_text("WHERE unit = '46'")
    lab.away = False
    page.get_by_role("button", name="Thử lại").click()
    done(page)


@pytest.mark.parametrize(("role", "said"), [("viewer", "không có quyền này"), ("", "Đăng nhập")])
def test_who_may_not_ask_is_told_and_shown_the_way(open_page: OpenPage, role: str, said: str) -> None:
    with FakeLab(role=role) as lab:
        page = open_page(lab, "/lab", 1366, 768)
        expect(page.get_by_role("main")).to_contain_text(said)
        expect(page.locator("[data-editor]")).to_have_count(0)
        expect(page.get_by_role("link", name="Khám phá")).to_be_visible()
        expect(page.get_by_role("link", name="Phân tích")).to_have_attribute("href", "/explore")


def test_by_keys_alone(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_lab(open_page, lab)
    page.keyboard.press("/")
    page.keyboard.type("gio nao")
    expect(page.locator("[data-question]")).to_have_count(1)
    page.keyboard.press("Tab")  # the panel, which scrolls
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    done(page)
    page.locator("h1").evaluate("() => document.activeElement.blur()")
    page.keyboard.press("e")
    page.keyboard.press("Control+End")
    page.keyboard.insert_text(" LIMIT 5")
    page.keyboard.press("Control+Enter")
    expect(done(page)).to_contain_text("5 dòng")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.get_by_role("tab", name="Bảng")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Biểu đồ")).to_be_focused()
    expect(page.locator("[data-chart=drawn]")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    page.get_by_role("grid").focus()
    page.keyboard.press("Control+End")
    expect(page.locator("td.current")).to_have_attribute("id", "cell-4-2")


def test_every_state_can_be_used_by_all(lab: FakeLab, open_page: OpenPage) -> None:
    """In Vietnamese and English, going from one state to the next as a user would."""
    page = open_lab(open_page, lab)
    for state in ("begin", "table", "chart", "error", "dictionary", "saving"):
        prepare(page, state)
        assert violations(page) == [], state
        page.get_by_role("button", name="English").click()
        expect(page.locator("html")).to_have_attribute("lang", "en")
        assert violations(page, translated=True) == [], f"{state} in English"
        page.get_by_role("button", name="Tiếng Việt").click()


def prepare(page: Page, state: str) -> None:
    if state == "table":
        page.click("[data-question=course]")
        done(page)
        page.locator("td").first.click()
    elif state == "chart":
        page.click("[data-question=lowest]")
        expect(page.locator("[data-chart=drawn]")).to_be_visible()
    elif state == "error":
        run(page, "SELECT valu FROM kpi_values")
        expect(page.locator(".trouble")).to_be_visible()
    elif state == "saving":
        write(page, VALUES)
        page.keyboard.press("Control+s")
        expect(page.locator("form")).to_be_visible()
    elif state == "dictionary":
        page.locator("#side-dictionary").click()
        page.locator("[data-view=kpi_values] summary").click()


def test_no_sideways_scrolling(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_lab(open_page, lab)
    page.click("[data-question=course]")
    done(page)
    for width, height in ((1366, 768), (1920, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        for other in ("English", "Tiếng Việt"):
            assert wide(page) == []
            page.get_by_role("button", name=other).click()


def test_the_wall_loads_nothing_of_the_lab(lab: FakeLab, open_page: OpenPage) -> None:
    page = open_page(lab, "/wall/main")
    names = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name.split('/').pop())")
    scripts = [name for name in names if name.endswith(".js")]
    assert len(scripts) > 3
    assert [name for name in scripts if re.match(r"(Lab|create|ChartPanel|EChart|echarts|install)", name)] == []
