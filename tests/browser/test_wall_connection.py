"""Lost connection: marked after 3 s, a banner with stale values after 10 s, and recovery without a reload."""

import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.fake_centre import FakeCentre
from tests.support.chromium import OpenPage

pytestmark = pytest.mark.browser

MARK = "[data-connection]"
BANNER = "[role=alert]"
STALE = ".tile[data-freshness=stale]"


def appears_after_s(page: Page, selector: str, since: float) -> float:
    page.wait_for_selector(selector, timeout=15_000)
    return time.monotonic() - since


@pytest.mark.parametrize("how", ["cut", pytest.param("silent", marks=pytest.mark.soak)])
def test_lost_marked_and_recovered(centre: FakeCentre, open_page: OpenPage, how: str) -> None:
    page = open_page(centre)
    page.wait_for_timeout(1500)
    assert page.locator(MARK).count() == 0
    lost = time.monotonic()
    if how == "cut":
        centre.drop(refusing=True)
    else:
        centre.silent = centre.refusing = True
    # The last heartbeat came up to a second before, a paint up to half a second after.
    assert 1.8 <= appears_after_s(page, MARK, lost) <= 4.6
    assert page.locator(STALE).count() == 0
    assert page.locator(BANNER).count() == 0
    assert 8.8 <= appears_after_s(page, BANNER, lost) <= 11.6
    expect(page.locator(STALE)).to_have_count(8)
    expect(page.locator("[data-kpi='dossier.on_time_rate']")).to_contain_text("96,4")
    expect(page.locator("[data-alerts=unknown]")).to_be_visible()
    expect(page.locator(".strip")).to_contain_text("không rõ")

    centre.silent = centre.refusing = False
    page.wait_for_selector(BANNER, state="detached", timeout=5000)
    expect(page.locator(MARK)).to_have_count(0, timeout=3000)
    expect(page.locator(STALE)).to_have_count(0)
    centre.value("dossier.on_time_rate", 97.5)
    expect(page.locator("[data-kpi='dossier.on_time_rate']")).to_contain_text("97,5", timeout=3000)


def test_a_short_cut_is_resumed_without_a_trace(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_page(centre)
    centre.value("dossier.on_time_rate", 97.0)
    expect(page.locator("[data-kpi='dossier.on_time_rate']")).to_contain_text("97,0", timeout=3000)
    seq = centre._seq
    centre.drop()
    centre.value("dossier.on_time_rate", 97.5)  # while nobody listens
    expect(page.locator("[data-kpi='dossier.on_time_rate']")).to_contain_text("97,5", timeout=3000)
    assert centre.connections[-1]["epoch"] == "epoch-1"
    assert int(centre.connections[-1]["seq"]) == seq
    assert page.locator(MARK).count() == 0


def test_a_gap_asks_for_the_full_state(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_page(centre)
    centre.push(skip=3, ledger=centre._state["ledger"])
    deadline = time.monotonic() + 5
    while len(centre.connections) < 2 and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert "epoch" not in centre.connections[-1]
    centre.value("dossier.on_time_rate", 97.5)
    expect(page.locator("[data-kpi='dossier.on_time_rate']")).to_contain_text("97,5", timeout=3000)


def test_a_restarted_centre_is_read_anew(centre: FakeCentre, open_page: OpenPage) -> None:
    page = open_page(centre)
    centre._state["kpis"][0]["value"] = 95.1
    centre.restart("epoch-2")
    expect(page.locator("[data-kpi='dossier.on_time_rate']")).to_contain_text("95,1", timeout=5000)
    centre.value("dossier.on_time_rate", 95.2)
    expect(page.locator("[data-kpi='dossier.on_time_rate']")).to_contain_text("95,2", timeout=3000)


def test_a_wall_that_starts_before_its_centre_waits(centre: FakeCentre, open_page: OpenPage) -> None:
    centre.refusing = True
    page = open_page(centre, ready=False)
    expect(page.get_by_text("Đang kết nối với trung tâm…")).to_be_visible()
    centre.refusing = False
    page.wait_for_selector("[data-ready]", timeout=10_000)
