"""A browser that records requests and failures, and a fake centre."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.fake_centre import PAGES, FakeCentre
from tests.support.chromium import FLAGS, OpenPage
from tests.support.loopback import NOTHING, loopback

expect.set_options(timeout=20_000)  # a busy machine is no fault of a page


@pytest.fixture(scope="package")
def browser(chromium: Path) -> Iterator[Browser]:
    """Start Chromium for this package only.

    While it is open its event loop runs in this thread, where other suites start their own.
    """
    assert (PAGES / "index.html").is_file(), "the pages are not built; `npm run build` in ui/ builds them"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


class Watched:
    """A page that records failed scripts and the hosts it requested."""

    def __init__(self, browser: Browser) -> None:
        self.page = browser.new_page(viewport={"width": 1366, "height": 768})
        self.failures: list[str] = []
        self.asked: set[str] = set()
        self.page.on("pageerror", lambda error: self.failures.append(str(error)))
        self.page.on("console", lambda message: self._told(message.text))
        self.page.on("request", lambda request: self.asked.add(urlsplit(request.url).netloc))
        self.page.on("websocket", lambda websocket: self.asked.add(urlsplit(websocket.url).netloc))

    def _told(self, text: str) -> None:
        if "Content Security" in text:
            self.failures.append(text)

    def begin(self, width: int, height: int) -> None:
        self.failures.clear()
        self.asked.clear()
        if self.page.viewport_size != {"width": width, "height": height}:
            self.page.set_viewport_size({"width": width, "height": height})

    def leave(self) -> None:
        self.page.goto(loopback().address + NOTHING)


@pytest.fixture(scope="package")
def kept(browser: Browser) -> Watched:
    """The page that tests use one after another: a new one would start a process and load all scripts again."""
    return Watched(browser)


@pytest.fixture
def centre() -> Iterator[FakeCentre]:
    with FakeCentre() as centre:
        yield centre


@pytest.fixture
def open_page(browser: Browser, kept: Watched) -> Iterator[OpenPage]:
    """`open_page(centre, path, width, height)`: the page, a wall once it shows values (unless not `ready`).

    The second page of a test knows nothing of the first. At the end no script may have failed, and nothing may have
    been asked of another host.
    """
    opened: list[Watched] = []
    home: set[str] = set()

    def open_page(
        centre: FakeCentre, path: str = "/wall/main", width: int = 1920, height: int = 1080, *, ready: bool = True
    ) -> Page:
        watched = Watched(browser) if opened else kept
        opened.append(watched)
        home.add(urlsplit(centre.address).netloc)
        watched.begin(width, height)
        watched.page.goto(centre.address + path)
        if ready and path.startswith("/wall/main"):
            watched.page.wait_for_selector("[data-ready]", timeout=10_000)
        return watched.page

    yield open_page
    for watched in opened:
        if watched is kept:
            watched.leave()
        else:
            watched.page.close()
    assert [failure for watched in opened for failure in watched.failures] == []
    assert {host for watched in opened for host in watched.asked} <= home
