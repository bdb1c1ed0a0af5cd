"""Page /reports: an issue's tables match its files; what changed, making an issue, downloads."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.accessible import violations, wide
from tests.browser.fake_reports import FakeReports
from tests.support.chromium import OpenPage
from tests.support.example_issue import example_issue

pytestmark = pytest.mark.browser


@pytest.fixture
def desk() -> Iterator[FakeReports]:
    with FakeReports() as desk:
        yield desk


def test_an_issue_with_the_figures_of_its_files(desk: FakeReports, open_page: OpenPage) -> None:
    page = open_page(desk, "/reports", 1366, 768)
    expect(page.get_by_role("heading", name="Thống kê dịch vụ công trực tuyến")).to_be_visible()
    value = page.locator('[data-key="dossier.on_time_rate 19701 2026-10"]')
    expect(value).to_have_text("96,1")
    few = page.locator('[data-key="dossier.on_time_rate 19703 2026-10"]')
    expect(few).to_contain_text("—7/20")
    expect(few).to_have_attribute("title", "chưa đủ mẫu, có 7 trên ít nhất 20")
    expect(page.get_by_text("+0,4", exact=True).first).to_be_visible()
    expect(page.get_by_text("Tiếp nhận 34.259 hồ sơ.")).to_be_visible()
    expect(page.get_by_text("đã gửi lúc")).to_be_visible()
    assert violations(page) == []
    assert wide(page) == []
    page.get_by_role("button", name="EN").click()
    expect(page.get_by_role("heading", name="Statistics of online services")).to_be_visible()
    expect(value).to_have_text("96.1")


def test_files_are_downloaded(desk: FakeReports, open_page: OpenPage) -> None:
    page = open_page(desk, "/reports", 1366, 768)
    with page.expect_download():
        page.get_by_role("link", name="PDF", exact=True).click()
    assert desk.downloads == ["/api/v1/reports/online_services/issues/2026-10.1/file.pdf"]


def test_making_one_shows_what_changed_and_why(desk: FakeReports, open_page: OpenPage) -> None:
    page = open_page(desk, "/reports", 1366, 768)
    page.get_by_label("Kỳ", exact=True).fill("2026-10")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Đã lập tháng 10/2026, lần 2.")).to_be_visible()
    changed = page.get_by_role("region", name="Khác lần phát hành 1").first
    expect(changed).to_contain_text("dữ liệu đến muộn (12 bản ghi)")
    expect(changed).to_contain_text("95,5")
    assert desk.wished == [{"period": "2026-10"}]
    assert page.url.endswith("#online_services/2026-10.2")
    page.reload()
    expect(page.get_by_role("combobox")).to_have_value("2026-10.2")
    page.keyboard.press("n")
    expect(page.get_by_role("combobox")).to_have_value("2026-10.1")
    assert violations(page) == []


def test_one_that_takes_long_is_looked_after_also_by_who_comes_later(desk: FakeReports, open_page: OpenPage) -> None:
    page = open_page(desk, "/reports", 1366, 768)
    expect(page.get_by_role("heading", name="Thống kê dịch vụ công trực tuyến")).to_be_visible()
    desk.making = [desk.job(0.4)]
    page.get_by_role("button", name="Lập ngay").click()
    expect(page.get_by_role("status").filter(has_text="40 %")).to_be_visible()
    page.reload()
    expect(page.get_by_role("status").filter(has_text="40 %")).to_be_visible()
    expect(page.get_by_role("button", name="Lập ngay")).to_be_disabled()
    desk.made.append(example_issue(2))
    desk.making, desk.last_made = [], desk.job(1.0, state="done", issue="2026-10.2")
    expect(page.get_by_role("combobox")).to_have_value("2026-10.2")
    assert len(desk.wished) == 1


def test_a_job_that_fails_says_why_in_vietnamese(desk: FakeReports, open_page: OpenPage) -> None:
    page = open_page(desk, "/reports", 1366, 768)
    expect(page.get_by_role("heading", name="Thống kê dịch vụ công trực tuyến")).to_be_visible()
    desk.making = [desk.job(0.7)]
    page.get_by_role("button", name="Lập ngay").click()
    expect(page.get_by_role("status").filter(has_text="70 %")).to_be_visible()
    why = {"field": "period", "message": "No figure.", "code": "report_no_data", "params": {"period": "2026-10"}}
    desk.making, desk.last_made = [], desk.job(0.7, state="failed", detail="No figure.", errors=[why])
    expect(page.get_by_role("status").filter(has_text="Kỳ 2026-10 không có số liệu nào")).to_be_visible()


def test_a_refusal_is_said_beside_and_what_was_typed_stays(desk: FakeReports, open_page: OpenPage) -> None:
    desk.refuses = "2026-11 is not over in the data of the lab."
    page = open_page(desk, "/reports", 1366, 768)
    page.get_by_label("Kỳ", exact=True).fill("2026-11")
    page.get_by_role("button", name="Lập ngay").click()
    expect(page.get_by_role("status").filter(has_text="2026-11 is not over")).to_be_visible()
    expect(page.get_by_label("Kỳ", exact=True)).to_have_value("2026-11")


def test_a_report_without_issues_by_keys(desk: FakeReports, open_page: OpenPage) -> None:
    page = open_page(desk, "/reports", 1366, 768)
    expect(page.get_by_role("heading", name="Thống kê dịch vụ công trực tuyến")).to_be_visible()
    page.keyboard.press("j")
    expect(page.get_by_text("Chưa có lần phát hành nào").last).to_be_visible()
    expect(page.get_by_text("Không có lịch")).to_be_visible()
    assert violations(page) == []


@pytest.mark.parametrize(
    ("role", "path", "text"),
    [
        pytest.param("viewer", "/reports", "Tiếp nhận 34.259 hồ sơ.", id="a viewer reads"),
        pytest.param(
            "analyst", "/reports#nothing/2026-10.1", "Không có báo cáo hoặc lần phát hành này", id="no such report"
        ),
        pytest.param(
            "analyst",
            "/reports#online_services/2020-01.9",
            "Báo cáo online_services không có số phát hành 2020-01.9.",
            id="no such issue",
        ),
    ],
)
def test_states(open_page: OpenPage, role: str, path: str, text: str) -> None:
    with FakeReports(role=role) as desk:
        page = open_page(desk, path, 1366, 768)
        expect(page.get_by_text(text)).to_be_visible()
        expect(page.get_by_role("button", name="Lập ngay")).to_have_count(
            1 if role == "analyst" and "nothing" not in path else 0
        )


def test_a_centre_that_fails_and_one_that_admits_nobody(desk: FakeReports, open_page: OpenPage) -> None:
    desk.failing = True
    page = open_page(desk, "/reports", 1366, 768)
    expect(page.get_by_role("alert")).to_contain_text("Không đọc được kho dữ liệu")
    desk.failing = False
    page.get_by_role("button", name="Thử lại").click()
    expect(page.get_by_text("Tiếp nhận 34.259 hồ sơ.")).to_be_visible()
    with FakeReports(role="") as closed:
        closed.closed = True
        refused = open_page(closed, "/reports", 1366, 768)
        expect(refused.get_by_role("alert")).to_contain_text("Cần đăng nhập để xem trang này")
