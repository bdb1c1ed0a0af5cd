"""Every page says what is wrong with the centre itself and what to do about it."""

import pytest
from playwright.sync_api import expect

from ioc.clock import SystemClock
from ioc.model.fault import Fault
from tests.browser.fake_centre import FakeCentre
from tests.browser.province import Json, rfc3339
from tests.support.chromium import OpenPage

pytestmark = pytest.mark.browser


def shape(fault: Fault) -> Json:
    return {"code": fault.code, "params": dict(fault.params), "detail": fault.detail, "since": rfc3339(fault.since)}


STORE = shape(Fault.of("store_damaged", SystemClock().now(), reason="the file is cut short"))
FILE = shape(Fault.of("definition_faulty", SystemClock().now(), file="catalog/own.toml", reason="kpi · id is missing"))


def test_the_wall_says_what_is_wrong_and_goes_on(open_page: OpenPage) -> None:
    with FakeCentre() as centre:
        centre.faults = [STORE]
        page = open_page(centre)
        told = page.locator("[data-state=faults]")
        expect(told).to_contain_text("Kho dữ liệu không mở được")
        assert page.locator(".banner").evaluate("it => it.scrollWidth <= it.clientWidth")
        page.click("header button")
        expect(told).to_contain_text("The store cannot be opened")


def test_a_faulty_file_is_a_quiet_line_on_the_wall(open_page: OpenPage) -> None:
    with FakeCentre() as centre:
        centre.notices = [FILE]
        page = open_page(centre)
        expect(page.locator("[data-state=notices]")).to_contain_text("1 tệp cấu hình có lỗi")


@pytest.mark.parametrize("path", ["/catalog", "/sources", "/ops"])
def test_desk_pages_name_the_file_and_lead_to_what_to_do(open_page: OpenPage, path: str) -> None:
    with FakeCentre() as centre:
        centre.notices = [FILE]
        page = open_page(centre, path, 1366, 768)
        told = page.locator("[data-state=notices]")
        expect(told).to_contain_text("catalog/own.toml")
        expect(told.get_by_role("link")).to_have_attribute("href", "/ops?view=state")
