"""Logging in: name and password, a wall's token, and what is shown to those who are refused."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.fake_desk import PASSWORD, TOKEN, FakeDesk
from tests.support.chromium import OpenPage

pytestmark = pytest.mark.browser


@pytest.fixture
def closed() -> Iterator[FakeDesk]:
    """A centre that shows nothing without a login."""
    with FakeDesk(role="", closed=True) as desk:
        yield desk


def test_wrong_then_right_comes_back_to_the_page(closed: FakeDesk, open_page: OpenPage) -> None:
    page = open_page(closed, "/ops?view=silences", 1366, 768)
    expect(page.get_by_role("alert")).to_contain_text("Cần đăng nhập để xem trang này")
    page.get_by_role("alert").get_by_role("link", name="Đăng nhập").click()
    expect(page.get_by_label("Tên tài khoản")).to_be_focused()
    page.keyboard.type("operator")
    page.keyboard.press("Enter")
    expect(page.locator("#password-fault")).to_have_text("Nhập mật khẩu.")
    page.keyboard.type("sai")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Tên hoặc mật khẩu không đúng.")
    expect(page.get_by_label("Tên tài khoản")).to_have_value("operator")
    expect(page.get_by_label("Mật khẩu")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/ops?view=silences")
    expect(page.get_by_role("link", name="Phạm Dũng")).to_be_visible()
    expect(page.get_by_role("button", name="Tạm tắt mới")).to_be_visible()


def test_what_stands_behind_the_address_survives_the_login(closed: FakeDesk, open_page: OpenPage) -> None:
    """A link to a lab query carries its SQL in the fragment, which never reaches the server."""
    page = open_page(closed, "/lab?p_unit=00123#sql=SELECT%20%24unit", 1366, 768)
    page.get_by_role("alert").get_by_role("link", name="Đăng nhập").click()
    page.fill("#name", "analyst")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/lab?p_unit=00123#sql=SELECT%20%24unit")


def test_a_link_to_the_lab_tells_a_viewer_what_there_is_instead(open_page: OpenPage) -> None:
    with FakeDesk(role="viewer") as desk:
        page = open_page(desk, "/lab#sql=SELECT%201", 1366, 768)
        expect(page.get_by_role("alert")).to_contain_text("chỉ dành cho phân tích viên")
        assert page.url.endswith("#sql=SELECT%201")


@pytest.mark.parametrize("next_page", ["//elsewhere.example/", "https://elsewhere.example", "/\\elsewhere.example"])
def test_nobody_is_sent_elsewhere(closed: FakeDesk, open_page: OpenPage, next_page: str) -> None:
    page = open_page(closed, f"/login?next={next_page}", 1366, 768)
    page.fill("#name", "operator")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{closed.address}/ops")


def test_logged_out_again(open_page: OpenPage) -> None:
    with FakeDesk(role="analyst") as desk:
        page = open_page(desk, "/login", 1366, 768)
        expect(page.get_by_text("Phân tích viên · tài khoản analyst")).to_be_visible()
        page.get_by_role("button", name="Đăng xuất").click()
        expect(page.get_by_label("Mật khẩu")).to_be_visible()


def test_a_session_that_is_over_is_said(open_page: OpenPage) -> None:
    with FakeDesk(role="operator", closed=True) as desk:
        desk.alert("lgsp", 2, "46", "Cổng dịch vụ công lỗi giao dịch", 32)
        page = open_page(desk, "/ops", 1366, 768)
        expect(page.locator("[data-alert]")).to_have_count(1)
        desk.role = ""
        page.keyboard.press("a")
        expect(page.get_by_role("dialog")).to_contain_text("Phiên làm việc đã hết")
        page.get_by_role("button", name="Để sau").click()
        expect(page.locator("[data-over]")).to_contain_text("Phiên làm việc đã hết")


def test_a_wall_with_its_token(closed: FakeDesk, open_page: OpenPage) -> None:
    page = open_page(closed, f"/wall/main?token={TOKEN}&theme=light")
    assert page.url == f"{closed.address}/wall/main?theme=light"
    assert closed.told == [("POST", "/api/v1/session", {"display_token": TOKEN})]
    page.reload()
    expect(page.locator("[data-ready]")).to_be_visible()


def test_a_wall_whose_token_ends_says_why_and_shows_nothing_more(closed: FakeDesk, open_page: OpenPage) -> None:
    page = open_page(closed, f"/wall/main?token={TOKEN}")
    expect(page.locator("[data-ready]")).to_be_visible()
    closed.has_display = False
    closed.end_identity("display_ended")
    expect(page.locator(".waiting")).to_contain_text("Mã của màn hình này đã bị thu hồi")
    expect(page.locator("[data-kpi]")).to_have_count(0)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        pytest.param("?token=old", "Mã màn hình trong địa chỉ không đúng", id="a token that is none"),
        pytest.param("", "Mở lại bằng địa chỉ có mã màn hình", id="no token"),
    ],
)
def test_a_wall_that_may_not_look(closed: FakeDesk, open_page: OpenPage, query: str, said: str) -> None:
    page = open_page(closed, f"/wall/main{query}", ready=False)
    expect(page.get_by_role("heading", name="Màn hình này chưa được phép xem")).to_be_visible()
    expect(page.locator(".waiting")).to_contain_text(said)
    assert "token" not in page.url
