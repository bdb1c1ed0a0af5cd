"""Notification routes in the console: the route tester, channels, messages, texts, duty roster, self-audit."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.desk_rows import fired_row
from tests.browser.fake_desk import FakeDesk
from tests.browser.fake_routing import ROUTING
from tests.browser.ops_page import open_ops
from tests.support.chromium import OpenPage

pytestmark = pytest.mark.browser


@pytest.fixture
def desk() -> Iterator[FakeDesk]:
    with FakeDesk() as desk:
        yield desk


def test_who_would_get_an_alert_of_a_rule(desk: FakeDesk, open_page: OpenPage) -> None:
    page = open_ops(open_page, desk, "routes")
    page.keyboard.press("t")
    expect(page.locator("#test-rule")).to_be_focused()
    page.get_by_role("button", name="Xem ai sẽ nhận").click()
    expect(page.get_by_role("alert")).to_have_text("Chọn một luật.")
    page.locator("#test-rule").click()
    page.keyboard.type("luat lgsp")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Xem ai sẽ nhận").click()
    rows = page.locator("[data-way] tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(2)).to_contain_text("sau 30 phút")
    expect(rows.nth(2)).to_contain_text("nếu chưa ai nhận")
    expect(rows.nth(2)).to_contain_text("Nguyễn Lân")
    expect(page.locator("[data-route=grave]")).to_contain_text("thông báo từ đây")
    assert desk.told[-1][2] == {"rule": "lgsp-latency", "unit": "46"}


def test_who_would_get_an_alert_with_labels(desk: FakeDesk, open_page: OpenPage) -> None:
    page = open_ops(open_page, desk, "routes")
    page.get_by_role("button", name="nhãn", exact=True).click()
    page.fill("#test-labels", "severity")
    page.get_by_role("button", name="Xem ai sẽ nhận").click()
    expect(page.get_by_role("alert")).to_contain_text("Ghi nhãn dạng tên = giá trị")
    expect(page.locator("#test-labels")).to_have_value("severity")
    page.fill("#test-labels", 'severity = "low"')
    page.get_by_role("button", name="Xem ai sẽ nhận").click()
    expect(page.locator("[data-way] tbody tr")).to_have_count(1)
    expect(page.locator("[data-route=grave]")).to_contain_text("không khớp severity")


def test_a_channel_is_tried_and_a_dead_message_sent_again(desk: FakeDesk, open_page: OpenPage) -> None:
    page = open_ops(open_page, desk, "routes")
    page.keyboard.press("2")
    hook = page.locator("[data-channel=duty-hook]")
    expect(hook).to_contain_text("gửi lỗi 1")
    hook.get_by_role("button", name="Gửi tin thử").click()
    expect(hook.get_by_role("status")).to_contain_text("Đã gửi tin thử")
    expect(page.locator("[data-letter=d1]")).to_contain_text("HTTP 500")
    page.locator("[data-letter=d1]").get_by_role("button", name="Gửi lại").click()
    expect(page.get_by_text("Không có tin gửi lỗi")).to_be_visible()
    assert [told[1] for told in desk.told] == ["/api/v1/channels/duty-hook/test", "/api/v1/deliveries/retry"]


def test_a_routing_with_a_fault_is_not_saved_a_sound_one_is(desk: FakeDesk, open_page: OpenPage) -> None:
    page = open_ops(open_page, desk, "routes")
    page.keyboard.press("3")
    expect(page.locator("#routing-status")).to_contain_text("Văn bản hợp lệ")
    page.fill("#routing-text", ROUTING.replace('receivers = ["wall", "duty"]', 'receivers = ["dutty"]'))
    expect(page.locator("#routing-faults")).to_contain_text("Không có nơi nhận nào mã dutty. Có phải là “duty”?")
    expect(page.get_by_role("button", name="Lưu và áp dụng")).to_be_disabled()
    page.fill("#routing-text", ROUTING.replace('"30m"', '"15m"'))
    expect(page.locator("#routing-status")).to_contain_text("Văn bản hợp lệ")
    page.get_by_label("Lý do").fill("leo thang sớm hơn")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Đã lưu, đang áp dụng.")).to_be_visible()
    expect(page.locator("aside")).to_contain_text("Phạm Dũng")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Cây tuyến").click()
    expect(page.locator("[data-route=grave]")).to_contain_text("sau 15 phút")


def test_a_routing_that_somebody_else_saved_meanwhile_is_not_overwritten_unasked(
    desk: FakeDesk, open_page: OpenPage
) -> None:
    page = open_ops(open_page, desk, "routes")
    page.keyboard.press("3")
    page.fill("#routing-text", ROUTING.replace('"30m"', '"15m"'))
    expect(page.locator("#routing-status")).to_contain_text("Văn bản hợp lệ")
    hers = ROUTING.replace('"30s"', '"10s"')
    desk.routing = hers
    page.get_by_label("Lý do").fill("leo thang sớm hơn")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").first).to_contain_text(
        "đã thay đổi (người sửa: lan) trong lúc bạn viết (route.group_wait)"
    )
    assert desk.routing == hers
    page.get_by_label("Lý do").press("Enter")
    expect(page.get_by_text("Đã lưu, đang áp dụng.")).to_be_visible()
    assert '"15m"' in desk.routing


def test_a_week_of_duty_with_its_gap(desk: FakeDesk, open_page: OpenPage) -> None:
    page = open_ops(open_page, desk, "duty")
    week = page.locator("[data-schedule=duty]")
    expect(week.locator("tbody tr")).to_have_count(7)
    expect(week.locator("tbody tr").nth(6)).to_contain_text("không ai trực")
    expect(week.locator("tbody tr").nth(2)).to_contain_text("Trần Thị Hà (đổi ca)")
    expect(week.locator(".today")).to_have_count(1)
    page.keyboard.press("j")
    expect(week.locator(".today")).to_have_count(0)


def test_self_audit_against_its_limits(desk: FakeDesk, open_page: OpenPage) -> None:
    now = desk.now()
    desk.fired = [fired_row(f"lgsp-latency/46/{i}", "high", now - timedelta(minutes=11 * i)) for i in range(40)]
    page = open_ops(open_page, desk, "audit")
    expect(page.locator("[data-figure=per_window]")).to_contain_text("đạt")
    expect(page.locator("[data-figure=busiest_window]")).to_contain_text("quá tải")
    expect(page.locator("[data-figure=answer]")).to_contain_text("12 đã nhận, 3 chưa")
    expect(page.locator("[data-chart=drawn]")).to_have_count(2)
    expect(page.locator("[data-audit=top] tbody tr")).to_have_count(2)
    expect(page.locator("[data-audit=top]")).to_contain_text("Luật lgsp-latency")
    page.get_by_label("Số người trực").fill("2")
    expect(page.locator("[data-figure=busiest_window]")).to_contain_text("cần xem")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="7 ngày").click()
    expect(page.get_by_role("button", name="7 ngày")).to_have_attribute("aria-pressed", "true")


def test_no_alerts_to_audit(desk: FakeDesk, open_page: OpenPage) -> None:
    page = open_ops(open_page, desk, "audit")
    expect(page.get_by_text("Không cảnh báo nào trong khoảng này")).to_be_visible()


@pytest.mark.parametrize("view", ["routes", "duty"])
def test_who_may_not_is_told_so(open_page: OpenPage, view: str) -> None:
    with FakeDesk(role="viewer") as desk:
        page = open_ops(open_page, desk, view, wait=False)
        expect(page.get_by_text("Vai trò này không được xem tuyến báo")).to_be_visible()
