"""The console: alerts by keyboard, silences, a storm, roles; actions that a role may not take are not shown."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import province
from tests.browser.desk_rows import alert_row, silence_row
from tests.browser.fake_desk import FakeDesk
from tests.browser.ops_page import chosen, fill, open_ops, rules_shown
from tests.browser.tasks import main_thread_tasks
from tests.support.chromium import OpenPage

pytestmark = pytest.mark.browser

STORM = 5000
LONGEST_TASK_MS = 200


@pytest.fixture
def desk() -> Iterator[FakeDesk]:
    with FakeDesk() as desk:
        yield desk


def test_acknowledged_by_key(desk: FakeDesk, open_page: OpenPage) -> None:
    fill(desk)
    page = open_ops(open_page, desk)
    expect(page.locator("[data-alert]")).to_have_count(4)
    assert chosen(page) == "river"
    page.keyboard.press("j")
    assert chosen(page) == "lgsp"
    page.keyboard.press("a")
    row = page.locator("tr[data-alert^='lgsp/']")
    expect(row).to_contain_text("đã nhận")
    expect(row).to_contain_text("Phạm Dũng")
    expect(page.locator("aside")).to_contain_text("Phạm Dũng đã nhận")
    expect(page.locator("aside .history")).to_contain_text("Đã nhận · Phạm Dũng")
    [(method, path, body)] = [told for told in desk.told if told[1] != "/api/v1/session"]
    assert (method, path, len(body["alerts"])) == ("POST", "/api/v1/alerts/acknowledge", 1)


def test_many_marked_ones_at_once(desk: FakeDesk, open_page: OpenPage) -> None:
    fill(desk)
    page = open_ops(open_page, desk)
    expect(page.locator("[data-alert]")).to_have_count(4)
    for key in "jxjx":
        page.keyboard.press(key)
    expect(page.get_by_text("2 cảnh báo được đánh dấu")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator("td.unacknowledged")).to_have_count(1)
    assert len(desk.told[-1][2]["alerts"]) == 2


def test_an_act_that_the_centre_refuses_is_said(desk: FakeDesk, open_page: OpenPage) -> None:
    fill(desk)
    page = open_ops(open_page, desk)
    page.keyboard.press("j")
    expect(page.locator("aside h2")).to_contain_text("Cổng dịch vụ công")
    expect(page.locator("aside .history li").first).to_be_visible()
    desk._state["alerts"] = []  # it ended just now, and this page has not heard of it yet
    page.keyboard.press("a")
    expect(page.get_by_role("alert")).to_contain_text("không còn; có thể đã hết")


def test_shelved_with_a_reason(desk: FakeDesk, open_page: OpenPage) -> None:
    fill(desk)
    page = open_ops(open_page, desk)
    page.keyboard.press("j")
    page.keyboard.press("g")
    expect(page.locator("#act-text")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#act-fault")).to_have_text("Ghi lý do để người khác biết.")
    page.keyboard.type("bảo trì đến trưa")
    page.keyboard.press("Enter")
    expect(page.locator("[data-alert]")).to_have_count(3)
    page.get_by_role("button", name="Tạm gác 2").click()
    assert set(rules_shown(page)) == {"lgsp", "mail"}
    said = desk.told[-1][2]
    assert (said["why"], said["for"]) == ("bảo trì đến trưa", "1h")


def test_an_empty_matcher_is_refused_beside_its_field(desk: FakeDesk, open_page: OpenPage) -> None:
    fill(desk)
    page = open_ops(open_page, desk, "silences")
    page.keyboard.press("n")
    page.fill("#silence-why", "diễn tập")
    page.get_by_role("button", name="Tạm tắt", exact=True).click()
    expect(page.locator("#matchers-fault")).to_contain_text("Nhập ít nhất một điều kiện")
    expect(page.locator("fieldset input").first).to_be_focused()
    expect(page.locator("#silence-why")).to_have_value("diễn tập")
    assert not [told for told in desk.told if "silences" in told[1]]
    page.keyboard.type("unit")
    page.get_by_label("giá trị").fill("46")
    expect(page.get_by_text("Khớp 2 cảnh báo hiện có")).to_be_visible()
    page.get_by_role("button", name="Tạm tắt", exact=True).click()
    expect(page.locator("[data-silence]")).to_contain_text('unit="46"')
    expect(page.locator("[data-silence]")).to_contain_text("Đang tắt")


def test_a_silence_that_means_nothing_is_asked_about_once(desk: FakeDesk, open_page: OpenPage) -> None:
    fill(desk)
    page = open_ops(open_page, desk, "silences")
    page.keyboard.press("n")
    page.keyboard.type("unit")
    page.get_by_label("so sánh").select_option("=~")
    page.get_by_label("giá trị").fill("9(9")
    expect(page.locator("#matchers-fault")).to_contain_text("Mẫu của unit: dấu ( ở ký tự thứ 2 chưa đóng")
    page.get_by_label("giá trị").fill("99.*")
    page.fill("#silence-why", "bảo trì")
    page.get_by_role("button", name="Tạm tắt", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Hiện không có cảnh báo nào khớp: unit=~")
    assert not desk.silences
    page.get_by_role("button", name="Vẫn tạm tắt").click()
    expect(page.locator("[data-silence]")).to_contain_text("99.*")


def test_silence_by_key_means_the_chosen_one(desk: FakeDesk, open_page: OpenPage) -> None:
    fill(desk)
    page = open_ops(open_page, desk)
    page.keyboard.press("j")
    page.keyboard.press("s")
    expect(page.get_by_text("Khớp 1 cảnh báo hiện có")).to_be_visible()
    expect(page.locator("#silence-why")).to_be_focused()
    page.keyboard.type("bảo trì")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Đã tạm tắt")).to_be_visible()
    assert desk.told[-1][2]["matchers"] == ['rule="lgsp"', 'unit="46"']


def test_a_silence_is_ended_and_stays_on_the_list(desk: FakeDesk, open_page: OpenPage) -> None:
    earlier = desk.now() - timedelta(days=1)
    over = {"state": "expired", "ended_at": province.rfc3339(earlier), "ended_by": "lan"}
    desk.silences = [silence_row("s1", ['rule="lgsp"'], desk.now()), silence_row("s2", ['rule="x"'], earlier, **over)]
    page = open_ops(open_page, desk, "silences")
    expect(page.locator("[data-silence='s2']")).to_contain_text("kết thúc sớm: Nguyễn Lân")
    page.locator("[data-silence='s1']").get_by_role("button", name="Kết thúc").click()
    page.get_by_role("button", name="Kết thúc ngay?").click()
    expect(page.locator("[data-silence='s1']")).to_contain_text("Đã hết")
    expect(page.locator("[data-silence]")).to_have_count(2)


FOUND = {
    "song bo": "river",  # without diacritics
    "a luoi": "land",  # by place
    "LGSP": "lgsp",  # by rule
    "nguyen lan": "river",  # by holder
}


def test_filter(desk: FakeDesk, open_page: OpenPage) -> None:
    fill(desk)
    page = open_ops(open_page, desk)
    for typed, left in FOUND.items():
        page.keyboard.press("/")
        page.keyboard.type(typed)
        expect(page.locator("[data-alert]")).to_have_count(1)
        assert rules_shown(page) == [left], typed
        page.keyboard.press("Escape")
        expect(page.locator("[data-alert]")).to_have_count(4)
        page.keyboard.press("Escape")  # once for the text, once to leave the field


def test_sorted_by_a_column_and_back(desk: FakeDesk, open_page: OpenPage) -> None:
    fill(desk)
    page = open_ops(open_page, desk)
    expect(page.locator("[data-alert]")).to_have_count(4)
    page.get_by_role("columnheader", name="Đã").get_by_role("button").click()
    assert rules_shown(page) == ["camera", "land", "lgsp", "river"]
    expect(page.locator("th.since")).to_have_attribute("aria-sort", "ascending")
    page.get_by_role("columnheader", name="Mức").get_by_role("button").click()
    assert rules_shown(page) == ["river", "lgsp", "land", "camera"]


def test_the_detail_shows_trend_limits_and_procedure(desk: FakeDesk, open_page: OpenPage) -> None:
    fill(desk)
    page = open_ops(open_page, desk)
    page.keyboard.press("j")
    aside = page.locator("aside")
    expect(aside.locator("[data-chart=drawn]")).to_be_visible()
    limits = ("báo khi > 840", "hết khi < 825", "842 ms")
    for said in (*limits, "lỗi nền tảng tích hợp", "Gọi đơn vị vận hành", "Bắt đầu báo"):
        expect(aside).to_contain_text(said)
    page.reload()
    expect(page.locator("tr.chosen")).to_have_attribute("data-alert", re.compile("^lgsp/"))


def test_a_storm_keeps_the_page_usable(desk: FakeDesk, open_page: OpenPage, browser: Browser) -> None:
    page = open_ops(open_page, desk)
    units = [unit["code"] for unit in province.units()]
    now = desk.now()
    rows = [
        alert_row(f"a{i % 40}", 1 + i % 4, units[i % len(units)], f"Cảnh báo {i % 40}", now - timedelta(seconds=i))
        for i in range(STORM)
    ]
    with main_thread_tasks(browser, page) as tasks:
        for first in range(0, STORM, 250):
            desk.push(alerts=rows[first : first + 250])
            page.keyboard.press("j")
            page.wait_for_timeout(50)
        expect(page.get_by_role("button", name="Đang có 5.000")).to_be_visible()
        expect(page.locator("[data-flood]")).to_contain_text("Theo nguyên nhân")
        page.locator("[data-flood] button").first.click()
        expect(page.locator("table")).to_have_attribute("aria-rowcount", str(STORM // 40 + 1))
        page.locator("[data-flood] button").first.click()
        page.keyboard.press("j")
        page.keyboard.press("/")
        page.keyboard.type("canh bao 17")
        expect(page.locator("table")).to_have_attribute("aria-rowcount", str(STORM // 40 + 1))
        page.keyboard.press("Escape")
        page.get_by_role("columnheader", name="Đã").get_by_role("button").click()
        assert page.locator("[data-alert]").count() < 40
        page.wait_for_timeout(600)
    assert len(tasks) > 100
    assert [ms for ms in tasks if ms > LONGEST_TASK_MS] == []


@pytest.mark.parametrize("role", ["viewer", "analyst", ""])
def test_who_may_only_look_sees_no_buttons(open_page: OpenPage, role: str) -> None:
    with FakeDesk(role=role) as desk:
        fill(desk)
        desk.silences = [silence_row("s1", ['rule="lgsp"'], desk.now())]
        page = open_ops(open_page, desk)
        expect(page.locator("[data-alert]")).to_have_count(4)
        expect(page.locator("aside h2")).to_be_visible()
        assert page.locator("aside button, td input").count() == 0
        for key in "agscx":
            page.keyboard.press(key)
        page.get_by_role("link", name="Tạm tắt").click()
        expect(page.locator("[data-silence]")).to_have_count(1)
        page.keyboard.press("n")
        assert page.get_by_role("button", name="Kết thúc").count() == 0
        assert page.locator("form").count() == 0
        assert desk.told == []


def test_a_lost_centre_is_said_and_the_list_stays(desk: FakeDesk, open_page: OpenPage) -> None:
    fill(desk)
    page = open_ops(open_page, desk)
    expect(page.locator("[data-alert]")).to_have_count(4)
    desk.drop(refusing=True)
    expect(page.get_by_role("alert")).to_contain_text("Mất kết nối", timeout=20_000)
    expect(page.locator("[data-alert]")).to_have_count(4)


def test_an_incident_of_several_marked_alerts(desk: FakeDesk, open_page: OpenPage) -> None:
    fill(desk)
    page = open_ops(open_page, desk)
    expect(page.locator("[data-alert]")).to_have_count(4)
    for key in "xjxi":
        page.keyboard.press(key)
    expect(page.get_by_role("heading", name="Mở sự cố · 2 cảnh báo")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Đã mở sự cố")).to_be_visible()
    assert len(desk.told[-1][2]["alerts"]) == 2


def test_why_an_alert_is_quiet_is_said_with_the_name_of_who_did_it(desk: FakeDesk, open_page: OpenPage) -> None:
    reason = {"kind": "silenced_by", "of": "s1", "text": "lan: bảo trì trục"}
    desk.alert("quiet", 2, "46", "Cảnh báo bị tắt", 5, quiet=True, suppression=[reason])
    page = open_ops(open_page, desk, wait=False)
    page.get_by_role("button", name="Bị tắt 1").click()
    expect(page.locator("td.handling")).to_contain_text("bị tạm tắt")
    expect(page.locator("aside")).to_contain_text("Nguyễn Lân: bảo trì trục")


def test_sound_has_a_state_that_is_seen(desk: FakeDesk, open_page: OpenPage) -> None:
    page = open_ops(open_page, desk)
    expect(page.locator("[data-sound=off]")).to_have_text(re.compile("Âm báo tắt"))
    page.locator("[data-sound]").click()
    expect(page.locator("[data-sound=on]")).to_have_text(re.compile("Âm báo bật"))
