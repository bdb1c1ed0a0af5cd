"""Incidents in the console: a procedure to its end, assignment, attached files."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.desk_rows import incident_row
from tests.browser.fake_desk import FakeDesk
from tests.browser.ops_page import fill, open_ops
from tests.support.chromium import OpenPage

pytestmark = pytest.mark.browser


@pytest.fixture
def desk() -> Iterator[FakeDesk]:
    with FakeDesk() as desk:
        fill(desk)
        desk.incidents = [incident_row("Trục tích hợp đứt", [], desk.now(), "lan")]
        yield desk


def test_an_incident_follows_its_procedure_to_the_end(desk: FakeDesk, open_page: OpenPage) -> None:
    desk.incidents.clear()
    page = open_ops(open_page, desk)
    page.keyboard.press("j")
    page.keyboard.press("i")
    expect(page.locator("#act-text")).to_have_value("Cổng dịch vụ công lỗi giao dịch")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Đã mở sự cố")).to_be_visible()
    page.get_by_role("link", name="Sự cố", exact=True).click()
    expect(page.locator("aside")).to_contain_text("Thành phố Huế · chưa nhận")
    page.get_by_label("Gọi đơn vị vận hành").check()
    expect(page.get_by_role("heading", name="Quy trình")).to_contain_text("1/2")
    expect(page.locator(".timeline")).to_contain_text("Xong một bước · Phạm Dũng")
    expect(page.locator(".timeline")).to_contain_text("Gọi đơn vị vận hành")
    page.get_by_role("button", name="Đóng sự cố").click()
    expect(page.locator("#incident-fault")).to_have_text("Nhập nội dung trước.")
    page.keyboard.type("đã khởi động lại dịch vụ")
    page.get_by_role("button", name="Đóng sự cố").click()
    expect(page.locator("[data-incident]")).to_contain_text("đã đóng")
    expect(page.locator(".timeline")).to_contain_text("đã giải quyết · đã khởi động lại dịch vụ")
    assert page.get_by_label("Gọi đơn vị vận hành").is_disabled()


def test_assigned_to_a_person_by_name(desk: FakeDesk, open_page: OpenPage) -> None:
    page = open_ops(open_page, desk, "incidents")
    page.get_by_role("combobox", name="Người phụ trách").click()
    page.keyboard.type("quan tri")
    page.keyboard.press("Enter")
    expect(page.locator(".timeline")).to_contain_text("Giao việc · Phạm Dũng")
    expect(page.locator(".timeline")).to_contain_text("Hồ Quản Trị")
    expect(page.get_by_role("combobox", name="Người phụ trách")).to_have_value("Hồ Quản Trị")
    page.get_by_role("button", name="Tôi nhận xử lý").click()
    expect(page.get_by_role("combobox", name="Người phụ trách")).to_have_value("Phạm Dũng")
    acts = [(body["act"], body["of"]) for _, path, body in desk.told if path.endswith("/acts")]
    assert acts == [("assign", "admin"), ("assign", "operator")]


def test_files_are_attached_and_come_back_as_they_were(desk: FakeDesk, open_page: OpenPage) -> None:
    page = open_ops(open_page, desk, "incidents")
    box = page.locator("input[type=file]")
    box.set_input_files({"name": "lớn.png", "mimeType": "image/png", "buffer": b"x" * (5 * 1024 * 1024 + 1)})
    expect(page.get_by_role("alert")).to_contain_text("lớn.png lớn hơn 5 MB")
    box.set_input_files({"name": "ảnh màn hình.png", "mimeType": "image/png", "buffer": b"PNG of mine".ljust(2000)})
    file = page.locator("[data-file]")
    expect(file).to_contain_text("2 kB · Phạm Dũng")
    expect(page.locator(".timeline")).to_contain_text("ảnh màn hình.png")
    with page.expect_download() as download:
        file.get_by_role("link").click()
    assert download.value.suggested_filename == "ảnh màn hình.png"
    assert download.value.path().read_bytes() == desk.files[0] == b"PNG of mine".ljust(2000)


def test_who_may_not_is_told_so(open_page: OpenPage) -> None:
    with FakeDesk(role="viewer") as desk:
        page = open_ops(open_page, desk, "incidents")
        expect(page.get_by_text("Vai trò này không được xem sự cố")).to_be_visible()
