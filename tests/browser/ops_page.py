"""Steps on the console's page that its tests share."""

from playwright.sync_api import Page, expect

from tests.browser.fake_desk import FakeDesk
from tests.support.chromium import OpenPage

READY = {"alerts": "[data-alert]", "silences": "[data-silence]", "rules": "[data-rule]", "incidents": "[data-incident]"}
READY |= {"routes": "[data-route]", "duty": "[data-schedule]", "audit": "[data-figure]", "state": "[data-code]"}
VIEWS = tuple(READY)


def fill(desk: FakeDesk) -> None:
    """Push four active alerts and one that is shelved."""
    desk.alert("river", 1, "19753", "Mực nước sông Bồ vượt báo động 2", 14, holder="lan", handling="acknowledged")
    desk.alert("lgsp", 2, "46", "Cổng dịch vụ công lỗi giao dịch", 32)
    desk.alert("land", 3, "20044", "Hồ sơ đất đai quá hạn tăng", 130)
    desk.alert("camera", 4, "19900", "Camera nút giao thiếu tín hiệu", 315)
    desk.alert("mail", 4, "46", "Độ trễ văn bản liên thông", 220, handling="shelved", quiet=True)


def path_of(view: str, language: str = "vi") -> str:
    return f"/ops?view={view}" + ("&lang=en" if language == "en" else "")


def open_ops(open_page: OpenPage, desk: FakeDesk, view: str = "alerts", *, wait: bool = True) -> Page:
    """Open the console and wait until it knows the session and shows the view.

    The session matters because keys depend on the role. Without `wait`, nothing needs to be shown yet.
    """
    page = open_page(desk, path_of(view), 1366, 768)
    expect(page.locator("nav [aria-current=page]").nth(1)).to_be_visible()
    expect(page.locator("header .end a")).to_be_visible()
    is_empty = {"alerts": not desk.has_alerts, "silences": not desk.silences, "incidents": not desk.incidents}
    if wait and not is_empty.get(view, False):
        expect(page.locator(READY[view]).first).to_be_visible()
    return page


def chosen(page: Page) -> str:
    return str(page.locator("tr.chosen").get_attribute("data-alert")).split("/")[0]


def rules_shown(page: Page) -> list[str]:
    found = page.locator("[data-alert]").evaluate_all("all => all.map(row => row.dataset.alert)")
    return [each.split("/")[0] for each in found]
