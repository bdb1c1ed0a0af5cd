"""Rules in the console: as a form and as text, tried on the past, saved, brought back, put out of service, deleted."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from ioc.alert_service.rule_store import rule_text
from tests.browser.desk_rows import RULE, RULE_TEXT
from tests.browser.fake_desk import FakeDesk
from tests.browser.ops_page import open_ops
from tests.support.chromium import OpenPage

pytestmark = pytest.mark.browser

OTHERWISE = {name: value for name, value in RULE.items() if name not in ("fires_above", "clears_below")}
"""The rule without its condition."""


@pytest.fixture
def desk() -> Iterator[FakeDesk]:
    with FakeDesk() as desk:
        yield desk


def status(page: Page) -> Locator:
    return page.locator("#rule-faults")


def changes(desk: FakeDesk) -> list[tuple[str, str]]:
    """Return the requests that changed something, without trials."""
    return [(method, path) for method, path, _ in desk.told if not path.endswith("backtest")]


def test_a_mistake_is_told_beside_its_field_and_what_was_typed_stays(desk: FakeDesk, open_page: OpenPage) -> None:
    page = open_ops(open_page, desk, "rules")
    expect(status(page)).to_contain_text("Luật hợp lệ")
    clears = page.get_by_label("Hết khi thấp hơn")
    clears.fill("900,5")
    expect(page.locator("#rule-clears_high-fault")).to_contain_text(
        "Ngưỡng hết 900,5 nằm sai phía so với ngưỡng báo 840"
    )
    expect(clears).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Lý do").fill("thử")
    page.get_by_role("button", name="Lưu và áp dụng").click()
    expect(page.get_by_role("alert")).to_contain_text("Hãy sửa các trường được đánh dấu")
    expect(clears).to_be_focused()
    expect(clears).to_have_value("900,5")
    expect(page.get_by_label("Lý do")).to_have_value("thử")
    assert changes(desk) == []


def test_form_and_text_follow_each_other_without_loss(desk: FakeDesk, open_page: OpenPage) -> None:
    page = open_ops(open_page, desk, "rules")
    page.get_by_label("Thời gian tối thiểu", exact=True).fill("5")
    page.get_by_label("Loại điều kiện").select_option("change")
    page.get_by_role("button", name="TOML").click()
    text = page.locator("#rule-text")
    expect(text).to_have_value(
        rule_text({**OTHERWISE, "held_for": "5m", "change": {"over": "1h", "fires_above": 840, "clears_below": 825}})
    )
    text.fill(RULE_TEXT.replace('severity = "high"', 'severity = "low"\nlabels = { team = "lgsp" }'))
    expect(status(page)).to_contain_text("Luật hợp lệ")
    page.get_by_role("button", name="Biểu mẫu").click()
    expect(page.get_by_role("radio", name="Thấp")).to_be_checked()
    expect(page.get_by_placeholder("giá trị")).to_have_value("lgsp")
    expect(page.get_by_label("Hết khi thấp hơn")).to_have_value("825")
    page.get_by_role("button", name="TOML").click()
    text.fill("kpi = \nseverity = 1")
    expect(page.locator("#rule-text-faults")).to_contain_text("Không đọc được TOML ở dòng 1")
    expect(text).to_have_value("kpi = \nseverity = 1")


def test_a_new_rule_from_search_to_saving(desk: FakeDesk, open_page: OpenPage) -> None:
    page = open_ops(open_page, desk, "rules")
    page.keyboard.press("n")
    expect(page.locator("#rule-id")).to_be_focused()
    page.keyboard.type("Bụi mịn")
    expect(page.locator("#rule-id-fault")).to_contain_text("không dùng làm mã được")
    page.fill("#rule-id", "air-new")
    page.fill("#rule-name-vi", "Bụi mịn cao")
    page.fill("#rule-name-en", "High PM2.5")
    page.get_by_role("combobox", name="Chỉ tiêu").click()
    page.keyboard.type("bui min 24")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="Chỉ tiêu")).not_to_have_value("bui min 24")
    page.get_by_label("Báo khi cao hơn").fill("50,5")
    page.get_by_label("Phạm vi theo dõi").select_option("communes")
    page.get_by_role("button", name="Thêm giờ theo dõi").click()
    expect(status(page)).to_contain_text("Luật hợp lệ")
    page.get_by_label("Lý do").fill("mùa khô")
    page.keyboard.press("Enter")
    expect(page.locator("tr.chosen")).to_have_attribute("data-rule", "air-new")
    [(path, body)] = [(path, body) for method, path, body in desk.told if method == "PUT"]
    assert (path, body["why"]) == ("/api/v1/rules/air-new", "mùa khô")
    fields = body["fields"]
    assert (fields["kpi"].startswith("air."), fields["fires_above"], fields["units"]) == (True, 50.5, "communes")
    assert fields["active"] == [{"days": "working", "since": "07:30", "until": "17:00"}]


def test_and_or_of_conditions(desk: FakeDesk, open_page: OpenPage) -> None:
    page = open_ops(open_page, desk, "rules")
    page.get_by_label("Loại điều kiện").select_option("any")
    second = page.get_by_role("group", name="Điều kiện 2 (HOẶC)")
    expect(second).to_contain_text("Báo khi chỉ tiêu không có giá trị nào")
    second.get_by_label("Loại điều kiện").select_option("stale")
    page.get_by_role("button", name="TOML").click()
    expect(page.locator("#rule-text")).to_have_value(
        rule_text({**OTHERWISE, "any": [{"fires_above": 840, "clears_below": 825}, {"stale": True}]})
    )


def test_a_rule_is_tried_saved_and_rolled_back(desk: FakeDesk, open_page: OpenPage) -> None:
    page = open_ops(open_page, desk, "rules")
    page.get_by_label("Báo khi cao hơn").fill("900")
    expect(page.locator("[data-preview=drawn]")).to_contain_text("đã báo 12 lần ở đơn vị này")
    expect(page.locator("[data-preview] [data-chart=drawn]")).to_be_visible()
    page.keyboard.press("Tab")
    page.locator("#rule-latching, aside h2").first.click()
    page.get_by_role("button", name="Thử trên 30 ngày qua").click()
    found = page.locator("[data-backtest]")
    expect(found).to_contain_text("báo 12 lần ở 1 đơn vị, tổng 2 giờ")
    expect(found).to_contain_text("báo 30 lần")
    expect(found).to_contain_text("bớt 3 lần")
    expect(found).to_contain_text("Người nhận: wall (wall, sau 30 giây)")
    page.get_by_role("button", name="Thành phố Huế").click()
    expect(page.get_by_role("heading", name="Xem trước trên lịch sử")).to_be_in_viewport()
    assert page.evaluate("[scrollY, document.documentElement.scrollHeight <= innerHeight]") == [0, True]
    page.get_by_role("button", name="Lưu và áp dụng").click()
    expect(page.locator("#rule-why-fault")).to_be_visible()
    page.keyboard.type("bớt báo")
    page.keyboard.press("Enter")
    version = page.locator("[data-version='1']")
    expect(version).to_contain_text("Phạm Dũng")
    expect(version).to_contain_text("bớt báo")
    version.get_by_role("button", name="1 thay đổi").click()
    expect(version.locator("tr", has_text="fires_above")).to_contain_text("840")
    page.get_by_role("button", name="Quay lại bản này").click()
    page.fill("#roll-back-why", "như cũ")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Báo khi cao hơn")).to_have_value("840")
    assert desk.told[-1] == ("POST", "/api/v1/rules/lgsp-latency/roll-back", {"number": 0, "why": "như cũ"}) or changes(
        desk
    )[-1] == ("POST", "/api/v1/rules/lgsp-latency/roll-back")


def test_out_of_service_and_back(desk: FakeDesk, open_page: OpenPage) -> None:
    page = open_ops(open_page, desk, "rules")
    page.get_by_role("button", name="Ngừng dùng…").click()
    expect(page.locator("#out-why")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#out-why-fault")).to_have_text("Ghi lý do để người khác biết.")
    page.keyboard.type("thay cảm biến")
    page.keyboard.press("Enter")
    expect(page.locator("[data-out]")).to_contain_text("Phạm Dũng")
    expect(page.locator("[data-out]")).to_contain_text("thay cảm biến")
    page.get_by_role("button", name="Áp dụng lại ngay").click()
    expect(page.locator("[data-out]")).to_have_count(0)


def test_deleting_asks_and_wants_a_reason(desk: FakeDesk, open_page: OpenPage) -> None:
    page = open_ops(open_page, desk, "rules")
    page.get_by_role("button", name="Xóa luật…").click()
    expect(page.get_by_text("Các bản cũ vẫn được giữ")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#delete-why")).to_have_count(0)
    page.get_by_role("button", name="Xóa luật…").click()
    page.keyboard.type("trùng")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Đã xóa luật.")).to_be_visible()
    expect(page.locator("[data-rule]")).to_have_count(1)
    assert changes(desk)[-1] == ("DELETE", "/api/v1/rules/lgsp-latency")


def test_who_may_only_look_reads_a_rule_and_changes_nothing(open_page: OpenPage) -> None:
    with FakeDesk(role="viewer") as desk:
        page = open_ops(open_page, desk, "rules")
        expect(page.get_by_label("Báo khi cao hơn")).to_be_disabled()
        page.keyboard.press("n")
        page.get_by_role("button", name="TOML").click()
        assert page.locator("#rule-text").get_attribute("readonly") is not None
        assert page.locator("#rule-id").count() == 0
        assert desk.told == []
