"""Forms of the console: they act on what they were opened for, keep what was typed, and survive a session."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk_rows import RULE, incident_row
from tests.browser.fake_desk import PASSWORD, FakeDesk
from tests.browser.ops_page import chosen, fill, open_ops, path_of
from tests.support.chromium import OpenPage

pytestmark = pytest.mark.browser


@pytest.fixture
def desk() -> Iterator[FakeDesk]:
    with FakeDesk() as desk:
        yield desk


def last_told(desk: FakeDesk) -> tuple[str, str, Any]:
    return [told for told in desk.told if told[1] != "/api/v1/session"][-1]


@pytest.mark.parametrize("key", ["g", "c", "i", "s"])
def test_a_form_means_the_alerts_it_was_opened_for(desk: FakeDesk, open_page: OpenPage, key: str) -> None:
    """Without a selection the form acts on the first alert, not on a graver one that arrives while somebody types."""
    desk.alert("lgsp", 2, "46", "Cổng dịch vụ công lỗi giao dịch", 32)
    page = open_ops(open_page, desk)
    expect(page.locator("aside h2")).to_contain_text("Cổng dịch vụ công")
    page.keyboard.press(key)
    expect(page.locator("form h2")).to_be_visible()
    page.keyboard.type("bảo trì")
    desk.alert("fire", 1, "19753", "Cháy ở kho xăng", 0)
    expect(page.locator("[data-alert]")).to_have_count(2)
    assert chosen(page) == "lgsp"
    expect(page.locator("[data-subjects]")).to_contain_text("Cổng dịch vụ công lỗi giao dịch")
    expect(page.locator("aside h2").last).to_contain_text("Cổng dịch vụ công")
    page.keyboard.press("Enter")
    expect(page.locator("form")).to_have_count(0)
    _, _, body = last_told(desk)
    meant = body.get("alerts") or body["matchers"]
    assert all("lgsp" in one or one == 'unit="46"' for one in meant)


def test_a_key_acts_on_the_alert_that_is_shown(desk: FakeDesk, open_page: OpenPage) -> None:
    desk.alert("lgsp", 2, "46", "Cổng dịch vụ công lỗi giao dịch", 32)
    page = open_ops(open_page, desk)
    expect(page.locator("aside h2")).to_contain_text("Cổng dịch vụ công")
    desk.alert("fire", 1, "19753", "Cháy ở kho xăng", 0)
    expect(page.locator("[data-alert]")).to_have_count(2)
    page.keyboard.press("a")
    expect(page.locator("td.acknowledged")).to_have_count(1)
    assert [one.split("/")[0] for one in last_told(desk)[2]["alerts"]] == ["lgsp"]


def test_alerts_that_end_while_somebody_types_are_left_out(desk: FakeDesk, open_page: OpenPage) -> None:
    fill(desk)
    page = open_ops(open_page, desk)
    expect(page.locator("[data-alert]")).to_have_count(4)
    for each in "xjxg":
        page.keyboard.press(each)
    page.keyboard.type("bảo trì")
    desk.end_alert("river")
    expect(page.locator("[data-subjects] li.over")).to_contain_text("sông Bồ")
    page.keyboard.press("Enter")
    expect(page.locator("form")).to_have_count(0)
    assert [one.split("/")[0] for one in last_told(desk)[2]["alerts"]] == ["lgsp"]


def leave_by(page: Page, way: str) -> None:
    if way == "Escape":
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Viết tiếp: Tạm gác").click()
    elif way == "reload":
        page.reload()
    elif way == "tab":
        page.get_by_role("link", name="Luật", exact=True).click()
        expect(page.locator("[data-rule]").first).to_be_visible()
        page.go_back()
    else:
        page.locator("[data-alert^='land/'] button").click()


@pytest.mark.parametrize("way", ["Escape", "reload", "tab", "another alert"])
def test_what_was_written_about_an_alert_stays(desk: FakeDesk, open_page: OpenPage, way: str) -> None:
    fill(desk)
    page = open_ops(open_page, desk)
    page.keyboard.press("j")
    page.keyboard.press("g")
    page.keyboard.type("chờ bộ phận kỹ thuật")
    leave_by(page, way)
    expect(page.locator("#act-text")).to_have_value("chờ bộ phận kỹ thuật")
    expect(page.locator("[data-subjects]")).to_contain_text("Cổng dịch vụ công")
    page.locator("#act-text").press("Enter")
    expect(page.locator("form")).to_have_count(0)
    assert last_told(desk)[2]["why"] == "chờ bộ phận kỹ thuật"
    page.reload()
    expect(page.locator("[data-alert]").first).to_be_visible()
    assert page.locator("form").count() == 0


def test_what_was_thrown_away_is_gone(desk: FakeDesk, open_page: OpenPage) -> None:
    fill(desk)
    page = open_ops(open_page, desk)
    page.keyboard.press("g")
    page.keyboard.type("nhầm")
    page.get_by_role("button", name="Bỏ", exact=True).click()
    page.keyboard.press("g")
    expect(page.locator("#act-text")).to_have_value("")


@pytest.mark.parametrize("way", ["another", "reload", "tab", "escape"])
def test_a_half_written_rule_is_kept(open_page: OpenPage, way: str) -> None:
    with FakeDesk(role="admin") as desk:
        page = open_ops(open_page, desk, "rules")
        page.locator(f"[data-rule='{RULE['id']}'] button").click()
        page.fill("#rule-name-vi", "Tên mới đang viết")
        if way == "another":
            page.locator("[data-rule='river-high'] button").click()
            expect(page.locator(f"[data-draft-of='{RULE['id']}']")).to_be_visible()
            page.locator(f"[data-rule='{RULE['id']}'] button").click()
        elif way == "reload":
            page.reload()
        elif way == "tab":
            page.get_by_role("link", name="Cảnh báo", exact=True).click()
            page.go_back()
            page.locator(f"[data-rule='{RULE['id']}'] button").click()
        else:
            page.locator("#rule-why").press("Escape")
        expect(page.locator("#rule-name-vi")).to_have_value("Tên mới đang viết")
        page.get_by_role("button", name="Bỏ", exact=True).click()
        expect(page.locator("#rule-name-vi")).to_have_value("Tên mới đang viết")
        page.get_by_role("button", name="Bỏ những gì đã viết?").click()
        expect(page.locator("#rule-name-vi")).to_have_value(RULE["name"]["vi"])
        expect(page.locator("[data-draft-of]")).to_have_count(0)


def test_a_comment_on_an_incident_is_kept(desk: FakeDesk, open_page: OpenPage) -> None:
    now = desk.now()
    desk.incidents = [incident_row("Mất điện", [], now, "lan"), incident_row("Ngập", [], now, "lan") | {"id": "S-2"}]
    page = open_ops(open_page, desk, "incidents")
    page.fill("#incident-text", "đã gọi điện lực")
    page.locator("[data-incident='S-2']").click()
    expect(page.locator("#incident-text")).to_have_value("")
    page.locator("[data-incident='S-2026-0001']").click()
    expect(page.locator("#incident-text")).to_have_value("đã gọi điện lực")


def test_what_another_has_saved_meanwhile_is_shown_beside_ones_own(open_page: OpenPage) -> None:
    with FakeDesk(role="admin") as desk:
        page = open_ops(open_page, desk, "rules")
        page.locator(f"[data-rule='{RULE['id']}'] button").click()
        page.fill("#rule-name-vi", "Tên của tôi")
        page.fill("#rule-why", "gọi cho đúng")
        expect(page.locator("#rule-faults")).to_contain_text("✓")
        desk.change_meanwhile(RULE | {"name": {"vi": "Tên của Lân", "en": RULE["name"]["en"]}}, "lan")
        page.locator("#rule-why").press("Enter")
        clash = page.locator("[data-clash]")
        expect(clash).to_contain_text("Nguyễn Lân đã lưu bản khác")
        expect(clash.locator("tbody tr")).to_contain_text(["name.vi"])
        for said in (RULE["name"]["vi"], "Tên của Lân", "Tên của tôi"):
            expect(clash.locator("tbody")).to_contain_text(said)
        clash.get_by_role("button", name="Dùng bản của họ").click()
        expect(page.locator("#rule-name-vi")).to_have_value("Tên của Lân")
        expect(clash).to_have_count(0)


def log_in_again(page: Page, desk: FakeDesk) -> None:
    expect(page.get_by_role("dialog")).to_contain_text("Phiên làm việc đã hết")
    expect(page.get_by_role("dialog").locator("#name")).to_have_value("operator")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_session_that_ends_costs_nothing_that_was_written(open_page: OpenPage) -> None:
    with FakeDesk(role="operator", closed=True) as desk:
        fill(desk)
        page = open_ops(open_page, desk)
        page.keyboard.press("g")
        page.keyboard.type("bảo trì trục")
        desk.role = ""
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#act-fault")).to_contain_text("đăng nhập lại")
        expect(page.locator("#act-text")).to_have_value("bảo trì trục")
        page.locator("#act-text").press("Enter")
        log_in_again(page, desk)
        expect(page.locator("form")).to_have_count(0)
        assert last_told(desk)[2]["why"] == "bảo trì trục"


def test_an_alert_whose_sender_is_gone_is_closed(desk: FakeDesk, open_page: OpenPage) -> None:
    matchers = ['alertname="HostDown"', 'source="demo-push"']
    said = {"summary": "Máy chủ web-3 không trả lời", "runbook_url": "https://run.example/host", "note": "javascript:x"}
    labels = {"alertname": "HostDown", "source": "demo-push", "instance": "web-3"}
    more: Any = {"matchers": matchers, "source": "demo-push", "annotations": said, "labels": labels, "kpi": ""}
    desk.alert("demo-push.hostdown.b2", 1, "46", "HostDown", 32, link="javascript:alert(1)", limit="", **more)
    page = open_ops(open_page, desk)
    aside = page.locator("aside")
    for text in ("Máy chủ web-3 không trả lời", 'instance="web-3"', "Hệ thống gửi"):
        expect(aside).to_contain_text(text)
    expect(aside.locator("dd a")).to_have_attribute("href", "https://run.example/host")
    aside.get_by_role("button", name="Đóng").click()
    page.keyboard.press("Enter")
    expect(page.locator("#act-fault")).to_contain_text("Ghi lý do")
    page.keyboard.type("máy đã gỡ")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Cảnh báo").get_by_text("Đã đóng")).to_be_visible()
    method, path, body = last_told(desk)
    assert (method, path, body["why"]) == ("POST", "/api/v1/alerts/close", "máy đã gỡ")


@pytest.mark.parametrize("path", ["/ops#%", "/ops?view=rules#%zz", "/ops?view=incidents#%", "/wall/%", "/sources#%"])
def test_an_address_that_cannot_be_read_is_no_blank_page(desk: FakeDesk, open_page: OpenPage, path: str) -> None:
    page = open_page(desk, path, 1366, 768, ready=False)
    expect(page.locator("h1").first).to_be_visible()


def test_a_new_critical_alert_is_told_to_screen_readers(desk: FakeDesk, open_page: OpenPage) -> None:
    fill(desk)
    page = open_ops(open_page, desk)
    told = page.locator("[aria-live=polite][data-news]")
    expect(told).to_be_empty()
    desk.alert("fire", 1, "19753", "Cháy ở kho xăng", 0)
    expect(told).to_contain_text("Cháy ở kho xăng")
    assert page.url.endswith(path_of("alerts"))
