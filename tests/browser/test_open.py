"""The page of the open data in a real browser, over files that were built from a lab's publication."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.sync_api import expect
from starlette.applications import Starlette
from starlette.routing import Mount

from ioc.clock import FixedClock
from ioc.lab.context import LabContext
from ioc.lab.job_process import JobProcess
from ioc.lab.routes import open_data
from ioc.open_data.build_files import build
from ioc.settings import Settings
from tests.browser.accessible import violations
from tests.browser.fake_centre import PAGES
from tests.browser.fake_desk import FakeDesk
from tests.support.chromium import OpenPage
from tests.support.published_open_data import publish

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


class OpenCentre(FakeDesk):
    """A centre that refuses everything except the open data."""

    def __init__(self, settings: Settings, pages: Path = PAGES) -> None:
        self._settings = settings
        super().__init__(closed=True, pages=pages)

    def _app(self, pages: Path) -> Starlette:
        app = super()._app(pages)
        files = FastAPI()
        files.state.context = LabContext(self._settings, FixedClock(NOW), lambda: None, JobProcess())
        files.include_router(open_data.router)
        app.routes.append(Mount("/", files))
        return app


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    made = Settings(data_dir=tmp_path_factory.mktemp("data"), demonstration=True)
    build(publish(made.data_dir / "lab.duckdb"), made.open_data_dir, made, "http://centre", NOW)
    return made


@pytest.fixture(scope="module")
def open_centre(settings: Settings) -> Iterator[OpenCentre]:
    with OpenCentre(settings) as centre:
        yield centre


def test_datasets_without_logging_in(open_centre: OpenCentre, open_page: OpenPage) -> None:
    page = open_page(open_centre, "/open", 1366, 768)
    expect(page.get_by_role("heading", level=2, name="Hồ sơ thủ tục hành chính theo tháng")).to_be_visible()
    expect(page.get_by_role("note")).to_contain_text("DỮ LIỆU MÔ PHỎNG")
    expect(page.get_by_role("cell", name="Phường 19753").first).to_be_visible()
    row = page.get_by_role("row").filter(has_text="19753").first
    expect(row).to_contain_text("—")
    expect(row).to_contain_text("có")
    expect(page.get_by_text("97,46").or_(page.get_by_text("97,5")).first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").first.click()
    assert download.value.suggested_filename == "dich-vu-cong.csv"
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 1366
    page.keyboard.press("j")
    expect(page.get_by_role("heading", level=2, name="Phản ánh, kiến nghị theo tháng")).to_be_visible()
    expect(page).to_have_url(f"{open_centre.address}/open?dataset=phan-anh-kien-nghi")
    page.reload()
    expect(page.get_by_role("heading", level=2, name="Phản ánh, kiến nghị theo tháng")).to_be_visible()


def test_nothing_is_amiss_for_those_who_see_or_move_otherwise(open_centre: OpenCentre, open_page: OpenPage) -> None:
    page = open_page(open_centre, "/open", 1366, 768)
    expect(page.get_by_text("Cách trích dẫn")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="English").click()
    expect(page.get_by_text("How to cite")).to_be_visible()
    assert violations(page, translated=True) == []
